import { hostname } from 'node:os';
import type { CrmUpserted } from '../../adapters/crm.ts';
import type { Fence } from '../../db/commit.ts';
import { openAllowance } from '../../db/crm/call-slots.ts';
import { hold, holdWhile } from '../../db/crm/connections.ts';
import { noteContact, type OpenedSync, openSync, recordSync, setBack } from '../../db/crm/syncs.ts';
import type { SealedContact } from '../../db/lead/leads.ts';
import type { OpenRun, Subject } from '../../db/transport/outbox.ts';
import { type MoreOfLead, type PlannedContact, planContact } from '../../domain/crm/contact.ts';
import { PermanentError, TransientError, VendorError } from '../../domain/errors.ts';
import type { Run } from '../../engine/define.ts';
import { finish, type Outcome, skip, snooze, waitInPlace } from '../../engine/outcome.ts';
import { subjects } from '../../events/subjects.ts';
import {
  HeldError,
  holdForSlot,
  holdForTheDay,
  lookAheadMs,
  memoryOf,
  type Trouble,
  turnFrom,
} from './rate-limit.ts';
import { type Door, type DoorDeps, openDoor } from './session.ts';

/** A lead with its company and its CRM, as a run found it. `askedAt`: when the database was asked, by performance.now(). */
export type LeadToSync = { sync: OpenedSync; askedAt: number };

/** Failed attempts before a lead's sync has failed; it can be asked for again. */
export const mostAttempts = 12;
/** Leads of one location that fail one after the other: it is not they who are in trouble. */
const troubleOf = 5;
const outageMs = 60_000;
/** Looked at again after this, should whoever connects the company not have said so. */
const unconnectedMs = 600_000;

/** The process, for the log. */
export const workerId = `${hostname()}:${process.pid}`;

/**
 * What the runs of the syncer are about. One statement instead of a look at the row, one at the lead and a claim (see
 * openSync). A second look claims again: it is a try of its own.
 */
export const leadToSync: Subject<LeadToSync, DoorDeps> = {
  open: openLead,
  look: async (_event, fence, deps) => (await openLead(fence, deps))?.subject ?? null,
};

async function openLead(fence: Fence, { db, config }: DoorDeps): Promise<OpenRun<LeadToSync> | null> {
  const askedAt = performance.now();
  const { limits, apiKey } = config.ghl;
  const options = {
    worker: workerId,
    sharedKey: apiKey !== null,
    limits,
    aheadMs: limits ? lookAheadMs(limits) : 0,
  };
  let opened = await openSync(db, fence, options);
  if (limits && opened?.subject && isNew(opened.subject)) {
    const { locationId } = opened.subject.connection!;
    if (await openAllowance(db, locationId, limits)) opened = await openSync(db, fence, options);
  }
  return opened && { ...opened, subject: opened.subject && { sync: opened.subject, askedAt } };
}

/** Only a free call is missing: perhaps its location has no allowance yet. */
const isNew = ({ attempt, connection, heldBecause, status, dayFull }: OpenedSync): boolean =>
  attempt === null &&
  !heldBecause &&
  !dayFull &&
  status === null &&
  connection !== null &&
  !connection.pausedAt;

/** One uploaded lead into its company's CRM: upsert, tags, note; every way it can end is recorded. */
export async function syncLead(deps: DoorDeps, run: Run<LeadToSync>): Promise<Outcome> {
  const found = await run.subject();
  if (!found) return skip('the lead is gone');
  const { sync } = found;
  if (sync.status === 'success' || sync.status === 'cancelled')
    return skip(`the sync was a ${sync.status} already`);
  if (sync.importCancelled || sync.contact === null) {
    const error = sync.contact === null ? 'The lead was erased.' : 'Its import was cancelled.';
    return finish(recordSync(sync, workerId, { status: 'cancelled', error }), 'cancelled');
  }
  if (sync.attempt === null) {
    return waitInPlace(await whyHeld(deps, sync));
  }
  const first = sync.slot && turnFrom(sync.slot, found.askedAt);
  try {
    return await write(openDoor(deps, sync.connection!, first), sync, deps);
  } catch (error) {
    return await afterFailure(error, sync, deps, run);
  }
}

/** Why a run could not begin; its company's rows are held for as long as that lasts. */
async function whyHeld(deps: DoorDeps, sync: OpenedSync): Promise<string> {
  const { connection, organizationId } = sync;
  if (sync.heldBecause) return sync.heldBecause;
  if (!connection) {
    await hold(deps.db, organizationId, unconnectedMs, 'The company has no CRM location yet.');
    return 'no CRM location';
  }
  const shared = connection.apiVersion === 'v2' && deps.config.ghl.apiKey !== null;
  if (connection.pausedAt || (connection.credentials === null && !shared)) {
    const reason = connection.pauseReason ?? 'The company is not connected to its CRM yet.';
    await holdWhile(deps.db, connection, unconnectedMs, reason);
    return connection.pausedAt ? 'paused' : 'not connected';
  }
  if (!deps.config.ghl.limits) return 'another run has it';
  if (sync.dayFull) {
    await holdForTheDay(deps.db, organizationId);
    return "the day's calls are used up";
  }
  return (await holdForSlot(deps, connection)) ? 'no call is free soon' : 'the location is new';
}

