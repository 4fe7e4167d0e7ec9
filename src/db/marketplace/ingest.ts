import { sql } from 'drizzle-orm';
import type { DistributionStatus } from '../../domain/marketplace/distribution.ts';
import type { IngestFacts, Quality } from '../../domain/marketplace/ingest.ts';
import { sameLeadSeconds } from '../../domain/marketplace/ingest.ts';
import type { EventDraft } from '../../events/envelope.ts';
import type { Queryable } from '../client.ts';
import { type Change, run } from '../commit.ts';
import type { IdempotencyKey } from '../transport/idempotency.ts';
import type { PublicValues } from './leads.ts';

/** Who sends a lead. `supplierId`: null for the seller itself. */
export type IngestOwner = { organizationId: string; supplierId: string | null };
export type AskedFacts = IngestOwner & { campaignId: string };

/** What is known of these campaigns and senders, in their order. Asked with the organization of the caller's credential. */
export async function findIngestFacts(db: Queryable, asked: readonly AskedFacts[]): Promise<IngestFacts[]> {
  const rows = asked.map(({ organizationId, supplierId, campaignId }, n) => ({
    n,
    organization_id: organizationId,
    supplier_id: supplierId,
    campaign_id: campaignId,
  }));
  return run<IngestFacts>(
    db,
    sql`SELECT CASE WHEN k.id IS NULL THEN NULL ELSE json_build_object('isOwn', k.organization_id = a.organization_id, 'status', k.status,
        'categoryId', k.category_id, 'fields', CASE WHEN k.organization_id = a.organization_id THEN c.fields ELSE '[]' END) END AS campaign,
      a.supplier_id IS NULL OR (p.status = 'ACTIVE' AND sc.category_id IS NOT NULL) AS "maySend",
      coalesce(p.test_mode, false) AS "testMode"
    FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) AS a(n integer, organization_id uuid, supplier_id uuid, campaign_id uuid)
    LEFT JOIN campaigns k ON k.id = a.campaign_id LEFT JOIN categories c ON c.id = k.category_id
    LEFT JOIN suppliers p ON p.organization_id = a.organization_id AND p.id = a.supplier_id
    LEFT JOIN supplier_categories sc ON sc.supplier_id = p.id AND sc.category_id = k.category_id
    ORDER BY a.n`,
  );
}

/** A judged lead, sealed. */
export type IngestedLead = IngestOwner & {
  id: string;
  publicId: string;
  campaignId: string;
  categoryId: string;
  public: PublicValues;
  /** Sealed; null when nothing is locked. */
  contact: string | null;
  state: string | null;
  quality: Quality;
  isTest: boolean;
  phoneHash: string | null;
  emailHash: string | null;
  /** Of its content. Null where the same content may come again, as in a file. */
  hash: string | null;
};

/** A lead by its own id and the one that clients see. What an Idempotency-Key is answered with. */
export type NamedLead = { leadId: string; publicId: string };
const namedBy = ({ id, publicId }: IngestedLead): NamedLead => ({ leadId: id, publicId });

export type Ingested = { lead: IngestedLead; key: IdempotencyKey | null; event: EventDraft };

/**
 * Stores these leads with how they stand, their events and the Idempotency-Keys they came with. A lead that its supplier sent
 * within the last seconds is left out, with its event and its key; `returning` has the ids of those stored. Content with a
 * hash must not occur twice among them. A used key refuses the whole statement.
 */
export function insertIngested(ingested: readonly Ingested[]): Change {
  const given = sql`SELECT * FROM jsonb_to_recordset(${JSON.stringify(ingested.map(rowOf))}::jsonb) AS g(id uuid, organization_id uuid,
      supplier_id uuid, public_id text, campaign_id uuid, category_id uuid, public jsonb, contact text, region text, quality text,
      status text, phone_hash text, email_hash text, hash text)`;
  const keys = ingested.flatMap(({ lead, key }) =>
    key ? [{ ...key, lead_id: lead.id, answer: namedBy(lead) }] : [],
  );
  const answers = keys.map(({ organizationId, requestHash, ...rest }) => ({
    ...rest,
    organization_id: organizationId,
    request_hash: requestHash,
  }));
  return {
    writes: [
      { name: 'given', statement: () => given },
      {
        name: 'recent',
        statement: (when) => sql`INSERT INTO recent_ingests AS r (supplier_id, hash, lead_id)
          SELECT supplier_id, hash, id FROM given WHERE hash IS NOT NULL AND supplier_id IS NOT NULL AND ${when} ORDER BY supplier_id, hash
          ON CONFLICT (supplier_id, hash) DO UPDATE SET lead_id = excluded.lead_id, at = excluded.at
            WHERE r.at <= now() - make_interval(secs => ${sameLeadSeconds}::float8)
          RETURNING lead_id`,
      },
      {
        name: 'lead',
        statement: (
          when,
        ) => sql`INSERT INTO leads (id, organization_id, supplier_id, public_id, channel, campaign_id, category_id,
            public, contact, region, quality, phone_hash, email_hash, phone_valid)
          SELECT id, organization_id, supplier_id, public_id, 'marketplace', campaign_id, category_id, public, contact, region, quality,
            phone_hash, email_hash, phone_hash IS NOT NULL
          FROM given WHERE (hash IS NULL OR supplier_id IS NULL OR id IN (SELECT lead_id FROM recent)) AND ${when} RETURNING id`,
      },
      {
        name: 'distribution',
        statement: (
          when,
        ) => sql`INSERT INTO distributions (lead_id, organization_id, campaign_id, status, expires_at)
          SELECT given.id, given.organization_id, campaign_id, given.status, now() + make_interval(hours => k.lead_ttl_hours)
          FROM given JOIN lead ON lead.id = given.id JOIN campaigns k ON k.id = given.campaign_id WHERE ${when}`,
      },
      ...(answers.length > 0
        ? [
            {
              name: 'first_answer',
              statement: (when: ReturnType<typeof sql>) =>
                sql`INSERT INTO idempotency_keys (organization_id, key, route, request_hash, status, answer)
                SELECT a.organization_id, a.key, a.route, a.request_hash, 201, a.answer
                FROM jsonb_to_recordset(${JSON.stringify(answers)}::jsonb) AS a(organization_id uuid, key text, route text, request_hash text,
                  lead_id uuid, answer jsonb) WHERE a.lead_id IN (SELECT id FROM lead) AND ${when} ORDER BY a.organization_id, a.key`,
            },
          ]
        : []),
    ],
    events: ingested.map(({ event }) => event),
    eventsOf: sql`SELECT 'lead:' || id FROM lead`,
    returning: sql`(SELECT coalesce(json_agg(id), '[]') FROM lead)`,
  };
}

