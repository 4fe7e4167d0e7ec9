import { sql } from 'drizzle-orm';
import { v7 as uuidv7 } from 'uuid';
import type { Part } from '../../../src/db/commit.ts';
import { wakeCampaignsOf } from '../../../src/db/marketplace/pending.ts';
import type { DistributionLogic } from '../../../src/domain/marketplace/campaign.ts';
import type { Considered, DistributionStatus } from '../../../src/domain/marketplace/distribution.ts';
import type { EventDraft } from '../../../src/events/envelope.ts';
import { subjects } from '../../../src/events/subjects.ts';
import type { Runtime } from '../../../src/usecases/runtime.ts';
import { type MadeSeller, makeSeller } from '../../harness/market.ts';

type Installation = {
  runtime: Runtime;
  rows<R>(text: string, values?: unknown[]): Promise<R[]>;
};

export type CampaignOptions = {
  logic?: DistributionLogic;
  priceMinor?: number;
  maxSales?: number | null;
  repeatWindowDays?: number;
};

export type BuyerOptions = {
  balanceMinor?: number;
  dailyCap?: number | null;
  states?: string[];
  priority?: number;
  waterfallPriority?: number | null;
  weeklyLimitMinor?: number | null;
  monthlyLimitMinor?: number | null;
  timeZone?: string | null;
  /** A buyer with a phone is texted an offer when the wallet is short. */
  phone?: string;
};
export type PlacedBuyer = { buyerId: string; subscriptionId: string };

export type LeadOptions = {
  state?: string | null;
  phoneHash?: string | null;
  emailHash?: string | null;
  isTest?: boolean;
  /** Until it expires, in seconds. */
  ttlSeconds?: number;
  /** The values that are locked. */
  locked?: Record<string, unknown>;
};

/** A seller whose campaigns are sold from wallets, made by rows. */
export type Place = {
  seller: MadeSeller;
  campaign(options?: CampaignOptions): Promise<string>;
  /** A buyer with a subscription to each of these campaigns; the one returned is the first. */
  buyer(campaignIds: string | string[], options?: BuyerOptions): Promise<PlacedBuyer>;
  /** Stores a lead as the ingress does, with its event. Returns its id. */
  receive(campaignId: string, options?: LeadOptions): Promise<string>;
  receiveMany(campaignId: string, count: number, options?: LeadOptions): Promise<string[]>;
  /** Credits a wallet with its journal, as a captured charge does, and wakes what waits for it. */
  credit(buyerId: string, amountMinor: number): Promise<void>;
};

