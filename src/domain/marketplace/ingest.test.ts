import { describe, expect, it } from 'vitest';
import type { CategoryField } from './category-fields.ts';
import { contentOf, type IngestFacts, type JudgedLead, judgeIngest } from './ingest.ts';
import { answerOf, pendingAnswer } from './ingest-answer.ts';

const id = (n: number) => `0197a3c2-5b1e-7c44-9d55-2f6f3a1f0a1${n}`;
const field = (name: string, more: Partial<CategoryField> = {}): CategoryField => ({
  name,
  type: 'text',
  required: false,
  locked: false,
  description: null,
  options: [],
  ...more,
});
const fields = [
  field('firstName', { required: true, locked: true }),
  field('cell', { type: 'phone', locked: true }),
  field('office', { type: 'phone', locked: true }),
  field('email', { type: 'email', locked: true, required: true }),
  field('home', { type: 'state' }),
  field('owner', { type: 'boolean' }),
];
const campaign = { isOwn: true, status: 'ACTIVE', categoryId: id(2), fields } as const;
const facts: IngestFacts = { campaign, maySend: true, testMode: false };
const data = { firstName: 'Ann', email: 'Ann@Example.com' };
const lead = { campaignId: id(1), categoryId: id(2), data };

const refusalOf = (given: Record<string, unknown>, known = facts) => {
  const judged = judgeIngest({ ...lead, ...given }, known);
  return judged.ok ? null : [judged.refusal.status, judged.refusal.wording];
};
const leadOf = (given: Record<string, unknown> = {}, known = facts): JudgedLead => {
  const judged = judgeIngest({ ...lead, ...given }, known);
  if (!judged.ok) throw new Error(judged.refusal.wording);
  return judged.lead;
};

describe('judgeIngest', () => {
  const everythingWrong = { campaignId: 'x', categoryId: id(9), data: {}, state: 'Calif.', quality: 'BEST' };
  const shape = 'Missing required fields: campaignId, categoryId, data';
  const paused: IngestFacts = { ...facts, campaign: { ...campaign, status: 'PAUSED' }, maySend: false };
  const { data: _data, ...rest } = everythingWrong;

  // From one to the next, one thing is right.
  it.each<[string, Record<string, unknown>, IngestFacts, [number, string]]>([
    ['no data', { ...rest, data: null }, paused, [400, shape]],
    ['a list as data', { ...rest, data: [] }, paused, [400, 'Invalid data']],
    ['an unknown campaign', everythingWrong, { ...paused, campaign: null }, [404, 'Campaign not found']],
    [
      'a foreign one',
      everythingWrong,
      { ...paused, campaign: { ...campaign, isOwn: false } },
      [403, 'Campaign does not belong to your seller'],
    ],
    ['a paused one', everythingWrong, paused, [400, 'Campaign is not active']],
    [
      'another category',
      everythingWrong,
      { ...facts, maySend: false },
      [400, 'Category does not match campaign'],
    ],
    [
      'a category the supplier lacks',
      { ...everythingWrong, categoryId: id(2) },
      { ...facts, maySend: false },
      [403, 'Supplier is not authorized to submit leads for this category'],
    ],
    [
      'missing values',
      { ...everythingWrong, categoryId: id(2) },
      facts,
      [400, 'Missing required field: firstName'],
    ],
    [
      'a value of another type',
      { data: { ...data, cell: '12' }, state: 'Calif.' },
      facts,
      [400, 'Invalid value for field: cell'],
    ],
    ['no state', { state: 'Calif.', quality: 'BEST' }, facts, [400, 'Invalid state']],
    ['a number as state', { state: 7 }, facts, [400, 'Invalid state']],
    ['no quality', { quality: 'hot', test: 'no' }, facts, [400, 'Invalid quality']],
    ['no boolean', { test: 'no' }, facts, [400, 'Invalid test']],
  ])('%s', (_, given, known, refusal) => {
    expect(refusalOf(given, known)).toEqual(refusal);
  });

  it('refuses more than 50 unknown keys, and names a long one in part', () => {
    const many = Object.fromEntries(Array.from({ length: 51 }, (_, n) => [`k${n}`, n]));
    expect(refusalOf({ data: { ...data, ...many } })).toEqual([400, 'Invalid data']);
    expect(refusalOf({ data: { ...data, ['x'.repeat(300)]: 1 } })).toEqual([
      400,
      `Invalid value for field: ${'x'.repeat(100)}`,
    ]);
  });

  it('reads ids in any case, and keeps 0, false and unknown keys', () => {
    const judged = leadOf({
      campaignId: id(1).toUpperCase(),
      categoryId: ` ${id(2).toUpperCase()} `,
      data: { ...data, owner: false, coverage: 0 },
    });
    expect(judged).toMatchObject({
      campaignId: id(1),
      categoryId: id(2),
      public: { owner: false },
      locked: { firstName: 'Ann', coverage: 0 },
      quality: 'WARM',
      isTest: false,
    });
  });

  it.each([
    [{ state: 'texas', data: { ...data, home: 'CA' } }, 'TX'],
    [{ data: { ...data, home: 'California' } }, 'CA'],
    [{ state: ' ' }, null],
  ])('%j is of the state %s', (given, state) => {
    expect(leadOf(given).state).toBe(state);
  });

  it('recognizes the person by the first phone and e-mail address in the order of the fields', () => {
    const both = leadOf({ data: { ...data, office: '(305) 555-0142', cell: '305-555-0143' } });
    expect([both.phone, both.email]).toEqual(['+13055550143', 'ann@example.com']);
    expect(leadOf({ data: { ...data, office: '(305) 555-0142' } }).phone).toBe('+13055550142');
    expect(leadOf().phone).toBeNull();
  });

  it('is a test by its own word or by its supplier’s mode', () => {
    expect(leadOf({ test: true }).isTest).toBe(true);
    expect(leadOf({ test: false }, { ...facts, testMode: true }).isTest).toBe(true);
  });
});

