import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sampleLead } from '../harness/sample-lead.ts';
import { type Buyer, expectBooksToMatch, type Offer, type Story } from '../harness/story.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

let system: TestSystem;
let story: Story;
beforeAll(async () => {
  system = await startSystem();
  story = system.story;
});
afterAll(() => system.stop());

/** The state before STOP: the buyer's pay page and session, and what to release afterwards. */
type Prepared = { page?: string; session?: string; release?: () => Promise<void> };
type Row = {
  state: string;
  where: string;
  prepare: (offer: Offer, buyer: Buyer) => Promise<Prepared>;
  ends: string;
  /** Texts the carrier accepted before STOP; there must be none after it. */
  texts: number;
  details?: 'by e-mail' | 'by text';
};

/** Answers texts that contain this with 429 until released, so that the work is retried about once a second. */
async function rateLimitTexts(contains: string): Promise<() => Promise<void>> {
  const fault = system.sandbox.fault({ vendor: 'twilio', kind: 'rate_limit', contains });
  return async () => system.sandbox.clearFaults(fault.id);
}

/** Resolves when a text was just refused with 429; the next attempt follows most of a second later. */
const rateLimited = (buyer: Buyer, contains: string) =>
  system.sandbox.waitFor(
    (e) => e.outcome === 'faulted' && e.to === buyer.phone && (e.text ?? '').includes(contains),
  );

/** Every state an unlock stays in. TEASER_SENT, CHECK_EXISTING_PAYMENT and PAYMENT_LINK_SENT are left within one statement. */
const rows: Row[] = [
  {
    state: 'NEW_LEAD',
    where: 'the teaser delayed',
    ends: 'OPTED_OUT',
    texts: 0,
    async prepare(offer, buyer) {
      await rateLimited(buyer, offer.leadId);
      return {};
    },
  },
  {
    state: 'AWAIT_CONFIRM',
    where: 'with the teaser',
    ends: 'OPTED_OUT',
    texts: 1,
    prepare: async () => ({}),
  },
  {
    state: 'CREATE_PAYMENT_LINK',
    where: 'the link delayed',
    ends: 'OPTED_OUT',
    texts: 1,
    async prepare(offer, buyer) {
      const release = await rateLimitTexts(`(Lead ${offer.leadId})`);
      story.says(buyer, 'Y');
      await rateLimited(buyer, '/p/');
      return { release };
    },
  },
  {
    state: 'AWAITING_PAYMENT',
    where: 'with the link',
    ends: 'OPTED_OUT',
    texts: 2,
    prepare: async (offer, buyer) => ({ page: await story.link(offer, buyer) }),
  },
  {
    state: 'AWAITING_PAYMENT',
    where: 'with an open session',
    ends: 'OPTED_OUT',
    texts: 2,
    prepare: (offer, buyer) => story.checkout(offer, buyer),
  },
  {
    state: 'PAID',
    where: 'the details delayed',
    ends: 'DONE',
    texts: 2,
    details: 'by e-mail',
    async prepare(offer, buyer) {
      const { page, session } = await story.checkout(offer, buyer);
      const release = await rateLimitTexts(offer.secret);
      system.sandbox.act.pay(session);
      await rateLimited(buyer, offer.secret);
      return { page, release };
    },
  },
  {
    state: 'REVEAL_DETAILS_SENT',
    where: 'without a receipt',
    ends: 'DONE',
    texts: 3,
    details: 'by text',
    async prepare(offer, buyer) {
      const { page, session } = await story.checkout(offer, buyer);
      const receipts = system.sandbox.fault({
        vendor: 'twilio',
        kind: 'webhook_withhold',
        event: 'message.delivered',
      });
      system.sandbox.act.pay(session);
      await story.reaches(offer, buyer, 'REVEAL_DETAILS_SENT');
      const release = async () => {
        system.sandbox.clearFaults(receipts.id);
        await system.sandbox.webhooks.deliverAll({ vendor: 'twilio' });
      };
      return { page, release };
    },
  },
  {
    state: 'DONE',
    where: 'delivered',
    ends: 'DONE',
    texts: 3,
    details: 'by text',
    prepare: (offer, buyer) => story.buy(offer, buyer),
  },
];

