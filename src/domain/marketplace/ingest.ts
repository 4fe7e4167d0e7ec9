import { phoneIdentity } from '../phone/lead-phone.ts';
import type { CampaignStatus } from './campaign.ts';
import type { CategoryField } from './category-fields.ts';
import { judgeData, mostUnknown, type Values } from './lead-data.ts';
import { stateOf } from './us-states.ts';

export const qualities = ['HOT', 'WARM', 'COLD'] as const;
export type Quality = (typeof qualities)[number];

/** A lead as a client sends it. Nothing of it is trusted. */
export type GivenLead = Readonly<Record<string, unknown>>;

/** What is known of the campaign that a lead names, and of who sends it. */
export type IngestFacts = {
  /** Null when no seller has a campaign with this id. */
  campaign: {
    /** Of another seller otherwise. */
    isOwn: boolean;
    status: CampaignStatus;
    categoryId: string;
    fields: readonly CategoryField[];
  } | null;
  /** False for a supplier without the campaign's category. */
  maySend: boolean;
  /** Each lead of a supplier in test mode is a test. */
  testMode: boolean;
};

/** A lead that may be stored. */
export type JudgedLead = {
  campaignId: string;
  categoryId: string;
  locked: Values;
  public: Values;
  /** USPS code; null when the lead names no state. */
  state: string | null;
  quality: Quality;
  isTest: boolean;
  /** The first of its phones and of its e-mail addresses, by which the same person is recognized. */
  phone: string | null;
  email: string | null;
};

export type IngestRefusal = {
  status: 400 | 403 | 404;
  /** The wording of the contract. */
  wording: string;
  detail?: string;
  /** What of the lead is wrong. */
  path?: string;
};
export type JudgedIngest = { ok: true; lead: JudgedLead } | { ok: false; refusal: IngestRefusal };

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** The id in the form in which it is stored. Returns null for what is no id, which belongs to no row. */
export const idOf = (given: unknown): string | null =>
  typeof given === 'string' && uuid.test(given.trim()) ? given.trim().toLowerCase() : null;

const isBlank = (value: unknown): boolean =>
  value === undefined || value === null || (typeof value === 'string' && value.trim() === '');

/** What is missing whatever the campaign is. Judged before anything is looked up. */
export function refusalOfShape(given: GivenLead): IngestRefusal | null {
  const [path] = ['campaignId', 'categoryId', 'data'].filter((key) => isBlank(given[key]));
  if (path !== undefined)
    return { status: 400, wording: 'Missing required fields: campaignId, categoryId, data', path };
  const { data } = given;
  return typeof data === 'object' && !Array.isArray(data)
    ? null
    : { status: 400, wording: 'Invalid data', detail: 'data: must be an object.', path: 'data' };
}

/** Judges a lead in the order of the contract: its shape, what it names, who sends it, then its values. */
export function judgeIngest(given: GivenLead, facts: IngestFacts): JudgedIngest {
  const refusal = refusalOfShape(given) ?? refusalOfCampaign(given, facts);
  if (refusal) return { ok: false, refusal };
  const { fields, categoryId } = facts.campaign!;
  const values = judgeData(fields, given.data as Record<string, unknown>);
  if (!values.ok) return { ok: false, refusal: refusalOfData(values) };
  const all = { ...values.public, ...values.locked };
  const state = isBlank(given.state) ? stateIn(fields, all) : readState(given.state);
  if (state === undefined) return invalid('state', 'must be a state of the United States, such as CA');
  const quality = isBlank(given.quality) ? 'WARM' : qualities.find((each) => each === given.quality);
  if (quality === undefined) return invalid('quality', `must be one of ${qualities.join(', ')}`);
  const { test = false } = given;
  if (typeof test !== 'boolean' && test !== null) return invalid('test', 'must be true or false');
  return {
    ok: true,
    lead: {
      campaignId: idOf(given.campaignId)!,
      categoryId,
      locked: values.locked,
      public: values.public,
      state,
      quality,
      isTest: test === true || facts.testMode,
      ...personIn(fields, all),
    },
  };
}

function refusalOfCampaign(given: GivenLead, { campaign, maySend }: IngestFacts): IngestRefusal | null {
  if (campaign === null) return { status: 404, wording: 'Campaign not found', path: 'campaignId' };
  if (!campaign.isOwn)
    return { status: 403, wording: 'Campaign does not belong to your seller', path: 'campaignId' };
  if (campaign.status !== 'ACTIVE')
    return { status: 400, wording: 'Campaign is not active', path: 'campaignId' };
  if (idOf(given.categoryId) !== campaign.categoryId)
    return { status: 400, wording: 'Category does not match campaign', path: 'categoryId' };
  if (maySend) return null;
  return {
    status: 403,
    wording: 'Supplier is not authorized to submit leads for this category',
    path: 'categoryId',
  };
}

const longestNamed = 100;

function refusalOfData({
  problem,
  field,
}: {
  problem: 'missing' | 'invalid' | 'too_many_unknown';
  field: string | null;
}): IngestRefusal {
  if (field === null)
    return {
      status: 400,
      wording: 'Invalid data',
      detail: `data: at most ${mostUnknown} keys that the category does not name.`,
      path: 'data',
    };
  const name = field.slice(0, longestNamed);
  const wording = problem === 'missing' ? 'Missing required field' : 'Invalid value for field';
  return { status: 400, wording: `${wording}: ${name}`, path: `data.${name}` };
}

const invalid = (path: string, message: string): JudgedIngest => ({
  ok: false,
  refusal: { status: 400, wording: `Invalid ${path}`, detail: `${path}: ${message}.`, path },
});

/** Returns undefined for what is no state. */
const readState = (given: unknown): string | undefined =>
  typeof given === 'string' ? (stateOf(given) ?? undefined) : undefined;

/** A lead that names no state has that of its first field of this type. */
const stateIn = (fields: readonly CategoryField[], all: Values): string | null =>
  firstOf(fields, all, 'state');

const personIn = (fields: readonly CategoryField[], all: Values) => {
  const phone = firstOf(fields, all, 'phone');
  return {
    phone: phone === null ? null : phoneIdentity(phone),
    email: firstOf(fields, all, 'email')?.toLowerCase() ?? null,
  };
};

function firstOf(fields: readonly CategoryField[], all: Values, type: CategoryField['type']): string | null {
  const field = fields.find((each) => each.type === type && Object.hasOwn(all, each.name));
  return field ? String(all[field.name]) : null;
}

/** One text for all leads with the same content: the same data sent twice is one lead. */
export function contentOf({ campaignId, locked, public: open, state, quality, isTest }: JudgedLead): string {
  const values = Object.entries({ ...locked, ...open }).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([campaignId, state, quality, isTest, values]);
}

/** Within how many seconds the same data of the same supplier is one lead. */
export const sameLeadSeconds = 10;
