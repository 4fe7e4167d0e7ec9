import { sql } from 'drizzle-orm';
import type { Queryable } from '../client.ts';
import { run } from '../commit.ts';

/** What a subject is about, by name, and where its pages are. Null for what it is not about. */
export type NamedSubject = {
  company: string | null;
  /** The number in the address of the company's pages; null for an organization without any. */
  companyNumber: number | null;
  buyer: string | null;
  lead: string | null;
  unlockId: string | null;
  importId: string | null;
};

export type SubjectOf = { subject: string; organizationId: string | null };

const noNames: NamedSubject = {
  company: null,
  companyNumber: null,
  buyer: null,
  lead: null,
  unlockId: null,
  importId: null,
};

/** The id of a subject of this kind, as a UUID or NULL. */
const idIn = (kind: string) =>
  sql.raw(
    `CASE WHEN s.subject ~ '^${kind}:[0-9a-f-]{36}$' THEN substr(s.subject, ${kind.length + 2})::uuid END`,
  );

/** The names of some subjects in their order: one statement, a few lookups by primary key for each. */
export async function nameSubjects(db: Queryable, given: readonly SubjectOf[]): Promise<NamedSubject[]> {
  if (given.length === 0) return [];
  const rows = JSON.stringify(
    given.map(({ subject, organizationId }, n) => ({ n, subject, organizationId })),
  );
  const found = await run<NamedSubject & { n: number }>(
    db,
    sql`SELECT s.n, o.name AS company, CASE WHEN c.organization_id IS NOT NULL THEN o.number END AS "companyNumber",
      coalesce(b.name, b.external_id, phone.buyer) AS buyer, l.public_id AS lead, u.id AS "unlockId", ${idIn('import')} AS "importId"
    FROM jsonb_to_recordset(${rows}::jsonb) AS s(n integer, subject text, "organizationId" uuid)
      LEFT JOIN inbox i ON i.id = ${idIn('inbox')}
      LEFT JOIN lead_unlocks u ON u.id = coalesce(${idIn('unlock')}, i.unlock_id)
      LEFT JOIN buyers b ON b.id = u.buyer_id
      LEFT JOIN leads l ON l.id = coalesce(u.lead_id, ${idIn('lead')})
      LEFT JOIN organizations o ON o.id = coalesce(u.organization_id, l.organization_id, s."organizationId")
      LEFT JOIN companies c ON c.organization_id = o.id
      LEFT JOIN LATERAL (SELECT coalesce(y.name, y.external_id) AS buyer FROM phones p JOIN buyers y ON y.phone = p.number
        WHERE p.id = coalesce(${idIn('phone')}, i.phone_id) ORDER BY y.organization_id = o.id DESC NULLS LAST, y.created_at LIMIT 1) phone ON true`,
  );
  const byPlace = new Map(found.map(({ n, ...names }) => [n, names]));
  return given.map((_row, n) => byPlace.get(n) ?? noNames);
}