describe('STOP', () => {
  it.each(rows)(
    '[F26] at $state, $where: no text after the opt-out, ends $ends',
    async ({ state, ends, texts, details, prepare }) => {
      const buyer = await story.buyer();
      const release = state === 'NEW_LEAD' ? await rateLimitTexts(buyer.phone) : undefined;
      const offer = await (state === 'NEW_LEAD' ? story.lead([buyer]) : story.offer([buyer]));
      const prepared: Prepared = { release, ...(await prepare(offer, buyer)) };
      expect((await story.unlock(offer, buyer)).status).toBe(state);

      await story.stops(buyer);
      await prepared.release?.();
      await story.reaches(offer, buyer, ends);
      await story.settled();
      await expectNoTextAfterStop(buyer, texts);
      const { id } = await story.unlock(offer, buyer);
      expect(await story.parked(id)).toEqual([]);

      if (prepared.page) await expectPage(prepared, offer, details !== undefined);
      expect(story.reveals(offer).map((entry) => entry.to)).toEqual(
        details === 'by e-mail' ? [buyer.email] : details === 'by text' ? [buyer.phone] : [],
      );
    },
  );

  it('[F26] STOP while the teaser is being sent: a text leased before may arrive, none is leased afterwards', async () => {
    const buyer = await story.buyer();
    const slow = system.sandbox.fault({ vendor: 'twilio', kind: 'latency', ms: 800, contains: buyer.phone });
    const offer = await story.lead([buyer]);
    await system.until(
      'the lease',
      "SELECT 1 FROM effects WHERE subject = 'unlock:' || $1::text AND state = 'claimed'",
      [(await story.unlock(offer, buyer)).id],
      (row) => row !== undefined,
    );
    await story.stops(buyer);
    await story.reaches(offer, buyer, 'OPTED_OUT');
    await story.settled();
    system.sandbox.clearFaults(slow.id);
    await expectNoTextAfterStop(buyer, 0);
  });

  it('[F26] STOP ends every open offer of the phone and keeps the paid ones', async () => {
    const buyer = await story.buyer();
    const offers = [
      await story.offer([buyer]),
      await story.offer([buyer]),
      await story.offer([buyer]),
    ] as const;
    await story.buy(offers[0], buyer);
    const { session } = await story.checkout(offers[1], buyer);
    await story.stops(buyer);
    await story.settled();
    const ends = await Promise.all(offers.map(async (offer) => (await story.unlock(offer, buyer)).status));
    expect(ends).toEqual(['DONE', 'OPTED_OUT', 'OPTED_OUT']);
    expect(() => system.sandbox.act.pay(session)).toThrow('This Checkout Session is expired.');
  });

  it('[F26] paid before the session could be expired: the details go by e-mail and on the page', async () => {
    const buyer = await story.buyer();
    const offer = await story.offer([buyer]);
    const { page, session } = await story.checkout(offer, buyer);
    const slow = system.sandbox.fault({ vendor: 'stripe', kind: 'rate_limit', path: `/${session}/expire` });
    await story.stops(buyer);
    await story.reaches(offer, buyer, 'OPTED_OUT');
    system.sandbox.act.pay(session);
    await story.reaches(offer, buyer, 'DONE');
    system.sandbox.clearFaults(slow.id);
    await story.settled();
    await expectNoTextAfterStop(buyer, 2);
    expect(story.reveals(offer).map((entry) => entry.to)).toEqual([buyer.email]);
    expect(await story.details(page)).toContain(offer.secret);
  });

  it('[F26] paid, without an e-mail address: the operator is alerted and the details stay on the page', async () => {
    const buyer = await story.buyer({ email: null });
    const offer = await story.offer([buyer]);
    const { page, session } = await story.checkout(offer, buyer);
    const release = await rateLimitTexts(offer.secret);
    system.sandbox.act.pay(session);
    await rateLimited(buyer, offer.secret);
    await story.stops(buyer);
    await release();
    const { id } = await story.unlock(offer, buyer);
    await system.until(
      'the alert',
      'SELECT kind FROM alerts WHERE subject = $1',
      [`unlock:${id}`],
      (row?: { kind: string }) => row?.kind === 'reveal_failed',
    );
    await story.settled();
    await expectNoTextAfterStop(buyer, 2);
    expect(await story.parked(id)).toHaveLength(1);
    expect(story.reveals(offer)).toEqual([]);
    expect(await story.details(page)).toContain(offer.secret);

    // Viewing the page counts as delivery once the text had a minute to be booked; that minute is skipped here.
    await system.rows(
      "UPDATE outbox SET created_at = now() - interval '2 minutes', due_at = now() FROM events e WHERE e.id = event_id AND e.subject = $1 AND e.type = 'reveal.viewed'",
      [`unlock:${id}`],
    );
    await story.reaches(offer, buyer, 'DONE');
  });

  it('[F26] an opted-out provider gets no offer, and the response says so', async () => {
    const buyer = await story.buyer();
    await story.offer([buyer]);
    await story.stops(buyer);
    const { body } = await system.api('POST', '/api/leads', {
      ...sampleLead,
      provider_ids: [buyer.externalId],
    });
    expect(body.provider_results).toEqual([expect.objectContaining({ success: false })]);
    await story.settled();
    await expectNoTextAfterStop(buyer, 1);
  });
});

