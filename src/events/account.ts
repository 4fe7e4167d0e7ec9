import { z } from 'zod';
import { id } from './fields.ts';

export const accountEvents = {
  /** `actor` is an API key or user id. */
  'company.registered': z.object({ actor: z.string() }),
  /** A person registered. `linkId`: the link that verifies the address; absent where Google has verified it. */
  'account.registered': z.object({ userId: id, linkId: id.optional() }),
  /** A link is to be mailed to a user. */
  'account.link_requested': z.object({ userId: id, linkId: id }),
  /** A person is asked to join an organization, or asked again. */
  'member.invited': z.object({ invitationId: id }),
} as const;
