import type { FastifyRequest } from 'fastify';
import { violatedUnique } from '../../db/constraints.ts';
import { findAnswer, type IdempotencyKey } from '../../db/transport/idempotency.ts';
import { RefusedError } from '../../domain/errors.ts';
import type { Runtime } from '../../engine/runtime.ts';

export type Answer = { status: number; body: unknown };

/**
 * The request's Idempotency-Key, bound to what was asked. `body` is the parsed one, so that spacing and the order of
 * keys do not make it another request. Null: none was sent.
 */
export function idempotencyKeyOf(
  request: FastifyRequest,
  { organizationId, vault }: { organizationId: string } & Pick<Runtime, 'vault'>,
  body: unknown,
): IdempotencyKey | null {
  const given = request.headers['idempotency-key'];
  if (given === undefined) return null;
  if (typeof given !== 'string' || !/^[\x21-\x7e]{1,255}$/.test(given)) {
    throw new RefusedError(400, 'invalid_input', 'Some fields are not valid.', {
      fields: [{ path: 'Idempotency-Key', message: '1 to 255 visible ASCII characters' }],
    });
  }
  const route = `${request.method} ${request.routeOptions.url ?? ''} ${JSON.stringify(request.params)}`;
  return { organizationId, key: given, route, requestHash: vault.index(JSON.stringify(body)) };
}

/** The first answer to this key. Null: it was never used. Throws 409 when it was used for another request. */
export async function firstAnswer(
  { db }: Pick<Runtime, 'db'>,
  key: IdempotencyKey | null,
): Promise<Answer | null> {
  if (!key) return null;
  const first = await findAnswer(db, key.organizationId, key.key);
  if (!first) return null;
  if (first.route !== key.route || first.requestHash !== key.requestHash) {
    throw new RefusedError(
      409,
      'idempotency_key_reused',
      'This Idempotency-Key was used for another request.',
    );
  }
  return { status: first.status, body: first.answer };
}

/** What a refused statement means for its key: the answer of whoever was first, or null. Other errors are rethrown. */
export async function answerAfter(
  deps: Pick<Runtime, 'db'>,
  key: IdempotencyKey | null,
  error: unknown,
): Promise<Answer | null> {
  if (violatedUnique(error) === null) throw error;
  return firstAnswer(deps, key);
}
