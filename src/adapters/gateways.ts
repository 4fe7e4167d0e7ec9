import type { Config } from '../config.ts';
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
  /** Ends the kept-alive connections; calls under way fail. */
  close(): void;
};

/** One client per vendor for the whole process. `timeoutMs` bounds each call (10 s). */
export function createGateways(config: Config, options: { timeoutMs?: number } = {}): Gateways {
  const sms =
    config.smsProvider === 'twilio'
      ? createTwilioGateway(config.twilio, options)
      : createTextmagicGateway(config.textmagic, options);
  const payments = createStripeGateway(config.stripe, options);
  const email = createSendgridGateway(config.sendgrid, options);
  return {
    sms,
    email,
    payments,
    close: () => {
      sms.close();
      payments.close();
    },
  };
}
