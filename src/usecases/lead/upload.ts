import { randomBytes } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { v7 as uuidv7 } from 'uuid';
import type { Company } from '../../db/account/companies.ts';
import { CommitOutcomeUnknownError } from '../../db/client.ts';
import { violatedUnique } from '../../db/constraints.ts';
import { leadIdConstraint, type SealedContact } from '../../db/lead/leads.ts';
import {
  type Checkpoint,
  findStored,
  firstOfPhones,
  type KeptAnswer,
  type NewUpload,
  type StoredBatch,
  storeLeads,
  type UploadBatch,
} from '../../db/lead/uploads.ts';
import { isConflict } from '../../db/retry.ts';
import type { MoreOfLead } from '../../domain/crm/contact.ts';
import type { LeadCandidate } from '../../domain/lead/candidate.ts';
import { newLeadId } from '../../domain/lead/lead.ts';
import type { Cause } from '../../events/envelope.ts';
import { recipients } from '../../events/routes.ts';
import type { Runtime } from '../runtime.ts';

type Deps = Pick<Runtime, 'db' | 'relay' | 'vault'>;

/** `publicId` of a repetition: the lead it repeats; null where that is gone, or was not asked for. */
export type UploadOutcome =
  | { kind: 'created'; leadId: string; publicId: string }
  | { kind: 'duplicate'; publicId: string | null };

export type UploadOptions = {
  /** Into the queue at once while there is room, as for a single lead; else the outbox hands rows out, taking turns. */
  publish: boolean;
  importId?: string;
  checkpoint?: Checkpoint;
  key?: KeptAnswer | null;
  cause?: Cause | null;
  /** Which lead each repetition repeats. */
  nameFirst?: boolean;
};

/** Sealed: what a buyer would read of the lead, and beside it what only its own CRM is told. */
export type UploadedContact = SealedContact & { more?: MoreOfLead };

const tries = 5;
/** Leads sealed between two turns of the event loop. */
const preparedTogether = 500;

/**
 * Stores the leads of a company, whichever way they came: one statement, all or nothing; one outcome for each, in their
 * order. A phone that came within the company's window is a repetition, also twice in one batch: the first is the lead.
 * Null: the checkpoint was lost to another run. Throws what a repeated Idempotency-Key violates.
 */
export async function uploadLeads(
  deps: Deps,
  company: Pick<Company, 'organizationId' | 'dedupeWindowMs'>,
  leads: readonly LeadCandidate[],
  options: UploadOptions,
): Promise<UploadOutcome[] | null> {
  if (leads.length === 0 && !options.checkpoint && !options.key) return [];
  const { organizationId, dedupeWindowMs: windowMs } = company;
  const hashes = leads.map(({ phone }) => deps.vault.index(phone));
  const { firsts, placeOf } = windowMs > 0 ? settleRepeats(hashes) : all(hashes);
  const occurredAt = new Date();
  const batch: UploadBatch = {
    organizationId,
    windowMs,
    occurredAt,
    leads: await prepare(deps, leads, hashes, firsts, occurredAt.getTime()),
    repeats: leads.length - firsts.length,
    correlationId: options.cause?.correlationId ?? options.importId ?? uuidv7(),
    importId: options.importId ?? null,
    visibilityMs: options.publish ? roomFor(deps) : null,
    checkpoint: options.checkpoint ?? null,
    answer: options.key ?? null,
  };
  const stored = await storeOnce(deps, batch);
  if (stored === null) return null;
  deps.relay.publish(stored.publish);
  const repeated = new Set(stored.repeated);
  const outcomes = placeOf.map((place, i): UploadOutcome => {
    const { id: leadId, publicId } = batch.leads[place]!;
    if (repeated.has(place)) return { kind: 'duplicate', publicId: null };
    return firsts[place] === i ? { kind: 'created', leadId, publicId } : { kind: 'duplicate', publicId };
  });
  return options.nameFirst ? named(deps, organizationId, hashes, outcomes) : outcomes;
}

/** The first of each phone, and where in them each lead is found. */
function settleRepeats(hashes: readonly string[]): { firsts: number[]; placeOf: number[] } {
  const places = new Map<string, number>();
  const firsts: number[] = [];
  const placeOf = hashes.map((hash, i) => {
    const known = places.get(hash);
    if (known !== undefined) return known;
    places.set(hash, firsts.length);
    firsts.push(i);
    return firsts.length - 1;
  });
  return { firsts, placeOf };
}

const all = (hashes: readonly string[]) => {
  const places = hashes.map((_hash, i) => i);
  return { firsts: places, placeOf: places };
};

