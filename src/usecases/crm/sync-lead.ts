import { hostname } from 'node:os';
import { apiOf } from '../../adapters/crms.ts';
import type { Fence } from '../../db/commit.ts';
import { createSlots } from '../../db/crm/call-slots.ts';
import { hold, holdWhile } from '../../db/crm/holds.ts';
import { type OpenedSync, openSync, type VendorTerms } from '../../db/crm/open-sync.ts';
import { postponeSync, recordSync, type SyncKey, type SyncResult } from '../../db/crm/syncs.ts';
import { isImportStopped, stoppedReason } from '../../db/imports/sending.ts';
import type { SealedContact } from '../../db/lead/leads.ts';
import type { OpenRun, Subject } from '../../db/transport/outbox.ts';
import { type MoreOfLead, planContact } from '../../domain/crm/contact.ts';
import type { SyncStatus } from '../../domain/crm/sync-status.ts';
import { PermanentError, TransientError, VendorError } from '../../domain/errors.ts';
import type { Run } from '../../engine/define.ts';
import { finish, type Outcome, skip, snooze, waitInPlace } from '../../engine/outcome.ts';
import { accountKey, memoryOf } from './memory.ts';
import { alertOutage, outageMs, recordFailure } from './outage.ts';
import { HeldError, holdForSlot, holdUntilTomorrow, lookAheadMs, scheduled } from './rate-limit.ts';
import { type CrmSession, openSession, type SessionDeps } from './session.ts';
import { writeContact, writeGuest } from './write-contact.ts';

/** A lead with its company and its CRM, as read by a run. `askedAt`: time of the query, by performance.now(). */
export type LeadToSync = { sync: OpenedSync; askedAt: number };

/** Failed attempts before the sync of a lead has failed; it can be requested again. */
export const maxAttempts = 12;
/** A company that is not connected is checked again after this time, in case the release on connecting was missed. */
const unconnectedMs = 600_000;

/** The process, for the log. */
export const workerId = `${hostname()}:${process.pid}`;

/** Parameters of each CRM for the statement that opens a run. */
const vendorTerms = ({ crms }: Pick<SessionDeps, 'crms'>): VendorTerms[] =>
  Object.values(crms).map(({ name, limits, apis }) => ({
    name,
    limits,
    aheadMs: limits ? lookAheadMs(limits) : 0,
    sharedApis: apis.filter(({ sharedToken }) => sharedToken !== null).map(({ version }) => version),
  }));

/**
 * The subject of the syncer's runs. One statement reads the row and the lead and claims the sync (see openSync). Reading
 * it again claims it again, which counts as a new attempt.
 */
export const leadToSync: Subject<LeadToSync, SessionDeps> = {
  open: openLead,
  look: async (_event, fence, deps) => (await openLead(fence, deps))?.subject ?? null,
};

async function openLead(fence: Fence, deps: SessionDeps): Promise<OpenRun<LeadToSync> | null> {
  const { db, crms } = deps;
  const askedAt = performance.now();
  const options = { worker: workerId, vendors: vendorTerms(deps) };
  let opened = await openSync(db, fence, options);
  const connection = opened?.subject && mayLackSlots(opened.subject) ? opened.subject.connection : null;
  const limits = connection && crms[connection.vendor].limits;
  if (limits && (await createSlots(db, connection, limits))) opened = await openSync(db, fence, options);
  return opened && { ...opened, subject: opened.subject && { sync: opened.subject, askedAt } };
}

/** Returns true when only a free call is missing: the account may have no slots yet. */
const mayLackSlots = ({ attempt, connection, heldBecause, status, dayFull }: OpenedSync): boolean =>
  attempt === null &&
  !heldBecause &&
  !dayFull &&
  status === null &&
  connection !== null &&
  !connection.pausedAt;

type ConnectedSync = OpenedSync & { connection: NonNullable<OpenedSync['connection']> };

const keyOf = ({ leadId, connection }: ConnectedSync): SyncKey => ({ leadId, connectionId: connection.id });
const record = (sync: ConnectedSync, result: SyncResult) =>
  recordSync({ ...sync, connectionId: sync.connection.id }, workerId, result);

