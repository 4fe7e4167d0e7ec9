import { findKeyOf, type KeyMaker, makeKey, revokeKeyOf } from '../../db/account/api-keys.ts';
import type { Queryable } from '../../db/client.ts';
import type { IdempotencyKey } from '../../db/transport/idempotency.ts';
import type { Person } from '../../domain/account/person.ts';
import { allows, type CompanyScope, type Scope } from '../../domain/account/scopes.ts';
import { RefusedError } from '../../domain/errors.ts';
import type { Runtime } from '../runtime.ts';

/** Who creates or revokes a key of a company, at whichever door. */
export type KeyActor = { actor: string; person: Person | null; scopes: readonly Scope[] };

type NewCompanyKey = {
  name: string;
  scopes: readonly CompanyScope[];
  idempotencyKey: IdempotencyKey | null;
};

/**
 * Creates a key of a company. Throws RefusedError 403 for a scope that the caller lacks, 409 when there are too many
 * keys, 429 when too many were made today, and the violation of a used Idempotency-Key.
 */
export async function createCompanyKey(
  { db, quotas }: Pick<Runtime, 'db' | 'quotas'>,
  organizationId: string,
  { name, scopes, idempotencyKey }: NewCompanyKey,
  by: KeyActor,
) {
  const beyond = scopes.find((scope) => !allows(by.scopes, scope));
  if (beyond) throw scopeMissing(`This caller lacks the scope ${beyond} and cannot grant it.`);
  const fields = {
    organizationId,
    owner: 'organization',
    name,
    scopes: [...new Set(scopes)],
    createdBy: makerOf(by),
    idempotencyKey,
  } as const;
  // Revoked keys stay listed for the operator, so the number of rows is limited too.
  await quotas.take('keys_made', { organizationId, keyId: by.person ? null : by.actor });
  return quotas.stored('api_keys', organizationId, (most) => makeKey(db, fields, most));
}

/**
 * Revokes a key of a company. Operators revoke any; other callers only keys whose scopes they have themselves. Returns
 * false when the company has no such active key. Throws RefusedError 403.
 */
export async function revokeCompanyKey(
  db: Queryable,
  organizationId: string,
  id: string,
  by: KeyActor,
): Promise<boolean> {
  const named = await findKeyOf(db, organizationId, id);
  if (named && !mayRevoke(by, named))
    throw scopeMissing(
      'This key has scopes that this caller lacks. An operator can revoke it, or `leadgate key revoke`.',
    );
  return named !== null && revokeKeyOf(db, organizationId, id);
}

export const mayRevoke = (
  by: Pick<KeyActor, 'person' | 'scopes'>,
  key: { scopes: readonly Scope[] },
): boolean => by.person?.role === 'operator' || key.scopes.every((scope) => allows(by.scopes, scope));

const makerOf = ({ actor, person }: KeyActor): KeyMaker | null => {
  if (person) return { kind: 'person', id: person.id };
  return actor === 'sandbox' ? null : { kind: 'key', id: actor };
};

const scopeMissing = (detail: string) => new RefusedError(403, 'scope_missing', detail);
