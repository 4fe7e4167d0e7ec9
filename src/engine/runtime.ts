import type { CrmGateway } from '../adapters/crm.ts';
import type { EmailGateway } from '../adapters/email.ts';
import type { Logger } from '../adapters/logger.ts';
import type { PaymentGateway } from '../adapters/payments.ts';
import type { SmsGateway } from '../adapters/sms.ts';
import type { Config } from '../config.ts';
import type { Database } from '../db/client.ts';
import type { Vault } from '../db/vault.ts';
import type { PayLinks } from '../domain/unlock/pay-link.ts';
import type { Effects } from './effects.ts';
import type { Queues } from './queues.ts';
import type { Relay } from './relay.ts';

/** Everything a process is made of, built once by a composition root and passed down; handlers take a Pick of it. */
export type Runtime = {
  config: Config;
  log: Logger;
  db: Database;
  vault: Vault;
  links: PayLinks;
  sms: SmsGateway;
  email: EmailGateway;
  payments: PaymentGateway;
  /** By the version of its API that a company's location speaks. */
  crm: Record<'v2' | 'v1', CrmGateway>;
  queues: Queues;
  relay: Relay;
  effects: Effects;
};
