import { type SQL, sql } from 'drizzle-orm';
import type { SyncStatus } from '../../domain/crm/sync-status.ts';
import { recipients } from '../../events/routes.ts';
import type { Queryable } from '../client.ts';
import { type PublishRow, run } from '../commit.ts';
import { ownConnection } from '../crm/connections.ts';
import { mergedWith } from '../crm/syncs.ts';
import { importStopped } from '../imports/imports.ts';
import type { IdempotencyKey } from '../transport/idempotency.ts';

/** A company's uploaded lead, ready to be inserted. */
export type NewUpload = {
  id: string;
  eventId: string;
  publicId: string;
  /** Sealed. */
  contact: string;
  phoneHash: string;
  emailHash: string | null;
  phoneValid: boolean;
  city: string | null;
  region: string | null;
};

/** Position in a file, committed in the same statement as the rows. */
export type Checkpoint = {
  importId: string;
  expectedRow: number;
  nextRow: number;
  rejected: number;
  /** The rejected rows to store; `cells` are sealed. */
  rejects: readonly { row: number; cells: string; errors: Record<string, string[]> }[];
  /** The number of the other rejected rows, by reason. */
  reasons: Readonly<Record<string, number>>;
  /** The number of leads with a warning, by field; repeated phones are among them. */
  warnings: Readonly<Record<string, number>>;
};

/** The response to a repeated request; the ids of the stored leads are added to `kept`. */
export type KeptAnswer = { key: IdempotencyKey; status: number; kept: Record<string, unknown> };
export type Kept<T> = { kept: T; created: string[] };

export type UploadBatch = {
  organizationId: string;
  /** A phone seen within this window is a duplicate. 0 disables deduplication. */
  windowMs: number;
  /** With a window, each phone at most once. */
  leads: readonly NewUpload[];
  /** Duplicates within the batch itself, for the counts. */
  repeats: number;
  /** Timestamp of the event ids. */
  occurredAt: Date;
  correlationId: string;
  importId: string | null;
  /** Time until the sweeper's first visit when the caller publishes the jobs; null leaves the rows in the outbox. */
  visibilityMs: number | null;
  checkpoint: Checkpoint | null;
  answer: KeptAnswer | null;
};

export type StoredBatch = {
  /** Indexes of the duplicates, which were not stored; ascending. */
  repeated: number[];
  publish: PublishRow[];
};

const nothingPublic = { preferredTimeWindow: null, budgetRange: null, notes: null };

/**
 * Inserts leads with their events, their outbox rows and the phones used for deduplication in one statement. Returns
 * null, with nothing written, when the checkpoint is not at the expected row.
 *
 * Every batch locks its phones in the same order, so two uploads of the same rows do not deadlock, and the later one
 * finds what the earlier one wrote. Membership is tested by hashed subplans (`IN … IS TRUE`): the planner cannot
 * estimate the number of rows passed in, and a join based on a wrong estimate takes a thousand times as long.
 */
export async function storeLeads(db: Queryable, batch: UploadBatch): Promise<StoredBatch | null> {
  const [row] = await run<{ held: boolean } & StoredBatch>(db, statementOf(batch));
  return row!.held ? { repeated: row!.repeated, publish: row!.publish } : null;
}

function statementOf(batch: UploadBatch): SQL {
  const { organizationId, checkpoint, answer, windowMs } = batch;
  const go = checkpoint ? sql`EXISTS (SELECT 1 FROM place)` : sql`true`;
  const parts: SQL[] = [];
  if (checkpoint) {
    parts.push(sql`place AS (SELECT id FROM imports WHERE id = ${checkpoint.importId}::uuid AND status = 'running'
      AND next_row = ${checkpoint.expectedRow}::integer FOR UPDATE)`);
  }
  parts.push(givenPart(batch, go));
  parts.push(windowMs > 0 ? knownWithin(organizationId, windowMs) : knownSince(organizationId));
  parts.push(
    windowMs > 0
      ? sql`stored AS MATERIALIZED (SELECT * FROM given WHERE (id IN (SELECT lead_id FROM known)) IS TRUE)`
      : sql`stored AS (SELECT * FROM given)`,
  );
  parts.push(leadsPart(batch), ...eventParts(batch));
  if (checkpoint) parts.push(...checkpointParts(checkpoint, batch.repeats));
  if (answer) parts.push(answerPart(answer));
  return sql`WITH ${sql.join(parts, sql`,\n`)}
    SELECT ${go} AS held, coalesce((SELECT json_agg(n - 1 ORDER BY n) FROM given WHERE (id IN (SELECT id FROM stored)) IS NOT TRUE), '[]') AS repeated,
      ${batch.visibilityMs === null ? sql`'[]'::json` : sql`coalesce((SELECT json_agg(json_build_object('id', id, 'worker', worker, 'epoch', epoch, 'organizationId', ${batch.organizationId}::uuid)) FROM tasks), '[]')`} AS publish`;
}

