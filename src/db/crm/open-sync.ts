import { type SQL, sql } from 'drizzle-orm';
import type { CrmName } from '../../config.ts';
import { type SyncStatus, syncMoves } from '../../domain/crm/sync-status.ts';
import { statesBefore } from '../../domain/moves.ts';
import type { Queryable } from '../client.ts';
import type { Fence } from '../commit.ts';
import { importStopped } from '../imports/imports.ts';
import { quoted } from '../schema/columns.ts';
import { type OpenRun, openRun } from '../transport/outbox.ts';
import { type CallLimits, type CallSlot, limitColumns, reservationParts } from './call-slots.ts';
import { type CrmConnection, connectionColumns, crmWorker, ownConnection } from './connections.ts';

/** The lead data that a run needs. */
export type OpenedSync = {
  leadId: string;
  organizationId: string;
  importId: string | null;
  /** Sealed; null after erasure. */
  contact: string | null;
  phoneValid: boolean;
  /** The lead of another person that the account's contact with this e-mail address belongs to; null: the address is free. */
  addressOf: AddressOwner | null;
  city: string | null;
  tags: string[];
  sourceLabel: string | null;
  fieldMapping: Record<string, string>;
  /** Its import was cancelled, and the rest is not sent. */
  importStopped: boolean;
  connection: CrmConnection | null;
  heldBecause: string | null;
  /** Before this run. */
  status: SyncStatus | null;
  /** The number of this run: the sync is `processing` and its first call reserved. Null when it did not begin. */
  attempt: number | null;
  /** The first call; null when the run did not begin or the vendor has no limits. */
  slot: CallSlot | null;
  dayFull: boolean;
};

/** `publicId`: null when that lead was deleted. `contactId`: null while it is not in the CRM. */
export type AddressOwner = { publicId: string | null; contactId: string | null; status: SyncStatus | null };

type LeadColumns = Omit<OpenedSync, 'connection'> &
  Omit<CrmConnection, 'id' | 'organizationId'> & { connectionId: string | null };

/** Parameters of each CRM. All are passed, because the statement itself reads the connection's vendor. */
export type VendorTerms = {
  name: CrmName;
  limits: CallLimits | null;
  /** The run does not begin when its first call would have to wait longer than this. */
  aheadMs: number;
  /** APIs with a shared token, for connections without credentials. */
  sharedApis: readonly string[];
};

export type OpenOptions = {
  /** The process, for the log. */
  worker: string;
  vendors: readonly VendorTerms[];
};

/**
 * Opens a run in one statement: the row with this epoch and its event, the lead with its company and its CRM, and, if
 * nothing prevents the run, the reservation of its first call and the sync's `processing`. Returns null when the row is
 * finished, parked or has a newer epoch.
 */
export function openSync(
  db: Queryable,
  fence: Fence,
  options: OpenOptions,
): Promise<OpenRun<OpenedSync> | null> {
  return openRun(db, fence, {
    columns: leadColumns,
    join: leadJoin,
    steps: beginSteps(options),
    read: (columns) => (isLead(columns) ? openedFrom(columns) : null),
  });
}

const leadColumns = sql`l.id AS "leadId", l.organization_id AS "organizationId", l.import_id AS "importId", l.contact, l.phone_valid AS "phoneValid",
    l.email_hash AS "emailHash", coalesce(l.phone_hash, l.id::text) AS person, l.city,
    coalesce(c.tags, '{}') AS tags, c.source_label AS "sourceLabel", coalesce(c.field_mapping, '{}') AS "fieldMapping",
    coalesce(${importStopped('i')}, false) AS "importStopped", h.reason AS "heldBecause", s.status,
    k.id AS "connectionId", ${connectionColumns}`;

const leadJoin = sql`LEFT JOIN leads l ON e.type IN ('lead.uploaded', 'lead.sync_requested') AND l.id = (e.data->>'leadId')::uuid
    LEFT JOIN companies c ON c.organization_id = l.organization_id
    LEFT JOIN crm_connections k ON ${ownConnection('l.organization_id')}
    LEFT JOIN imports i ON i.id = l.import_id
    LEFT JOIN lead_syncs s ON s.lead_id = l.id AND s.connection_id = k.id
    LEFT JOIN worker_holds h ON h.worker = ${crmWorker} AND h.organization_id = l.organization_id AND h.until > now()`;

