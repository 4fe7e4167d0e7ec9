import { createHash, randomBytes } from 'node:crypto';
import { type SQL, sql } from 'drizzle-orm';
import { v7 as uuidv7 } from 'uuid';
import { isScope, type Scope } from '../../domain/account/scopes.ts';
import { RefusedError } from '../../domain/errors.ts';
import type { Queryable } from '../client.ts';
import { run } from '../commit.ts';
import { answerPart, type IdempotencyKey } from '../transport/idempotency.ts';

export type KeyOwner = 'organization' | 'supplier' | 'operator';

export type ApiKey = {
  id: string;
  organizationId: string | null;
  owner: KeyOwner;
  name: string;
  prefix: string;
  scopes: Scope[];
  createdAt: Date;
  lastUsedAt: Date | null;
  revokedAt: Date | null;
};

const keyShape = /^lg_[A-Za-z0-9_-]{43}$/;
const shownLength = 11;

/** Whether a string has the format of a key, so that other strings are refused without a query. */
export const looksLikeKey = (value: string): boolean => keyShape.test(value);

/** A key has 256 random bits, so a plain SHA-256 suffices, and looking it up by hash has no timing leak. */
const hashOf = (key: string): string => createHash('sha256').update(key).digest('hex');

const columns =
  sql.raw(`id, organization_id AS "organizationId", owner, name, prefix, scopes, created_at AS "createdAt",
  last_used_at AS "lastUsedAt", revoked_at AS "revokedAt"`);

/** The user or the key that makes a key. */
export type KeyMaker = { kind: 'person' | 'key'; id: string };

type NewKey = { organizationId: string | null; owner: KeyOwner; name: string; scopes: readonly Scope[] };

/** The only place where the plain key is returned; it is not stored. */
export async function createKey(
  db: Queryable,
  request: NewKey,
): Promise<{ id: string; key: string; prefix: string }> {
  const { key, row } = await makeKey(db, { ...request, createdBy: null, idempotencyKey: null });
  return { id: row.id, key, prefix: row.prefix };
}

/** Maximum number of active keys per organization. */
export const mostKeys = 100;

/**
 * Creates a key together with the request's Idempotency-Key, which stores only the key's id. Throws the violation of a
 * used Idempotency-Key, and RefusedError 409 when the organization has too many keys or 403 when the maker was removed
 * while the request was under way.
 */
export async function makeKey(
  db: Queryable,
  request: NewKey & { createdBy: KeyMaker | null; idempotencyKey: IdempotencyKey | null },
): Promise<{ key: string; row: ApiKey }> {
  const { organizationId, owner, name, scopes, createdBy, idempotencyKey } = request;
  const key = `lg_${randomBytes(32).toString('base64url')}`;
  const id = uuidv7();
  const made = sql`INSERT INTO api_keys (id, organization_id, owner, name, prefix, hash, scopes, created_by)
    SELECT ${id}::uuid, ${organizationId}::uuid, ${owner}::text, ${name}::text, ${key.slice(0, shownLength)}::text, ${hashOf(key)}::text,
      ${sql.param([...scopes])}::text[], ${createdBy?.id ?? null}::text
    WHERE ${isEntitled(createdBy)} AND (${organizationId}::uuid IS NULL OR (SELECT count(*) FROM api_keys
      WHERE organization_id = ${organizationId}::uuid AND revoked_at IS NULL) < ${mostKeys}::integer)
    RETURNING ${columns}`;
  const remembered = idempotencyKey
    ? sql`, ${sql.raw('first_answer')} AS (${answerPart(idempotencyKey, 201, { key_id: id }).statement(sql`EXISTS (SELECT 1 FROM made)`)})`
    : sql``;
  const [row] = await run<ApiKey>(
    db,
    sql`WITH ${entitled(organizationId, createdBy)}made AS (${made})${remembered} SELECT * FROM made`,
  );
  if (row) return { key, row };
  const active = (await listKeys(db, organizationId)).filter(({ revokedAt }) => revokedAt === null).length;
  if (organizationId && active < mostKeys)
    throw new RefusedError(403, 'forbidden', 'No key was made: your access has ended.');
  throw new RefusedError(409, 'too_many_keys', `There are ${mostKeys} keys in force. Revoke one first.`);
}

/** The rows that entitle the maker. Locked, so that a removal under way waits and then finds the key. */
function entitled(organizationId: string | null, maker: KeyMaker | null): SQL {
  if (!maker) return sql``;
  if (maker.kind === 'key')
    return sql`maker AS (SELECT 1 FROM api_keys WHERE id = ${maker.id}::uuid AND revoked_at IS NULL FOR SHARE), `;
  return sql`maker AS (SELECT 1 FROM users WHERE id = ${maker.id}::uuid AND role = 'operator' FOR SHARE),
    member AS (SELECT 1 FROM members WHERE user_id = ${maker.id}::uuid AND organization_id = ${organizationId}::uuid AND role = 'seller' FOR SHARE), `;
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

/** Returns null when the organization has no such active key. */
export async function findKeyOf(db: Queryable, organizationId: string, id: string): Promise<ApiKey | null> {
  const [row] = await run<ApiKey>(
    db,
    sql`SELECT ${columns} FROM api_keys WHERE id = ${id}::uuid AND organization_id = ${organizationId}::uuid AND revoked_at IS NULL`,
  );
  return row ?? null;
}

/** Returns null for an unknown or revoked key. Not cached, so that a revoked key is refused immediately. */
export async function findKey(db: Queryable, key: string): Promise<ApiKey | null> {
  if (!looksLikeKey(key)) return null;
  const [row] = await run<ApiKey>(
    db,
    sql`SELECT ${columns} FROM api_keys WHERE hash = ${hashOf(key)} AND revoked_at IS NULL`,
  );
  return row ? { ...row, scopes: row.scopes.filter(isScope) } : null;
}

/** Records approximately when a key was last used, for the console, without a write per request. */
export async function noteKeyUse(db: Queryable, id: string): Promise<void> {
  await run(
    db,
    sql`UPDATE api_keys SET last_used_at = now() WHERE id = ${id}::uuid AND (last_used_at IS NULL OR last_used_at < now() - interval '1 hour')`,
  );
}

/** By id or by displayed prefix. Returns false when there is no such active key. */
export async function revokeKey(db: Queryable, idOrPrefix: string): Promise<boolean> {
  const rows = await run(
    db,
    sql`UPDATE api_keys SET revoked_at = now() WHERE (id::text = ${idOrPrefix} OR prefix = ${idOrPrefix}) AND revoked_at IS NULL RETURNING id`,
  );
  return rows.length > 0;
}

/** Returns false when the organization has no such active key. */
export async function revokeKeyOf(db: Queryable, organizationId: string, id: string): Promise<boolean> {
  const rows = await run(
    db,
    sql`UPDATE api_keys SET revoked_at = now() WHERE id = ${id}::uuid AND organization_id = ${organizationId}::uuid
      AND revoked_at IS NULL RETURNING id`,
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

export async function findOrganizationId(db: Queryable, slug: string): Promise<string | null> {
  const [row] = await run<{ id: string }>(db, sql`SELECT id FROM organizations WHERE slug = ${slug}`);
  return row?.id ?? null;
}
