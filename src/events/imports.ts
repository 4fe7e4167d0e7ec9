import { z } from 'zod';
import { id } from './fields.ts';

export const importsEvents = {
  /** A file is whole and its columns are settled: read it. */
  'import.started': z.object({ importId: id }),
  /** What the CRM did not take of an import's leads is to be brought there once more. */
  'import.retry_requested': z.object({ importId: id }),
  'import.ended': z.object({ importId: id, status: z.enum(['done', 'failed', 'cancelled']) }),
} as const;
