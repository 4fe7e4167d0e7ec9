import { randomBytes } from 'node:crypto';
import { type SQL, sql } from 'drizzle-orm';
import type { CrmName } from '../../config.ts';
import type { CompanyChanges, CompanyRegistration } from '../../domain/account/company.ts';
import { RefusedError } from '../../domain/errors.ts';
import { DEFAULT_FOOTER } from '../../domain/messaging/templates.ts';
import { newId } from '../../events/new-id.ts';
import { subjects } from '../../events/subjects.ts';
import { isConnectionError, type Queryable } from '../client.ts';
import { type Change, commitChange, type Part, run } from '../commit.ts';
import { violatedUnique } from '../constraints.ts';
import { accountConstraint } from '../crm/credentials.ts';
import type { IdempotencyKey } from '../transport/idempotency.ts';

/** An organization that uploads its own leads to its CRM. Without its credentials; only whether there are any. */
export type Company = {
  organizationId: string;
  /** The `company_id` of clients. */
  number: number;
  name: string;
  ownerName: string;
  ownerEmail: string;
  ownerPhone: string;
  /** ISO 3166: default country for phones without a country code. */
  defaultRegion: string;
  /** A phone seen within this window is a duplicate. 0 disables deduplication. */
  dedupeWindowMs: number;
  tags: string[];
  sourceLabel: string | null;
  fieldMapping: Record<string, string>;
  /** Null until the company has named its account. */
  vendor: CrmName | null;
  accountId: string | null;
  apiVersion: string;
  connectionKind: 'token' | 'oauth';
  connected: boolean;
  rateShare: number;
  pausedAt: Date | null;
  pauseReason: string | null;
  createdAt: Date;
};

/** Unique: an owner's e-mail address regardless of case, and an account of a CRM. */
export const ownerEmailConstraint = 'companies_owner_email';
const slugConstraint = 'organizations_slug_unique';

const columns =
  sql.raw(`o.id AS "organizationId", o.number, o.name, c.owner_name AS "ownerName", c.owner_email AS "ownerEmail",
  c.owner_phone AS "ownerPhone", c.default_region AS "defaultRegion", c.dedupe_window_ms::float8 AS "dedupeWindowMs", c.tags,
  c.source_label AS "sourceLabel", c.field_mapping AS "fieldMapping", k.vendor, k.account_id AS "accountId",
  coalesce(k.api_version, 'v2') AS "apiVersion", coalesce(k.kind, 'token') AS "connectionKind", k.credentials IS NOT NULL AS connected,
  coalesce(k.rate_share, 100) AS "rateShare", k.paused_at AS "pausedAt", k.pause_reason AS "pauseReason", c.created_at AS "createdAt"`);
const companies = sql.raw(`companies c JOIN organizations o ON o.id = c.organization_id
  LEFT JOIN crm_connections k ON k.organization_id = c.organization_id AND k.buyer_id IS NULL`);

/** Returns null when there is none, or when the organization is not a company. */
export async function findCompany(
  db: Queryable,
  by: { number: number } | { organizationId: string },
): Promise<Company | null> {
  const where =
    'number' in by
      ? sql`o.number = ${by.number}::integer`
      : sql`c.organization_id = ${by.organizationId}::uuid`;
  const [row] = await run<Company>(db, sql`SELECT ${columns} FROM ${companies} WHERE ${where}`);
  return row ?? null;
}

/**
 * Ordered by number. `search` matches the number, the names, the owner's address or the CRM account. `organizations`
 * limits the list; null lists all.
 */
