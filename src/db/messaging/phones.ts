import { type SQL, sql } from 'drizzle-orm';
import { newId } from '../../events/new-id.ts';
import type { Queryable } from '../client.ts';
import { type Part, run } from '../commit.ts';

/** A conversation and its opt-outs. A claim of a text locks this row FOR SHARE, and every opt-out updates it. */
export type Phone = {
  id: string;
  ourNumber: string;
  number: string;
  /** The carrier reported the opt-out: no organization may text the number. */
  optedOutAt: Date | null;
  /** The organizations that reported the opt-out themselves and may not text the number. */
  optedOutOf: string[];
  /** When each of them did, by its id; none for opt-outs of earlier versions. */
  optedOutSince: Record<string, string>;
  badNumberAt: Date | null;
};

export const phoneColumns = sql.raw(
  'id, our_number AS "ourNumber", number, opted_out_at AS "optedOutAt", opted_out_of AS "optedOutOf", opted_out_since AS "optedOutSince", bad_number_at AS "badNumberAt"',
);

export async function findPhone(db: Queryable, id: string): Promise<Phone | null> {
  const [row] = await run<Phone>(db, sql`SELECT ${phoneColumns} FROM phones WHERE id = ${id}`);
  return row ?? null;
}

/** The row of (our number, their phone), created when missing. */
export async function openConversation(db: Queryable, ourNumber: string, number: string): Promise<Phone> {
  const find = () =>
    run<Phone>(
      db,
      sql`SELECT ${phoneColumns} FROM phones WHERE our_number = ${ourNumber} AND number = ${number}`,
    );
  const [known] = await find();
  if (known) return known;
  await run(
    db,
    sql`INSERT INTO phones (id, our_number, number) VALUES (${newId()}, ${ourNumber}, ${number}) ON CONFLICT (our_number, number) DO NOTHING`,
  );
  const [made] = await find();
  return made!;
}

/** When the opt-out began that stands for this organization, or for all of them when it is null. Null when none stands. */
export function optOutTime(phone: Phone, organizationId: string | null): string | null {
  if (organizationId === null) return phone.optedOutAt?.toISOString() ?? null;
  return phone.optedOutOf.includes(organizationId)
    ? (phone.optedOutSince[organizationId] ?? 'earlier')
    : null;
}

/** Whether the number is that of a buyer of the organization, or was offered a lead or texted by it. */
export async function isKnownTo(
  db: Queryable,
  organizationId: string,
  ourNumber: string,
  number: string,
): Promise<boolean> {
  const rows = await run(
    db,
    sql`SELECT 1 WHERE EXISTS (SELECT 1 FROM buyers WHERE phone = ${number} AND organization_id = ${organizationId}::uuid)
      OR EXISTS (SELECT 1 FROM lead_unlocks
        WHERE our_number = ${ourNumber} AND phone = ${number} AND organization_id = ${organizationId}::uuid)
      OR EXISTS (SELECT 1 FROM messages m JOIN phones p ON p.id = m.phone_id
        WHERE p.our_number = ${ourNumber} AND p.number = ${number} AND m.organization_id = ${organizationId}::uuid)`,
  );
  return rows.length > 0;
}

/** SQL: the phone `p` has opted out of texts of this organization. Both are SQL names, never input. */
export const optedOutFor = (p: string, organization: string): string =>
  `(${p}.opted_out_at IS NOT NULL OR ${p}.opted_out_of @> ARRAY[${organization}])`;

/**
 * Records an opt-out: of the texts of one organization, or of all when `organizationId` is null. Its time identifies it,
 * so a repeated STOP keeps the time of the first.
 */
export function markOptedOut(phoneId: string, organizationId: string | null): Part {
  const change =
    organizationId === null
      ? sql`opted_out_at = coalesce(opted_out_at, now())`
      : sql`opted_out_of = array_append(array_remove(opted_out_of, ${organizationId}::uuid), ${organizationId}::uuid),
          opted_out_since = CASE WHEN opted_out_of @> ARRAY[${organizationId}::uuid] THEN opted_out_since
            ELSE opted_out_since || jsonb_build_object(${organizationId}::text, clock_timestamp()) END`;
  return {
    name: 'opted_out',
    statement: (when: SQL) => sql`UPDATE phones SET ${change} WHERE id = ${phoneId}::uuid AND ${when}`,
  };
}

/**
 * Lifts the opt-out of one organization, or every opt-out when `organizationId` is null; once it is committed, texts can
 * be claimed again.
 */
export function markOptedIn(phoneId: string, organizationId: string | null): Part {
  const change =
    organizationId === null
      ? sql`opted_out_at = NULL, opted_out_of = '{}', opted_out_since = '{}'`
      : sql`opted_out_of = array_remove(opted_out_of, ${organizationId}::uuid),
          opted_out_since = opted_out_since - ${organizationId}::text`;
  return {
    name: 'opted_in',
    statement: (when: SQL) =>
      sql`UPDATE phones SET ${change} WHERE id = ${phoneId}::uuid AND ${when} RETURNING id`,
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
