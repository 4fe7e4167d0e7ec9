import type { CountryCode } from 'libphonenumber-js';
import type { Company } from '../../db/account/companies.ts';
import { violatedUnique } from '../../db/constraints.ts';
import type { Kept } from '../../db/lead/uploads.ts';
import { firstAnswer, type IdempotencyKey } from '../../db/transport/idempotency.ts';
import type { FieldErrors, Judged, LeadCandidate } from '../../domain/lead/candidate.ts';
import { companyIdOf, judgeGiven } from '../../domain/lead/given.ts';
import { createGate } from '../../engine/gate.ts';
import { startSlice } from '../../engine/slices.ts';
import { type UploadOutcome, uploadLeads } from '../../usecases/lead/upload.ts';
import type { Runtime } from '../../usecases/runtime.ts';

type Deps = Pick<Runtime, 'db' | 'relay' | 'vault'>;

/** Concurrent statements of this process: more would not be faster, and other requests need connections too. */
const storing = createGate(4);

/** Of the invalid leads in an answer, which is checked and written in one turn of the event loop. */
const mostReportedCharacters = 3_000_000;
/** What an error costs besides its text. */
const charactersPerError = 100;
const mostWarnings = 1_000;
const notReported: FieldErrors = {
  lead: ['is not valid; its data and errors are left out, because this response is long'],
};

type InvalidLead = { index: number; data: unknown; errors: FieldErrors };
type BatchAnswer = {
  message: string;
  summary: {
    total_submitted: number;
    valid: number;
    invalid: number;
    duplicates: number;
    created: number;
    enqueued: number;
    failed: number;
  };
  invalid_leads: InvalidLead[];
  warnings?: { index: number; warnings: FieldErrors }[];
  job_ids: string[];
};

/** Why a lead's company_id does not fit; null when it does. Foreign and unknown companies get the same reason. */
export function wrongCompany(data: unknown, company: Company | null): string | null {
  const given = (data as { company_id?: unknown } | null)?.company_id;
  if (given === undefined || given === null) return 'is missing';
  const number = companyIdOf(data);
  if (number === null) return 'must be an integer';
  return number === company?.number ? null : notYours(company);
}

const notYours = (company: Company | null): string =>
  company === null
    ? 'is not a company you may upload leads for'
    : `is not company ${company.number}, to which the other leads of this request belong`;

/**
 * Stores the valid leads of a request in one statement and reports on each lead. A retry with the same Idempotency-Key
 * gets the same answer: the key keeps what was created, the rest follows from the request.
 */
export async function receiveLeads(
  deps: Deps,
  request: {
    company: Company | null;
    leads: readonly unknown[];
    key: IdempotencyKey | null;
    correlationId: string;
  },
): Promise<BatchAnswer> {
  const { company, leads, key, correlationId } = request;
  if (company === null) return answerOf(leads, await judgeAll(leads, null, 'US'), []);
  const region = company.defaultRegion;
  const judged = await judgeAll(leads, company, region);
  const taken: LeadCandidate[] = [];
  for (const each of judged) if (each.ok) taken.push(each.lead);
  const options = {
    publish: false,
    cause: { correlationId, causationId: null },
    key: key && { key, status: 200, kept: { region } },
  };
  await storing.enter();
  let outcomes: UploadOutcome[] | null;
  try {
    outcomes = await uploadLeads(deps, company, taken, options);
  } catch (error) {
    if (violatedUnique(error) === null) throw error;
    const first = await firstAnswer(deps.db, key);
    if (!first) throw error;
    const { kept, created } = first.body as Kept<{ region: string }>;
    return answerOf(leads, await judgeAll(leads, company, kept.region), created);
  } finally {
    storing.leave();
  }
  const created = outcomes!.flatMap((outcome) => (outcome.kind === 'created' ? [outcome.leadId] : []));
  return answerOf(leads, judged, created);
}

async function judgeAll(
  leads: readonly unknown[],
  company: Company | null,
  region: string,
): Promise<Judged[]> {
  const judged: Judged[] = [];
  const slice = startSlice();
  for (const lead of leads) {
    if (slice.isOver()) await slice.next();
    judged.push(judgeGiven(lead, region as CountryCode, wrongCompany(lead, company)));
  }
  return judged;
}

/** Every invalid lead by its index; data and errors while the answer is not too long. */
async function invalidLeads(leads: readonly unknown[], judged: readonly Judged[]): Promise<InvalidLead[]> {
  const invalid: InvalidLead[] = [];
  const slice = startSlice();
  let characters = 0;
  for (const [index, each] of judged.entries()) {
    if (each.ok) continue;
    const data = leads[index] ?? null;
    if (characters <= mostReportedCharacters) {
      if (slice.isOver()) await slice.next();
      characters += JSON.stringify(data).length + charactersPerError * Object.keys(each.errors).length;
    }
    const fits = characters <= mostReportedCharacters;
    invalid.push(fits ? { index, data, errors: each.errors } : { index, data: null, errors: notReported });
  }
  return invalid;
}

async function answerOf(
  leads: readonly unknown[],
  judged: readonly Judged[],
  created: string[],
): Promise<BatchAnswer> {
  const invalid = await invalidLeads(leads, judged);
  const valid = judged.length - invalid.length;
  const duplicates = valid - created.length;
  const warnings = judged
    .flatMap((each, index) => (each.ok && each.warnings ? [{ index, warnings: each.warnings }] : []))
    .slice(0, mostWarnings);
  return {
    message: `${created.length} of ${leads.length} leads were stored and will be sent to the CRM; ${duplicates} were duplicates, ${invalid.length} were not valid.`,
    summary: {
      total_submitted: leads.length,
      valid,
      invalid: invalid.length,
      duplicates,
      created: created.length,
      enqueued: created.length,
      failed: 0,
    },
    invalid_leads: invalid,
    ...(warnings.length > 0 ? { warnings } : {}),
    job_ids: created,
  };
}