function beginSteps({ worker, vendors }: OpenOptions): { ctes: SQL; results: SQL } {
  const limited = vendors.some(({ limits }) => limits !== null);
  return {
    ctes: sql`ready AS (
      SELECT "leadId" AS lead_id, "organizationId" AS organization_id, "connectionId" AS connection_id, "importId" AS import_id,
        about.vendor, "accountId" AS account_id, "emailHash" AS email_hash, person, "rateShare" AS rate_share,
        t.calls, t.per_day, t.cycle_ms, t.ahead_ms
      FROM about JOIN (${sql.join(vendors.map(termsRow), sql` UNION ALL `)}) t ON t.vendor = about.vendor
      WHERE contact IS NOT NULL AND NOT "importStopped" AND "heldBecause" IS NULL AND "pausedAt" IS NULL
        AND coalesce(status, 'pending') IN (${quoted(statesBefore(syncMoves, 'processing'))})
        AND (credentials IS NOT NULL OR "apiVersion" = ANY(t.shared_apis)))
    ${limited ? sql`, ${reservationParts('ready')}` : sql``},
    sync AS (
      INSERT INTO lead_syncs AS s (lead_id, connection_id, organization_id, import_id, status, attempts, worker)
      SELECT lead_id, connection_id, organization_id, import_id, 'processing', 1, ${worker} FROM ready
      ${limited ? sql`WHERE calls IS NULL OR EXISTS (SELECT 1 FROM slot)` : sql``}
      ON CONFLICT (lead_id, connection_id) DO UPDATE SET status = 'processing', attempts = s.attempts + 1, worker = excluded.worker,
        updated_at = now()
        WHERE s.status IN (${quoted(statesBefore(syncMoves, 'processing'))}) RETURNING attempts),
    ${addressParts}`,
    results: sql`(SELECT attempts FROM sync) AS attempt, ${addressOwner} AS "addressOf",
      ${limited ? sql`(SELECT taken FROM slot)` : sql`NULL::json`} AS slot,
      ${limited ? sql`EXISTS (SELECT 1 FROM day_full)` : sql`false`} AS "dayFull"`,
  };
}

/**
 * The first lead that is written to an account with an e-mail address keeps it, so that no upsert finds the contact of
 * another person. The key decides between two runs that begin at the same time, and a retry finds the same answer.
 */
const addressParts = sql`known AS (
      SELECT k.lead_id, k.person FROM ready r CROSS JOIN LATERAL (
        SELECT a.lead_id, a.person FROM crm_addresses a
        WHERE a.vendor = r.vendor AND a.account_id = r.account_id AND a.email_hash = r.email_hash LIMIT 1) k),
    claimed AS (
      INSERT INTO crm_addresses AS a (vendor, account_id, email_hash, lead_id, person)
      SELECT vendor, account_id, email_hash, lead_id, person FROM ready
      WHERE email_hash IS NOT NULL AND EXISTS (SELECT 1 FROM sync) AND NOT EXISTS (SELECT 1 FROM known)
      ON CONFLICT (vendor, account_id, email_hash) DO UPDATE SET lead_id = a.lead_id RETURNING lead_id, person),
    owner AS (SELECT * FROM known UNION ALL SELECT * FROM claimed)`;

const addressOwner = sql`(SELECT json_build_object('publicId', o.public_id, 'contactId', os.contact_id, 'status', os.status)
      FROM owner LEFT JOIN leads o ON o.id = owner.lead_id
        LEFT JOIN lead_syncs os ON os.lead_id = owner.lead_id AND os.connection_id = about."connectionId"
      WHERE owner.person <> about.person AND owner.lead_id <> about."leadId")`;

/** For a vendor without limits the numbers are null, so that no slot row matches. */
function termsRow({ name, limits, aheadMs, sharedApis }: VendorTerms): SQL {
  const numbers = limits
    ? limitColumns(limits, aheadMs)
    : sql`NULL::integer AS calls, NULL::integer AS per_day, NULL::float8 AS cycle_ms, NULL::float8 AS ahead_ms`;
  return sql`SELECT ${name}::text AS vendor, ${sql.param([...sharedApis])}::text[] AS shared_apis, ${numbers}`;
}

/** The columns of the outer join are null when the event has no lead, or the lead was deleted. */
const isLead = (columns: Record<string, unknown>): columns is LeadColumns => columns.leadId !== null;

function openedFrom(columns: LeadColumns): OpenedSync {
  const { connectionId, vendor, accountId, apiVersion, kind, credentials, ...rest } = columns;
  const { accessExpiresAt, version, rateShare, pausedAt, pauseReason, ...sync } = rest;
  if (connectionId === null) return { ...sync, connection: null };
  const { organizationId } = sync;
  const account = { id: connectionId, organizationId, vendor, accountId, apiVersion };
  const access = { kind, credentials, accessExpiresAt, version, rateShare };
  return { ...sync, connection: { ...account, ...access, pausedAt, pauseReason } };
}
