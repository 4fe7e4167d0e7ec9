import { type People, pageIn } from './people.ts';

export type Buyer = { leadId: string; provider: string; phone: string; email: string };

/** One lead and how its buyers behave, from its first request to where its unlocks must end. */
export type Story = {
  name: string;
  /** Its share of a crowd. 0: told only where crash points are the subject, which need it. */
  weight: number;
  buyers: number;
  /** Fields of the lead beside the common ones. */
  config?: Record<string, unknown>;
  /** Where the unlocks may stand at the end, sorted; several: it is a race, and either end is right. */
  ends: readonly (readonly string[])[];
  /** Posted without its buyers, and sent to them afterwards. */
  later?: true;
  /** Before the lead is posted. */
  before?: (people: People, buyers: readonly Buyer[]) => Promise<unknown>;
  tell(people: People, buyers: readonly Buyer[]): Promise<unknown>;
};

const teaser = 'Reply Y to unlock contact';
const ttl = (seconds: number) => ({ ttl_hours: seconds / 3_600 });

/** Answers Y and waits for the link. */
async function page(people: People, buyer: Buyer): Promise<string> {
  await people.hears(buyer, teaser);
  await people.says(buyer.phone, `Y ${buyer.leadId}`);
  return pageIn(await people.hears(buyer, '/p/'));
}

async function checkout(people: People, buyer: Buyer): Promise<string | null> {
  return people.press(await page(people, buyer));
}

async function buy(
  people: People,
  buyer: Buyer,
  beforePaying?: () => Promise<unknown>,
): Promise<string | null> {
  const session = await checkout(people, buyer);
  await beforePaying?.();
  return session === null ? null : people.pay(session);
}

const done = ['DONE'];
const expired = ['EXPIRED'];
const optedOut = ['OPTED_OUT'];

