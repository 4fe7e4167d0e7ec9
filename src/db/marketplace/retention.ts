import { olderThan, type RetentionRules } from '../transport/retention.ts';

export const marketplaceRetention: RetentionRules = {
  // Each of them counts for seconds.
  rows: () => ({ recent_ingests: olderThan('at', 1) }),
};
