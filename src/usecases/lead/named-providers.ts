import type { Candidate } from '../../db/account/buyers.ts';
import type { NewOffer } from '../../db/lead/leads.ts';
import { choose } from '../../domain/matching/choose.ts';
import type { RuleName } from '../../domain/matching/eligibility.ts';
import { newId } from '../../events/new-id.ts';

export type ProviderResult = { provider_id: string; success: boolean; message: string };

/** The lead's state when providers are named for it. A lead that is not stored yet is neither erased nor sold. */
export type OfferedLead = { erased: boolean; maxSales: number | null; sold: number };

const refusals: Record<RuleName, { success: boolean; message: string }> = {
  already_offered: { success: true, message: 'already offered' },
  buyer_inactive: { success: false, message: 'inactive provider' },
  opted_out: { success: false, message: 'provider opted out' },
  bad_number: { success: false, message: 'provider phone cannot be reached' },
  lead_erased: { success: false, message: 'lead is no longer available' },
  sold_out: { success: false, message: 'lead is sold out' },
};

/** The offers to the providers named in a request, and the result for each name in the order given. */
export function chooseNamed(
  lead: OfferedLead,
  found: readonly Candidate[],
  providerIds: readonly string[],
  now: Date,
): { offers: NewOffer[]; results: ProviderResult[] } {
  const candidates = new Map(found.map((candidate) => [candidate.externalId, candidate]));
  const offeredTo = new Set(found.filter(({ offered }) => offered).map(({ buyerId }) => buyerId));
  const { offers, passedOver } = choose(
    { erased: lead.erased },
    { logic: 'NAMED', maxSales: lead.maxSales },
    providerIds.flatMap((id) => candidates.get(id) ?? []),
    { sold: lead.sold, offeredTo },
    now,
  );
  const unanswered = new Set(offers.map(({ buyerId }) => buyerId));
  const rules = new Map(passedOver.map(({ buyerId, rule }) => [buyerId, rule]));
  const resultOf = (candidate: Candidate | undefined) => {
    if (!candidate) return { success: false, message: 'unknown provider' };
    // Named twice in one request: the second is a duplicate.
    if (unanswered.delete(candidate.buyerId)) return { success: true, message: 'teaser queued' };
    return refusals[rules.get(candidate.buyerId) ?? 'already_offered'];
  };
  return {
    offers: offers.map(({ buyerId, phone, phoneId }) => ({ unlockId: newId(), buyerId, phone, phoneId })),
    results: providerIds.map((id) => ({ provider_id: id, ...resultOf(candidates.get(id)) })),
  };
}
