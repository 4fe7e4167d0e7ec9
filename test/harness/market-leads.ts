import { v7 as uuidv7 } from 'uuid';
import type { Considered, DistributionStatus } from '../../src/domain/marketplace/distribution.ts';
import type { Runtime } from '../../src/usecases/runtime.ts';

/** Leads of the marketplace as rows: what a test of their reading needs without a supplier, a distributor and wallets. */

type Installation = {
  runtime: Pick<Runtime, 'vault'>;
  rows<R>(text: string, values?: unknown[]): Promise<R[]>;
};

export type StoredMarketLead = { id: string; publicId: string };

type LeadOptions = {
  organizationId: string;
  campaignId: string;
  publicId?: string;
  /** ISO 8601; now unless given. */
  at?: string;
  status?: DistributionStatus;
  values?: Record<string, unknown>;
  /** Null for a lead without locked values. */
  locked?: Record<string, unknown> | null;
  state?: string;
  supplierId?: string;
};

/** A lead of a campaign and how it stands. It expires as its campaign says. */
export async function storeMarketLead(
  { runtime, rows }: Installation,
  { organizationId, campaignId, at = new Date().toISOString(), ...more }: LeadOptions,
): Promise<StoredMarketLead> {
  const id = uuidv7();
  const { publicId = `lead_${id}`, status = 'PENDING', values = { roof: 'tile' }, locked = null } = more;
  const contact = locked === null ? null : runtime.vault.sealJson(locked);
  await rows(
    `WITH lead AS (
       INSERT INTO leads (id, organization_id, public_id, channel, public, contact, phone_valid, region, quality, campaign_id, category_id,
         supplier_id, created_at)
       SELECT $1, organization_id, $3, 'marketplace', $4, $5, true, $6, 'HOT', id, category_id, $7, $8
       FROM campaigns WHERE organization_id = $2 AND id = $9)
     INSERT INTO distributions (lead_id, organization_id, campaign_id, status, received_at, expires_at, distributed_at)
     SELECT $1, organization_id, id, $10, $8, $8::timestamptz + make_interval(hours => lead_ttl_hours),
       CASE WHEN $10 = 'DISTRIBUTED' THEN $8::timestamptz END FROM campaigns WHERE organization_id = $2 AND id = $9`,
    [
      id,
      organizationId,
      publicId,
      JSON.stringify({ data: values }),
      contact,
      more.state ?? 'FL',
      more.supplierId ?? null,
      at,
      campaignId,
      status,
    ],
  );
  return { id, publicId };
}

type SaleOptions = { at?: string; viewed?: boolean; refunded?: boolean; priceMinor?: number };

/** Sells a stored lead to a buyer, as the distributor does, without moving money. */
export async function sellMarketLead(
  { rows }: Pick<Installation, 'rows'>,
  publicId: string,
  { buyerId }: { buyerId: string },
  { at = new Date().toISOString(), viewed = false, refunded = false, priceMinor = 2_500 }: SaleOptions = {},
): Promise<void> {
  await rows(
    `WITH sold AS (
       UPDATE distributions d SET status = 'DISTRIBUTED', distributed_at = coalesce(d.distributed_at, $4::timestamptz)
       FROM leads l WHERE l.id = d.lead_id AND l.public_id = $1)
     INSERT INTO lead_unlocks (id, lead_id, organization_id, buyer_id, campaign_id, status, price_minor, currency, ttl_expires_at, paid_at,
       paid_by, viewed_at, reason, closed_at)
     SELECT gen_random_uuid(), id, organization_id, $2::uuid, campaign_id, $3::text, $6::integer, 'usd', now(), $4::timestamptz, 'wallet',
       CASE WHEN $5 THEN $4::timestamptz END, CASE WHEN $3 = 'EXPIRED' THEN 'refunded' END, CASE WHEN $3 = 'EXPIRED' THEN now() END
     FROM leads WHERE public_id = $1`,
    [publicId, buyerId, refunded ? 'EXPIRED' : 'PAID', at, viewed, priceMinor],
  );
}

/** Reserves a stored lead for a buyer who was texted an offer, without a text. */
export async function offerMarketLead(
  { rows }: Pick<Installation, 'rows'>,
  publicId: string,
  { buyerId }: { buyerId: string },
  { until }: { until: string },
): Promise<void> {
  await rows(
    `WITH reserved AS (
       UPDATE distributions d SET open_offers = d.open_offers + 1 FROM leads l WHERE l.id = d.lead_id AND l.public_id = $1)
     INSERT INTO lead_unlocks (id, lead_id, organization_id, buyer_id, campaign_id, status, price_minor, currency, ttl_expires_at)
     SELECT gen_random_uuid(), id, organization_id, $2::uuid, campaign_id, 'TEASER_SENT', 2500, 'usd', $3::timestamptz
     FROM leads WHERE public_id = $1`,
    [publicId, buyerId, until],
  );
}

/** Records a decision about a stored lead. */
export async function recordDecision(
  { rows }: Pick<Installation, 'rows'>,
  publicId: string,
  considered: readonly Considered[],
): Promise<void> {
  await rows(
    `INSERT INTO decisions (lead_id, number, organization_id, considered)
     SELECT id, (SELECT count(*) FROM decisions d WHERE d.lead_id = l.id) + 1, organization_id, $2::jsonb FROM leads l WHERE public_id = $1`,
    [publicId, JSON.stringify(considered)],
  );
}
