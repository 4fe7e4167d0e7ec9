import { createHash, randomBytes, randomInt } from 'node:crypto';
import { type SQL, sql } from 'drizzle-orm';
import { quotas, StoredQuotaError } from '../../domain/account/quotas.ts';
import { companyRoles } from '../../domain/account/roles.ts';
import {
  allows,
  isScope,
  marketplaceScopes,
  type Scope,
  supplierScopes,
} from '../../domain/account/scopes.ts';
import { RefusedError } from '../../domain/errors.ts';
import type { PriceFloors } from '../../domain/lead/terms.ts';
import type { PartyStatus } from '../../domain/marketplace/party.ts';
import { newId } from '../../events/new-id.ts';
import type { Database, Queryable, Tx } from '../client.ts';
import { run } from '../commit.ts';
import { quoted } from '../schema/columns.ts';
import { answerPart, type IdempotencyKey } from '../transport/idempotency.ts';
import { insertCounted } from './stored.ts';

export type KeyOwner = 'organization' | 'supplier' | 'operator';

export type ApiKey = {
  id: string;
  organizationId: string | null;
  owner: KeyOwner;
  /** Null unless the owner is a supplier. */
  supplierId: string | null;
  name: string;
  prefix: string;
  scopes: Scope[];
  createdAt: Date;
  lastUsedAt: Date | null;
  revokedAt: Date | null;
};

/** A key with the price floors of its organization; without one, none apply. */
export type KeyInUse = ApiKey & {
  priceFloors: PriceFloors;
  /** Of a supplier of the marketplace; null for any other key. */
  supplierStatus: PartyStatus | null;
};

/** `sk_`: the key of a supplier of the marketplace. */
const keyShape = /^(?:lg_[A-Za-z0-9_-]{43}|sk_[A-Za-z0-9]{32})$/;
const shownLength = 11;
const shownOfSupplier = 7;

/** Whether a string has the format of a key, so that other strings are refused without a query. */
export const looksLikeKey = (value: string): boolean => keyShape.test(value);

/** A key has 256 random bits, so a plain SHA-256 suffices, and looking it up by hash has no timing leak. */
const hashOf = (key: string): string => createHash('sha256').update(key).digest('hex');

const columns =
  sql.raw(`id, organization_id AS "organizationId", owner, supplier_id AS "supplierId", name, prefix, scopes, created_at AS "createdAt",
  last_used_at AS "lastUsedAt", revoked_at AS "revokedAt"`);

/** The keys that its company makes, lists and revokes. Those of its suppliers of the marketplace belong to them. */
const isCompanyKey = sql.raw(`NOT (owner = 'supplier' AND 'leads:ingest' = ANY(scopes))`);

const keySigns = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** A key of a supplier of the marketplace: 190 random bits, shown once. */
export const newMarketplaceKey = (): string =>
  `sk_${Array.from({ length: 32 }, () => keySigns[randomInt(keySigns.length)]).join('')}`;

/** The body of a CTE that stores such a key for each supplier of `of`, which has `id`, `name` and `organization_id`. */
export const marketplaceKeyPart = ({
  key,
  actor,
  of,
}: {
  key: string;
  actor: string;
  of: SQL;
}) => sql`INSERT INTO api_keys (id, organization_id, owner, supplier_id, name, prefix, hash, scopes, created_by)
  SELECT ${newId()}::uuid, organization_id, 'supplier', id, name, ${key.slice(0, shownOfSupplier)}::text, ${hashOf(key)}::text,
    ${sql.param([...marketplaceScopes])}::text[], nullif(${actor}::text, 'cli') FROM ${of} RETURNING prefix`;

/** The user or the key that makes a key. */
export type KeyMaker = { kind: 'person' | 'key'; id: string };

type NewKey = {
  organizationId: string | null;
  owner: KeyOwner;
  /** For a further key of a supplier. A supplier's key without it belongs to a new supplier. */
  supplierId?: string | null;
  name: string;
  scopes: readonly Scope[];
};

/** The only place where the plain key is returned; it is not stored. */
export async function createKey(
  db: Pick<Database, 'withTx'>,
  request: NewKey,
  most?: number,
): Promise<{ id: string; key: string; prefix: string; supplierId: string | null }> {
  const { key, row } = await makeKey(db, { ...request, createdBy: null, idempotencyKey: null }, most);
  return { id: row.id, key, prefix: row.prefix, supplierId: row.supplierId };
}

/**
 * Creates a key together with the request's Idempotency-Key, which stores only the key's id. Throws the violation of a
 * used Idempotency-Key, StoredQuotaError when the organization has too many keys, and RefusedError 403 when the maker was
 * removed while the request was under way.
 */
