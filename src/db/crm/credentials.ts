import { sql } from 'drizzle-orm';
import { subjects } from '../../events/subjects.ts';
import type { Database, Queryable, Tx } from '../client.ts';
import { commitChange, type Part, run } from '../commit.ts';
import type { Vault } from '../vault.ts';
import type { CrmAccount } from './call-slots.ts';
import type { AccountOwner, CrmConnection, CrmCredentials } from './connections.ts';
import { holdPart, releaseHold } from './holds.ts';

export type NewCredentials = {
  /** Defaults to the account of the connection. */
  account?: CrmAccount & { apiVersion: string };
  kind: 'token' | 'oauth';
  credentials: CrmCredentials;
  accessExpiresAt?: Date | null;
  rateShare?: number;
  /** Who connected it: the id of a user or a key. */
  actor: string;
};

/** Violated when the account belongs to another connection, also by two companies that name it at the same time. */
export const accountConstraint = 'crm_connections_account';

/**
 * Seals and stores an organization's credentials and releases its rows. Returns false when it has no account yet and
 * none was given. `beside`: a change of the same transaction. Two statements on purpose: a run that pauses this
 * connection locks its row, and the hold it wrote is visible only to a statement that begins after that.
 */
export async function saveCredentials(
  db: Database,
  vault: Vault,
  organizationId: string,
  given: NewCredentials,
  beside: (tx: Tx) => Promise<unknown> = async () => undefined,
): Promise<boolean> {
  return db.withTx(async (tx) => {
    // Every other transaction locks the two in this order.
    await run(tx, sql`SELECT 1 FROM companies WHERE organization_id = ${organizationId}::uuid FOR UPDATE`);
    const saved = await run(tx, credentialsStatement(vault, organizationId, given));
    if (saved.length === 0) return false;
    await releaseRows(tx, organizationId, given.actor);
    await beside(tx);
    return true;
  });
}

function credentialsStatement(vault: Vault, organizationId: string, given: NewCredentials) {
  const { account, kind, accessExpiresAt = null, rateShare = null } = given;
  const sealed = vault.sealJson(given.credentials);
  const changes = sql`kind = ${kind}, credentials = ${sealed}, access_expires_at = ${accessExpiresAt}::timestamptz,
    rate_share = coalesce(${rateShare}::integer, k.rate_share), credentials_version = k.credentials_version + 1,
    refreshing_until = NULL, paused_at = NULL, pause_reason = NULL, updated_at = now()`;
  if (!account)
    return sql`UPDATE crm_connections k SET ${changes}
      WHERE organization_id = ${organizationId}::uuid AND buyer_id IS NULL RETURNING id`;
  return sql`INSERT INTO crm_connections AS k (organization_id, vendor, account_id, api_version, kind, credentials,
      access_expires_at, credentials_version, rate_share)
    VALUES (${organizationId}::uuid, ${account.vendor}, ${account.accountId}, ${account.apiVersion}, ${kind}, ${sealed},
      ${accessExpiresAt}::timestamptz, 1, coalesce(${rateShare}::integer, 100))
    ON CONFLICT (organization_id) WHERE buyer_id IS NULL DO UPDATE SET vendor = excluded.vendor,
      account_id = excluded.account_id, api_version = excluded.api_version, ${changes}
    RETURNING id`;
}

/**
 * A paused company tries again with the credentials it has: the cause may have been fixed at the vendor. Returns false
 * when it is not paused. Two statements for the reason given at `saveCredentials`.
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
        WHERE organization_id = ${organizationId}::uuid AND buyer_id IS NULL AND paused_at IS NOT NULL RETURNING id`,
    );
    if (resumed.length === 0) return false;
    await releaseRows(tx, organizationId, actor);
    return true;
  });
}

async function releaseRows(tx: Tx, organizationId: string, actor: string): Promise<void> {
  await releaseHold(tx, organizationId);
  const resumed = {
    type: 'crm.resumed' as const,
    organizationId,
    subject: subjects.company(organizationId),
    data: { actor },
  };
  await commitChange(tx, { events: [resumed] }, { visibilityMs: 0 });
}

/** The end of the lease as the database writes it: identifies its holder. */
export type RefreshLease = string;

/**
 * The right to spend the refresh token of this version, for `leaseMs`. Returns null when another process has it or the
 * credentials changed since they were read.
 */
export async function claimRefresh(
  db: Queryable,
  { id, version }: CrmConnection,
  leaseMs: number,
): Promise<RefreshLease | null> {
  const [row] = await run<{ lease: RefreshLease }>(
    db,
    sql`UPDATE crm_connections SET refreshing_until = now() + make_interval(secs => ${leaseMs}::float8 / 1000)
      WHERE id = ${id}::uuid AND credentials_version = ${version}
        AND (refreshing_until IS NULL OR refreshing_until < now()) RETURNING refreshing_until::text AS lease`,
  );
  return row?.lease ?? null;
}

/** Stores both tokens before either is used. Returns false when the company was connected again in between. */
export async function storeRefreshed(
  db: Queryable,
  vault: Vault,
  { id, version }: CrmConnection,
  tokens: { accessToken: string; refreshToken: string; expiresAt: Date },
): Promise<boolean> {
  const { expiresAt, accessToken, refreshToken } = tokens;
  const rows = await run(
    db,
    sql`UPDATE crm_connections SET credentials = ${vault.sealJson({ accessToken, refreshToken })},
        access_expires_at = ${expiresAt}::timestamptz, credentials_version = credentials_version + 1, refreshing_until = NULL, updated_at = now()
      WHERE id = ${id}::uuid AND credentials_version = ${version} RETURNING id`,
  );
  return rows.length > 0;
}

export async function releaseRefresh(
  db: Queryable,
  { id, version }: CrmConnection,
  lease: RefreshLease,
): Promise<void> {
  await run(
    db,
    sql`UPDATE crm_connections SET refreshing_until = NULL
      WHERE id = ${id}::uuid AND credentials_version = ${version} AND refreshing_until = ${lease}::text::timestamptz`,
  );
}

/** Guard: pauses once, and only the credentials that were refused. Locks the row: see `saveCredentials`. */
export const pausedBy =
  ({ id, version }: CrmConnection, reason: string) =>
  () =>
    sql`UPDATE crm_connections SET paused_at = now(), pause_reason = ${reason}, refreshing_until = NULL, updated_at = now()
    WHERE id = ${id}::uuid AND credentials_version = ${version} AND paused_at IS NULL RETURNING id`;

/** Pauses a connection for a reason that outranks an earlier one, and holds its organization's rows. */
export function pauseParts(
  { connectionId, organizationId, buyerId }: AccountOwner,
  reason: string,
): [Part, ...Part[]] {
  const pause: Part = {
    name: 'paused',
    statement: (
      when,
    ) => sql`UPDATE crm_connections SET paused_at = coalesce(paused_at, now()), pause_reason = ${reason}::text, refreshing_until = NULL,
        updated_at = now() WHERE id = ${connectionId}::uuid AND ${when} RETURNING id`,
  };
  // The connection is locked before the hold, as by `saveCredentials`.
  const hold: Part = {
    name: 'hold',
    statement: (when) =>
      holdPart(organizationId, null, reason).statement(sql`${when} AND EXISTS (SELECT 1 FROM paused)`),
  };
  // Rows wait for the organization's own connection only.
  return buyerId === null ? [pause, hold] : [pause];
}
