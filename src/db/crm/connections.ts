import { sql } from 'drizzle-orm';
import { subjects } from '../../events/subjects.ts';
import type { Database, Queryable, Tx } from '../client.ts';
import { commitChange, type Part, run } from '../commit.ts';
import type { Vault } from '../vault.ts';

/** The worker whose rows are held while a company's CRM cannot be used. */
export const crmWorker = 'ghl-syncer';

export type CrmConnection = {
  organizationId: string;
  locationId: string;
  apiVersion: 'v2' | 'v1';
  kind: 'token' | 'oauth';
  /** Sealed `CrmCredentials`; null: not connected yet. */
  credentials: string | null;
  accessExpiresAt: Date | null;
  /** Raised by each change of the credentials. */
  version: number;
  /** Percent of the location's allowance that is ours. */
  rateShare: number;
  pausedAt: Date | null;
  pauseReason: string | null;
};

export type CrmCredentials = { accessToken: string; refreshToken?: string };

export const connectionColumns =
  sql.raw(`k.location_id AS "locationId", k.api_version AS "apiVersion", k.kind, k.credentials,
  k.access_expires_at AS "accessExpiresAt", k.credentials_version AS version, k.rate_share AS "rateShare",
  k.paused_at AS "pausedAt", k.pause_reason AS "pauseReason"`);

/** Null: nobody has named the company's location yet. */
export async function findConnection(db: Queryable, organizationId: string): Promise<CrmConnection | null> {
  const [row] = await run<CrmConnection>(
    db,
    sql`SELECT k.organization_id AS "organizationId", ${connectionColumns} FROM crm_connections k
      WHERE k.organization_id = ${organizationId}::uuid`,
  );
  return row ?? null;
}

/** The company whose location this is; null for a location that is not ours. */
export async function findLocationOwner(db: Queryable, locationId: string): Promise<string | null> {
  const [row] = await run<{ organizationId: string }>(
    db,
    sql`SELECT organization_id AS "organizationId" FROM crm_connections WHERE location_id = ${locationId}`,
  );
  return row?.organizationId ?? null;
}

/** What its pages are called by. */
export async function findCompanyNumber(db: Queryable, organizationId: string): Promise<number | null> {
  const [row] = await run<{ number: number }>(
    db,
    sql`SELECT number FROM organizations WHERE id = ${organizationId}::uuid`,
  );
  return row?.number ?? null;
}

export type CrmState = {
  state: 'missing' | 'not_connected' | 'connected' | 'paused';
  locationId: string | null;
  apiVersion: 'v2' | 'v1' | null;
  kind: 'token' | 'oauth' | null;
  rateShare: number;
  /** For people: why it is paused, or why its rows wait just now. */
  reason: string | null;
  /** Until when its rows wait; null: nothing holds them, or nobody knows. */
  heldUntil: Date | null;
};

/** How a company's CRM stands. `sharedKey`: companies without credentials of their own use the installation's. */
export async function crmState(db: Queryable, organizationId: string, sharedKey = false): Promise<CrmState> {
  type Row = Omit<CrmState, 'state' | 'reason'> & {
    connected: boolean;
    paused: boolean;
    why: string | null;
    held: string | null;
  };
  const [row] = await run<Row>(
    db,
    sql`SELECT k.location_id AS "locationId", k.api_version AS "apiVersion", k.kind, k.rate_share AS "rateShare",
        k.credentials IS NOT NULL AS connected, k.paused_at IS NOT NULL AS paused, k.pause_reason AS why,
        h.reason AS held, nullif(h.until, 'infinity') AS "heldUntil"
      FROM crm_connections k LEFT JOIN worker_holds h
        ON h.worker = ${crmWorker} AND h.organization_id = k.organization_id AND h.until > now()
      WHERE k.organization_id = ${organizationId}::uuid`,
  );
  if (!row)
    return {
      state: 'missing',
      locationId: null,
      apiVersion: null,
      kind: null,
      rateShare: 100,
      reason: null,
      heldUntil: null,
    };
  const { connected, paused, why, held, ...shown } = row;
  const usable = connected || (sharedKey && row.apiVersion === 'v2');
  const state = paused ? 'paused' : usable ? 'connected' : 'not_connected';
  return { ...shown, state, reason: why ?? held };
}

