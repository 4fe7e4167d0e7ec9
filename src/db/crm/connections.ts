import { sql } from 'drizzle-orm';
import type { CrmName } from '../../config.ts';
import type { Queryable } from '../client.ts';
import { run } from '../commit.ts';
import type { CrmAccount } from './call-slots.ts';

/** The worker whose rows are held while a company's CRM cannot be used. */
export const crmWorker = 'ghl-syncer';

export type CrmConnection = {
  id: string;
  organizationId: string;
  vendor: CrmName;
  accountId: string;
  apiVersion: string;
  kind: 'token' | 'oauth';
  /** Sealed `CrmCredentials`; null until connected. */
  credentials: string | null;
  accessExpiresAt: Date | null;
  /** Incremented by each change of the credentials. */
  version: number;
  /** Percent of the account's rate limit that leadgate may use. */
  rateShare: number;
  pausedAt: Date | null;
  pauseReason: string | null;
};

export type CrmCredentials = { accessToken: string; refreshToken?: string };

/** Without `id` and `organizationId`, which each query selects itself. */
export const connectionColumns =
  sql.raw(`k.vendor, k.account_id AS "accountId", k.api_version AS "apiVersion", k.kind, k.credentials,
  k.access_expires_at AS "accessExpiresAt", k.credentials_version AS version, k.rate_share AS "rateShare",
  k.paused_at AS "pausedAt", k.pause_reason AS "pauseReason"`);

/** The organization's own connection, as opposed to those of its buyers. */
export const ownConnection = (organization: string) =>
  sql.raw(`k.organization_id = ${organization} AND k.buyer_id IS NULL`);
export const ownConnectionId = (organizationId: string) =>
  sql`(SELECT id FROM crm_connections WHERE organization_id = ${organizationId}::uuid AND buyer_id IS NULL)`;

/** Returns null when the organization has not named its account yet. */
export async function findConnection(db: Queryable, organizationId: string): Promise<CrmConnection | null> {
  const [row] = await run<CrmConnection>(
    db,
    sql`SELECT k.id, k.organization_id AS "organizationId", ${connectionColumns} FROM crm_connections k
      WHERE k.id = ${ownConnectionId(organizationId)}`,
  );
  return row ?? null;
}

export async function findConnectionById(db: Queryable, id: string): Promise<CrmConnection | null> {
  const [row] = await run<CrmConnection>(
    db,
    sql`SELECT k.id, k.organization_id AS "organizationId", ${connectionColumns} FROM crm_connections k
      WHERE k.id = ${id}::uuid`,
  );
  return row ?? null;
}

/** `buyerId`: null for the organization's own connection. */
export type AccountOwner = { connectionId: string; organizationId: string; buyerId: string | null };

/** Returns null for an account that is not connected here. */
export async function findAccountOwner(
  db: Queryable,
  { vendor, accountId }: CrmAccount,
): Promise<AccountOwner | null> {
  const [row] = await run<AccountOwner>(
    db,
    sql`SELECT id AS "connectionId", organization_id AS "organizationId", buyer_id AS "buyerId" FROM crm_connections
      WHERE vendor = ${vendor}::text AND account_id = ${accountId}::text`,
  );
  return row ?? null;
}

/** The company number used in the URLs of its pages. */
export async function findCompanyNumber(db: Queryable, organizationId: string): Promise<number | null> {
  const [row] = await run<{ number: number }>(
    db,
    sql`SELECT number FROM organizations WHERE id = ${organizationId}::uuid`,
  );
  return row?.number ?? null;
}
