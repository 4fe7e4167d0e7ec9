import { type SQL, sql } from 'drizzle-orm';
import type { Queryable } from '../client.ts';
import { type Part, run } from '../commit.ts';

export type Phone = {
  id: string;
  ourNumber: string;
  number: string;
  optedOutAt: Date | null;
  badNumberAt: Date | null;
};

const columns = sql.raw(
  'id, our_number AS "ourNumber", number, opted_out_at AS "optedOutAt", bad_number_at AS "badNumberAt"',
);

export async function findPhone(db: Queryable, id: string): Promise<Phone | null> {
  const [row] = await run<Phone>(db, sql`SELECT ${columns} FROM phones WHERE id = ${id}`);
  return row ?? null;
}

/** Records that the vendor refuses texts to this number. Locks the row that a claim locks FOR SHARE. */
export function markOptedOut(phoneId: string): Part {
  return {
    name: 'opted_out',
    statement: (when: SQL) =>
      sql`UPDATE phones SET opted_out_at = coalesce(opted_out_at, now()) WHERE id = ${phoneId} AND ${when}`,
  };
}

/** Locks the row before what a claim locks after it. */
export const lockLine = (phoneId: string): Part => ({
  name: 'line',
  statement: () => sql`SELECT id FROM phones WHERE id = ${phoneId}::uuid FOR UPDATE`,
});

export function markBadNumber(phoneId: string): Part {
  return {
    name: 'bad_number',
    statement: (when: SQL) =>
      sql`UPDATE phones SET bad_number_at = coalesce(bad_number_at, now()) WHERE id = ${phoneId} AND ${when}`,
  };
}

/** Guard: matches the row only the first time. */
export function closeLine(phoneId: string, code: 'opted_out' | 'bad_number'): (held: SQL) => SQL {
  const column = sql.raw(code === 'opted_out' ? 'opted_out_at' : 'bad_number_at');
  return (held) =>
    sql`UPDATE phones SET ${column} = now() WHERE id = ${phoneId} AND ${column} IS NULL AND ${held} RETURNING id`;
}
