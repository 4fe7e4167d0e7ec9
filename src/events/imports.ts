import { z } from 'zod';
import { id } from './fields.ts';

export const importsEvents = {
  /** A file is complete and its columns are mapped: read it. */
  'import.started': z.object({ importId: id }),
  /** Retry of an import's failed syncs was requested. */
  'import.retry_requested': z.object({ importId: id }),
  /** A person stopped the sending of an import's leads to the CRM. */
  'import.stopped': z.object({ importId: id, actor: z.string() }),
  /** A person sent the rest of a stopped import. */
  'import.resumed': z.object({ importId: id, actor: z.string() }),
  'import.ended': z.object({ importId: id, status: z.enum(['done', 'failed', 'cancelled']) }),
} as const;