export type NewCredentials = {
  /** Absent: the location stays what it is. */
  locationId?: string;
  apiVersion?: 'v2' | 'v1';
  kind: 'token' | 'oauth';
  credentials: CrmCredentials;
  accessExpiresAt?: Date | null;
  rateShare?: number;
  /** Who connected it: a user's or a key's id. */
  actor: string;
};

/** The location belongs to another company; also violated by two companies that name it at once. */
export const locationConstraint = 'crm_connections_location';

/**
 * Stores a company's credentials, sealed, and lets its rows go again. False: it has no location yet, and none was given.
 * `beside`: what is to be
 * changed with it, or not at all. Two statements on purpose: whoever pauses this company holds the connection's row, and what it held is seen only by
 * a statement that begins after that.
 */
export async function saveCredentials(
  db: Database,
  vault: Vault,
  organizationId: string,
  given: NewCredentials,
  beside: (tx: Tx) => Promise<unknown> = async () => undefined,
): Promise<boolean> {
  const { locationId = null, apiVersion = null, kind, accessExpiresAt = null, rateShare = null } = given;
  const sealed = vault.sealJson(given.credentials);
  return db.withTx(async (tx) => {
    // In the order in which everybody else locks the two.
    await run(tx, sql`SELECT 1 FROM companies WHERE organization_id = ${organizationId}::uuid FOR UPDATE`);
    const saved = await run(
      tx,
      locationId === null
        ? sql`UPDATE crm_connections SET api_version = coalesce(${apiVersion}::text, api_version), kind = ${kind},
            credentials = ${sealed}, access_expires_at = ${accessExpiresAt}::timestamptz, rate_share = coalesce(${rateShare}::integer, rate_share),
            credentials_version = credentials_version + 1, refreshing_until = NULL, paused_at = NULL, pause_reason = NULL, updated_at = now()
          WHERE organization_id = ${organizationId}::uuid RETURNING organization_id`
        : sql`INSERT INTO crm_connections AS k (organization_id, location_id, api_version, kind, credentials, access_expires_at,
            credentials_version, rate_share)
          VALUES (${organizationId}::uuid, ${locationId}, coalesce(${apiVersion}::text, 'v2'), ${kind}, ${sealed},
            ${accessExpiresAt}::timestamptz, 1, coalesce(${rateShare}::integer, 100))
          ON CONFLICT (organization_id) DO UPDATE SET location_id = excluded.location_id,
            api_version = coalesce(${apiVersion}::text, k.api_version), kind = excluded.kind, credentials = excluded.credentials,
            access_expires_at = excluded.access_expires_at, rate_share = coalesce(${rateShare}::integer, k.rate_share),
            credentials_version = k.credentials_version + 1, refreshing_until = NULL, paused_at = NULL, pause_reason = NULL, updated_at = now()
          RETURNING organization_id`,
    );
    if (saved.length === 0) return false;
    await letGo(tx, organizationId, given.actor);
    await beside(tx);
    return true;
  });
}

/**
 * A paused company tries once more with the credentials it has: whatever was wrong may have been mended at the vendor.
 * False: it is not paused. Two statements for the reason of `saveCredentials`.
 */
export async function resumeConnection(
  db: Database,
  organizationId: string,
  actor: string,
): Promise<boolean> {
  return db.withTx(async (tx) => {
    const resumed = await run(
      tx,
      sql`UPDATE crm_connections SET paused_at = NULL, pause_reason = NULL, updated_at = now()
        WHERE organization_id = ${organizationId}::uuid AND paused_at IS NOT NULL RETURNING organization_id`,
    );
    if (resumed.length === 0) return false;
    await letGo(tx, organizationId, actor);
    return true;
  });
}

async function letGo(tx: Tx, organizationId: string, actor: string): Promise<void> {
  await run(
    tx,
    sql`DELETE FROM worker_holds WHERE worker = ${crmWorker} AND organization_id = ${organizationId}::uuid`,
  );
  const resumed = {
    type: 'crm.resumed' as const,
    organizationId,
    subject: subjects.company(organizationId),
    data: { actor },
  };
  await commitChange(tx, { events: [resumed] }, { visibilityMs: 0 });
}

