import { repeatWindowDays } from '../../domain/marketplace/distribution.ts';
import { olderThan, type RetentionRules } from '../transport/retention.ts';

export const marketplaceRetention: RetentionRules = {
  rows: () => ({
    // Each of them counts for seconds.
    recent_ingests: olderThan('at', 1),
    bought_people: olderThan('bought_at', repeatWindowDays.most + 1),
  }),
};
