import type { Faults } from './faults.ts';
import type { Ghl } from './ghl/ghl.ts';
import type { Google } from './google/google.ts';
import type { Ledger } from './ledger.ts';
import type { Targets } from './options.ts';
import type { Phones } from './phones.ts';
import type { Sendgrid } from './sendgrid.ts';
import type { StripeStore } from './stripe/store.ts';
import type { Textmagic } from './textmagic.ts';
import type { Twilio } from './twilio.ts';
import type { Webhooks } from './webhooks.ts';

/** All parts of one sandbox, used by the control API and the pages. */
export type World = {
  ledger: Ledger;
  faults: Faults;
  webhooks: Webhooks;
  phones: Phones;
  store: StripeStore;
  twilio: Twilio;
  textmagic: Textmagic;
  sendgrid: Sendgrid;
  ghl: Ghl;
  google: Google;
  onChange(): void;
  configure(targets: Targets): void;
  /** Stripe forgets its idempotency keys, as it does after a day. */
  forgetKeys(): void;
  reset(): void;
};
