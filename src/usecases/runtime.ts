import type { Crms } from '../adapters/crms.ts';
import type { EmailGateway } from '../adapters/email.ts';
import type { PaymentGateway } from '../adapters/payments.ts';
import type { SmsGateway } from '../adapters/sms.ts';
import type { Config } from '../config.ts';
import type { Vault } from '../db/vault.ts';
import type { PayLinks } from '../domain/unlock/pay-link.ts';
import type { Effects } from '../engine/effects.ts';
import type { EngineRuntime } from '../engine/runtime.ts';
import type { Counters } from './account/counters.ts';
import type { Quotas } from './account/quotas.ts';
import type { Distribution } from './marketplace/distribute.ts';
import type { Texting } from './messaging/texting.ts';
import type { SelfCheck } from './transport/self-check.ts';

/**
 * All deps of a process, built once by a composition root (src/runtime.ts) and passed down; requests and handlers take
 * a Pick of it.
 */
export type Runtime = EngineRuntime & {
  config: Config;
  vault: Vault;
  links: PayLinks;
  sms: SmsGateway;
  email: EmailGateway;
  payments: PaymentGateway;
  crms: Crms;
  effects: Effects & Texting;
  counters: Counters;
  quotas: Quotas;
  selfCheck: SelfCheck;
  distribution: Distribution;
};