describe('contentOf', () => {
  const of = (given: Record<string, unknown>) => contentOf(leadOf(given));

  it('is equal for values in another order and another spelling', () => {
    expect(of({ data: { email: 'ann@example.com ', cell: '3055550143', firstName: 'Ann' } })).toBe(
      of({ data: { firstName: 'Ann', cell: '(305) 555-0143', email: 'ann@example.com' } }),
    );
  });

  it.each([{ state: 'CA' }, { quality: 'HOT' }, { test: true }, { data: { ...data, x: 1 } }])(
    '%j makes it another',
    (more) => {
      expect(of(more)).not.toBe(of({}));
    },
  );
});

describe('answerOf', () => {
  const considered = (n: number, rule: string | null) => ({
    buyerId: id(n),
    subscriptionId: id(0),
    rule,
    seen: { balanceMinor: 7 },
  });

  it.each([
    ['DISTRIBUTED', 2, true, 'Lead distributed to 2 buyer(s)'],
    ['PENDING', 0, false, 'Lead received but not distributed (no eligible buyers)'],
    ['EXPIRED', 0, false, 'Lead received but not distributed (no eligible buyers)'],
  ] as const)('%s', (status, assigned, distributed, message) => {
    expect(answerOf('lead_1', { status, assigned, considered: null })).toEqual({
      success: true,
      leadId: 'lead_1',
      distributed,
      buyersAssigned: assigned,
      message,
    });
  });

  it('a test names who would have got it first, without what was seen of them', () => {
    const given = [considered(1, 'wallet'), considered(2, null)];
    expect(answerOf('lead_1', { status: 'TEST', assigned: 0, considered: given })).toMatchObject({
      distributed: false,
      message: 'Test lead: would be distributed to 1 buyer(s)',
      decisions: [
        { buyerId: id(2), outcome: 'ASSIGNED', rule: null },
        { buyerId: id(1), outcome: 'REFUSED', rule: 'wallet' },
      ],
    });
    const none = answerOf('lead_1', { status: 'TEST', assigned: 0, considered: [considered(1, 'state')] });
    expect(none.message).toBe('Test lead: would not be distributed (no eligible buyers)');
    expect(JSON.stringify(none)).not.toContain('balance');
  });

  it('a test names who would be offered it by text after who would buy it', () => {
    const offered = considered(3, 'offered');
    const testOf = (...given: ReturnType<typeof considered>[]) =>
      answerOf('lead_1', { status: 'TEST', assigned: 0, considered: given });
    expect(testOf(considered(1, 'wallet'), offered, considered(2, null))).toMatchObject({
      message: 'Test lead: would be distributed to 1 buyer(s)',
      decisions: [{ outcome: 'ASSIGNED' }, { outcome: 'OFFERED' }, { outcome: 'REFUSED' }],
    });
    expect(testOf(considered(1, 'wallet'), offered)).toMatchObject({
      distributed: false,
      message: 'Test lead: would be offered by text to 1 buyer(s)',
      decisions: [{ buyerId: id(3), outcome: 'OFFERED', rule: 'offered' }, { outcome: 'REFUSED' }],
    });
  });

  it('an undecided lead has the warning alone', () => {
    expect(pendingAnswer('lead_1')).toEqual({
      success: true,
      leadId: 'lead_1',
      distributed: false,
      warning: 'Lead stored, distribution pending',
    });
  });
});
