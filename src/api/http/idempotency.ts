import type { FastifyRequest } from 'fastify';
import type { IdempotencyKey } from '../../db/transport/idempotency.ts';
import { RefusedError } from '../../domain/errors.ts';
import type { QuotaOwner } from '../../usecases/account/quotas.ts';
import type { Runtime } from '../../usecases/runtime.ts';

/**
 * The request's Idempotency-Key, bound to the route and the body. `body` is the parsed body, so that whitespace does not
 * make it a different request. Returns null when no key was sent. Each key is a stored row, so it counts against the
 * quota of its owner.
 */
export async function idempotencyKeyOf(
  request: FastifyRequest,
  { vault, quotas }: Pick<Runtime, 'vault' | 'quotas'>,
  owner: QuotaOwner,
  body: unknown,
): Promise<IdempotencyKey | null> {
  const given = request.headers['idempotency-key'];
  if (given === undefined) return null;
  if (typeof given !== 'string' || !/^[\x21-\x7e]{1,255}$/.test(given)) {
    throw new RefusedError(400, 'invalid_input', 'Some fields are not valid.', {
      fields: [{ path: 'Idempotency-Key', message: '1 to 255 visible ASCII characters' }],
    });
  }
  await quotas.take('idempotency_keys', owner);
  const { organizationId } = owner;
  const route = `${request.method} ${request.routeOptions.url ?? ''} ${JSON.stringify(request.params)}`;
  return { organizationId, key: given, route, requestHash: vault.index(JSON.stringify(body)) };
}
