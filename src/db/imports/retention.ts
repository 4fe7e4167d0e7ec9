import { sql } from 'drizzle-orm';
import { olderThan, type RetentionRules } from '../transport/retention.ts';
import { sweepImports } from './imports.ts';

export const importsRetention: RetentionRules = {
  steps: { imports: sweepImports },
  rows: ({ rejectsDays }) => ({
    // It cannot be looked up whose cells they are: they go sooner than what a person can be found by.
    import_rejects: sql`import_id IN (SELECT id FROM imports WHERE ${olderThan('ended_at', rejectsDays)})`,
  }),
};
