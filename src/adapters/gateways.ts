import type { Config } from '../config.ts';
import type { CrmGateway } from './crm.ts';
import type { EmailGateway } from './email.ts';
import { createGhlGateway } from './ghl/client.ts';
import type { PaymentGateway } from './payments.ts';
import { createSendgridGateway } from './sendgrid.ts';
import type { SmsGateway } from './sms.ts';
import { createStripeGateway } from './stripe.ts';
import { createTextmagicGateway } from './textmagic.ts';
import { createTwilioGateway } from './twilio.ts';

export type Gateways = {
  sms: SmsGateway;
  email: EmailGateway;
  payments: PaymentGateway;
  /** By API version of the company's location. */
  crm: Record<'v2' | 'v1', CrmGateway>;
  /** Closes idle and active connections; pending calls fail. */
  close(): void;
};

/** Creates one client per vendor for the process. `timeoutMs` is the timeout of each call (default 10 s). */
export function createGateways(config: Config, options: { timeoutMs?: number } = {}): Gateways {
  const sms =
    config.smsProvider === 'twilio'
      ? createTwilioGateway(config.twilio, options)
      : createTextmagicGateway(config.textmagic, options);
  const payments = createStripeGateway(config.stripe, options);
  const email = createSendgridGateway(config.sendgrid, options);
  const ghlBase = config.ghl.baseUrl?.replace(/\/+$/, '') ?? null;
  const crm = {
    v2: createGhlGateway({ version: 'v2', baseUrl: ghlBase }, options),
    v1: createGhlGateway({ version: 'v1', baseUrl: ghlBase === null ? null : `${ghlBase}/v1` }, options),
  };
  return {
    sms,
    email,
    payments,
    crm,
    close: () => {
      sms.close();
      payments.close();
      crm.v2.close();
      crm.v1.close();
    },
  };
}
