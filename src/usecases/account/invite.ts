import type { Config } from '../../config.ts';
import { addMember, makePasswordToken } from '../../db/account/members.ts';
import type { Actor } from '../../db/audit.ts';
import type { Database } from '../../db/client.ts';

/** Adds a member. Returns the link that sets the password, or null when the user can already sign in. */
export async function inviteMember(
  { db, config }: { db: Database; config: Config },
  { organizationId }: { organizationId: string },
  person: { name: string; email: string },
  actor: Actor,
): Promise<string | null> {
  const member = await addMember(db, organizationId, person, actor);
  if (member.hasPassword || member.role === 'operator') return null;
  const token = await makePasswordToken(db, organizationId, member.userId, actor);
  return token && passwordLink(config, token);
}

export const passwordLink = ({ publicUrl }: Config, token: string): string =>
  new URL(`/set-password/${token}`, publicUrl).href;
