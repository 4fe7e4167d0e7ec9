import { accountRetention } from '../db/account/retention.ts';
import { crmRetention } from '../db/crm/retention.ts';
import { importsRetention } from '../db/imports/retention.ts';
import { marketplaceRetention } from '../db/marketplace/retention.ts';
import { messagingRetention } from '../db/messaging/retention.ts';
import type { RetentionRules } from '../db/transport/retention.ts';
import { unlockRetention } from '../db/unlock/retention.ts';

/** Retention rules of all verticals. */
export const retention: readonly RetentionRules[] = [
  unlockRetention,
  messagingRetention,
  importsRetention,
  crmRetention,
  accountRetention,
  marketplaceRetention,
];
