import { randomBytes } from 'node:crypto';
import { type Candidate, findCandidates } from '../../db/account/buyers.ts';
import { inBatches } from '../../db/batches.ts';
import { CommitOutcomeUnknownError } from '../../db/client.ts';
import type { Change, Part } from '../../db/commit.ts';
import { violatedUnique } from '../../db/constraints.ts';
import {
  findLead,
  insertOffers,
  type LeadOwner,
  leadIdConstraint,
  type NewOffer,
  type SealedContact,
  type StoredLead,
  unlockExists,
} from '../../db/lead/leads.ts';
import { isConflict } from '../../db/retry.ts';
import { type Answer, answerPart, firstAnswer, type IdempotencyKey } from '../../db/transport/idempotency.ts';
import { RefusedError } from '../../domain/errors.ts';
import { newLeadId, splitLead } from '../../domain/lead/lead.ts';
import { withNoteLines } from '../../domain/lead/note-lines.ts';
import type { SaleContact } from '../../domain/lead/sale-contact.ts';
import {
  defaultTerms,
  type GivenTerms,
  type PriceFloors,
  type Terms,
  termsOf,
} from '../../domain/lead/terms.ts';
import { phoneIdentity } from '../../domain/phone/lead-phone.ts';
import type { Cause, EventDraft } from '../../events/envelope.ts';
import { newId } from '../../events/new-id.ts';
import { subjects } from '../../events/subjects.ts';
import type { Runtime } from '../runtime.ts';
import { chooseNamed, type ProviderResult } from './named-providers.ts';
import type { InTurn, StoreLead } from './store-together.ts';

type Deps = Pick<Runtime, 'db' | 'relay' | 'vault' | 'sms'>;
type Named = { organizationId: string; providerIds: readonly string[] };
export const namedBy = (order: Pick<LeadOrder, 'providerIds'>, organizationId: string): Named => ({
  organizationId,
  providerIds: [...new Set(order.providerIds)],
});

/** Resolves the provider ids of a lead that is not stored yet. Lookups of concurrent requests are batched. */
export type FindNamed = (named: Named) => Promise<Candidate[]>;

export function namedTogether({ db, sms }: Pick<Runtime, 'db' | 'sms'>): FindNamed {
  const look = inBatches(async (asked: Named[]) => {
    const found = new Map<string, Promise<Map<string, Candidate>>>();
    for (const { organizationId } of asked) {
      if (found.has(organizationId)) continue;
      const ids = asked.flatMap((each) => (each.organizationId === organizationId ? each.providerIds : []));
      found.set(
        organizationId,
        findCandidates(db, organizationId, [...new Set(ids)], sms.ourNumber, null).then(
          (rows) => new Map(rows.map((row) => [row.externalId, row])),
        ),
      );
    }
    return Promise.all(
      asked.map(async ({ organizationId, providerIds }) => {
        const rows = await found.get(organizationId)!;
        return providerIds.flatMap((id) => rows.get(id) ?? []);
      }),
    );
  });
  return async (named) => (named.providerIds.length > 0 ? look(named) : []);
}

export type LeadOrder = {
  /** The sender's own id, which identifies a repeated lead. */
  publicId: string | null;
  city: string;
  serviceType: string;
  preferredTimeWindow: string | null;
  budgetRange: string | null;
  notes: string | null;
  name: string;
  contact: SaleContact;
  address: string | null;
  providerIds: readonly string[];
  maxSales: number | null;
} & GivenTerms;

type Owned = { id: string; organizationId: string };
type Request = LeadOwner & { priceFloors: PriceFloors; key: IdempotencyKey | null; cause: Cause };

/**
 * Stores a lead, an unlock per eligible buyer, its event and the caller's Idempotency-Key together. On a unique violation,
 * the existing record determines the response. `found`: what `findNamed` has found for the order.
 */