const rowOf = ({ lead }: Ingested) => ({
  id: lead.id,
  organization_id: lead.organizationId,
  supplier_id: lead.supplierId,
  public_id: lead.publicId,
  campaign_id: lead.campaignId,
  category_id: lead.categoryId,
  public: lead.public,
  contact: lead.contact,
  region: lead.state,
  quality: lead.quality,
  status: lead.isTest ? 'TEST' : 'PENDING',
  phone_hash: lead.phoneHash,
  email_hash: lead.emailHash,
  hash: lead.hash,
});

/** The lead that a supplier sent last with this content. Returns null for new content. */
export async function findRecentIngest(
  db: Queryable,
  { supplierId, hash }: { supplierId: string; hash: string },
): Promise<NamedLead | null> {
  const [row] = await run<NamedLead>(
    db,
    sql`SELECT r.lead_id AS "leadId", l.public_id AS "publicId" FROM recent_ingests r JOIN leads l ON l.id = r.lead_id
      WHERE r.supplier_id = ${supplierId}::uuid AND r.hash = ${hash}::text`,
  );
  return row ?? null;
}

/** Which of these leads are stored, by a statement whose answer was lost. */
export async function storedOf(db: Queryable, ids: readonly string[]): Promise<string[]> {
  const rows = await run<{ id: string }>(
    db,
    sql`SELECT id FROM leads WHERE id = ANY(${sql.param([...ids])}::uuid[])`,
  );
  return rows.map(({ id }) => id);
}

/** Stores a key whose request was answered with a lead that was there already. Nothing when it is used. */
export async function insertKeyOf(db: Queryable, key: IdempotencyKey, lead: NamedLead): Promise<void> {
  await run(
    db,
    sql`INSERT INTO idempotency_keys (organization_id, key, route, request_hash, status, answer)
      VALUES (${key.organizationId}::uuid, ${key.key}::text, ${key.route}::text, ${key.requestHash}::text, 201,
        ${JSON.stringify(lead)}::jsonb) ON CONFLICT DO NOTHING`,
  );
}

/** What a supplier sees of a lead that it sent: how it stands, and nothing of who bought it. */
export type SentLead = {
  /** `lead_…` */
  id: string;
  campaignId: string;
  categoryId: string;
  state: string | null;
  quality: Quality;
  status: DistributionStatus;
  receivedAt: Date;
  distributedAt: Date | null;
};

/** Leads of a supplier are counted up to this number. */
const mostSentCounted = 100_000;

/** The leads that a supplier sent of the categories that it has now, newest first. */
export async function listSentLeads(
  db: Queryable,
  { organizationId, supplierId }: { organizationId: string; supplierId: string },
  { limit, offset }: { limit: number; offset: number },
): Promise<{ rows: SentLead[]; total: number }> {
  const own = sql`FROM leads l WHERE l.organization_id = ${organizationId}::uuid AND l.supplier_id = ${supplierId}::uuid
    AND l.channel = 'marketplace' AND l.category_id IN (SELECT category_id FROM supplier_categories WHERE supplier_id = ${supplierId}::uuid)`;
  const [rows, [count]] = await Promise.all([
    run<SentLead>(
      db,
      sql`WITH chosen AS MATERIALIZED (SELECT l.id ${own} ORDER BY l.created_at DESC, l.id DESC LIMIT ${limit}::integer OFFSET ${offset}::integer)
      SELECT l.public_id AS id, l.campaign_id AS "campaignId", l.category_id AS "categoryId", l.region AS state, l.quality, d.status,
        d.received_at AS "receivedAt", d.distributed_at AS "distributedAt"
      FROM chosen JOIN leads l ON l.id = chosen.id JOIN distributions d ON d.lead_id = l.id ORDER BY l.created_at DESC, l.id DESC`,
    ),
    run<{ total: number }>(
      db,
      sql`SELECT count(*)::int AS total FROM (SELECT 1 ${own} LIMIT ${mostSentCounted}::integer) counted`,
    ),
  ]);
  return { rows, total: count!.total };
}