export async function makeKey(
  db: Pick<Database, 'withTx'>,
  request: NewKey & { createdBy: KeyMaker | null; idempotencyKey: IdempotencyKey | null },
  most: number = quotas.api_keys.perOrganization,
): Promise<{ key: string; row: ApiKey }> {
  const { organizationId, owner, name, scopes, createdBy, idempotencyKey } = request;
  const supplierId = owner === 'supplier' ? (request.supplierId ?? newId()) : null;
  const key = `lg_${randomBytes(32).toString('base64url')}`;
  const id = newId();
  const made = sql`INSERT INTO api_keys (id, organization_id, owner, supplier_id, name, prefix, hash, scopes, created_by)
    SELECT ${id}::uuid, ${organizationId}::uuid, ${owner}::text, ${supplierId}::uuid, ${name}::text, ${key.slice(0, shownLength)}::text, ${hashOf(key)}::text,
      ${sql.param([...scopes])}::text[], ${createdBy?.id ?? null}::text
    WHERE ${isEntitled(createdBy)} AND (${organizationId}::uuid IS NULL OR (SELECT count(*) FROM api_keys
      WHERE organization_id = ${organizationId}::uuid AND revoked_at IS NULL AND ${isCompanyKey}) < ${most}::bigint)
    RETURNING ${columns}`;
  const remembered = idempotencyKey
    ? sql`, ${sql.raw('first_answer')} AS (${answerPart(idempotencyKey, 201, { key_id: id }).statement(sql`EXISTS (SELECT 1 FROM made)`)})`
    : sql``;
  const insert = { organizationId, createdBy, made, remembered, most };
  const row = await (organizationId === null
    ? db.withTx((tx) => insertKey(tx, insert))
    : insertCounted(db, { name: 'api_keys', organizationId }, (tx) => insertKey(tx, insert)));
  return { key, row };
}

type KeyInsert = {
  organizationId: string | null;
  createdBy: KeyMaker | null;
  made: SQL;
  remembered: SQL;
  most: number;
};

async function insertKey(
  tx: Tx,
  { organizationId, createdBy, made, remembered, most }: KeyInsert,
): Promise<ApiKey> {
  const [row] = await run<ApiKey>(
    tx,
    sql`WITH ${entitled(organizationId, createdBy)}made AS (${made})${remembered} SELECT * FROM made`,
  );
  if (row) return row;
  if (organizationId && (await listActiveKeys(tx, organizationId)).length < most)
    throw new RefusedError(403, 'forbidden', 'No key was made: your access has ended.');
  throw new StoredQuotaError('api_keys', most, 'too_many_keys');
}

/** The rows that entitle the maker. Locked, so that a removal under way waits and then finds the key. */
function entitled(organizationId: string | null, maker: KeyMaker | null): SQL {
  if (!maker) return sql``;
  if (maker.kind === 'key')
    return sql`maker AS (SELECT 1 FROM api_keys WHERE id = ${maker.id}::uuid AND revoked_at IS NULL FOR SHARE), `;
  return sql`maker AS (SELECT 1 FROM users WHERE id = ${maker.id}::uuid AND role = 'operator' FOR SHARE),
    member AS (SELECT 1 FROM members WHERE user_id = ${maker.id}::uuid AND organization_id = ${organizationId}::uuid AND role in (${quoted(companyRoles)}) FOR SHARE), `;
}

function isEntitled(maker: KeyMaker | null): SQL {
  if (!maker) return sql`true`;
  const one = sql`EXISTS (SELECT 1 FROM maker)`;
  return maker.kind === 'key' ? one : sql`(${one} OR EXISTS (SELECT 1 FROM member))`;
}

export type RevokedKey = { name: string; prefix: string };

/**
 * Revokes the active keys that a user made, and those made with them, in one organization or (null) in all. To be
 * called in a transaction that has removed the user's right, so that no further key can be made.
 */
export async function revokeKeysMadeBy(
  tx: Queryable,
  userId: string,
  organizationId: string | null,
): Promise<RevokedKey[]> {
  const revoked: RevokedKey[] = [];
  for (;;) {
    const rows = await run<RevokedKey>(
      tx,
      sql`WITH RECURSIVE made AS (
        SELECT id FROM api_keys WHERE created_by = ${userId}::text AND (${organizationId}::uuid IS NULL OR organization_id = ${organizationId}::uuid)
        UNION SELECT k.id FROM api_keys k JOIN made m ON k.created_by = m.id::text)
      UPDATE api_keys SET revoked_at = now() WHERE id IN (SELECT id FROM made) AND revoked_at IS NULL RETURNING name, prefix`,
    );
    // A key that was just being made with one of these is found by the next round.
    if (rows.length === 0) return revoked;
    revoked.push(...rows);
  }
}

/** Also a revoked key. Returns null when the organization never had it. */
export async function findMadeKey(db: Queryable, organizationId: string, id: string): Promise<ApiKey | null> {
  const [row] = await run<ApiKey>(
    db,
    sql`SELECT ${columns} FROM api_keys WHERE id = ${id}::uuid AND organization_id = ${organizationId}::uuid`,
  );
  return row ?? null;
}

/** Returns null when the organization has no such active key. */
export async function findKeyOf(db: Queryable, organizationId: string, id: string): Promise<ApiKey | null> {
  const [row] = await run<ApiKey>(
    db,
    sql`SELECT ${columns} FROM api_keys WHERE id = ${id}::uuid AND organization_id = ${organizationId}::uuid AND revoked_at IS NULL
      AND ${isCompanyKey}`,
  );
  return row ?? null;
}