export async function listCompanies(
  db: Queryable,
  page: {
    limit: number;
    after?: number | null;
    search?: string | null;
    organizations?: readonly string[] | null;
  },
): Promise<Company[]> {
  const where = [sql`o.number > ${page.after ?? 0}::integer`];
  if (page.organizations)
    where.push(sql`c.organization_id = ANY(${sql.param([...page.organizations])}::uuid[])`);
  const search = page.search?.trim().toLowerCase();
  if (search)
    where.push(
      sql`position(${search}::text IN lower(concat_ws(' ', o.number, o.name, c.owner_name, c.owner_email, k.account_id))) > 0`,
    );
  return run(
    db,
    sql`SELECT ${columns} FROM ${companies} WHERE ${sql.join(where, sql` AND `)} ORDER BY o.number LIMIT ${page.limit}::integer`,
  );
}

/**
 * Creates an organization with its company and its CRM account, which is not connected yet. `by`: id of a user or a
 * key. Throws, with nothing written, the violation of `ownerEmailConstraint`, of `accountConstraint` (see
 * `companyTaken`) or of a used Idempotency-Key.
 */
export async function registerCompany(
  { db }: { db: Queryable },
  fields: CompanyRegistration,
  { by = 'unknown', key = null }: { by?: string; key?: IdempotencyKey | null } = {},
): Promise<Company> {
  const id = newId();
  const plain = slugOf(fields.name);
  for (let attempt = 0; ; attempt += 1) {
    // The plain slug may be taken: later attempts add a random suffix.
    const slug = attempt === 0 ? plain : `${plain}-${randomBytes(3).toString('hex')}`;
    try {
      await commitChange(db, registration(id, slug, fields, by, key), { visibilityMs: 0 });
      return (await findCompany(db, { organizationId: id }))!;
    } catch (error) {
      // The answer to COMMIT was lost: look up whether the company exists.
      const made = isConnectionError(error) ? await findCompany(db, { organizationId: id }) : null;
      if (made) return made;
      if (attempt === 5 || violatedUnique(error) !== slugConstraint) throw error;
    }
  }
}

function registration(
  id: string,
  slug: string,
  fields: CompanyRegistration,
  by: string,
  key: IdempotencyKey | null,
): Change {
  const organization: Part = {
    name: 'organization',
    statement: (when) => sql`INSERT INTO organizations (id, name, slug, footer, support_contact)
      SELECT ${id}::uuid, ${fields.name}::text, ${slug}::text, ${DEFAULT_FOOTER}::text, ${fields.ownerEmail}::text WHERE ${when}
      RETURNING id, number`,
  };
  const answer: Part[] = key
    ? [
        {
          name: 'first_answer',
          statement:
            () => sql`INSERT INTO idempotency_keys (organization_id, key, route, request_hash, status, answer)
            SELECT ${key.organizationId}::uuid, ${key.key}::text, ${key.route}::text, ${key.requestHash}::text, 201,
              jsonb_build_object('company_id', number) FROM organization`,
        },
      ]
    : [];
  return {
    writes: [
      organization,
      { name: 'company', statement: () => companyRow(fields, sql`organization`) },
      { name: 'connection', statement: () => connectionRow(fields, sql`organization`) },
      ...answer,
    ],
    events: [
      { type: 'company.registered', organizationId: id, subject: subjects.company(id), data: { actor: by } },
    ],
  };
}

/** Makes an existing organization a company. Returns false, and changes nothing, when it already is one. */
export async function makeCompany(
  db: Queryable,
  organizationId: string,
  fields: CompanyRegistration,
): Promise<boolean> {
  const organization = sql`(SELECT ${organizationId}::uuid AS id)`;
  const change: Change = {
    guard: () =>
      sql`${companyRow(fields, organization)} ON CONFLICT (organization_id) DO NOTHING RETURNING organization_id AS id`,
    writes: [{ name: 'connection', statement: () => connectionRow(fields, sql`moved`) }],
  };
  return (await commitChange(db, change, { visibilityMs: 0 })).moved;
}

const companyRow = (fields: CompanyRegistration, organization: SQL) =>
  sql`INSERT INTO companies (organization_id, owner_name, owner_email, owner_phone, default_region)
    SELECT id, ${fields.ownerName}::text, ${fields.ownerEmail}::text, ${fields.ownerPhone}::text, ${fields.defaultRegion}::text
    FROM ${organization} AS organization`;