/**
 * The rows as columns. Columns of letters, digits and `-_.` only are sent as comma-separated text, which both sides
 * parse several times as fast as JSON; free text is sent as JSON, and only when there is any.
 */
function givenPart({ leads }: UploadBatch, go: SQL): SQL {
  const column = (of: (lead: NewUpload) => string | null) =>
    sql`string_to_array(${leads.map(of).join()}::text, ',', '')`;
  const written = (of: (lead: NewUpload) => string | null) => {
    const texts = leads.some((lead) => of(lead) !== null) ? leads.map(of) : [];
    return sql`ARRAY(SELECT json_array_elements_text(${JSON.stringify(texts)}::json))`;
  };
  return sql`given AS MATERIALIZED (
    SELECT id::uuid, event_id::uuid, public_id, contact, phone_hash, email_hash, phone_valid = 'y' AS phone_valid, city, region, n
    FROM unnest(${column((lead) => lead.id)}, ${column((lead) => lead.eventId)}, ${column((lead) => lead.publicId)},
      ${column((lead) => lead.contact)}, ${column((lead) => lead.phoneHash)}, ${column((lead) => lead.emailHash)},
      ${column((lead) => (lead.phoneValid ? 'y' : 'n'))}, ${written((lead) => lead.city)}, ${written((lead) => lead.region)})
    WITH ORDINALITY AS g(id, event_id, public_id, contact, phone_hash, email_hash, phone_valid, city, region, n) WHERE ${go})`;
}

/**
 * Returns the phones that are new; a phone seen within the window keeps its row and is not returned. A lead of a
 * stopped import that was not sent to the CRM may never be, so later leads are not duplicates of it.
 */
const knownWithin = (organizationId: string, windowMs: number): SQL => sql`known AS (
    INSERT INTO known_phones AS k (organization_id, phone_hash, lead_id)
    SELECT ${organizationId}::uuid, phone_hash, id FROM given ORDER BY phone_hash COLLATE "C"
    ON CONFLICT (organization_id, phone_hash) DO UPDATE SET lead_id = excluded.lead_id, seen_at = now()
      WHERE ${isForgotten(windowMs)}
    RETURNING lead_id)`;

/** Whether a phone `k` was seen too long ago, or by a lead that never reached the CRM and never will. */
const isForgotten = (
  windowMs: number,
): SQL => sql`(k.seen_at < now() - make_interval(secs => ${windowMs}::float8 / 1000)
        OR EXISTS (SELECT 1 FROM leads l JOIN imports i ON i.id = l.import_id AND ${importStopped('i')} WHERE l.id = k.lead_id
          AND NOT EXISTS (SELECT 1 FROM lead_syncs s WHERE s.lead_id = l.id AND s.status = 'success')))`;

/** Which of these phones would be duplicates if they were uploaded now, by the rule of `storeLeads`. */
export async function knownPhones(
  db: Queryable,
  { organizationId, dedupeWindowMs: windowMs }: { organizationId: string; dedupeWindowMs: number },
  phoneHashes: readonly string[],
): Promise<Set<string>> {
  if (phoneHashes.length === 0 || windowMs === 0) return new Set();
  const rows = await run<{ hash: string }>(
    db,
    sql`SELECT k.phone_hash AS hash FROM known_phones k WHERE k.organization_id = ${organizationId}::uuid
      AND k.phone_hash = ANY(${sql.param([...phoneHashes])}::text[]) AND NOT ${isForgotten(windowMs)}`,
  );
  return new Set(rows.map(({ hash }) => hash));
}

