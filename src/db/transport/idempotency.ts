import { sql } from 'drizzle-orm';
import { RefusedError } from '../../domain/errors.ts';
import type { Queryable } from '../client.ts';
import { type Part, run } from '../commit.ts';

/** One caller's Idempotency-Key. `requestHash` is keyed: the body may hold personal data. */
export type IdempotencyKey = { organizationId: string; key: string; route: string; requestHash: string };

export type Answer = { status: number; body: unknown };
type StoredAnswer = { route: string; requestHash: string; status: number; answer: unknown };

/** The first answer to a key. */
export type KeyAnswer = { key: IdempotencyKey; status: number; answer: unknown };

/** Written in the statement it protects. A repeated key violates the primary key, so nothing else is written either. */
export const answerPart = (key: IdempotencyKey, status: number, answer: unknown): Part =>
  answersPart([{ key, status, answer }]);

/** The same for several keys, in the order in which all statements write them, so that two do not deadlock. */
export function answersPart(answers: readonly KeyAnswer[]): Part {
  const rows = answers.map(({ key, status, answer }) => ({
    organization_id: key.organizationId,
    key: key.key,
    route: key.route,
    request_hash: key.requestHash,
    status,
    answer,
  }));
  return {
    name: 'first_answer',
    statement: (
      when,
    ) => sql`INSERT INTO idempotency_keys (organization_id, key, route, request_hash, status, answer)
      SELECT a.organization_id, a.key, a.route, a.request_hash, a.status, a.answer
      FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) AS a(organization_id uuid, key text, route text, request_hash text,
        status integer, answer jsonb) WHERE ${when} ORDER BY a.organization_id, a.key`,
  };
}

/** Deletes a key whose request was undone, so that it can be used again. */
export function forgetAnswer(key: IdempotencyKey): Part {
  return {
    name: 'forgotten_answer',
    statement: (when) => sql`DELETE FROM idempotency_keys
      WHERE organization_id = ${key.organizationId}::uuid AND key = ${key.key}::text AND ${when}`,
  };
}

/**
 * Returns the first answer given to this key, or null when the key is null or was never used. Throws RefusedError 409
 * when it was used for another request.
 */
export async function firstAnswer(db: Queryable, key: IdempotencyKey | null): Promise<Answer | null> {
  if (!key) return null;
  const [first] = await run<StoredAnswer>(
    db,
    sql`SELECT route, request_hash AS "requestHash", status, answer FROM idempotency_keys
      WHERE organization_id = ${key.organizationId}::uuid AND key = ${key.key}`,
  );
  return first ? answerTo(key, first) : null;
}

/** The same for several keys of one organization, by the text of each that was used. Errors stand in place of answers. */
export async function firstAnswers(
  db: Queryable,
  organizationId: string,
  keys: readonly IdempotencyKey[],
): Promise<Map<string, Answer | RefusedError>> {
  const rows = await run<StoredAnswer & { key: string }>(
    db,
    sql`SELECT key, route, request_hash AS "requestHash", status, answer FROM idempotency_keys
      WHERE organization_id = ${organizationId}::uuid AND key = ANY(${sql.param(keys.map(({ key }) => key))}::text[])`,
  );
  const used = new Map(rows.map((row) => [row.key, row]));
  return new Map(
    keys.flatMap((key) => {
      const first = used.get(key.key);
      if (!first) return [];
      return [[key.key, isSame(key, first) ? answerTo(key, first) : reused()] as const];
    }),
  );
}

const isSame = (key: IdempotencyKey, first: StoredAnswer): boolean =>
  first.route === key.route && first.requestHash === key.requestHash;

const reused = () =>
  new RefusedError(409, 'idempotency_key_reused', 'This Idempotency-Key was used for another request.');

function answerTo(key: IdempotencyKey, first: StoredAnswer): Answer {
  if (!isSame(key, first)) throw reused();
  return { status: first.status, body: first.answer };
}
