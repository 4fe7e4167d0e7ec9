import type { CrmField } from '../../adapters/crm.ts';
import { apiOf } from '../../adapters/crms.ts';
import { type CrmConnection, type CrmCredentials, findConnection } from '../../db/crm/connections.ts';
import { PermanentError, RefusedError, UnknownOutcomeError, VendorError } from '../../domain/errors.ts';
import { memoryOf } from './memory.ts';
import { HeldError, limitCalls } from './rate-limit.ts';
import { openSession, type SessionDeps } from './session.ts';

/** What a column of a file can be written to. `canCreate`: the CRM takes new fields from this connection. */
export type CrmFields = { fields: CrmField[]; canCreate: boolean };

/** Fields that hold files or signatures cannot be written as text. */
const unwritable = new Set(['FILE_UPLOAD', 'SIGNATURE']);

/** Returns null when the CRM is not connected, is paused or does not answer. */
export async function listCrmFields(deps: SessionDeps, organizationId: string): Promise<CrmFields | null> {
  const connection = await findConnection(deps.db, organizationId);
  if (!connection || connection.pausedAt || !isUsable(deps, connection)) return null;
  try {
    const fields = await inGate(deps, () =>
      openSession(deps, connection, null).call((crm, access) => crm.customFields(access)),
    );
    const { gateway } = apiOf(deps.crms, connection);
    // A consent covers reading the fields only; a private token may cover both.
    const canCreate = gateway.createField !== null && connection.kind === 'token';
    return { fields: fields.filter(({ dataType }) => !unwritable.has(dataType)), canCreate };
  } catch (error) {
    if (error instanceof VendorError || error instanceof HeldError) return null;
    throw error;
  }
}

/**
 * Creates a field in the company's CRM, or returns the one that has this name. Throws RefusedError 400
 * (`crm_field_refused`, with the vendor's message) or 503.
 */
export async function createCrmField(
  deps: SessionDeps,
  organizationId: string,
  name: string,
): Promise<CrmField> {
  const known = await listCrmFields(deps, organizationId);
  const connection = await findConnection(deps.db, organizationId);
  if (!known || !connection) throw unavailable('The CRM');
  const found = fieldNamed(known.fields, name);
  if (found) return found;
  const { label } = deps.crms[connection.vendor];
  const { createField } = apiOf(deps.crms, connection).gateway;
  if (!known.canCreate || !createField) throw refused(label, name, 'this connection may only read them');
  const access = { accountId: connection.accountId, token: tokenOf(deps, connection) };
  try {
    return await inGate(deps, () => limitCalls(deps, connection, null).call(() => createField(access, name)));
  } catch (error) {
    if (error instanceof PermanentError) throw refused(label, name, error.vendorMessage ?? error.message);
    if (error instanceof UnknownOutcomeError) {
      const made = fieldNamed((await listCrmFields(deps, organizationId))?.fields ?? [], name);
      if (made) return made;
    }
    if (error instanceof VendorError || error instanceof HeldError) throw unavailable(label);
    throw error;
  }
}

export const fieldNamed = (fields: readonly CrmField[], name: string): CrmField | undefined =>
  fields.find((field) => field.name.trim().toLowerCase() === name.trim().toLowerCase());

/** A field by the id that a company entered: the CRM also takes its key, with or without its first part. */
export const fieldById = <F extends Pick<CrmField, 'id' | 'key'>>(fields: readonly F[], id: string) =>
  fields.find(
    (field) =>
      field.id === id || (field.key !== '' && [field.key, field.key.replace(/^\w+\./, '')].includes(id)),
  );

const isUsable = ({ crms }: SessionDeps, connection: CrmConnection): boolean =>
  connection.credentials !== null || apiOf(crms, connection).sharedToken !== null;

function tokenOf({ vault, crms }: SessionDeps, connection: CrmConnection): string {
  if (connection.credentials === null) return apiOf(crms, connection).sharedToken ?? '';
  return vault.openJson<CrmCredentials>(connection.credentials).accessToken;
}

async function inGate<T>(deps: SessionDeps, call: () => Promise<T>): Promise<T> {
  const { gate } = memoryOf(deps);
  await gate.enter();
  try {
    return await call();
  } finally {
    gate.leave();
  }
}

const refused = (label: string, name: string, because: string) =>
  new RefusedError(
    400,
    'crm_field_refused',
    `${label} did not create the field “${name.slice(0, 100)}”: ${because}. Create it in ${label}, or add the column to the notes. Nothing was imported.`,
  );

const unavailable = (label: string) =>
  new RefusedError(
    503,
    'crm_unavailable',
    `${label} is unavailable right now, so the field was not created and nothing was imported. Please try again, or add the column to the notes.`,
    { retryAfterSeconds: 10 },
  );