describe('a carrier that does not confirm STOP itself', () => {
  let other: TestSystem;
  beforeAll(async () => {
    other = await startSystem({ env: { SMS_PROVIDER: 'textmagic' } });
  });
  afterAll(() => other.stop());

  it('[F26] one confirmation is sent by us, and no other text is attempted', async () => {
    const otherStory = other.story;
    const buyer = await otherStory.buyer();
    const offer = await otherStory.offer([buyer]);
    const page = await otherStory.link(offer, buyer);
    otherStory.says(buyer, 'Stop please');
    await otherStory.reaches(offer, buyer, 'OPTED_OUT');
    otherStory.says(buyer, 'STOP');
    await other.sandbox.waitFor(
      (entry) => entry.operation === 'message.create' && (entry.text ?? '').includes('you have opted out'),
    );
    await otherStory.settled();
    const tried = other.sandbox.ledger.list({ operation: 'message.create', to: buyer.phone });
    expect(tried.map((entry) => entry.text)).toEqual([
      expect.stringContaining('new client inquiry'),
      expect.stringContaining(page),
      expect.stringMatching(/^Gold Touch List \(demo\): you have opted out/),
    ]);
    const leased = await other.rows<{ key: string }>(
      "SELECT e.key FROM effects e JOIN phones p ON e.claimed_at > p.opted_out_at AND p.number = $1 WHERE e.kind = 'sms'",
      [buyer.phone],
    );
    expect(leased).toHaveLength(1);
    expect(leased[0]!.key).toMatch(/^stop-/);
  });
});

describe('replies from an opted-out phone', () => {
  it.each(['YES', 'START', 'Unstop'])('[F27] %s re-subscribes and buys nothing', async (word) => {
    const buyer = await story.buyer();
    const offer = await story.offer([buyer]);
    await story.link(offer, buyer);
    await story.stops(buyer);
    await story.reaches(offer, buyer, 'OPTED_OUT');
    story.says(buyer, word);
    await system.until(
      'the opt-in',
      'SELECT opted_out_at FROM phones WHERE number = $1',
      [buyer.phone],
      (row?: { opted_out_at: Date | null }) => row?.opted_out_at === null,
    );
    await story.settled();
    expect(await story.unlock(offer, buyer)).toMatchObject({ status: 'OPTED_OUT' });
    expect(story.texts(buyer)).toHaveLength(2);

    const next = await story.offer([buyer]);
    await story.buy(next, buyer);
    expect(story.reveals(next).map((entry) => entry.to)).toEqual([buyer.phone]);
  });

  it.each(['Y', 'yes please', '👍', 'HELP'])(
    '[F27] "%s" changes nothing and is shown to the operator',
    async (text) => {
      const buyer = await story.buyer();
      const offer = await story.offer([buyer]);
      await story.stops(buyer);
      const { messageSid } = story.says(buyer, text);
      await system.sandbox.webhooks.wait({
        vendor: 'twilio',
        event: 'message.inbound',
        objectId: messageSid,
      });
      await story.settled();
      expect(
        await system.rows('SELECT needs_operator FROM inbox WHERE external_id = $1', [messageSid]),
      ).toEqual([{ needs_operator: true }]);
      expect((await story.unlock(offer, buyer)).status).toBe('OPTED_OUT');
      await expectNoTextAfterStop(buyer, 1);
    },
  );
});

