import type { z } from 'zod';
import { accountEvents } from './account.ts';
import { crmEvents } from './crm.ts';
import { importsEvents } from './imports.ts';
import { leadEvents } from './lead.ts';
import { marketplaceEvents } from './marketplace.ts';
import { messagingEvents } from './messaging.ts';
import { paymentEvents } from './payment.ts';
import { unlockEvents } from './unlock.ts';
import { walletEvents } from './wallet.ts';
import { workEvents } from './work.ts';

/**
 * Every domain event: name -> the shape of its data. The page to read first.
 *
 * Data holds ids, never personal data: events are kept as the audit trail and shown in every timeline. New fields
 * are optional, so that rows written before a deploy still parse after it.
 */

export const catalog = {
  ...leadEvents,
  ...accountEvents,
  ...importsEvents,
  ...crmEvents,
  ...marketplaceEvents,
  ...unlockEvents,
  ...messagingEvents,
  ...paymentEvents,
  ...walletEvents,
  ...workEvents,
} as const;

export type EventType = keyof typeof catalog;
export type EventData<T extends EventType> = z.infer<(typeof catalog)[T]>;
export const eventTypes = Object.keys(catalog) as EventType[];
