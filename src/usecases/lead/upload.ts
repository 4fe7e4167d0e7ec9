import { randomBytes } from 'node:crypto';
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
import { phoneIdentity } from '../../domain/phone/lead-phone.ts';
import { startSlice } from '../../engine/slices.ts';
import type { Cause } from '../../events/envelope.ts';
import { recipients } from '../../events/routes.ts';
import type { Runtime } from '../runtime.ts';

type Deps = Pick<Runtime, 'db' | 'relay' | 'vault'>;

/** `publicId` of a duplicate: the existing lead; null when that was deleted or not requested. */
export type UploadOutcome =
  | { kind: 'created'; leadId: string; publicId: string }
  | { kind: 'duplicate'; publicId: string | null };

export type UploadOptions = {
  /** Publishes the jobs immediately while the queue has room, as for a single lead. Otherwise the sweeper admits them. */
  publish: boolean;
  importId?: string;
  checkpoint?: Checkpoint;
  key?: KeptAnswer | null;
  cause?: Cause | null;
  /** Whether to look up the existing lead of each duplicate. */
  nameFirst?: boolean;
};

/** The plain text to seal: the fields that buyers can unlock, plus those that only the company's CRM receives. */
export type UploadedContact = SealedContact & { more?: MoreOfLead };

const tries = 5;

/**
 * Stores the leads of a company, from any source, in one atomic statement. Returns one outcome per lead, in order. A
 * phone seen within the company's window is a duplicate, also within the batch, where the first one is stored. Returns
 * null when another run has moved the checkpoint. Throws the violation of a repeated Idempotency-Key.
 */
export async function uploadLeads(
  deps: Deps,
  company: Pick<Company, 'organizationId' | 'dedupeWindowMs'>,
  leads: readonly LeadCandidate[],
  options: UploadOptions,
): Promise<UploadOutcome[] | null> {
  if (leads.length === 0 && !options.checkpoint && !options.key) return [];
  const { organizationId, dedupeWindowMs: windowMs } = company;
  const hashes = leads.map(({ phone }) => deps.vault.index(phoneIdentity(phone)));
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
    visibilityMs: options.publish ? roomFor(deps, organizationId) : null,
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

/** The first lead of each phone, and each lead's index among them. */
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
  // Ids of one batch sort in the order of its leads.
  const seq = random(4).readUInt32BE() >>> 1;
  const newId = (n: number) => uuidv7({ msecs, seq: seq + n, random: random(16) });
  const prepared: NewUpload[] = [];
  const slice = startSlice();
  for (const [n, place] of places.entries()) {
    if (slice.isOver()) await slice.next();
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
  const { firstName, lastName, company, state, postalCode, country, website, source, tags, otherPhones } =
    lead;
  const said = [firstName, lastName, company, state, postalCode, country, website, source];
  const custom = Object.keys(lead.customFields).length > 0;
  if (tags.length + otherPhones.length === 0 && !custom && said.every((text) => text === null)) return null;
  return {
    firstName,
    lastName,
    company,
    state,
    postalCode,
    country,
    website,
    source,
    ...(tags.length > 0 ? { tags } : {}),
    ...(otherPhones.length > 0 ? { otherPhones } : {}),
    ...(custom ? { custom: lead.customFields } : {}),
  };
}

/** Reads random bytes once per batch: separate calls took a fifth of its time. */
function pooled(expected: number): (size: number) => Buffer {
  let pool = randomBytes(Math.max(64, expected));
  return (size) => {
    if (pool.length < size) pool = randomBytes(Math.max(64, expected, size));
    const bytes = pool.subarray(0, size);
    pool = pool.subarray(size);
    return bytes;
  };
}

/** Returns null when a queue is full for the organization, so that the rows wait in the outbox. */
function roomFor({ relay }: Deps, organizationId: string): number | null {
  const { visibilityMs, isFull } = relay.commitOptions();
  return recipients('lead.uploaded', undefined).some(({ worker }) => isFull(worker, organizationId))
    ? null
    : visibilityMs;
}

/**
 * Retries when nothing was written: a deadlock between two uploads, or a generated id that is taken. When the answer to
 * COMMIT was lost, looks up the result instead. Rows that are not found may still appear, so the error is rethrown.
 */
async function storeOnce(deps: Deps, batch: UploadBatch): Promise<StoredBatch | null> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await storeLeads(deps.db, batch);
    } catch (error) {
      if (error instanceof CommitOutcomeUnknownError) {
        // The checkpoint protects the run that continues the file; the key protects a repeated request.
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

/** The statement is atomic, so leads that are missing were duplicates. The sweeper publishes the jobs. */
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