async function prepare(
  { vault }: Deps,
  leads: readonly LeadCandidate[],
  hashes: readonly string[],
  places: readonly number[],
  msecs: number,
): Promise<NewUpload[]> {
  const random = pooled(places.length * 48);
  // Ids of one batch sort as its leads do.
  const seq = random(4).readUInt32BE() >>> 1;
  const newId = (n: number) => uuidv7({ msecs, seq: seq + n, random: random(16) });
  const prepared: NewUpload[] = [];
  for (const [n, place] of places.entries()) {
    if (prepared.length > 0 && prepared.length % preparedTogether === 0) await turn();
    const lead = leads[place]!;
    prepared.push({
      id: newId(n),
      eventId: newId(n),
      publicId: newLeadId(random),
      contact: vault.sealJson(contactOf(lead)),
      phoneHash: hashes[place]!,
      emailHash: lead.email === null ? null : vault.index(lead.email.toLowerCase()),
      phoneValid: lead.phoneValid,
      city: lead.city,
      region: lead.state,
    });
  }
  return prepared;
}

function contactOf(lead: LeadCandidate): UploadedContact {
  const { name, phone, email, address, notes } = lead;
  const more = moreOf(lead);
  return more ? { name, phone, email, address, notes, more } : { name, phone, email, address, notes };
}

function moreOf(lead: LeadCandidate): MoreOfLead | null {
  const { firstName, lastName, company, state, postalCode, country, website, source, tags } = lead;
  const said = [firstName, lastName, company, state, postalCode, country, website, source];
  const custom = Object.keys(lead.customFields).length > 0;
  if (tags.length === 0 && !custom && said.every((text) => text === null)) return null;
  return {
    ...{ firstName, lastName, company, state, postalCode, country, website, source },
    ...(tags.length > 0 ? { tags } : {}),
    ...(custom ? { custom: lead.customFields } : {}),
  };
}

/** One call of the system's source for a whole batch: they took a fifth of its time. */
function pooled(expected: number): (size: number) => Buffer {
  let pool = randomBytes(Math.max(64, expected));
  return (size) => {
    if (pool.length < size) pool = randomBytes(Math.max(64, expected, size));
    const bytes = pool.subarray(0, size);
    pool = pool.subarray(size);
    return bytes;
  };
}

/** Null: some queue is full, and the rows wait. */
function roomFor({ relay }: Deps): number | null {
  const { visibilityMs, isFull } = relay.commitOptions();
  return recipients('lead.uploaded', undefined).some(({ worker }) => isFull(worker)) ? null : visibilityMs;
}

/**
 * Again where nothing was written: two uploads in each other's way, a generated name that is taken. When the answer to
 * COMMIT was lost it is looked up instead: not found means nothing yet, and the caller is told so.
 */
async function storeOnce(deps: Deps, batch: UploadBatch): Promise<StoredBatch | null> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await storeLeads(deps.db, batch);
    } catch (error) {
      if (error instanceof CommitOutcomeUnknownError) {
        // A checkpoint tells whoever goes on with the file; a key, whoever repeats the request.
        const found = batch.checkpoint ? null : await lookUp(deps, batch);
        if (!found) throw error;
        return found;
      }
      const renamed = violatedUnique(error) === leadIdConstraint;
      if (attempt === tries || !(renamed || isConflict(error))) throw error;
      if (renamed) for (const lead of batch.leads) lead.publicId = newLeadId(randomBytes);
    }
  }
}

/** A statement stands whole: what of it is not there was a repetition. What it put into the queue, the sweeper does. */
async function lookUp({ db }: Deps, { leads }: UploadBatch): Promise<StoredBatch | null> {
  const there = await findStored(
    db,
    leads.map(({ id }) => id),
  );
  if (there.size === 0) return null;
  const repeated = leads.flatMap(({ id }, place) => (there.has(id) ? [] : [place]));
  return { repeated, publish: [] };
}

async function named(
  { db }: Deps,
  organizationId: string,
  hashes: readonly string[],
  outcomes: readonly UploadOutcome[],
): Promise<UploadOutcome[]> {
  const unnamed = hashes.filter((_hash, i) => isUnnamed(outcomes[i]!));
  const firsts = await firstOfPhones(db, organizationId, unnamed);
  return outcomes.map((outcome, i) =>
    isUnnamed(outcome) ? { kind: 'duplicate', publicId: firsts.get(hashes[i]!) ?? null } : outcome,
  );
}

const isUnnamed = (outcome: UploadOutcome) => outcome.kind === 'duplicate' && outcome.publicId === null;