/** Without a window every lead is stored. The newest per phone is recorded in case a window is set later. */
const knownSince = (organizationId: string): SQL => sql`known AS (
    INSERT INTO known_phones (organization_id, phone_hash, lead_id)
    SELECT DISTINCT ON (phone_hash COLLATE "C") ${organizationId}::uuid, phone_hash, id FROM given ORDER BY phone_hash COLLATE "C", n DESC
    ON CONFLICT (organization_id, phone_hash) DO UPDATE SET lead_id = excluded.lead_id, seen_at = now())`;

function leadsPart({ organizationId, importId }: UploadBatch): SQL {
  return sql`lead AS (
    INSERT INTO leads (id, organization_id, public_id, city, region, import_id, channel, public, contact, phone_hash, email_hash, phone_valid)
    SELECT id, ${organizationId}::uuid, public_id, city, region, ${importId}::uuid, 'crm_upload', ${JSON.stringify(nothingPublic)}::jsonb, contact,
      phone_hash, email_hash, phone_valid FROM stored)`;
}

/** Must match `lead.uploaded` in the catalog; parsing a thousand events one by one would be too slow. */
function eventParts(batch: UploadBatch): SQL[] {
  const { organizationId, importId, occurredAt, correlationId, visibilityMs } = batch;
  const workers = recipients('lead.uploaded', undefined).map(({ worker }) => worker);
  const queued = visibilityMs !== null;
  return [
    sql`facts AS (
      INSERT INTO events (id, occurred_at, type, version, organization_id, subject, correlation_id, data)
      SELECT event_id, ${occurredAt}::timestamptz, 'lead.uploaded', 1, ${organizationId}::uuid, 'lead:' || id, ${correlationId}::uuid,
        jsonb_build_object('leadId', id) FROM stored)`,
    sql`tasks AS (
      INSERT INTO outbox (event_id, event_at, worker, organization_id, import_id, due_at, queued)
      SELECT event_id, ${occurredAt}::timestamptz, worker, ${organizationId}::uuid, ${importId}::uuid,
        now() + make_interval(secs => ${visibilityMs ?? 0}::float8 / 1000), ${queued}::boolean
      FROM stored CROSS JOIN unnest(${sql.param(workers)}::text[]) AS worker RETURNING id, worker, epoch)`,
  ];
}

function checkpointParts(checkpoint: Checkpoint, repeats: number): SQL[] {
  const parts = [
    sql`counted AS (
      UPDATE imports SET next_row = ${checkpoint.nextRow}::integer, updated_at = now(),
        created = created + (SELECT count(*) FROM stored)::integer,
        duplicates = duplicates + ${repeats}::integer + ((SELECT count(*) FROM given) - (SELECT count(*) FROM stored))::integer,
        rejected = rejected + ${checkpoint.rejected}::integer${keptParts(checkpoint)}
      WHERE id IN (SELECT id FROM place))`,
  ];
  if (checkpoint.rejects.length > 0) {
    parts.push(sql`rejects AS (
      INSERT INTO import_rejects (import_id, "row", cells, errors)
      SELECT place.id, r."row", r.cells, r.errors FROM place,
        json_to_recordset(${JSON.stringify(checkpoint.rejects)}::json) AS r("row" integer, cells text, errors jsonb))`);
  }
  return parts;
}

/** Only for batches with rejects or warnings, so that others stay as cheap as they are. */
function keptParts({ rejects, reasons, warnings }: Checkpoint): SQL {
  const kept = rejects.length > 0 ? sql`, rejects_kept = rejects_kept + ${rejects.length}::integer` : sql``;
  return sql`${kept}${addedTo('reject_reasons', reasons)}${addedTo('warnings', warnings)}`;
}