async function write(door: Door, sync: OpenedSync, deps: DoorDeps): Promise<Outcome> {
  const sealed = deps.vault.openJson<SealedContact & { more?: MoreOfLead }>(sync.contact!);
  const planned = planContact({ ...sealed, phoneValid: sync.phoneValid, city: sync.city }, sync);
  const made = await door.call((crm, access) => crm.upsertContact(access, planned.contact));
  // At once: the contact may answer a workflow's text with STOP while our next calls wait for their turn.
  await noteContact(deps.db, sync.leadId, {
    contactId: made.contactId,
    writtenHash: planned.hash,
    dnd: made.dnd,
  });
  if (made.outcome === 'adopted') await update(door, made, planned);
  const { contactId } = made;
  if (planned.tags.length > 0) await door.call((crm, access) => crm.addTags(access, contactId, planned.tags));
  if (planned.note !== null) await postNote(door, contactId, planned.note, sync.status !== null);
  memoryOf(deps).troubled.delete(sync.connection!.locationId);
  const recorded = { status: 'success', contactId } as const;
  return finish(recordSync(sync, workerId, recorded), made.outcome);
}

/** The contact that is there takes what we know; its number and address stay when they are other contacts' as well. */
async function update(door: Door, { contactId }: CrmUpserted, { contact }: PlannedContact): Promise<void> {
  try {
    await door.call((crm, access) => crm.updateContact(access, contactId, contact));
  } catch (error) {
    if (!(error instanceof PermanentError) || error.code !== 'conflict') throw error;
    const { phone: _phone, email: _email, ...rest } = contact;
    await door.call((crm, access) => crm.updateContact(access, contactId, rest));
  }
}

/** Notes have no key of their own: after a run whose end nobody knows, the contact is asked first. */
async function postNote(door: Door, contactId: string, note: string, mayBeThere: boolean): Promise<void> {
  if (mayBeThere) {
    const notes = await door.call((crm, access) => crm.notes(access, contactId));
    if (notes.some((body) => body.trim() === note)) return;
  }
  await door.call((crm, access) => crm.addNote(access, contactId, note));
}

/** Throws what the executor retries with its back-off; all else is an outcome. */
async function afterFailure(error: unknown, sync: OpenedSync, deps: DoorDeps, run: Run): Promise<Outcome> {
  if (error instanceof HeldError || (error instanceof TransientError && !error.burnsAttempt)) {
    await setBack(deps.db, sync.leadId, { undo: true });
    return waitInPlace(error.message);
  }
  if (!(error instanceof VendorError)) {
    if (run.attempts + 1 < mostAttempts) await setBack(deps.db, sync.leadId, { undo: false });
    else {
      const ours = 'It could not be worked on; the reason is in the log of the program, not in the lead.';
      return finish(
        recordSync(sync, workerId, { status: 'failed', errorCode: 'internal', error: ours }),
        ours,
      );
    }
    throw error;
  }
  const failed = { status: 'failed', errorCode: error.vendorCode ?? error.code } as const;
  if (error instanceof PermanentError) {
    const words = error.vendorMessage ?? error.message;
    return finish(recordSync(sync, workerId, { ...failed, error: words }), `failed: ${error.message}`);
  }
  const trouble = noteTrouble(deps, sync);
  if (trouble.leads.size > troubleOf) {
    const because = `GoHighLevel is not well: ${error.message}.`;
    await hold(deps.db, sync.organizationId, outageMs, because);
    await setBack(deps.db, sync.leadId, { undo: true, errorCode: failed.errorCode, error: because });
    // It waits, whether or not somebody could be told of it just now.
    await tellOfTrouble(deps, sync, trouble, because).catch((failure: Error) =>
      deps.log.warn({ error: failure.name }, 'an alert was not made'),
    );
    // Behind the others: should it be these leads after all that the vendor chokes on, the rest get their turn.
    return snooze(1_000, because);
  }
  const nth = run.attempts + 1;
  if (nth >= mostAttempts) {
    const because = `${error.message}, ${nth} times. Try it again when GoHighLevel is well.`;
    return finish(recordSync(sync, workerId, { ...failed, error: because }), because);
  }
  await setBack(deps.db, sync.leadId, {
    undo: false,
    errorCode: failed.errorCode,
    error: `${error.message}; it is tried again.`,
  });
  throw error;
}

/** More than `troubleOf` leads, and it is not they: waiting costs them no attempt. A spell that is long over is none. */
function noteTrouble(deps: DoorDeps, { connection, leadId }: OpenedSync): Trouble {
  const { troubled } = memoryOf(deps);
  const { locationId } = connection!;
  const now = performance.now();
  const known = troubled.get(locationId);
  const trouble =
    known && now - known.last < 3 * outageMs
      ? known
      : { leads: new Set<string>(), since: now, last: now, told: false };
  troubled.set(locationId, trouble);
  trouble.last = now;
  if (trouble.leads.size <= troubleOf) {
    trouble.leads.add(leadId);
    trouble.since = now;
  }
  return trouble;
}

/** Once a spell, when it lasts. */
async function tellOfTrouble(
  { relay, config }: DoorDeps,
  { organizationId }: OpenedSync,
  trouble: Trouble,
  reason: string,
): Promise<void> {
  if (trouble.told || trouble.last - trouble.since < config.timings.unwellAfterMs) return;
  // Before it is: other runs of the same spell are under way.
  trouble.told = true;
  const event = { type: 'crm.unwell' as const, organizationId, subject: subjects.company(organizationId) };
  try {
    await relay.commit({ events: [{ ...event, data: { reason } }] });
  } catch (error) {
    trouble.told = false;
    throw error;
  }
}