/** Syncs one uploaded lead to its company's CRM: upsert, tags, note. Every result is recorded. */
export async function syncLead(deps: SessionDeps, run: Run<LeadToSync>): Promise<Outcome> {
  const found = await run.subject();
  if (!found) return skip('the lead was deleted');
  const { sync } = found;
  if (!isConnected(sync)) {
    await hold(deps.db, sync.organizationId, unconnectedMs, 'The company has not named its CRM account yet.');
    return waitInPlace('no CRM account');
  }
  if (sync.status === 'success' || sync.status === 'cancelled')
    return skip(`the sync was a ${sync.status} already`);
  if (sync.importStopped || sync.contact === null)
    return cancelled(sync, sync.contact === null ? 'The lead was erased.' : stoppedReason);
  if (sync.attempt === null) return waitInPlace(await holdReason(deps, sync));
  const first = sync.slot && scheduled(sync.slot, found.askedAt);
  try {
    const session = openSession(deps, sync.connection, first);
    const insist = () => insistSending(deps, sync, found.askedAt);
    return await write(asksBeforeFirst(session, insist), sync, deps);
  } catch (error) {
    if (error instanceof StoppedError) return cancelled(sync, stoppedReason);
    return await afterFailure(error, sync, deps, run);
  }
}

const cancelled = (sync: ConnectedSync, error: string): Outcome =>
  finish(record(sync, { status: 'cancelled', error }), 'cancelled');

/** `ask` runs right before the first call, which may have waited for the rate limit. */
function asksBeforeFirst(session: CrmSession, ask: () => Promise<void>): CrmSession {
  let asked = false;
  return {
    call: (make) =>
      session.call(async (crm, access) => {
        if (!asked) await ask();
        asked = true;
        return make(crm, access);
      }),
  };
}

class StoppedError extends Error {}
/** A run that waited longer for its first call asks again whether its import was stopped. */
const agedMs = 50;

/** Throws StoppedError when the import was stopped while the run waited for its first call. */
async function insistSending(
  { db }: Pick<SessionDeps, 'db'>,
  { importId }: OpenedSync,
  askedAt: number,
): Promise<void> {
  if (importId === null || performance.now() - askedAt < agedMs) return;
  if (await isImportStopped(db, importId)) throw new StoppedError();
}

const isConnected = (sync: OpenedSync): sync is ConnectedSync => sync.connection !== null;

/** Why a run could not begin; the company's rows are held for as long as that lasts. */
async function holdReason(deps: SessionDeps, sync: ConnectedSync): Promise<string> {
  const { connection, organizationId } = sync;
  if (sync.heldBecause) return sync.heldBecause;
  const usable = connection.credentials !== null || apiOf(deps.crms, connection).sharedToken !== null;
  if (connection.pausedAt || !usable) {
    const reason = connection.pauseReason ?? 'The company is not connected to its CRM yet.';
    await holdWhile(deps.db, connection, unconnectedMs, reason);
    return connection.pausedAt ? 'paused' : 'not connected';
  }
  const { limits } = deps.crms[connection.vendor];
  if (!limits) return 'another run has it';
  if (sync.dayFull) {
    await holdUntilTomorrow(deps.db, organizationId);
    return 'the daily limit is reached';
  }
  return (await holdForSlot(deps, connection, limits)) ? 'no call is free soon' : 'the account is new';
}

