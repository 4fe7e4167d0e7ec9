import { type DecisionOutcome, outcomeOf } from './decision-words.ts';
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
  /** Of a test: who would have got it, and what stood in the way of the others. */
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
  const chosen = considered.filter(({ rule }) => rule === null).length;
  return {
    success: true,
    leadId,
    distributed: false,
    buyersAssigned: 0,
    message: `Test lead: would ${chosen > 0 ? `be distributed to ${buyers(chosen)}` : `not be distributed ${notEligible}`}`,
    test: true,
    decisions: considered
      .toSorted((a, b) => Number(a.rule !== null) - Number(b.rule !== null))
      .slice(0, mostNamed)
      .map((each) => ({ buyerId: each.buyerId, outcome: outcomeOf(each), rule: each.rule })),
  };
}
