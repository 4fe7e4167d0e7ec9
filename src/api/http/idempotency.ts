import type { FastifyRequest } from 'fastify';
import type { IdempotencyKey } from '../../db/transport/idempotency.ts';
import { RefusedError } from '../../domain/errors.ts';
import type { QuotaOwner } from '../../usecases/account/quotas.ts';
import type { Runtime } from '../../usecases/runtime.ts';

/**
 * The request's Idempotency-Key, bound to the route and the body. `body` is the parsed body, so that whitespace does not
 * make it a different request. Suppliers of one organization may choose equal keys: a supplier's has its id in front, and
 * a space, which no given key contains. Returns null when no key was sent.
 */
export function idempotencyKeyOf(
  request: FastifyRequest,
  owner: { organizationId: string; supplierId?: string | null } & Pick<Runtime, 'vault'>,
  body: unknown,
): IdempotencyKey | null {
  if (!hasIdempotencyKey(request)) return null;
  return idempotencyKeyWith(request, owner, owner.vault.index(JSON.stringify(body)));
}

/** Throws 400 for a key that is malformed. */
export function hasIdempotencyKey({ headers }: FastifyRequest): boolean {
  const given = headers['idempotency-key'];
  if (given === undefined) return false;
  if (typeof given === 'string' && /^[\x21-\x7e]{1,255}$/.test(given)) return true;
  throw new RefusedError(400, 'invalid_input', 'Some fields are not valid.', {
    fields: [{ path: 'Idempotency-Key', message: '1 to 255 visible ASCII characters' }],
  });
}

/** For a request that has a key, and whose body was hashed already. */
export function idempotencyKeyWith(
  request: FastifyRequest,
  { organizationId, supplierId }: { organizationId: string; supplierId?: string | null },
  requestHash: string,
): IdempotencyKey {
  const given = String(request.headers['idempotency-key']);
  const route = `${request.method} ${request.routeOptions.url ?? ''} ${JSON.stringify(request.params)}`;
  return { organizationId, key: supplierId ? `${supplierId} ${given}` : given, route, requestHash };
}

/** Each key is a row that is kept for days, so it counts against the quota of its owner. */
export async function countIdempotencyKey(
  { headers }: FastifyRequest,
  { quotas }: Pick<Runtime, 'quotas'>,
  owner: QuotaOwner,
  rows = 1,
): Promise<void> {
  if (headers['idempotency-key'] !== undefined) await quotas.take('idempotency_keys', owner, rows);
}
