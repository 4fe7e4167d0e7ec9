import type { Config } from '../config.ts';
import { type Crms, createCrms } from './crms.ts';
import type { EmailGateway } from './email.ts';
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
  crms: Crms;
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
  const crms = createCrms(config.crm, options);
  return {
    sms,
    email,
    payments,
    crms,
    close: () => {
      sms.close();
      payments.close();
      for (const crm of Object.values(crms)) crm.close();
    },
  };
}
