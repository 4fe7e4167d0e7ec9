import { randomBytes } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import { type Candidate, findCandidates } from '../../db/account/buyers.ts';
import { batchLookups } from '../../db/batch-lookups.ts';
import { CommitOutcomeUnknownError } from '../../db/client.ts';
import type { Change } from '../../db/commit.ts';
import { violatedUnique } from '../../db/constraints.ts';
import {
  findLead,
  insertLead,
  insertOffers,
  leadExists,
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
import { normaliseContactPhone } from '../../domain/phone/phone.ts';
import type { Cause, EventDraft } from '../../events/envelope.ts';
import { subjects } from '../../events/subjects.ts';
import type { Runtime } from '../runtime.ts';

type Deps = Pick<Runtime, 'db' | 'relay' | 'vault' | 'sms'>;
type Named = { organizationId: string; providerIds: readonly string[] };
/** Who is meant by the ids of a lead that is not stored yet; leads that come in together are looked up together. */
export type FindNamed = (named: Named) => Promise<Candidate[]>;

export function namedTogether({ db, sms }: Pick<Runtime, 'db' | 'sms'>): FindNamed {
  return batchLookups(async (asked: Named[]) => {
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
}

export type LeadOrder = {
  /** The sender's own id; the same again is the same lead. */
  publicId: string | null;
  city: string;
  serviceType: string;
  preferredTimeWindow: string | null;
  budgetRange: string | null;
  notes: string | null;
  name: string;
  phone: string | null;
  email: string | null;
  address: string | null;
  providerIds: readonly string[];
  priceMinor: number | null;
  currency: string | null;
  ttlMs: number | null;
  maxSales: number | null;
};

export type Terms = { priceMinor: number; currency: string; ttlMs: number };
export const defaultTerms: Terms = { priceMinor: 2_000, currency: 'usd', ttlMs: 24 * 3_600_000 };

export type ProviderResult = { provider_id: string; success: boolean; message: string };
type Request = { organizationId: string; key: IdempotencyKey | null; cause: Cause };

/**
 * Stores a lead, an unlock per buyer that may have it, its event and the caller's Idempotency-Key in one statement,
 * which stands or falls whole. Whatever it collides with was there first and is the answer.
 */
export async function receiveLead(
  deps: Deps & { findNamed: FindNamed },
  order: LeadOrder,
  request: Request,
): Promise<Answer> {
  const { organizationId, key } = request;
  for (let round = 0; round < 5; round += 1) {
    const id = uuidv7();
    const publicId = order.publicId ?? newLeadId(randomBytes);
    const terms = termsOf(order, defaultTerms);
    const named = { organizationId, providerIds: [...new Set(order.providerIds)] };
    const found = named.providerIds.length > 0 ? await deps.findNamed(named) : [];
    const { offers, results } = judgeAll(found, order.providerIds, null);
    const answer: Answer = { status: 201, body: { lead_id: publicId, provider_results: results } };
    const lead = { id, organizationId, publicId, ...terms, maxSales: order.maxSales, ...sealed(deps, order) };
    const parts = [insertLead(lead), ...offerParts(deps, lead, terms, offers)];
    try {
      const change = changeOf({ id, organizationId }, offers, parts, key, answer);
      await commitOnce(deps, change, request.cause, () => leadExists(deps.db, id));
      return answer;
    } catch (error) {
      // Two leads for the same new phones may block each other; the one refused wrote nothing.
      if (isConflict(error)) continue;
      const collision = violatedUnique(error);
      if (collision === null) throw error;
      const first = await firstAnswer(deps.db, key);
      if (first) return first;
      const known =
        order.publicId && collision === leadIdConstraint
          ? await findLead(deps.db, organizationId, publicId)
          : null;
      if (known) return offerLead(deps, known, order, request, 201);
    }
  }
  throw tooContended();
}

/** Offers a stored lead to more buyers; those that have it are told so and hear nothing twice. */
export async function offerLead(
  deps: Deps,
  lead: StoredLead,
  order: Pick<LeadOrder, 'providerIds' | 'priceMinor' | 'currency' | 'ttlMs'>,
  request: Request,
  status: 200 | 201,
): Promise<Answer> {
  const { organizationId, key } = request;
  const shut =
    lead.contact === null ? 'lead is no longer available' : isSoldOut(lead) ? 'lead is sold out' : null;
  for (let round = 0; round < 5; round += 1) {
    const ids = [...new Set(order.providerIds)];
    const found =
      ids.length > 0 ? await findCandidates(deps.db, organizationId, ids, deps.sms.ourNumber, lead.id) : [];
    const { offers, results } = judgeAll(found, order.providerIds, shut);
    const answer: Answer = { status, body: { lead_id: lead.publicId, provider_results: results } };
    const parts = offerParts(deps, lead, termsOf(order, lead), offers);
    if (offers.length === 0 && !key) return answer;
    try {
      const change = changeOf(lead, offers, parts, key, answer);
      const [first] = offers;
      await commitOnce(
        deps,
        change,
        request.cause,
        async () => first !== undefined && unlockExists(deps.db, first.unlockId),
      );
      return answer;
    } catch (error) {
      // Another request offered it, or used the key, between our look and our statement.
      if (violatedUnique(error) === null) throw error;
      const first = await firstAnswer(deps.db, key);
      if (first) return first;
    }
  }
  throw tooContended();
}

/**
 * Commits, and when the answer to COMMIT was lost, looks whether it happened instead of doing it again. Not found
 * means nothing yet: the caller hears 503 and repeats with its key.
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

function changeOf(
  lead: { id: string; organizationId: string },
  offers: readonly NewOffer[],
  parts: Change['writes'] & object,
  key: IdempotencyKey | null,
  answer: Answer,
): Change {
  const received: EventDraft = {
    type: 'lead.received',
    organizationId: lead.organizationId,
    subject: subjects.lead(lead.id),
    data: { leadId: lead.id, unlockIds: offers.map((o) => o.unlockId) },
  };
  const isNew = parts.some((part) => part.name === 'lead');
  return {
    writes: [...(key ? [answerPart(key, answer.status, answer.body)] : []), ...parts],
    events: isNew || offers.length > 0 ? [received] : [],
  };
}

const offerParts = (
  deps: Deps,
  lead: { id: string; organizationId: string },
  terms: Terms,
  offers: readonly NewOffer[],
) => (offers.length > 0 ? insertOffers(lead, { ...terms, ourNumber: deps.sms.ourNumber }, offers) : []);

/** Every provider once, in the order named. */
function judgeAll(
  found: readonly Candidate[],
  providerIds: readonly string[],
  shut: string | null,
): { offers: NewOffer[]; results: ProviderResult[] } {
  const candidates = new Map(found.map((candidate) => [candidate.externalId, candidate]));
  const offered = new Set<string>();
  const offers: NewOffer[] = [];
  const results = providerIds.map((providerId): ProviderResult => {
    const candidate = candidates.get(providerId);
    // Named twice in one request: the second is a repetition.
    const again = candidate && offered.has(providerId) ? { ...candidate, offered: true } : candidate;
    const { success, message, offer } = judge(again, shut);
    if (offer && candidate) {
      const { buyerId, phone, phoneId } = candidate;
      offers.push({ unlockId: uuidv7(), buyerId, phone, phoneId });
      offered.add(providerId);
    }
    return { provider_id: providerId, success, message };
  });
  return { offers, results };
}

function judge(
  candidate: Candidate | undefined,
  shut: string | null,
): { success: boolean; message: string; offer?: true } {
  if (!candidate) return { success: false, message: 'unknown provider' };
  if (candidate.offered) return { success: true, message: 'already offered' };
  if (!candidate.active) return { success: false, message: 'inactive provider' };
  if (candidate.optedOut) return { success: false, message: 'provider opted out' };
  if (candidate.badNumber) return { success: false, message: 'provider phone cannot be reached' };
  if (shut) return { success: false, message: shut };
  return { success: true, message: 'teaser queued', offer: true };
}

function sealed({ vault }: Deps, order: LeadOrder) {
  const phone = order.phone === null ? null : normaliseContactPhone(order.phone);
  const parts = splitLead({ ...order, phone: phone?.value ?? null, phoneValid: phone?.valid ?? false });
  const { name, email, address, notes } = parts.contact;
  const contact: SealedContact = { name, phone: parts.contact.phone, email, address, notes };
  const { city, serviceType, preferredTimeWindow, budgetRange, notesSnippet } = parts.public;
  return {
    city,
    serviceType,
    public: { preferredTimeWindow, budgetRange, notes: notesSnippet },
    contact: vault.sealJson(contact),
    phoneHash: phone ? vault.index(phone.value) : null,
    emailHash: email ? vault.index(email.toLowerCase()) : null,
    phoneValid: phone?.valid ?? false,
  };
}

const termsOf = (order: Pick<LeadOrder, 'priceMinor' | 'currency' | 'ttlMs'>, otherwise: Terms): Terms => ({
  priceMinor: order.priceMinor ?? otherwise.priceMinor,
  currency: order.currency ?? otherwise.currency,
  ttlMs: order.ttlMs ?? otherwise.ttlMs,
});

const isSoldOut = (lead: StoredLead) => lead.maxSales !== null && lead.sold >= lead.maxSales;

const tooContended = () =>
  new RefusedError(503, 'unavailable', 'Too many requests for the same lead at once. Please repeat.', {
    retryAfterSeconds: 1,
  });