export async function receiveLead(
  deps: Deps & { findNamed: FindNamed; store: StoreLead; inTurn: InTurn },
  order: LeadOrder,
  request: Request & { found: Candidate[] },
): Promise<Answer> {
  const { organizationId, supplierId, key } = request;
  const { inTurn } = deps;
  const rules = { floors: request.priceFloors, notBelow: null };
  let terms: Terms;
  try {
    terms = termsOf(order, defaultTerms, rules);
  } catch (refusal) {
    if (key === null && order.publicId === null) throw refusal;
    // A lead that is stored already has a price of its own, which a repeat without a price means.
    const earlier = await inTurn(() => earlierAnswer(deps, order, request, order.publicId));
    if (earlier) return earlier;
    throw refusal;
  }
  for (let round = 0; round < 5; round += 1) {
    const id = newId();
    const publicId = order.publicId ?? newLeadId(randomBytes);
    const found = round === 0 ? request.found : await deps.findNamed(namedBy(order, organizationId));
    const notStored = { erased: false, maxSales: order.maxSales, sold: 0 };
    const { offers, results } = chooseNamed(notStored, found, order.providerIds, new Date());
    const answer = storedAnswer(publicId, results, order.contact);
    const { maxSales } = order;
    const lead = {
      id,
      organizationId,
      supplierId,
      publicId,
      ...terms,
      maxSales,
      ...sealed(deps, order),
    };
    const event = { ...offersEvent('lead.received', lead, offers), cause: request.cause };
    const keyed = key && { key, status: answer.status, answer: answer.body };
    try {
      await deps.store({ lead, offers, event, answer: keyed, inTurn });
      return answer;
    } catch (error) {
      // Two leads for the same new phones may deadlock; the refused one wrote nothing.
      if (isConflict(error)) continue;
      const collision = violatedUnique(error);
      if (collision === null) throw error;
      const isTaken = order.publicId !== null && collision === leadIdConstraint;
      const earlier = await inTurn(() => earlierAnswer(deps, order, request, isTaken ? publicId : null));
      if (earlier) return earlier;
      if (isTaken) throw leadIdTaken();
    }
  }
  throw tooContended();
}

/** What an earlier request determines: the first one with this key, or the one that stored this lead. */
async function earlierAnswer(
  deps: Deps,
  order: LeadOrder,
  request: Request,
  publicId: string | null,
): Promise<Answer | null> {
  const first = await firstAnswer(deps.db, request.key);
  if (first) return first;
  const known = publicId === null ? null : await findLead(deps.db, request, publicId);
  return known && offerLead(deps, known, order, request, 201);
}

/** `warnings`: what was left out of the contact, absent when all of it was stored. */
function storedAnswer(
  publicId: string,
  results: readonly ProviderResult[],
  { leftOut: { phone, email } }: SaleContact,
): Answer {
  const warnings = {
    ...(phone === undefined ? {} : { client_phone: [phone] }),
    ...(email === undefined ? {} : { client_email: [email] }),
  };
  const said = phone !== undefined || email !== undefined ? { warnings } : {};
  return { status: 201, body: { lead_id: publicId, provider_results: results, ...said } };
}

/** Offers a stored lead to more buyers. Buyers that already have an offer are reported and not texted again. */
export async function offerLead(
  deps: Deps,
  lead: StoredLead,
  order: Pick<LeadOrder, 'providerIds'> & GivenTerms,
  request: Request,
  status: 200 | 201,
): Promise<Answer> {
  const { organizationId, key } = request;
  const { maxSales, sold } = lead;
  const rules = { floors: request.priceFloors, notBelow: request.supplierId === null ? null : lead };
  const terms = await unlessAnswered(deps, key, () => termsOf(order, lead, rules));
  if ('answer' in terms) return terms.answer;
  for (let round = 0; round < 5; round += 1) {
    const ids = [...new Set(order.providerIds)];
    const found =
      ids.length > 0 ? await findCandidates(deps.db, organizationId, ids, deps.sms.ourNumber, lead.id) : [];
    const offered = { erased: lead.contact === null, maxSales, sold };
    const { offers, results } = chooseNamed(offered, found, order.providerIds, new Date());
    const answer: Answer = { status, body: { lead_id: lead.publicId, provider_results: results } };
    const parts = insertOffers([{ lead, terms: terms.given, offers }], deps.sms.ourNumber);
    if (offers.length === 0 && !key) return answer;
    try {
      const event = offers.length > 0 ? offersEvent('offers.requested', lead, offers) : null;
      const change = changeOf(key, answer, parts, event);
      const [first] = offers;
      await commitOnce(
        deps,
        change,
        request.cause,
        async () => first !== undefined && unlockExists(deps.db, first.unlockId),
      );
      return answer;
    } catch (error) {
      // Another request offered it, or used the key, between the lookup and the statement.
      if (violatedUnique(error) === null) throw error;
      const first = await firstAnswer(deps.db, key);
      if (first) return first;
    }
  }
  throw tooContended();
}