async function write(session: CrmSession, sync: ConnectedSync, deps: SessionDeps): Promise<Outcome> {
  const { addressOf, phoneValid, city } = sync;
  const sealed = deps.vault.openJson<SealedContact & { more?: MoreOfLead }>(sync.contact!);
  const planned = planContact({ ...sealed, phoneValid, city, addressTaken: addressOf !== null }, sync);
  const { label: crm } = deps.crms[sync.connection.vendor];
  const lead = { ...keyOf(sync), planned, crm, isRepeat: sync.status !== null };
  const ownerId = addressOf?.publicId ?? null;
  if (planned.place === 'none') return refuse(sync, 'no_phone', unreachable(crm));
  if (planned.place === 'guest' && !addressOf?.contactId) {
    if (ownerId === null || isOver(addressOf?.status))
      return refuse(sync, 'address_taken', hostless(crm, ownerId));
    await postponeSync(deps.db, keyOf(sync), { uncounted: true });
    return snooze(hostMs, 'the lead that has its address is not in the CRM yet');
  }
  const { contactId, outcome, remark } =
    planned.place === 'guest' && addressOf?.contactId
      ? await writeGuest(session, { ...lead, ownerId, contactId: addressOf.contactId }, deps)
      : await writeContact(session, { ...lead, ownerId }, deps);
  memoryOf(deps).failures.delete(accountKey(sync.connection));
  return finish(record(sync, { status: 'success', contactId, remark }), outcome);
}

/** How long a lead waits for the lead whose contact it is added to. */
const hostMs = 2_000;
const isOver = (status: SyncStatus | null | undefined) =>
  status === 'success' || status === 'failed' || status === 'cancelled';

/** Without a call, which the vendor would refuse or which would change another person's contact. */
const refuse = (sync: ConnectedSync, errorCode: string, error: string): Outcome =>
  finish(record(sync, { status: 'failed', errorCode, error }), errorCode);

const unreachable = (crm: string) =>
  `The lead has no e-mail address and no phone that ${crm} accepts, so it cannot become a contact. It is kept here. Upload it again with a valid phone.`;
const hostless = (crm: string, ownerId: string | null) =>
  `The lead has no phone that ${crm} accepts, and its e-mail address belongs to ${ownerId ?? 'another lead'}, which is not in ${crm}. It is kept here. Retry it when that lead is, or upload it again with a valid phone.`;

/** Throws what the executor retries with its back-off; everything else is an outcome. */
async function afterFailure(
  error: unknown,
  sync: ConnectedSync,
  deps: SessionDeps,
  run: Run,
): Promise<Outcome> {
  if (error instanceof HeldError || (error instanceof TransientError && !error.burnsAttempt)) {
    await postponeSync(deps.db, keyOf(sync), { uncounted: true });
    return waitInPlace(error.message);
  }
  if (error instanceof VendorError) return afterVendorError(error, sync, deps, run);
  if (run.attempts + 1 >= maxAttempts) {
    const internal = 'The sync failed with an internal error, which is in the log of the program.';
    return finish(record(sync, { status: 'failed', errorCode: 'internal', error: internal }), internal);
  }
  await postponeSync(deps.db, keyOf(sync), { uncounted: false });
  throw error;
}

async function afterVendorError(
  error: VendorError,
  sync: ConnectedSync,
  deps: SessionDeps,
  run: Run,
): Promise<Outcome> {
  const errorCode = error.vendorCode ?? error.code;
  if (error instanceof PermanentError) {
    const vendorMessage = error.vendorMessage ?? error.message;
    return finish(
      record(sync, { status: 'failed', errorCode, error: vendorMessage }),
      `failed: ${error.message}`,
    );
  }
  const { label } = deps.crms[sync.connection.vendor];
  const streak = recordFailure(deps, sync.connection, sync.leadId);
  if (streak.isOutage) {
    const because = `${label} is not well: ${error.message}.`;
    await hold(deps.db, sync.organizationId, outageMs, because);
    await postponeSync(deps.db, keyOf(sync), { uncounted: true, errorCode, error: because });
    await alertOutage(deps, sync.organizationId, streak, because);
    // After the other rows: if these leads are the cause, the others are not delayed.
    return snooze(1_000, because);
  }
  const attempt = run.attempts + 1;
  if (attempt >= maxAttempts) {
    const because = `${error.message}, ${attempt} times. Retry when ${label} is well.`;
    return finish(record(sync, { status: 'failed', errorCode, error: because }), because);
  }
  const retried = `${error.message}; it is retried.`;
  await postponeSync(deps.db, keyOf(sync), { uncounted: false, errorCode, error: retried });
  throw error;
}
