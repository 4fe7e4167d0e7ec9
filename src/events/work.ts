import { z } from 'zod';

export const workEvents = {
  /** A worker parked a row: shown in the console, and an operator is alerted. */
  'work.parked': z.object({
    outboxId: z.number(),
    worker: z.string(),
    error: z.string(),
    /** Of the event whose handler failed; absent in events of older versions. */
    eventType: z.string().optional(),
  }),
  'work.resumed': z.object({ outboxId: z.number(), worker: z.string(), actor: z.string() }),
  /** The installation itself is in trouble (`code`: the check). `key`: of the alert, one per trouble. */
  'installation.unwell': z.object({ key: z.string(), code: z.string(), reason: z.string() }),
} as const;
