import { v7 as uuidv7 } from 'uuid';
import { saveCredentials } from '../../src/db/crm/credentials.ts';
import type { MoreOfLead } from '../../src/domain/crm/contact.ts';
import { timeOfId } from '../../src/events/envelope.ts';
import type { Runtime } from '../../src/usecases/runtime.ts';
import { phoneOf } from './import-client.ts';

type Deps = Pick<Runtime, 'db' | 'vault'>;

export type TestCompany = { organizationId: string; number: number; location: string };

export type CompanyOptions = {
  apiVersion?: 'v2' | 'v1';
  /** Null: the location is registered but not connected. */
  token?: string | null;
  tags?: string[];
  sourceLabel?: string;
  fieldMapping?: Record<string, string>;
  rateShare?: number;
};

let made = 0;

/** A company with its own location, connected with the token the sandbox accepts for it. */
export async function makeCompany({ db, vault }: Deps, options: CompanyOptions = {}): Promise<TestCompany> {
  made += 1;
  const organizationId = uuidv7();
  const location = `loc${made}x${organizationId.slice(-8)}`;
  const {
    apiVersion = 'v2',
    tags = ['old_lead_reactivation'],
    sourceLabel = null,
    fieldMapping = {},
  } = options;
  const [row] = await db.query<{ number: number }>(
    `INSERT INTO organizations (id, name, slug, footer, support_contact) VALUES ($1, $2, $3, '', 'x@y.example') RETURNING number`,
    [organizationId, `Company ${made}`, `company-${organizationId}`],
  );
  await db.query(
    `INSERT INTO companies (organization_id, owner_name, owner_email, owner_phone, tags, source_label, field_mapping)
      VALUES ($1, 'Owner', $2, '+13055550100', $3, $4, $5)`,
    [organizationId, `owner-${organizationId}@example.com`, tags, sourceLabel, JSON.stringify(fieldMapping)],
  );
  await db.query(
    `INSERT INTO crm_connections (organization_id, vendor, account_id, api_version, rate_share) VALUES ($1, 'ghl', $2, $3, $4)`,
    [organizationId, location, apiVersion, options.rateShare ?? 100],
  );
  const token =
    options.token === undefined ? `${apiVersion === 'v1' ? 'v1' : 'pit'}-sandbox-${location}` : options.token;
  if (token !== null) {
    const credentials = { accessToken: token };
    await saveCredentials(db as never, vault, organizationId, { kind: 'token', credentials, actor: 'test' });
  }
  return { organizationId, number: row!.number, location };
}

export type TestLead = {
  name?: string;
  phone?: string;
  phoneValid?: boolean;
  email?: string | null;
  address?: string | null;
  notes?: string | null;
  city?: string | null;
  more?: MoreOfLead;
  importId?: string;
};

/** Stores leads as an upload does, with their outbox rows. Returns their ids, in order. */
export async function addLeads(
  { db, vault }: Deps,
  { organizationId }: TestCompany,
  leads: readonly TestLead[],
): Promise<string[]> {
  const ids: string[] = [];
  for (let from = 0; from < leads.length; from += 2_000) {
    const rows = leads.slice(from, from + 2_000).map((lead, index) => rowOf(vault, lead, from + index));
    ids.push(...rows.map(({ id }) => id));
    await db.query(
      `WITH given AS MATERIALIZED (SELECT * FROM json_to_recordset($2::json) AS g(id uuid, event_id uuid, at timestamptz, public_id text,
          contact text, phone_hash text, email_hash text, city text, phone_valid boolean, import_id uuid)),
        stored AS (INSERT INTO leads (id, organization_id, public_id, city, import_id, channel, public, contact, phone_hash, email_hash, phone_valid)
          SELECT id, $1, public_id, city, import_id, 'crm_upload', '{}', contact, phone_hash, email_hash, phone_valid FROM given),
        facts AS (INSERT INTO events (id, occurred_at, type, version, organization_id, subject, correlation_id, data)
          SELECT event_id, at, 'lead.uploaded', 1, $1, 'lead:' || id, event_id, jsonb_build_object('leadId', id) FROM given)
        INSERT INTO outbox (event_id, event_at, worker, organization_id, due_at, queued)
        SELECT event_id, at, 'ghl-syncer', $1, now(), false FROM given`,
      [organizationId, JSON.stringify(rows)],
    );
  }
  return ids;
}

function rowOf(vault: Deps['vault'], lead: TestLead, n: number) {
  const id = uuidv7();
  const eventId = uuidv7();
  const {
    name = `Sarah ${n} Johnson`,
    phone = phoneOf(n),
    email = null,
    address = null,
    notes = null,
    more,
  } = lead;
  return {
    id,
    event_id: eventId,
    at: timeOfId(eventId),
    public_id: `lead_${id.replaceAll('-', '').slice(8)}`,
    contact: vault.sealJson({ name, phone, email, address, notes, ...(more && { more }) }),
    phone_hash: vault.index(phone),
    email_hash: email === null ? null : vault.index(email.toLowerCase()),
    city: lead.city ?? null,
    phone_valid: lead.phoneValid ?? true,
    import_id: lead.importId ?? null,
  };
}

export type SyncRow = {
  leadId: string;
  status: string;
  attempts: number;
  worker: string | null;
  contactId: string | null;
  errorCode: string | null;
  error: string | null;
  dnd: boolean | null;
};

export const syncColumns = `lead_id AS "leadId", status, attempts, worker, contact_id AS "contactId", error_code AS "errorCode", error, dnd`;

/** How a company's CRM stands, and why its rows wait. */
export async function crmState(
  { db }: Pick<Deps, 'db'>,
  { organizationId }: TestCompany,
): Promise<{ state: 'not_connected' | 'connected' | 'paused'; reason: string | null }> {
  const [row] = await db.query<{ state: 'not_connected' | 'connected' | 'paused'; reason: string | null }>(
    `SELECT CASE WHEN k.paused_at IS NOT NULL THEN 'paused' WHEN k.credentials IS NULL THEN 'not_connected' ELSE 'connected' END AS state,
        coalesce(k.pause_reason, h.reason) AS reason
      FROM crm_connections k LEFT JOIN worker_holds h
        ON h.worker = 'ghl-syncer' AND h.organization_id = k.organization_id AND h.until > now()
      WHERE k.organization_id = $1`,
    [organizationId],
  );
  return row!;
}
