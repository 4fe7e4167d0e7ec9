/**
 * Who is offered a lead. Buyers named by the sender are offered it in the order they were named; other ways of choosing
 * (campaigns) become further kinds of Choice, decided here, carried out by the distributor.
 */
export type Candidate = { unlockId: string; ttlMs: number };

export type Choice = { kind: 'named' };

/** The offers to make now. Each candidate once; one whose time is already up is left to the expirer's `ttl`. */
export function chooseOffers(_choice: Choice, candidates: readonly Candidate[]): Candidate[] {
  const seen = new Set<string>();
  return candidates.filter(({ unlockId }) => !seen.has(unlockId) && seen.add(unlockId));
}
