import { sql } from 'drizzle-orm';
import type { Queryable } from '../client.ts';
import { type Change, type Part, run } from '../commit.ts';
import type { CrmAccount } from './call-slots.ts';

/** A lead that became a contact of a CRM. */
export type SyncedLead = {
  leadId: string;
  connectionId: string;
  organizationId: string;
  writtenHash: string | null;
  dnd: boolean | null;
  /** Sealed; null after erasure. */
  contact: string | null;
  /** Time of the newest applied update; null before the first one. */
  contactUpdatedAt: Date | null;
  /** A lead with the same phone is being written, so that a report may be about that one. */
  isContended: boolean;
};

/** The leads linked to this contact of an account. Several may match, by phone or by e-mail address. */
export async function findByContact(
  db: Queryable,
  { vendor, accountId, contactId }: CrmAccount & { contactId: string },
  organizationId: string,
): Promise<SyncedLead[]> {
  return run(
    db,
    sql`SELECT s.lead_id AS "leadId", s.connection_id AS "connectionId", s.organization_id AS "organizationId",
        s.written_hash AS "writtenHash", s.dnd, l.contact, s.contact_updated_at AS "contactUpdatedAt",
        EXISTS (SELECT 1 FROM leads o JOIN lead_syncs os ON os.lead_id = o.id AND os.connection_id = s.connection_id
          WHERE o.organization_id = l.organization_id AND o.phone_hash = l.phone_hash AND o.id <> l.id
            AND os.status = 'processing') AS "isContended"
      FROM crm_connections k JOIN lead_syncs s ON s.connection_id = k.id JOIN leads l ON l.id = s.lead_id
      WHERE k.vendor = ${vendor}::text AND k.account_id = ${accountId}::text AND k.organization_id = ${organizationId}::uuid
        AND s.contact_id = ${contactId}::text ORDER BY s.lead_id LIMIT 50`,
  );
}

export type ContactUpdate = {
  leadId: string;
  connectionId: string;
  /** Null when the CRM did not report it. */
  dnd: boolean | null;
  writtenHash: string;
  /** The corrected contact, sealed; null when unchanged. */
  contact: string | null;
  /** As it was read. */
  before: string | null;
  phoneHash: string | null;
  emailHash: string | null;
  phoneValid: boolean;
  /** `email_hash` of the address that the contact has in the CRM; null when it has none there. */
  addressHash: string | null;
};

/**
 * Guard: updates older than the newest applied one are ignored, as are those of a lead that changed since it was read.
 * Locks the lead, so the later of two concurrent updates is decided again.
 */
export function applyContactUpdate(update: ContactUpdate, at: Date): Change {
  const lead: Part = {
    name: 'lead',
    statement: (
      when,
    ) => sql`UPDATE leads SET contact = ${update.contact}::text, phone_hash = ${update.phoneHash}::text,
        email_hash = ${update.emailHash}::text, phone_valid = ${update.phoneValid}::boolean
      WHERE id = ${update.leadId}::uuid AND ${when}`,
  };
  return {
    guard: (
      held,
    ) => sql`UPDATE lead_syncs s SET dnd = coalesce(${update.dnd}::boolean, s.dnd), written_hash = ${update.writtenHash}::text,
        contact_updated_at = ${at}::timestamptz, updated_at = now()
      FROM (SELECT id FROM leads WHERE id = ${update.leadId}::uuid AND contact IS NOT DISTINCT FROM ${update.before}::text FOR UPDATE) lead
      WHERE s.lead_id = lead.id AND s.connection_id = ${update.connectionId}::uuid
        AND (s.contact_updated_at IS NULL OR s.contact_updated_at <= ${at}::timestamptz) AND ${held} RETURNING s.lead_id`,
    writes: update.contact === null ? [] : [lead, ...addressParts(update)],
  };
}

/** The address of a corrected contact is this lead's in the CRM, and its former one is free. */
function addressParts({ leadId, connectionId, addressHash, phoneHash }: ContactUpdate): Part[] {
  if (addressHash === null) return [];
  const left: Part = {
    name: 'left_address',
    statement: (when) => sql`DELETE FROM crm_addresses a USING crm_connections k, leads l
      WHERE k.id = ${connectionId}::uuid AND l.id = ${leadId}::uuid AND a.vendor = k.vendor AND a.account_id = k.account_id
        AND a.email_hash = l.email_hash AND a.lead_id = l.id AND l.email_hash <> ${addressHash}::text AND ${when}`,
  };
  const taken: Part = {
    name: 'address',
    statement: (when) => sql`INSERT INTO crm_addresses AS a (vendor, account_id, email_hash, lead_id, person)
      SELECT vendor, account_id, ${addressHash}::text, ${leadId}::uuid, coalesce(${phoneHash}::text, ${leadId}::text)
      FROM crm_connections WHERE id = ${connectionId}::uuid AND ${when}
      ON CONFLICT (vendor, account_id, email_hash) DO UPDATE SET lead_id = excluded.lead_id, person = excluded.person`,
  };
  return [left, taken];
}

/** The CRM reported no difference for these leads: updates older than `at` are ignored from now on. */
export function recordUpdateTime(leads: readonly SyncedLead[], at: Date): Part {
  return {
    name: 'update_time',
    statement: (when) => sql`UPDATE lead_syncs SET contact_updated_at = ${at}::timestamptz
      WHERE ${amongSyncs(leads)} AND (contact_updated_at IS NULL OR contact_updated_at < ${at}::timestamptz) AND ${when}`,
  };
}

/** The contact was deleted in the CRM: a new upload of the lead creates it again. */
export function forgetContact(leads: readonly SyncedLead[], contactId: string): Change {
  const forgotten: Part = {
    name: 'forgotten',
    statement: (
      when,
    ) => sql`UPDATE lead_syncs SET contact_id = NULL, written_hash = NULL, error_code = 'deleted',
        error = 'The contact was deleted in the CRM.', updated_at = now()
      WHERE ${amongSyncs(leads)} AND contact_id = ${contactId} AND ${when}`,
  };
  return { writes: [forgotten] };
}

const amongSyncs = (leads: readonly SyncedLead[]) =>
  sql`(lead_id, connection_id) IN (SELECT * FROM unnest(${sql.param(leads.map(({ leadId }) => leadId))}::uuid[],
    ${sql.param(leads.map(({ connectionId }) => connectionId))}::uuid[]))`;