export async function makePlace(installation: Installation): Promise<Place> {
  const seller = await makeSeller(installation);
  const { organizationId } = seller;
  const { rows, runtime } = installation;
  const categoryId = uuidv7();
  await rows(`INSERT INTO categories (id, organization_id, name, fields) VALUES ($1, $2, 'Solar', '[]')`, [
    categoryId,
    organizationId,
  ]);
  const credit = async (buyerId: string, amountMinor: number) => {
    await rows(
      `WITH purse AS (
         UPDATE wallets SET balance_minor = balance_minor + $2::bigint WHERE buyer_id = $1::uuid RETURNING balance_minor),
       said AS (
         INSERT INTO wallet_transactions (id, organization_id, buyer_id, type, amount_minor, balance_before_minor, balance_after_minor, description)
         SELECT $3::uuid, $4::uuid, $1::uuid, 'CREDIT', $2::bigint, balance_minor - $2::bigint, balance_minor, 'Wallet recharge' FROM purse),
       book AS (INSERT INTO journals (id, key, organization_id) VALUES ($3::uuid, 'test-credit-' || $3, $4::uuid) RETURNING id)
       INSERT INTO journal_entries (journal_id, account, amount_minor, currency)
       SELECT id, e.account, e.amount, 'usd' FROM book, (VALUES ('stripe', $2::bigint), ('wallet:' || $1, -$2::bigint)) e(account, amount)`,
      [buyerId, amountMinor, uuidv7(), organizationId],
    );
    const purse: Part = {
      name: 'purse',
      statement: () => sql`SELECT 1 FROM wallets WHERE buyer_id = ${buyerId}::uuid`,
    };
    await runtime.relay.commit({ writes: [purse, ...wakeCampaignsOf(buyerId, { after: 'purse' })] });
  };
  const receiveMany = async (campaignId: string, count: number, options: LeadOptions = {}) => {
    const ids = Array.from({ length: count }, () => uuidv7());
    await storeLeads(runtime, { organizationId, campaignId, categoryId }, ids, options);
    return ids;
  };
  return {
    seller,
    credit,
    async campaign({
      logic = 'ROUND_ROBIN',
      priceMinor = 2_500,
      maxSales = null,
      repeatWindowDays = 30,
    } = {}) {
      const id = uuidv7();
      await rows(
        `INSERT INTO campaigns (id, organization_id, category_id, name, price_minor, distribution_logic, max_sales, repeat_window_days)
         VALUES ($1, $2, $3, 'Roofs', $4, $5, $6, $7)`,
        [id, organizationId, categoryId, priceMinor, logic, maxSales, repeatWindowDays],
      );
      return id;
    },
    async buyer(campaignIds, { balanceMinor = 1_000_000, ...more } = {}) {
      const [buyerId, subscriptionId] = [uuidv7(), uuidv7()];
      await rows(
        `INSERT INTO buyers (id, organization_id, external_id, name, priority, weekly_spending_limit_minor, monthly_spending_limit_minor, time_zone, phone)
         VALUES ($1::uuid, $2, $1::text, 'Bo Buyer', $3, $4, $5, $6, $7)`,
        [
          buyerId,
          organizationId,
          more.priority ?? 5,
          more.weeklyLimitMinor ?? null,
          more.monthlyLimitMinor ?? null,
          more.timeZone ?? null,
          more.phone ?? null,
        ],
      );
      await rows(`INSERT INTO wallets (buyer_id, organization_id, currency) VALUES ($1, $2, 'usd')`, [
        buyerId,
        organizationId,
      ]);
      if (balanceMinor > 0) await credit(buyerId, balanceMinor);
      for (const [index, campaignId] of [campaignIds].flat().entries())
        await rows(
          `INSERT INTO subscriptions (id, organization_id, campaign_id, buyer_id, daily_cap, states, waterfall_priority, on_short_wallet)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
          [
            index === 0 ? subscriptionId : uuidv7(),
            organizationId,
            campaignId,
            buyerId,
            more.dailyCap ?? null,
            more.states ?? [],
            more.waterfallPriority ?? null,
            more.phone === undefined ? 'skip' : 'offer',
          ],
        );
      return { buyerId, subscriptionId };
    },
    receive: async (campaignId, options) => (await receiveMany(campaignId, 1, options))[0]!,
    receiveMany,
  };
}

type Owner = { organizationId: string; campaignId: string; categoryId: string };

async function storeLeads(
  { relay, vault }: Runtime,
  { organizationId, campaignId, categoryId }: Owner,
  ids: readonly string[],
  options: LeadOptions,
): Promise<void> {
  const { state = 'CA', phoneHash = null, emailHash = null, isTest = false, ttlSeconds = 259_200 } = options;
  const contact = options.locked ? vault.sealJson(options.locked) : null;
  const given = sql`unnest(${sql.param([...ids])}::uuid[]) AS g(id)`;
  await relay.commit({
    writes: [
      {
        name: 'lead',
        statement: (
          when,
        ) => sql`INSERT INTO leads (id, organization_id, public_id, channel, campaign_id, category_id, public, region, quality,
            phone_hash, email_hash, phone_valid, contact)
          SELECT g.id, ${organizationId}::uuid, 'lead_' || replace(g.id::text, '-', ''), 'marketplace', ${campaignId}::uuid, ${categoryId}::uuid, '{"data":{}}', ${state}::text, 'WARM',
            ${phoneHash}::text, ${emailHash}::text, true, ${contact}::text FROM ${given} WHERE ${when}`,
      },
      {
        name: 'distribution',
        statement: (
          when,
        ) => sql`INSERT INTO distributions (lead_id, organization_id, campaign_id, status, received_at, expires_at)
          SELECT g.id, ${organizationId}::uuid, ${campaignId}::uuid, ${isTest ? 'TEST' : 'PENDING'}::text, clock_timestamp(),
            now() + make_interval(secs => ${ttlSeconds}::float8) FROM ${given} WHERE ${when}`,
      },
    ],
    events: ids.map(
      (leadId): EventDraft => ({
        type: 'lead.received',
        organizationId,
        subject: subjects.lead(leadId),
        data: { leadId },
      }),
    ),
  });
}

export type Stand = { status: DistributionStatus; buyers: string[]; considered: Considered[] };

/** How a lead stands: its buyers in the order of their purchase, and the reasons of the last decision. */
export async function standOf({ rows }: Pick<Installation, 'rows'>, leadId: string): Promise<Stand> {
  const [row] = await rows<Stand>(
    `SELECT d.status, ARRAY(SELECT u.buyer_id::text FROM lead_unlocks u WHERE u.lead_id = d.lead_id AND u.paid_by = 'wallet' ORDER BY u.id) AS buyers,
       coalesce((SELECT c.considered FROM decisions c WHERE c.lead_id = d.lead_id ORDER BY number DESC LIMIT 1), '[]') AS considered
     FROM distributions d WHERE d.lead_id = $1`,
    [leadId],
  );
  return row!;
}

export const reasonsIn = ({ considered }: Stand): string[] => considered.map(({ rule }) => rule ?? 'bought');

/** What contradicts the ledger: wallets whose balance is not the sum of their entries, journals, and debits of assignments. */
export async function wrongBooks({ rows }: Pick<Installation, 'rows'>): Promise<unknown[]> {
  return rows(
    `SELECT 'wallet' AS rule, w.buyer_id::text AS id FROM wallets w
       LEFT JOIN (SELECT account, sum(amount_minor) AS amount FROM journal_entries GROUP BY account) e ON e.account = 'wallet:' || w.buyer_id
       LEFT JOIN (SELECT buyer_id, sum(amount_minor) AS amount FROM wallet_transactions GROUP BY buyer_id) t ON t.buyer_id = w.buyer_id
       WHERE w.balance_minor <> coalesce(-e.amount, 0) OR w.balance_minor <> coalesce(t.amount, 0) OR w.balance_minor < 0
     UNION ALL SELECT 'journal', journal_id::text FROM journal_entries GROUP BY journal_id HAVING sum(amount_minor) <> 0
     UNION ALL SELECT 'debit', u.id::text FROM lead_unlocks u
       WHERE u.paid_by = 'wallet' AND (SELECT coalesce(sum(amount_minor), 0) FROM wallet_transactions t WHERE t.unlock_id = u.id AND t.type = 'DEBIT') <> -u.price_minor
     UNION ALL SELECT 'chain', a.id::text FROM (SELECT id, balance_before_minor,
         lag(balance_after_minor) OVER (PARTITION BY buyer_id ORDER BY created_at, id) AS last FROM wallet_transactions) a
       WHERE a.last <> a.balance_before_minor
     UNION ALL SELECT 'cap', s.id::text FROM subscriptions s
       WHERE s.day_count > s.daily_cap OR s.day_count <> (SELECT count(*) FROM lead_unlocks u WHERE u.subscription_id = s.id AND (u.is_open OR u.status IN ('PAID', 'REVEAL_DETAILS_SENT', 'DONE')))`,
  );
}
