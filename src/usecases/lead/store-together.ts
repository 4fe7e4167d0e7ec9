import { inBatchesByKey } from '../../db/batches-by-key.ts';
import { CommitOutcomeUnknownError } from '../../db/client.ts';
import { insertLeads, insertOffers, type NewLead, type NewOffer, storedLeads } from '../../db/lead/leads.ts';
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

/**
 * Stores a lead with all that belongs to it. Throws what the database refuses in it; then nothing of it was written. Throws
 * CommitOutcomeUnknownError when the answer was lost and the lead was not found: it may still appear.
 */
export type StoreLead = (lead: LeadToStore) => Promise<void>;

/** One statement at a time would leave the database idle while it commits. */
const atOnce = 2;
/** A statement ends well within the time that the API waits for one: 50 leads with few offers, or two with 200 each. */
const most = 500;
const weightOf = ({ offers }: LeadToStore) => 10 + offers.length;

/**
 * Leads that one sender posts at once share a statement, in which each has its own outcome. Others share none with them: the
 * leads of an organization's suppliers and its own follow each other in lines of their own.
 */
export function storedTogether({ db, relay, sms }: Pick<Runtime, 'db' | 'relay' | 'sms'>): StoreLead {
  const store = inBatchesByKey(
    async (_sender: string, leads: LeadToStore[]) => {
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
      return leads[0]!.inTurn(async () => {
        try {
          await relay.commit(change);
          return leads.map(() => null);
        } catch (error) {
          if (!(error instanceof CommitOutcomeUnknownError)) throw error;
          const stored = await storedLeads(
            db,
            leads.map(({ lead }) => lead.id),
          );
          return leads.map(({ lead }) => (stored.has(lead.id) ? null : error));
        }
      });
    },
    { atOnce, most, weightOf },
  );
  return async (lead) => {
    const { organizationId, supplierId } = lead.lead;
    const lost = await store(`${organizationId} ${supplierId}`, lead);
    if (lost) throw lost;
  };
}
