import { sql } from 'drizzle-orm';
import { olderThan, type RetentionRules } from '../transport/retention.ts';
import { sweepImports } from './imports.ts';

export const importsRetention: RetentionRules = {
  steps: { imports: sweepImports },
  rows: ({ rejectsDays }) => ({
    // The cells cannot be searched by person, so they are deleted sooner than searchable data.
    import_rejects: sql`import_id IN (SELECT id FROM imports WHERE ${olderThan('ended_at', rejectsDays)})`,
  }),
};