/** Keeps an account that was named before. */
const connectionRow = (fields: CompanyRegistration, organization: SQL) =>
  sql`INSERT INTO crm_connections (organization_id, vendor, account_id)
    SELECT id, ${fields.account.vendor}::text, ${fields.account.accountId}::text FROM ${organization} AS organization
    ON CONFLICT (organization_id) WHERE buyer_id IS NULL DO NOTHING`;

/** Translates a unique violation to a RefusedError. Returns null for any other error. */
export function companyTaken(error: unknown): RefusedError | null {
  switch (violatedUnique(error)) {
    case ownerEmailConstraint:
      return new RefusedError(409, 'email_taken', 'There is a company with this e-mail address already.', {
        fields: [{ path: 'owner_email', message: 'belongs to another company' }],
      });
    case accountConstraint:
      return new RefusedError(409, 'location_taken', 'This CRM account belongs to another company.', {
        fields: [{ path: 'ghl_location_id', message: 'belongs to another company' }],
      });
    default:
      return null;
  }
}

/** Returns null when there is no such company. Throws RefusedError 409 when another company has the owner's address. */
export async function changeCompany(
  db: Queryable,
  organizationId: string,
  changes: CompanyChanges,
): Promise<Company | null> {
  const { name, ownerName, ownerEmail, ownerPhone, defaultRegion, dedupeWindowMs, tags } = changes;
  const { sourceLabel, fieldMapping, rateShare } = changes;
  const statement = sql`WITH changed AS (
      UPDATE companies SET owner_name = coalesce(${ownerName ?? null}::text, owner_name),
        owner_email = coalesce(${ownerEmail ?? null}::text, owner_email), owner_phone = coalesce(${ownerPhone ?? null}::text, owner_phone),
        default_region = coalesce(${defaultRegion ?? null}::text, default_region),
        dedupe_window_ms = coalesce(${dedupeWindowMs ?? null}::bigint, dedupe_window_ms),
        tags = coalesce(${tags ? sql.param(tags) : null}::text[], tags),
        source_label = CASE WHEN ${sourceLabel !== undefined}::boolean THEN ${sourceLabel ?? null}::text ELSE source_label END,
        field_mapping = coalesce(${fieldMapping ? JSON.stringify(fieldMapping) : null}::jsonb, field_mapping), updated_at = now()
      WHERE organization_id = ${organizationId}::uuid RETURNING organization_id),
    renamed AS (UPDATE organizations SET name = ${name ?? null}::text
      WHERE ${name !== undefined}::boolean AND id IN (SELECT organization_id FROM changed)),
    shared AS (UPDATE crm_connections SET rate_share = ${rateShare ?? null}::integer, updated_at = now()
      WHERE ${rateShare !== undefined}::boolean AND buyer_id IS NULL AND organization_id IN (SELECT organization_id FROM changed))
    SELECT organization_id FROM changed`;
  const rows = await run(db, statement).catch((error: unknown) => {
    throw companyTaken(error) ?? error;
  });
  return rows.length > 0 ? findCompany(db, { organizationId }) : null;
}

/** Adds to the names of custom fields: name here -> id of the CRM's field. A name that is known gets the new id. */
export async function addCompanyFields(
  db: Queryable,
  organizationId: string,
  fields: Readonly<Record<string, string>>,
): Promise<void> {
  await run(
    db,
    sql`UPDATE companies SET field_mapping = field_mapping || ${JSON.stringify(fields)}::jsonb, updated_at = now()
      WHERE organization_id = ${organizationId}::uuid`,
  );
}

/** Letters, digits and hyphens. A name in another script gets a generated slug. */
function slugOf(name: string): string {
  const plain = name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 50)
    .replace(/-+$/, '');
  return plain || `company-${randomBytes(3).toString('hex')}`;
}
