import type { FastifyRequest } from 'fastify';
import type { IdempotencyKey } from '../../db/transport/idempotency.ts';
import { RefusedError } from '../../domain/errors.ts';
import type { Runtime } from '../../usecases/runtime.ts';

/**
 * The request's Idempotency-Key, bound to the route and the body. `body` is the parsed body, so that whitespace does not
 * make it a different request. Returns null when no key was sent.
 */
export function idempotencyKeyOf(
  request: FastifyRequest,
  { organizationId, vault }: { organizationId: string } & Pick<Runtime, 'vault'>,
  body: unknown,
): IdempotencyKey | null {
  if (!hasIdempotencyKey(request)) return null;
  return idempotencyKeyWith(request, organizationId, vault.index(JSON.stringify(body)));
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
  organizationId: string,
  requestHash: string,
): IdempotencyKey {
  const route = `${request.method} ${request.routeOptions.url ?? ''} ${JSON.stringify(request.params)}`;
  return { organizationId, key: String(request.headers['idempotency-key']), route, requestHash };
}
