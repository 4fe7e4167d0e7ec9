import { type DecisionOutcome, decisionOutcomes, outcomeOf } from './decision-words.ts';
import type { Considered, DistributionStatus } from './distribution.ts';

/** What the sender of a lead is told about the decision. */
export type IngestAnswer = {
  success: true;
  leadId: string;
  distributed: boolean;
  buyersAssigned?: number;
  message?: string;
  warning?: string;
  /** Present for a test. */
  test?: true;
  /** Of a test: who would have got it or an offer by text, and what stood in the way of the others. */
  decisions?: { buyerId: string; outcome: DecisionOutcome; rule: string | null }[];
};

/** Buyers named in the answer to a test. */
const mostNamed = 100;

/** The answer to a lead that is stored and not decided yet. */
export const pendingAnswer = (leadId: string): IngestAnswer => ({
  success: true,
  leadId,
  distributed: false,
  warning: 'Lead stored, distribution pending',
});

const buyers = (count: number): string => `${count} buyer(s)`;
const notEligible = '(no eligible buyers)';

export type DecidedLead = {
  status: DistributionStatus;
  assigned: number;
  considered: readonly Considered[] | null;
};

export function answerOf(leadId: string, { status, assigned, considered }: DecidedLead): IngestAnswer {
  if (status === 'TEST') return testAnswer(leadId, considered ?? []);
  const distributed = assigned > 0;
  return {
    success: true,
    leadId,
    distributed,
    buyersAssigned: assigned,
    message: distributed
      ? `Lead distributed to ${buyers(assigned)}`
      : `Lead received but not distributed ${notEligible}`,
  };
}

/** Nothing is sold by a test, so it is never `distributed`. */
function testAnswer(leadId: string, considered: readonly Considered[]): IngestAnswer {
  return {
    success: true,
    leadId,
    distributed: false,
    buyersAssigned: 0,
    message: `Test lead: would ${wouldBe(considered.map(outcomeOf))}`,
    test: true,
    decisions: considered
      .map((each) => ({ buyerId: each.buyerId, outcome: outcomeOf(each), rule: each.rule }))
      .toSorted((a, b) => decisionOutcomes.indexOf(a.outcome) - decisionOutcomes.indexOf(b.outcome))
      .slice(0, mostNamed),
  };
}

function wouldBe(outcomes: readonly DecisionOutcome[]): string {
  const count = (wanted: DecisionOutcome) => outcomes.filter((outcome) => outcome === wanted).length;
  if (count('ASSIGNED') > 0) return `be distributed to ${buyers(count('ASSIGNED'))}`;
  if (count('OFFERED') > 0) return `be offered by text to ${buyers(count('OFFERED'))}`;
  return `not be distributed ${notEligible}`;
}