it('[F26] STOP while the outcome of the reveal text is unknown: the details go by e-mail, not by a second text', async () => {
  const buyer = await story.buyer();
  const offer = await story.offer([buyer]);
  const { page, session } = await story.checkout(offer, buyer);
  const cut = system.sandbox.fault({
    vendor: 'twilio',
    kind: 'reset',
    method: 'POST',
    contains: offer.secret,
  });
  system.sandbox.act.pay(session);
  await system.until(
    'the unclear outcome',
    "SELECT state FROM effects WHERE subject = 'unlock:' || $1::text AND key LIKE 'reveal-%'",
    [(await story.unlock(offer, buyer)).id],
    (row?: { state: string }) => row?.state === 'unknown',
  );
  await story.stops(buyer);
  system.sandbox.clearFaults(cut.id);
  await story.reaches(offer, buyer, 'DONE');
  await expectNoTextAfterStop(buyer, 2);
  expect(story.reveals(offer).map((entry) => entry.to)).toEqual([buyer.email]);
  expect(await story.details(page)).toContain(offer.secret);
});

it("the journals match Stripe's ledger, and details were sent only after payment", () =>
  expectBooksToMatch(system));

/**
 * After the opt-out committed no text was leased, none was attempted except texts leased before, and the carrier
 * accepted none.
 */
async function expectNoTextAfterStop(buyer: Buyer, textsBefore: number): Promise<void> {
  const leased = await system.rows<{ key: string; late: boolean; id: string }>(
    `SELECT e.key, e.id, e.claimed_at > p.opted_out_at AS late FROM effects e
      JOIN messages m ON m.id = e.id JOIN phones p ON p.id = m.phone_id WHERE e.kind = 'sms' AND p.number = $1`,
    [buyer.phone],
  );
  expect(leased.filter((effect) => effect.late).map((effect) => effect.key)).toEqual([]);
  const stop = system.sandbox.ledger.list({
    operation: 'message.inbound',
    from: buyer.phone,
    contains: 'STOP',
  })[0]!;
  expect(story.texts(buyer).filter((entry) => entry.seq > stop.seq)).toEqual([]);
  expect(story.texts(buyer)).toHaveLength(textsBefore);
  const [phone] = await system.rows<{ opted_out_at: Date }>(
    'SELECT opted_out_at FROM phones WHERE number = $1',
    [buyer.phone],
  );
  const tried = system.sandbox.ledger
    .list({ operation: 'message.create', to: buyer.phone })
    .filter((entry) => new Date(entry.at) > phone!.opted_out_at && entry.outcome !== 'refused');
  expect(tried).toEqual([]);
}

async function expectPage({ page, session }: Prepared, offer: Offer, paid: boolean): Promise<void> {
  if (paid) {
    expect(await story.details(page!)).toContain(offer.secret);
    return;
  }
  expect(await story.reads(page!)).toContain('No longer available');
  expect(await story.press(page!)).toEqual({ status: 303, session: null, back: new URL(page!).pathname });
  if (session) {
    expect(
      system.sandbox.ledger.list({ operation: 'checkout.session.expire', vendorId: session, accepted: true }),
    ).toHaveLength(1);
  }
}
