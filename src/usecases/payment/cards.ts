import type { Card } from '../../adapters/payments.ts';
import { commitChange } from '../../db/commit.ts';
import {
  type CardFacts,
  findCard,
  removeCard as forgetCard,
  listCards,
  makePrimary,
  type SavedCard,
  storeCard,
} from '../../db/payment/wallet-cards.ts';
import { openRecharges } from '../../db/payment/wallet-recharge.ts';
import { findCustomer, lockWallet, type Wallet } from '../../db/payment/wallets.ts';
import { ContractError, PermanentError } from '../../domain/errors.ts';
import type { Run } from '../../engine/define.ts';
import { finish, type Outcome, skip } from '../../engine/outcome.ts';
import { newId } from '../../events/new-id.ts';
import type { Runtime } from '../runtime.ts';
import { customerOf, withKnownCustomer } from './wallet-customer.ts';

type Deps = Pick<Runtime, 'db' | 'relay' | 'effects' | 'payments' | 'config' | 'selfCheck'>;

export const noSuchCard = () => new ContractError(404, 'not_found', 'Payment method not found');

/** Stripe's SetupIntent for a page of the buyer's own: the card is stored once Stripe reports it. */
export async function beginSetup(
  deps: Deps,
  wallet: Wallet,
): Promise<{ clientSecret: string | null; customerId: string }> {
  const customer = await customerOf(deps, wallet);
  const setup = await withKnownCustomer(() =>
    deps.payments.createSetupIntent({
      idempotencyKey: `setup-intent:${newId()}`,
      customer,
      metadata: { kind: 'card', buyer_id: wallet.buyerId },
    }),
  );
  return { clientSecret: setup.clientSecret, customerId: customer };
}

/** Where the buyer saves a card on Stripe's page. */
export async function setupPage(deps: Deps, wallet: Wallet, back: string): Promise<string> {
  const customer = await customerOf(deps, wallet);
  const { url } = await withKnownCustomer(() =>
    deps.payments.createSetupCheckout({
      idempotencyKey: `setup-page:${newId()}`,
      customer,
      expiresAt: new Date(deps.selfCheck.now().getTime() + 3_600_000),
      successUrl: `${back}?notice=card`,
      cancelUrl: back,
      metadata: { kind: 'card', buyer_id: wallet.buyerId },
    }),
  );
  if (!url) throw new Error('a new setup session has no URL');
  return url;
}

/**
 * Saves a card of Stripe's by its id: attaches it unless it is attached to this wallet's customer. Throws 404 for an unknown
 * card and for one of another customer, and 400 when Stripe does not save it.
 */
export async function addCard(
  deps: Deps,
  wallet: Wallet,
  { stripeId, primary }: { stripeId: string; primary: boolean },
): Promise<SavedCard> {
  const askedAt = deps.selfCheck.now();
  const known = await deps.payments.retrieveCard(stripeId);
  if (!known || (known.customer !== null && known.customer !== wallet.customerId)) throw noSuchCard();
  const customer = await customerOf(deps, wallet);
  const card = known.customer === customer ? known : await attach(deps, wallet.buyerId, stripeId, customer);
  const stored = await storeCard(deps.db, factsOf(wallet, card), { askedAt, makePrimary: primary });
  if (!stored) throw noSuchCard();
  if (stored.isNew) await rechargeIfLow(deps, wallet);
  return stored.card;
}

async function attach(deps: Deps, buyerId: string, stripeId: string, customer: string): Promise<Card> {
  try {
    const idempotencyKey = `attach:${buyerId}:${stripeId}:${newId()}`;
    // The card was just read, so what Stripe may not know is the customer.
    return await withKnownCustomer(() =>
      deps.payments.attachCard({ idempotencyKey, paymentMethod: stripeId, customer }),
    );
  } catch (error) {
    if (!(error instanceof PermanentError)) throw error;
    const detail = error.vendorMessage ?? 'Stripe does not save this card. Use another one.';
    throw new ContractError(400, 'invalid_input', 'Payment method declined', detail);
  }
}

/** Detaches a card at Stripe, then removes it here. Throws 404 for a card that is not the buyer's. */
export async function removeCard(deps: Deps, wallet: Wallet, id: string): Promise<void> {
  const card = await findCard(deps.db, wallet.buyerId, id);
  if (!card) throw noSuchCard();
  const idempotencyKey = `detach:${card.stripeId}:${newId()}`;
  await deps.payments.detachCard({ idempotencyKey, paymentMethod: card.stripeId });
  await forgetCard(deps.db, wallet.buyerId, card.stripeId);
}

/** Throws 404 for a card that is not the buyer's. */
export async function choosePrimary(deps: Deps, wallet: Wallet, id: string): Promise<void> {
  const card = await findCard(deps.db, wallet.buyerId, id);
  if (!card || !(await makePrimary(deps.db, wallet.buyerId, card.id))) throw noSuchCard();
  if (!card.isPrimary) await rechargeIfLow(deps, wallet);
}

/** Stores the cards that Stripe has of this customer and we have not: their events may not have come yet. */
export async function fetchCards(deps: Deps, wallet: Wallet): Promise<void> {
  if (!wallet.customerId) return;
  const known = new Set((await listCards(deps.db, wallet.buyerId)).map(({ stripeId }) => stripeId));
  const askedAt = deps.selfCheck.now();
  const found = await deps.payments.listCards(wallet.customerId);
  for (const card of found.reverse())
    if (!known.has(card.id)) await storeCard(deps.db, factsOf(wallet, card), { askedAt });
}

/**
 * Applies the present state of a card that Stripe reported as added, changed or removed, in whatever order. It charges
 * nothing: the card of a top-up is reported before its payment is booked, while the balance is still low.
 */
export async function applyCard(
  { buyerId, paymentMethod }: { buyerId: string; paymentMethod: string },
  deps: Pick<Deps, 'db' | 'payments'>,
  run: Run,
): Promise<Outcome> {
  const card = await deps.payments.retrieveCard(paymentMethod);
  const owner = card?.customer ? await findCustomer(deps.db, card.customer) : null;
  if (!card || owner?.buyerId !== buyerId) {
    await forgetCard(deps.db, buyerId, paymentMethod);
    return finish({}, 'the card is not attached');
  }
  const stored = await storeCard(deps.db, factsOf(owner, card), { askedAt: run.now });
  if (!stored) return skip('the card was removed');
  return finish({}, stored.isNew ? 'card saved' : 'card updated');
}

/** Opens a recharge when the balance is below the buyer's threshold, and no other money is on its way. */
export async function rechargeIfLow(
  { db, relay, config }: Pick<Deps, 'db' | 'relay' | 'config'>,
  { organizationId, buyerId }: { organizationId: string; buyerId: string },
): Promise<void> {
  const wanted = [{ topUpId: newId(), organizationId, buyerId, neededMinor: null }];
  const { parts, events, opened } = openRecharges(wanted, { limits: config.wallet });
  const { publish } = await db.withTx(async (tx) => {
    // Before the statement that sums what is on its way into the wallet.
    await lockWallet(tx, buyerId);
    return commitChange(tx, { writes: parts, events, eventsOf: opened }, relay.commitOptions());
  });
  relay.publish(publish);
}

const factsOf = (
  { organizationId, buyerId }: { organizationId: string; buyerId: string },
  { id, brand, last4, expMonth, expYear, fingerprint }: Card,
): CardFacts => ({ organizationId, buyerId, stripeId: id, brand, last4, expMonth, expYear, fingerprint });
