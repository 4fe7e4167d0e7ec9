import { inBatchesByKey } from '../../db/batches-by-key.ts';
import { insertLeads, insertOffers, type NewLead, type NewOffer } from '../../db/lead/leads.ts';
import { answersPart, type KeyAnswer } from '../../db/transport/idempotency.ts';
import type { EventDraft } from '../../events/envelope.ts';
import type { Runtime } from '../runtime.ts';

/** Runs what takes a connection, when the caller's organization may take one. */
export type InTurn = <T>(work: () => Promise<T>) => Promise<T>;

/**
 * A lead as it is stored: with its offers, its event and the first answer to its Idempotency-Key. A statement takes the turn
 * of its first lead.
 */
export type LeadToStore = {
  lead: NewLead;
  offers: readonly NewOffer[];
  event: EventDraft;
  answer: KeyAnswer | null;
  inTurn: InTurn;
};

/** Stores a lead with all that belongs to it. Throws what the database refuses in it; then nothing of it was written. */
export type StoreLead = (lead: LeadToStore) => Promise<void>;

/**
 * Two statements at a time for each organization are enough to keep a connection busy while the other commits, and leave the
 * other connections to others.
 */
const atOnce = 2;
/** Leads of one statement, each with up to 200 offers. */
const most = 50;
/** A statement that waits for a lock fails after this time (`sessionLimits`). */
const patienceMs = 15_000;

/**
 * Leads of one organization that come at once share a statement, in which each has its own outcome: one that is refused
 * does not hold up those of others, and shares no statement with them.
 */
export function storedTogether({ relay, sms }: Pick<Runtime, 'relay' | 'sms'>): StoreLead {
  const store = inBatchesByKey(
    async (_organizationId: string, leads: LeadToStore[]) => {
      const answers = leads.flatMap(({ answer }) => answer ?? []);
      const offered = leads.map(({ lead, offers }) => ({ lead, terms: lead, offers }));
      const change = {
        writes: [
          ...(answers.length > 0 ? [answersPart(answers)] : []),
          insertLeads(leads.map(({ lead }) => lead)),
          ...insertOffers(offered, sms.ourNumber),
        ],
        events: leads.map(({ event }) => event),
      };
      await leads[0]!.inTurn(() => relay.commit(change));
      return leads.map(() => undefined);
    },
    { atOnce, most, patienceMs },
  );
  return (lead) => store(lead.lead.organizationId, lead);
}
