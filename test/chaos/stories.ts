import { type People, pageIn } from './people.ts';

export type Buyer = { leadId: string; provider: string; phone: string; email: string };

/** A lead has at least one buyer. */
export type Buyers = readonly [Buyer, ...Buyer[]];

/** One lead and the behaviour of its buyers, with the states its unlocks must end in. */
export type Story = {
  name: string;
  /** Its share of a load. 0: played only in runs of crash points, some of which need it. */
  weight: number;
  buyers: number;
  /** Config of the lead that differs from the common one. */
  config?: Record<string, unknown>;
  /** The sorted end states of the unlocks. Several entries: the story is a race, and each outcome is valid. */
  ends: readonly (readonly string[])[];
  /** The lead is posted without buyers and sent to them later. */
  sentLater?: true;
  /** Called before the lead is posted. */
  setUp?: (people: People, buyers: Buyers) => Promise<unknown>;
  play(people: People, buyers: Buyers): Promise<unknown>;
};

const teaser = 'Reply Y to unlock contact';
const ttl = (seconds: number) => ({ ttl_hours: seconds / 3_600 });

/** Replies Y and waits for the link. */
async function page(people: People, buyer: Buyer): Promise<string> {
  await people.receivesText(buyer, teaser);
  await people.repliesUntilStored(buyer.phone, `Y ${buyer.leadId}`);
  return pageIn(await people.receivesText(buyer, '/p/'));
}