/**
 * Commits. When the answer to COMMIT was lost, looks up the result instead of retrying. A result that is not found may
 * still appear: the caller gets 503 and retries with its key.
 */
async function commitOnce(
  deps: Deps,
  change: Change,
  cause: Cause,
  happened: () => Promise<boolean>,
): Promise<void> {
  try {
    await deps.relay.commit(change, { cause });
  } catch (error) {
    if (!(error instanceof CommitOutcomeUnknownError) || !(await happened())) throw error;
  }
}

/** The statement's writes, including the response stored for the caller's key, and the resulting event. */
function changeOf(
  key: IdempotencyKey | null,
  answer: Answer,
  parts: readonly Part[],
  event: EventDraft | null,
): Change {
  return {
    writes: [...(key ? [answerPart(key, answer.status, answer.body)] : []), ...parts],
    events: event ? [event] : [],
  };
}

const offersEvent = (
  type: 'lead.received' | 'offers.requested',
  lead: Owned,
  offers: readonly NewOffer[],
): EventDraft => ({
  type,
  organizationId: lead.organizationId,
  subject: subjects.lead(lead.id),
  data: { leadId: lead.id, unlockIds: offers.map(({ unlockId }) => unlockId) },
});

function sealed({ vault }: Deps, order: LeadOrder) {
  const { phone, email, noteLines } = order.contact;
  const parts = splitLead({
    ...order,
    email,
    phone: phone?.value ?? null,
    phoneValid: phone?.valid ?? false,
  });
  const { name, address, notes } = parts.contact;
  const contact: SealedContact = {
    name,
    phone: parts.contact.phone,
    email,
    address,
    notes: withNoteLines(notes, noteLines),
  };
  const { city, serviceType, preferredTimeWindow, budgetRange, notesSnippet } = parts.public;
  return {
    city,
    serviceType,
    public: { preferredTimeWindow, budgetRange, notes: notesSnippet },
    contact: vault.sealJson(contact),
    phoneHash: phone ? vault.index(phoneIdentity(phone.value)) : null,
    emailHash: email ? vault.index(email.toLowerCase()) : null,
    phoneValid: phone?.valid ?? false,
  };
}

/** The rules may have changed since the caller's key was first answered: then the first answer stands. */
async function unlessAnswered(
  { db }: Deps,
  key: IdempotencyKey | null,
  read: () => Terms,
): Promise<{ given: Terms } | { answer: Answer }> {
  try {
    return { given: read() };
  } catch (error) {
    const answer = await firstAnswer(db, key);
    if (answer) return { answer };
    throw error;
  }
}

/** The organization has a lead with this id that is not sold by unlock, or not the supplier's: the answer is the same. */
const leadIdTaken = () =>
  new RefusedError(
    409,
    'lead_id_taken',
    'This lead_id is in use for a lead that you cannot offer. Nothing was stored. Choose another lead_id, or leave it out.',
  );

const tooContended = () =>
  new RefusedError(503, 'unavailable', 'Too many requests for the same lead at once. Please repeat.', {
    retryAfterSeconds: 1,
  });