/** Until when, as the database writes it: what tells one holder from the next. */
export type RefreshLease = string;

/**
 * The right to spend the refresh token of this version, for `leaseMs`. Null: somebody else has it, or the credentials
 * changed since they were read.
 */
export async function claimRefresh(
  db: Queryable,
  { organizationId, version }: CrmConnection,
  leaseMs: number,
): Promise<RefreshLease | null> {
  const [row] = await run<{ lease: RefreshLease }>(
    db,
    sql`UPDATE crm_connections SET refreshing_until = now() + make_interval(secs => ${leaseMs}::float8 / 1000)
      WHERE organization_id = ${organizationId}::uuid AND credentials_version = ${version}
        AND (refreshing_until IS NULL OR refreshing_until < now()) RETURNING refreshing_until::text AS lease`,
  );
  return row?.lease ?? null;
}

/** Both tokens at once, before either is used. False: somebody connected the company anew meanwhile. */
export async function storeRefreshed(
  db: Queryable,
  vault: Vault,
  { organizationId, version }: CrmConnection,
  tokens: { accessToken: string; refreshToken: string; expiresAt: Date },
): Promise<boolean> {
  const { expiresAt, accessToken, refreshToken } = tokens;
  const rows = await run(
    db,
    sql`UPDATE crm_connections SET credentials = ${vault.sealJson({ accessToken, refreshToken })},
        access_expires_at = ${expiresAt}::timestamptz, credentials_version = credentials_version + 1, refreshing_until = NULL, updated_at = now()
      WHERE organization_id = ${organizationId}::uuid AND credentials_version = ${version} RETURNING organization_id`,
  );
  return rows.length > 0;
}

export async function releaseRefresh(
  db: Queryable,
  { organizationId, version }: CrmConnection,
  lease: RefreshLease,
): Promise<void> {
  await run(
    db,
    sql`UPDATE crm_connections SET refreshing_until = NULL
      WHERE organization_id = ${organizationId}::uuid AND credentials_version = ${version}
        AND refreshing_until = ${lease}::text::timestamptz`,
  );
}

/** Guard: only with the credentials that were refused, and once. Locks the row: see `saveCredentials`. */
export const pausedBy =
  ({ organizationId, version }: CrmConnection, reason: string) =>
  () =>
    sql`UPDATE crm_connections SET paused_at = now(), pause_reason = ${reason}, refreshing_until = NULL, updated_at = now()
    WHERE organization_id = ${organizationId}::uuid AND credentials_version = ${version} AND paused_at IS NULL RETURNING organization_id`;

/** The company's rows stay in the outbox: for so long, or (null) until somebody connects it anew. */
export function holdPart(organizationId: string, ms: number | null, reason: string): Part {
  return {
    name: 'hold',
    statement: (when) => sql`INSERT INTO worker_holds AS h (worker, organization_id, until, reason)
      SELECT ${crmWorker}, ${organizationId}::uuid,
        CASE WHEN ${ms}::float8 IS NULL THEN 'infinity'::timestamptz ELSE now() + make_interval(secs => ${ms}::float8 / 1000) END, ${reason}
      WHERE ${when}
      ON CONFLICT (worker, organization_id) DO UPDATE SET until = excluded.until, reason = excluded.reason WHERE h.until < excluded.until`,
  };
}

export async function hold(db: Queryable, organizationId: string, ms: number, reason: string): Promise<void> {
  await run(db, holdPart(organizationId, ms, reason).statement(sql`true`));
}

/** The same while these credentials, or the lack of them, are the company's; see `saveCredentials`. */
export async function holdWhile(
  db: Queryable,
  connection: CrmConnection,
  ms: number,
  reason: string,
): Promise<void> {
  const { organizationId, version } = connection;
  const part = holdPart(organizationId, ms, reason).statement(sql`EXISTS (SELECT 1 FROM still)`);
  await run(
    db,
    sql`WITH still AS (SELECT 1 FROM crm_connections
        WHERE organization_id = ${organizationId}::uuid AND credentials_version = ${version} FOR SHARE) ${part}`,
  );
}