export const stories: readonly Story[] = [
  { name: 'pays', weight: 10, buyers: 1, ends: [done], tell: (people, [one]) => buy(people, one!) },
  {
    name: 'pays in a hurry: two taps, two payments',
    weight: 3,
    buyers: 1,
    ends: [done],
    async tell(people, [one]) {
      const at = await page(people, one!);
      const sessions = await Promise.all([people.press(at), people.press(at)]);
      await Promise.all(sessions.map((session) => session && people.pay(session)));
    },
  },
  {
    name: 'answers Y twice, and once more after it is done',
    weight: 3,
    buyers: 1,
    ends: [done],
    async tell(people, [one]) {
      await people.hears(one!, teaser);
      await people.says(one!.phone, 'yes please');
      await buy(people, one!);
      await people.reaches(one!.leadId, one!.provider, done);
      await people.says(one!.phone, `Y ${one!.leadId}`);
    },
  },
  {
    name: 'declines',
    weight: 4,
    buyers: 1,
    ends: [expired],
    async tell(people, [one]) {
      await people.hears(one!, teaser);
      await people.says(one!.phone, 'N');
    },
  },
  {
    name: 'declines with the checkout open',
    weight: 1,
    buyers: 1,
    ends: [expired],
    async tell(people, [one]) {
      await checkout(people, one!);
      await people.says(one!.phone, 'N');
    },
  },
  {
    name: 'stops',
    weight: 2,
    buyers: 1,
    ends: [optedOut],
    async tell(people, [one]) {
      await people.hears(one!, teaser);
      await people.says(one!.phone, 'STOP');
    },
  },
  {
    name: 'stops between the link and the payment',
    weight: 2,
    buyers: 1,
    ends: [optedOut],
    async tell(people, [one]) {
      await checkout(people, one!);
      await people.says(one!.phone, 'STOP');
    },
  },
  {
    name: 'stops while paying',
    weight: 2,
    buyers: 1,
    ends: [optedOut, done],
    async tell(people, [one]) {
      const session = await checkout(people, one!);
      await Promise.all([people.says(one!.phone, 'STOP'), session && people.pay(session)]);
    },
  },
  {
    name: 'is silent until the time is up',
    weight: 3,
    buyers: 1,
    config: ttl(20),
    ends: [expired],
    tell: async () => undefined,
  },
  { name: 'is silent', weight: 2, buyers: 1, ends: [['AWAIT_CONFIRM']], tell: async () => undefined },
  {
    name: 'answers when it is too late',
    weight: 1,
    buyers: 1,
    config: ttl(10),
    ends: [expired],
    async tell(people, [one]) {
      await people.reaches(one!.leadId, one!.provider, expired);
      await people.says(one!.phone, `Y ${one!.leadId}`);
    },
  },
  {
    name: 'gets a link and does not pay',
    weight: 2,
    buyers: 1,
    config: ttl(45),
    ends: [expired],
    tell: (people, [one]) => checkout(people, one!),
  },
  {
    name: 'pays by a bank debit that settles after the time is up',
    weight: 2,
    buyers: 1,
    config: ttl(60),
    ends: [done, expired],
    async tell(people, [one]) {
      const session = await checkout(people, one!);
      if (session === null) return;
      await people.pay(session, { method: 'delayed' });
      await people.reaches(one!.leadId, one!.provider, expired);
      await people
        .control('POST', `checkout/${session}/async`, { outcome: 'succeeded' })
        .catch(() => undefined);
    },
  },
  {
    name: 'two pay for the last one',
    weight: 3,
    buyers: 2,
    config: { max_sales: 1 },
    ends: [['DONE', 'EXPIRED']],
    async tell(people, buyers) {
      const sessions = await Promise.all(buyers.map((buyer) => checkout(people, buyer)));
      await Promise.all(sessions.map((session) => session && people.pay(session)));
    },
  },
  {
    name: 'three buyers, each pays',
    weight: 1,
    buyers: 3,
    ends: [['DONE', 'DONE', 'DONE']],
    tell: (people, buyers) => Promise.all(buyers.map((buyer) => buy(people, buyer))),
  },
  {
    name: 'pays and is refunded at the dashboard',
    weight: 2,
    buyers: 1,
    ends: [done],
    async tell(people, [one]) {
      const payment = await buy(people, one!);
      await people.reaches(one!.leadId, one!.provider, done);
      if (payment) await people.control('POST', `payments/${payment}/refund`, {});
    },
  },
  {
    name: 'pays and disputes it',
    weight: 1,
    buyers: 1,
    ends: [done],
    async tell(people, [one]) {
      const payment = await buy(people, one!);
      await people.reaches(one!.leadId, one!.provider, done);
      if (payment) await people.control('POST', `payments/${payment}/dispute`, {});
    },
  },
  {
    name: 'has a landline',
    weight: 1,
    buyers: 1,
    ends: [expired],
    before: (people, [one]) => people.phone(one!.phone, { refuse: 21_614 }),
    tell: async () => undefined,
  },
  {
    name: 'has opted out at the carrier',
    weight: 1,
    buyers: 1,
    ends: [optedOut],
    before: (people, [one]) => people.phone(one!.phone, { refuse: 21_610 }),
    tell: async () => undefined,
  },
  {
    name: 'cannot be texted the details: they go by e-mail',
    weight: 1,
    buyers: 1,
    ends: [done],
    tell: (people, [one]) => buy(people, one!, () => people.phone(one!.phone, { refuse: 21_614 })),
  },
  {
    name: 'never gets the details on the phone: they go by e-mail',
    weight: 1,
    buyers: 1,
    ends: [done],
    tell: (people, [one]) => buy(people, one!, () => people.phone(one!.phone, { fail: 30_003 })),
  },
  {
    name: 'asks first, then pays',
    weight: 2,
    buyers: 1,
    ends: [done],
    async tell(people, [one]) {
      await people.hears(one!, teaser);
      await people.says(one!.phone, 'what is this');
      await people.says(one!.phone, 'HELP');
      await buy(people, one!);
    },
  },
  {
    name: 'reads the details on the pay page',
    weight: 1,
    buyers: 1,
    ends: [done],
    async tell(people, [one]) {
      const at = await page(people, one!);
      const session = await people.press(at);
      if (session) await people.pay(session);
      await people.reaches(one!.leadId, one!.provider, ['PAID', 'REVEAL_DETAILS_SENT', 'DONE']);
      await people.reads(at);
    },
  },
  {
    name: 'declines while Stripe is asked for a session',
    weight: 1,
    buyers: 1,
    ends: [expired],
    async tell(people, [one]) {
      const at = await page(people, one!);
      const slow = {
        vendor: 'stripe',
        kind: 'latency',
        path: '/v1/checkout/sessions',
        contains: one!.leadId,
      };
      await people.control('POST', 'faults', { ...slow, ms: 2_500, count: 1 });
      await Promise.all([people.press(at), people.says(one!.phone, 'N')]);
    },
  },
  {
    name: 'stops and comes back',
    weight: 1,
    buyers: 1,
    ends: [optedOut],
    async tell(people, [one]) {
      await people.hears(one!, teaser);
      await people.says(one!.phone, 'STOP');
      await people.reaches(one!.leadId, one!.provider, optedOut);
      await people.says(one!.phone, 'START');
    },
  },
  {
    name: 'cannot be texted for a reason of ours',
    weight: 0,
    buyers: 1,
    config: ttl(30),
    ends: [expired],
    before: (people, [one]) => people.phone(one!.phone, { refuse: 21_408 }),
    tell: async () => undefined,
  },
  {
    name: 'is sent a stored lead and declines',
    weight: 1,
    buyers: 2,
    later: true,
    ends: [['EXPIRED', 'EXPIRED']],
    async tell(people, buyers) {
      await people.request('POST', `/api/leads/${buyers[0]!.leadId}/send`, {
        provider_ids: buyers.map(({ provider }) => provider),
      });
      await Promise.all(
        buyers.map(async (buyer) => {
          await people.hears(buyer, teaser);
          await people.says(buyer.phone, 'N');
        }),
      );
    },
  },
];
