import { sql } from 'drizzle-orm';
import { newId } from '../../events/new-id.ts';
import type { Database, Queryable, Tx } from '../client.ts';
import { run } from '../commit.ts';
import { wakeCampaigns } from '../marketplace/pending.ts';
import { openTotal } from './wallet-recharge.ts';
import { cancelWaiting, findOpenRecharge } from './wallet-top-ups.ts';

export type SavedCard = {
  id: string;
  buyerId: string;
  /** `pm_…` */
  stripeId: string;
  brand: string;
  last4: string;
  expMonth: number;
  expYear: number;
  isPrimary: boolean;
  createdAt: Date;
  updatedAt: Date;
};

const columns =
  sql.raw(`id, buyer_id AS "buyerId", stripe_id AS "stripeId", brand, last4, exp_month AS "expMonth", exp_year AS "expYear",
  is_primary AS "isPrimary", created_at AS "createdAt", updated_at AS "updatedAt"`);

/** More than a buyer uses; Stripe's own limit is lower. */
const mostCards = 200;

/** The primary one first, then the newest. */
export async function listCards(db: Queryable, buyerId: string): Promise<SavedCard[]> {
  return run(
    db,
    sql`SELECT ${columns} FROM payment_methods WHERE buyer_id = ${buyerId}::uuid AND removed_at IS NULL
      ORDER BY is_primary DESC, created_at DESC, id DESC LIMIT ${mostCards}::integer`,
  );
}

/** Our id of a card, or Stripe's. The database takes no NUL, which any other text may have. */
const cardId = /^[\w-]{1,255}$/;

/**
 * A card of this buyer by our id or Stripe's; the primary one for null. Returns null for one that was removed, and for a text
 * that is no id.
 */
export async function findCard(db: Queryable, buyerId: string, id: string | null): Promise<SavedCard | null> {
  if (id !== null && !cardId.test(id)) return null;
  const which = id === null ? sql`is_primary` : sql`(id::text = ${id}::text OR stripe_id = ${id}::text)`;
  const [row] = await run<SavedCard>(
    db,
    sql`SELECT ${columns} FROM payment_methods WHERE buyer_id = ${buyerId}::uuid AND removed_at IS NULL AND ${which}`,
  );
  return row ?? null;
}

/** The owner of a card that is or was saved here. */
export async function findCardOwner(
  db: Queryable,
  stripeId: string,
): Promise<{ buyerId: string; organizationId: string } | null> {
  const [row] = await run<{ buyerId: string; organizationId: string }>(
    db,
    sql`SELECT buyer_id AS "buyerId", organization_id AS "organizationId" FROM payment_methods WHERE stripe_id = ${stripeId}`,
  );
  return row ?? null;
}

export type CardFacts = {
  organizationId: string;
  buyerId: string;
  stripeId: string;
  brand: string;
  last4: string;
  expMonth: number;
  expYear: number;
  fingerprint: string | null;
};

/**
 * Stores a card as Stripe described it to a request that began at `askedAt`; an older description changes nothing, and
 * neither does any for a card that was removed, because Stripe never attaches one again. The first card is the primary one.
 * A new card, and a new primary card, arm auto-recharge again. Returns null for a removed card.
 */
export async function storeCard(
  db: Pick<Database, 'withTx'>,
  card: CardFacts,
  { askedAt, makePrimary = false }: { askedAt: Date; makePrimary?: boolean },
): Promise<{ card: SavedCard; isNew: boolean } | null> {
  return db.withTx(async (tx) => {
    await lockWallet(tx, card.buyerId);
    const [stored] = await run<SavedCard & { isNew: boolean }>(
      tx,
      sql`INSERT INTO payment_methods AS known (id, organization_id, buyer_id, stripe_id, brand, last4, exp_month, exp_year, fingerprint,
          is_primary, updated_at)
        SELECT ${newId()}::uuid, ${card.organizationId}::uuid, ${card.buyerId}::uuid, ${card.stripeId}::text, ${card.brand}::text,
          ${card.last4}::text, ${card.expMonth}::integer, ${card.expYear}::integer, ${card.fingerprint}::text,
          NOT EXISTS (SELECT 1 FROM payment_methods p WHERE p.buyer_id = ${card.buyerId}::uuid AND p.is_primary AND p.removed_at IS NULL),
          ${askedAt}::timestamptz
        ON CONFLICT (stripe_id) DO UPDATE SET brand = CASE WHEN known.updated_at <= excluded.updated_at THEN excluded.brand ELSE known.brand END,
          last4 = CASE WHEN known.updated_at <= excluded.updated_at THEN excluded.last4 ELSE known.last4 END,
          exp_month = CASE WHEN known.updated_at <= excluded.updated_at THEN excluded.exp_month ELSE known.exp_month END,
          exp_year = CASE WHEN known.updated_at <= excluded.updated_at THEN excluded.exp_year ELSE known.exp_year END,
          updated_at = greatest(known.updated_at, excluded.updated_at)
        WHERE known.removed_at IS NULL AND known.buyer_id = excluded.buyer_id
        RETURNING ${columns}, xmax = 0 AS "isNew"`,
    );
    if (!stored) return null;
    const { isNew, ...saved } = stored;
    const isPromoted = makePrimary && !saved.isPrimary;
    if (isPromoted) await promote(tx, card.buyerId, saved.id);
    if (isNew || isPromoted) {
      await rearm(tx, card.buyerId);
      await wake(tx, card.buyerId);
    }
    return { card: isPromoted ? { ...saved, isPrimary: true } : saved, isNew };
  });
}