/** Adds counts to those of a column. */
function addedTo(column: 'reject_reasons' | 'warnings', counts: Readonly<Record<string, number>>): SQL {
  if (Object.keys(counts).length === 0) return sql``;
  const name = sql.identifier(column);
  return sql`, ${name} = (SELECT jsonb_object_agg(key, n) FROM (
    SELECT key, sum(value::integer) AS n FROM (SELECT * FROM jsonb_each_text(${name})
      UNION ALL SELECT * FROM jsonb_each_text(${JSON.stringify(counts)}::jsonb)) AS counts(key, value) GROUP BY key) AS sums)`;
}

function answerPart({ key, status, kept }: KeptAnswer): SQL {
  return sql`first_answer AS (
    INSERT INTO idempotency_keys (organization_id, key, route, request_hash, status, answer)
    SELECT ${key.organizationId}::uuid, ${key.key}::text, ${key.route}::text, ${key.requestHash}::text, ${status}::integer,
      jsonb_build_object('kept', ${JSON.stringify(kept)}::jsonb, 'created', (SELECT coalesce(jsonb_agg(id ORDER BY n), '[]') FROM stored)))`;
}

/** Which of these leads exist, after a statement with an unknown outcome. */
export async function findStored(db: Queryable, ids: readonly string[]): Promise<Set<string>> {
  const rows = await run<{ id: string }>(
    db,
    sql`SELECT id FROM leads WHERE id = ANY(${sql.param([...ids])}::uuid[])`,
  );
  return new Set(rows.map(({ id }) => id));
}

/** The company's existing lead for each of these phones: its public id by the phone's hash. */
export async function firstOfPhones(
  db: Queryable,
  organizationId: string,
  phoneHashes: readonly string[],
): Promise<Map<string, string>> {
  if (phoneHashes.length === 0) return new Map();
  const rows = await run<{ hash: string; publicId: string }>(
    db,
    sql`SELECT k.phone_hash AS hash, l.public_id AS "publicId" FROM known_phones k JOIN leads l ON l.id = k.lead_id
      WHERE k.organization_id = ${organizationId}::uuid AND k.phone_hash = ANY(${sql.param([...phoneHashes])}::text[])`,
  );
  return new Map(rows.map(({ hash, publicId }) => [hash, publicId]));
}

export type UploadedLead = { id: string; publicId: string; phoneValid: boolean; createdAt: Date };

export async function findUploaded(
  db: Queryable,
  organizationId: string,
  ids: readonly string[],
): Promise<UploadedLead[]> {
  return run(
    db,
    sql`SELECT id, public_id AS "publicId", phone_valid AS "phoneValid", created_at AS "createdAt" FROM leads
      WHERE organization_id = ${organizationId}::uuid AND id = ANY(${sql.param([...ids])}::uuid[]) AND channel = 'crm_upload'`,
  );
}

/** A company's lead with the status of its sync to the CRM. */
export type SyncJob = {
  id: string;
  organizationId: string;
  leadId: string;
  companyNumber: number;
  status: SyncStatus;
  attempts: number;
  worker: string | null;
  contactId: string | null;
  error: string | null;
  remark: string | null;
  /** Public id of another lead that is the same contact in the CRM and was written differently. */
  mergedWith: string | null;
  createdAt: Date;
  updatedAt: Date;
};

/** Finds a lead by its id. Returns null when there is none. The caller checks its organization. */
export async function findJob(db: Queryable, id: string): Promise<SyncJob | null> {
  const [row] = await run<SyncJob>(
    db,
    sql`SELECT l.id, l.organization_id AS "organizationId", l.public_id AS "leadId", o.number AS "companyNumber",
        coalesce(s.status, 'pending') AS status, coalesce(s.attempts, 0) AS attempts, s.worker, s.contact_id AS "contactId", s.error,
        s.remark, ${mergedWith} AS "mergedWith", l.created_at AS "createdAt", coalesce(s.updated_at, l.created_at) AS "updatedAt"
      FROM leads l JOIN organizations o ON o.id = l.organization_id LEFT JOIN crm_connections k ON ${ownConnection('l.organization_id')}
      LEFT JOIN lead_syncs s ON s.lead_id = l.id AND s.connection_id = k.id
      WHERE l.id = ${id}::uuid AND l.channel = 'crm_upload'`,
  );
  return row ?? null;
}