async function checkout(people: People, buyer: Buyer): Promise<string | null> {
  return people.openCheckout(await page(people, buyer));
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

/** Pays and gets the details. Returns the payment, or null when its session had ended. */
async function buyAndRead(people: People, buyer: Buyer): Promise<string | null> {
  const payment = await buy(people, buyer);
  await people.reaches(buyer.leadId, buyer.provider, done);
  return payment;
}

/** Refunds at Stripe's dashboard. Returns the refund. */
const refundAt = async (people: People, payment: string, how: Record<string, unknown>): Promise<string> =>
  (await people.control<{ id: string }>('POST', `payments/${payment}/refund`, how)).id;

const disputeAt = (people: People, payment: string, how: Record<string, unknown>): Promise<unknown> =>
  people.control('POST', `payments/${payment}/dispute`, how);

const done = ['DONE'];
const expired = ['EXPIRED'];
const optedOut = ['OPTED_OUT'];

export const stories: readonly Story[] = [
  { name: 'pays', weight: 10, buyers: 1, ends: [done], play: (people, [buyer]) => buy(people, buyer) },
  {
    name: 'presses pay twice at once and pays twice',
    weight: 3,
    buyers: 1,
    ends: [done],
    async play(people, [buyer]) {
      const at = await page(people, buyer);
      const sessions = await Promise.all([people.openCheckout(at), people.openCheckout(at)]);
      await Promise.all(sessions.map((session) => session && people.pay(session)));
    },
  },
  {
    name: 'replies Y twice, and again after DONE',
    weight: 3,
    buyers: 1,
    ends: [done],
    async play(people, [buyer]) {
      await people.receivesText(buyer, teaser);
      await people.repliesUntilStored(buyer.phone, 'yes please');
      await buy(people, buyer);
      await people.reaches(buyer.leadId, buyer.provider, done);
      await people.repliesUntilStored(buyer.phone, `Y ${buyer.leadId}`);
    },
  },
  {
    name: 'declines',
    weight: 4,
    buyers: 1,
    ends: [expired],
    async play(people, [buyer]) {
      await people.receivesText(buyer, teaser);
      await people.repliesUntilStored(buyer.phone, 'N');
    },
  },
  {
    name: 'declines with the checkout open',
    weight: 1,
    buyers: 1,
    ends: [expired],
    async play(people, [buyer]) {
      await checkout(people, buyer);
      await people.repliesUntilStored(buyer.phone, 'N');
    },
  },
  {
    name: 'sends STOP',
    weight: 2,
    buyers: 1,
    ends: [optedOut],
    async play(people, [buyer]) {
      await people.receivesText(buyer, teaser);
      await people.repliesUntilStored(buyer.phone, 'STOP');
    },
  },
  {
    name: 'sends STOP with a session open',
    weight: 2,
    buyers: 1,
    ends: [optedOut],
    async play(people, [buyer]) {
      await checkout(people, buyer);
      await people.repliesUntilStored(buyer.phone, 'STOP');
    },
  },
  {
    name: 'sends STOP while paying',
    weight: 2,
    buyers: 1,
    ends: [optedOut, done],
    async play(people, [buyer]) {
      const session = await checkout(people, buyer);
      await Promise.all([people.repliesUntilStored(buyer.phone, 'STOP'), session && people.pay(session)]);
    },
  },
  {
    name: 'does not reply until the offer expires',
    weight: 3,
    buyers: 1,
    config: ttl(20),
    ends: [expired],
    play: async () => undefined,
  },
  { name: 'does not reply', weight: 2, buyers: 1, ends: [['AWAIT_CONFIRM']], play: async () => undefined },
  {
    name: 'replies Y after the offer expired',
    weight: 1,
    buyers: 1,
    config: ttl(10),
    ends: [expired],
    async play(people, [buyer]) {
      await people.reaches(buyer.leadId, buyer.provider, expired);
      await people.repliesUntilStored(buyer.phone, `Y ${buyer.leadId}`);
    },
  },
  {
    name: 'gets a link and does not pay',
    weight: 2,
    buyers: 1,
    config: ttl(45),
    ends: [expired],
    play: (people, [buyer]) => checkout(people, buyer),
  },
  {
    name: 'pays by a bank debit that settles after the offer expired',
    weight: 2,
    buyers: 1,
    config: ttl(60),
    ends: [done, expired],
    async play(people, [buyer]) {
      const session = await checkout(people, buyer);
      if (session === null) return;
      await people.pay(session, { method: 'delayed' });
      await people.reaches(buyer.leadId, buyer.provider, expired);
      await people
        .control('POST', `checkout/${session}/async`, { outcome: 'succeeded' })
        .catch(() => undefined);
    },
  },
  {
    name: 'two buyers pay for the last slot',
    weight: 3,
    buyers: 2,
    config: { max_sales: 1 },
    ends: [['DONE', 'EXPIRED']],
    async play(people, buyers) {
      const sessions = await Promise.all(buyers.map((buyer) => checkout(people, buyer)));
      await Promise.all(sessions.map((session) => session && people.pay(session)));
    },
  },
  {
    name: 'three buyers pay',
    weight: 1,
    buyers: 3,
    ends: [['DONE', 'DONE', 'DONE']],
    play: (people, buyers) => Promise.all(buyers.map((buyer) => buy(people, buyer))),
  },
  {
    name: 'pays and is refunded at the dashboard',
    weight: 2,
    buyers: 1,
    ends: [done],
    async play(people, [buyer]) {
      const payment = await buy(people, buyer);
      await people.reaches(buyer.leadId, buyer.provider, done);
      if (payment) await people.control('POST', `payments/${payment}/refund`, {});
    },
  },
  {
    name: 'pays and disputes it',
    weight: 1,
    buyers: 1,
    ends: [done],
    async play(people, [buyer]) {
      const payment = await buy(people, buyer);
      await people.reaches(buyer.leadId, buyer.provider, done);
      if (payment) await people.control('POST', `payments/${payment}/dispute`, {});
    },
  },
  ...(['failed', 'pending', 'requires_action'] as const).map(
    (status): Story => ({
      name: `is refunded at the dashboard, which begins as ${status}`,
      weight: 1,
      buyers: 1,
      ends: [done],
      async play(people, [buyer]) {
        const payment = await buyAndRead(people, buyer);
        if (!payment) return;
        const refund = await refundAt(people, payment, { amount: 700, status });
        const later = { pending: 'succeeded', requires_action: 'canceled', failed: null }[status];
        if (later) await people.control('POST', `refunds/${refund}`, { status: later });
      },
    }),
  ),
  {
    name: 'is refunded twice at the dashboard, and one of the refunds fails later',
    weight: 1,
    buyers: 1,
    ends: [done],
    async play(people, [buyer]) {
      const payment = await buyAndRead(people, buyer);
      if (!payment) return;
      const first = await refundAt(people, payment, { amount: 600 });
      await refundAt(people, payment, {});
      await people.control('POST', `refunds/${first}`, { status: 'failed' });
    },
  },
  ...(['failed', 'pending'] as const).map(
    (status): Story => ({
      name: `two buyers pay for the last slot, and the refund begins as ${status}`,
      weight: 1,
      buyers: 2,
      config: { max_sales: 1 },
      ends: [['DONE', 'EXPIRED']],
      async play(people, buyers) {
        const sessions = await Promise.all(buyers.map((buyer) => checkout(people, buyer)));
        const payments = await Promise.all(sessions.map((session) => session && people.pay(session)));
        await Promise.all(
          payments.map(
            (payment) => payment && people.control('POST', `payments/${payment}/refunds`, { status }),
          ),
        );
      },
    }),
  ),
  ...(['won', 'lost', 'under_review'] as const).map(
    (status): Story => ({
      name: `pays and disputes it, which ends ${status}`,
      weight: 1,
      buyers: 1,
      ends: [done],
      async play(people, [buyer]) {
        const payment = await buyAndRead(people, buyer);
        if (!payment) return;
        await disputeAt(people, payment, {});
        await disputeAt(people, payment, { status });
      },
    }),
  ),
  ...(['warning_closed', 'won', 'lost'] as const).map(
    (status): Story => ({
      name: `pays, and its bank asks about it, which ends ${status}`,
      weight: 1,
      buyers: 1,
      ends: [done],
      async play(people, [buyer]) {
        const payment = await buyAndRead(people, buyer);
        if (!payment) return;
        await disputeAt(people, payment, { status: 'warning_needs_response' });
        await disputeAt(people, payment, { status });
      },
    }),
  ),
  {
    name: 'has a landline',
    weight: 1,
    buyers: 1,
    ends: [expired],
    setUp: (people, [buyer]) => people.phone(buyer.phone, { refuse: 21_614 }),
    play: async () => undefined,
  },
  {
    name: 'has opted out at the carrier',
    weight: 1,
    buyers: 1,
    ends: [optedOut],
    setUp: (people, [buyer]) => people.phone(buyer.phone, { refuse: 21_610 }),
    play: async () => undefined,
  },
  {
    name: 'gets the details by e-mail because the text is refused',
    weight: 1,
    buyers: 1,
    ends: [done],
    play: (people, [buyer]) => buy(people, buyer, () => people.phone(buyer.phone, { refuse: 21_614 })),
  },
  {
    name: 'gets the details by e-mail because the text is not delivered',
    weight: 1,
    buyers: 1,
    ends: [done],
    play: (people, [buyer]) => buy(people, buyer, () => people.phone(buyer.phone, { fail: 30_003 })),
  },
  {
    name: 'asks questions, then pays',
    weight: 2,
    buyers: 1,
    ends: [done],
    async play(people, [buyer]) {
      await people.receivesText(buyer, teaser);
      await people.repliesUntilStored(buyer.phone, 'what is this');
      await people.repliesUntilStored(buyer.phone, 'HELP');
      await buy(people, buyer);
    },
  },
  {
    name: 'views the details on the pay page',
    weight: 1,
    buyers: 1,
    ends: [done],
    async play(people, [buyer]) {
      const at = await page(people, buyer);
      const session = await people.openCheckout(at);
      if (session) await people.pay(session);
      await people.reaches(buyer.leadId, buyer.provider, ['PAID', 'REVEAL_DETAILS_SENT', 'DONE']);
      await people.viewsDetails(at);
    },
  },
  {
    name: 'declines while the session is being created',
    weight: 1,
    buyers: 1,
    ends: [expired],
    async play(people, [buyer]) {
      const at = await page(people, buyer);
      const slow = {
        vendor: 'stripe',
        kind: 'latency',
        path: '/v1/checkout/sessions',
        contains: buyer.leadId,
      };
      await people.control('POST', 'faults', { ...slow, ms: 2_500, count: 1 });
      await Promise.all([people.openCheckout(at), people.repliesUntilStored(buyer.phone, 'N')]);
    },
  },
  {
    name: 'sends STOP, then START',
    weight: 1,
    buyers: 1,
    ends: [optedOut],
    async play(people, [buyer]) {
      await people.receivesText(buyer, teaser);
      await people.repliesUntilStored(buyer.phone, 'STOP');
      await people.reaches(buyer.leadId, buyer.provider, optedOut);
      await people.repliesUntilStored(buyer.phone, 'START');
    },
  },
  {
    name: 'cannot be texted because of our carrier settings',
    weight: 0,
    buyers: 1,
    config: ttl(30),
    ends: [expired],
    setUp: (people, [buyer]) => people.phone(buyer.phone, { refuse: 21_408 }),
    play: async () => undefined,
  },
  {
    name: 'declines a lead that was sent later',
    weight: 1,
    buyers: 2,
    sentLater: true,
    ends: [['EXPIRED', 'EXPIRED']],
    async play(people, buyers) {
      await people.request('POST', `/api/leads/${buyers[0].leadId}/send`, {
        provider_ids: buyers.map(({ provider }) => provider),
      });
      await Promise.all(
        buyers.map(async (buyer) => {
          await people.receivesText(buyer, teaser);
          await people.repliesUntilStored(buyer.phone, 'N');
        }),
      );
    },
  },
];
