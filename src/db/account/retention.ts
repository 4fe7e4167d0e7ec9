import { olderThan, type RetentionRules } from '../transport/retention.ts';

export const accountRetention: RetentionRules = {
  rows: () => ({
    sessions: olderThan('expires_at', 30),
    verifications: olderThan('expires_at', 30),
    account_links: olderThan('expires_at', 30),
  }),
};
