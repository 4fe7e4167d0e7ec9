import type Stripe from 'stripe';
import type { openSandbox } from './sandbox-clients.ts';

type Opened = Pick<Awaited<ReturnType<typeof openSandbox>>, 'sandbox' | 'stripeClient'>;

/** Customers with saved cards at the simulated Stripe, made by the stripe package, and what it was asked and reported. */
export function stripeCustomers({ sandbox, stripeClient }: Opened) {
  const stripe = stripeClient();
  const customer = async () =>
    (
      await stripe.customers.create({
        email: 'buyer@leads.example',
        name: 'Acme',
        metadata: { wallet_id: 'w1' },
      })
    ).id;
  const saved = async (owner: string, token = 'pm_card_visa') => {
    const params: Stripe.SetupIntentCreateParams = {
      customer: owner,
      payment_method: token,
      confirm: true,
      allowed_payment_method_types: ['card'],
    };
    return String((await stripe.setupIntents.create(params)).payment_method);
  };
  const offSession = (
    owner: string,
    payment_method: string,
    extra: Partial<Stripe.PaymentIntentCreateParams> = {},
  ): Stripe.PaymentIntentCreateParams => ({
    amount: 5000,
    currency: 'usd',
    customer: owner,
    payment_method,
    off_session: true,
    confirm: true,
    allowed_payment_method_types: ['card'],
    payment_method_options: { card: { stored_credential_usage: 'unscheduled' } },
    metadata: { recharge_id: 'r1' },
    transfer_group: 'wallet-w1',
    expand: ['latest_charge.balance_transaction'],
    ...extra,
  });
  const sent = (operation: string) =>
    sandbox.ledger.list({ vendor: 'stripe', operation, reads: true }).map(({ params }) => params);
  const eventsSince = async (count: number) =>
    (await stripe.events.list({ limit: 100 })).data
      .map(({ type }) => type)
      .reverse()
      .slice(count);
  const errorOf = async (call: Promise<unknown>) =>
    call.then(
      () => {
        throw new Error('the call succeeded');
      },
      (error: Stripe.errors.StripeError) => error,
    );
  return { stripe, customer, saved, offSession, sent, eventsSince, errorOf };
}
