import { z } from 'zod';

export const accountEvents = {
  /** `actor` is an API key or user id. */
  'company.registered': z.object({ actor: z.string() }),
} as const;