/** Returns null for an unknown or revoked key. Not cached, so that a revoked key is refused immediately. */
export async function findKey(db: Queryable, key: string): Promise<KeyInUse | null> {
  return looksLikeKey(key) ? (await findKeys(db, [key]))[0]! : null;
}

/** The same for several keys in one statement, so that any number of unknown keys takes one connection. */
export async function findKeys(db: Queryable, given: readonly string[]): Promise<(KeyInUse | null)[]> {
  const hashes = given.map(hashOf);
  const rows = await run<KeyInUse & { hash: string }>(
    db,
    sql`SELECT ${columns}, hash,
        coalesce((SELECT g.price_floors FROM organizations g WHERE g.id = api_keys.organization_id), '{}') AS "priceFloors",
        (SELECT s.status FROM suppliers s WHERE s.id = api_keys.supplier_id AND s.organization_id = api_keys.organization_id) AS "supplierStatus"
      FROM api_keys WHERE hash = ANY(${sql.param([...new Set(hashes)])}::text[]) AND revoked_at IS NULL`,
  );
  const found = new Map(rows.map(({ hash, ...row }) => [hash, { ...row, scopes: scopesOf(row) }]));
  return hashes.map((hash) => found.get(hash) ?? null);
}

/** A supplier's key opens no other routes than those of its own leads, whatever scopes it was made with. */
function scopesOf({ owner, scopes }: ApiKey): Scope[] {
  const granted = scopes.filter(isScope);
  if (owner !== 'supplier') return granted;
  const own = granted.includes('leads:ingest') ? marketplaceScopes : supplierScopes;
  return own.filter((scope) => allows(granted, scope));
}

/** Whether the organization has given this supplier a key or a member. */
export async function isSupplierOf(
  db: Queryable,
  organizationId: string,
  supplierId: string,
): Promise<boolean> {
  const rows = await run(
    db,
    sql`SELECT 1 FROM api_keys WHERE organization_id = ${organizationId}::uuid AND supplier_id = ${supplierId}::uuid
      UNION ALL SELECT 1 FROM members WHERE organization_id = ${organizationId}::uuid AND supplier_id = ${supplierId}::uuid LIMIT 1`,
  );
  return rows.length > 0;
}

/** Records approximately when a key was last used, for the console, without a write per request. */
export async function noteKeyUse(db: Queryable, id: string): Promise<void> {
  await run(
    db,
    sql`UPDATE api_keys SET last_used_at = now() WHERE id = ${id}::uuid AND (last_used_at IS NULL OR last_used_at < now() - interval '1 hour')`,
  );
}

/**
 * By id or by displayed prefix. That of a supplier's key of the marketplace is short, so that two keys may share it.
 * Returns false when there is no such active key.
 */
export async function revokeKey(db: Queryable, idOrPrefix: string): Promise<boolean> {
  const rows = await run(
    db,
    sql`UPDATE api_keys SET revoked_at = now() WHERE (id::text = ${idOrPrefix} OR prefix = ${idOrPrefix} AND ${isCompanyKey}) AND revoked_at IS NULL RETURNING id`,
  );
  return rows.length > 0;
}

/** Returns false when the organization has no such active key. */
export async function revokeKeyOf(db: Queryable, organizationId: string, id: string): Promise<boolean> {
  const rows = await run(
    db,
    sql`UPDATE api_keys SET revoked_at = now() WHERE id = ${id}::uuid AND organization_id = ${organizationId}::uuid
      AND revoked_at IS NULL AND ${isCompanyKey} RETURNING id`,
  );
  return rows.length > 0;
}

/** Revokes all active keys of an organization with this name. */
export async function revokeKeysNamed(db: Queryable, organizationId: string, name: string): Promise<void> {
  await run(
    db,
    sql`UPDATE api_keys SET revoked_at = now() WHERE organization_id = ${organizationId}::uuid AND name = ${name} AND revoked_at IS NULL`,
  );
}

/** All keys, or those of one organization; newest first. */
export async function listKeys(db: Queryable, organizationId: string | null): Promise<ApiKey[]> {
  return run(
    db,
    sql`SELECT ${columns} FROM api_keys WHERE ${organizationId}::uuid IS NULL OR organization_id = ${organizationId}::uuid ORDER BY created_at DESC`,
  );
}

/** Newest first. Their number is limited, unlike that of all keys. */
export async function listActiveKeys(db: Queryable, organizationId: string): Promise<ApiKey[]> {
  return run(
    db,
    sql`SELECT ${columns} FROM api_keys WHERE organization_id = ${organizationId}::uuid AND revoked_at IS NULL AND ${isCompanyKey}
      ORDER BY created_at DESC`,
  );
}

export async function findOrganizationId(db: Queryable, slug: string): Promise<string | null> {
  const [row] = await run<{ id: string }>(db, sql`SELECT id FROM organizations WHERE slug = ${slug}`);
  return row?.id ?? null;
}
