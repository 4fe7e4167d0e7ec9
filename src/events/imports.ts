import { z } from 'zod';
import { id } from './fields.ts';

export const importsEvents = {
  /** A file is complete and its columns are mapped: read it. */
  'import.started': z.object({ importId: id }),
  /** Retry of an import's failed syncs was requested. */
  'import.retry_requested': z.object({ importId: id }),
  'import.ended': z.object({ importId: id, status: z.enum(['done', 'failed', 'cancelled']) }),
} as const;
