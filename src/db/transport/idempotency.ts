import { sql } from 'drizzle-orm';
import type { Queryable } from '../client.ts';
import { type Part, run } from '../commit.ts';

/** One caller's Idempotency-Key. `requestHash` is keyed: the body may hold personal data. */
export type IdempotencyKey = { organizationId: string; key: string; route: string; requestHash: string };

export type FirstAnswer = { route: string; requestHash: string; status: number; answer: unknown };

/** The constraint a second request with the same key runs into: its whole statement is refused. */
export const idempotencyConstraint = 'idempotency_keys_organization_id_key_pk';

/** Written in the statement it protects. A repetition violates the primary key, so nothing else is written either. */
export function answerPart(key: IdempotencyKey, status: number, answer: unknown): Part {
  return {
    name: 'first_answer',
    statement: (
      when,
    ) => sql`INSERT INTO idempotency_keys (organization_id, key, route, request_hash, status, answer)
      SELECT ${key.organizationId}::uuid, ${key.key}::text, ${key.route}::text, ${key.requestHash}::text, ${status}::integer,
        ${JSON.stringify(answer)}::jsonb WHERE ${when}`,
  };
}

/** What was answered is undone: the key is as if it had never come. */
export function forgetAnswer(key: IdempotencyKey): Part {
  return {
    name: 'forgotten_answer',
    statement: (when) => sql`DELETE FROM idempotency_keys
      WHERE organization_id = ${key.organizationId}::uuid AND key = ${key.key}::text AND ${when}`,
  };
}

export async function findAnswer(
  db: Queryable,
  organizationId: string,
  key: string,
): Promise<FirstAnswer | null> {
  const [row] = await run<FirstAnswer>(
    db,
    sql`SELECT route, request_hash AS "requestHash", status, answer FROM idempotency_keys
      WHERE organization_id = ${organizationId}::uuid AND key = ${key}`,
  );
  return row ?? null;
}