/** Makes a card the one that auto-recharge uses. Returns false when the buyer has no such card. */
export async function makePrimary(
  db: Pick<Database, 'withTx'>,
  buyerId: string,
  cardId: string,
): Promise<boolean> {
  return db.withTx(async (tx) => {
    await lockWallet(tx, buyerId);
    const card = await findCard(tx, buyerId, cardId);
    if (!card || card.isPrimary) return card !== null;
    await promote(tx, buyerId, card.id);
    await rearm(tx, buyerId);
    await wake(tx, buyerId);
    return true;
  });
}

/** Removes a card by Stripe's id; the newest of the others becomes the primary one. Does nothing for an unknown card. */
export async function removeCard(
  db: Pick<Database, 'withTx'>,
  buyerId: string,
  stripeId: string,
): Promise<void> {
  await db.withTx(async (tx) => {
    await lockWallet(tx, buyerId);
    await run(
      tx,
      sql`UPDATE payment_methods SET removed_at = now(), is_primary = false, updated_at = now()
        WHERE stripe_id = ${stripeId} AND buyer_id = ${buyerId}::uuid AND removed_at IS NULL`,
    );
    await run(
      tx,
      sql`UPDATE payment_methods SET is_primary = true, updated_at = now() WHERE id = (
          SELECT id FROM payment_methods WHERE buyer_id = ${buyerId}::uuid AND removed_at IS NULL
          ORDER BY created_at DESC, id DESC LIMIT 1)
        AND NOT EXISTS (SELECT 1 FROM payment_methods WHERE buyer_id = ${buyerId}::uuid AND is_primary AND removed_at IS NULL)`,
    );
    const waiting = await findOpenRecharge(tx, buyerId);
    if (waiting?.card === stripeId) await cancelWaiting(tx, buyerId, ['needs_action']);
  });
}

/** Waiting leads may be bought now that a card can be charged. What is being added wakes them once it is credited. */
const wake = (tx: Tx, buyerId: string) =>
  run(
    tx,
    wakeCampaigns(sql`SELECT s.campaign_id FROM subscriptions s JOIN wallets w ON w.buyer_id = s.buyer_id JOIN buyers b ON b.id = w.buyer_id
      WHERE w.buyer_id = ${buyerId}::uuid AND s.ended_at IS NULL AND b.auto_recharge_enabled AND ${openTotal} = 0`),
  );

/** Changes of a wallet's cards take turns. */
const lockWallet = (tx: Tx, buyerId: string) =>
  run(tx, sql`SELECT 1 FROM wallets WHERE buyer_id = ${buyerId}::uuid FOR NO KEY UPDATE`);

async function promote(tx: Tx, buyerId: string, id: string): Promise<void> {
  await run(
    tx,
    sql`UPDATE payment_methods SET is_primary = false, updated_at = now() WHERE buyer_id = ${buyerId}::uuid AND is_primary`,
  );
  await run(tx, sql`UPDATE payment_methods SET is_primary = true, updated_at = now() WHERE id = ${id}::uuid`);
}

/** Lets auto-recharge charge again; a recharge that waits with another card is given up for a new one. */
export async function rearm(tx: Tx, buyerId: string): Promise<void> {
  await run(
    tx,
    sql`UPDATE wallets SET recharge_stopped_at = NULL, recharge_stop_reason = NULL, updated_at = now()
      WHERE buyer_id = ${buyerId}::uuid AND recharge_stopped_at IS NOT NULL`,
  );
  await cancelWaiting(tx, buyerId);
}
