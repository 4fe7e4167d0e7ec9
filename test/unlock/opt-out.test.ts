import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Buyer, createStory, expectBooksToMatch, type Offer, type Story } from '../harness/story.ts';
import { sampleLead, startSystem, type TestSystem } from '../harness/system.ts';

let system: TestSystem;
let story: Story;
beforeAll(async () => {
  system = await startSystem();
  story = createStory(system);
});
afterAll(() => system.stop());

/** What stands at the moment of STOP: where the buyer's pay page is, and what is to be let go afterwards. */
type Scene = { page?: string; session?: string; release?: () => Promise<void> };
type Row = {
  state: string;
  where: string;
  scene: (offer: Offer, buyer: Buyer) => Promise<Scene>;
  ends: string;
  /** Texts the carrier took before STOP; after it there is none. */
  texts: number;
  details?: 'by e-mail' | 'by text';
};

/** 429 on texts that hold this, until released: the work stays alive and is tried about once a second. */
async function holdTexts(contains: string): Promise<() => Promise<void>> {
  const fault = system.sandbox.fault({ vendor: 'twilio', kind: 'rate_limit', contains });
  return async () => system.sandbox.clearFaults(fault.id);
}

/** A text that was just turned down: the next try is most of a second away. */
const turnedDown = (buyer: Buyer, contains: string) =>
  system.sandbox.waitFor(
    (e) => e.outcome === 'faulted' && e.to === buyer.phone && (e.text ?? '').includes(contains),
  );

/** Every state an unlock rests in; TEASER_SENT, CHECK_EXISTING_PAYMENT and PAYMENT_LINK_SENT are passed through in one statement. */
const rows: Row[] = [
  {
    state: 'NEW_LEAD',
    where: 'the teaser held up',
    ends: 'OPTED_OUT',
    texts: 0,
    async scene(offer, buyer) {
      await turnedDown(buyer, offer.leadId);
      return {};
    },
  },
  {
    state: 'AWAIT_CONFIRM',
    where: 'teased',
    ends: 'OPTED_OUT',
    texts: 1,
    scene: async () => ({}),
  },
  {
    state: 'CREATE_PAYMENT_LINK',
    where: 'the link held up',
    ends: 'OPTED_OUT',
    texts: 1,
    async scene(offer, buyer) {
      const release = await holdTexts(`(Lead ${offer.leadId})`);
      story.says(buyer, 'Y');
      await turnedDown(buyer, '/p/');
      return { release };
    },
  },
  {
    state: 'AWAITING_PAYMENT',
    where: 'with the link',
    ends: 'OPTED_OUT',
    texts: 2,
    scene: async (offer, buyer) => ({ page: await story.link(offer, buyer) }),
  },
  {
    state: 'AWAITING_PAYMENT',
    where: 'at the till',
    ends: 'OPTED_OUT',
    texts: 2,
    scene: (offer, buyer) => story.checkout(offer, buyer),
  },
  {
    state: 'PAID',
    where: 'the details held up',
    ends: 'DONE',
    texts: 2,
    details: 'by e-mail',
    async scene(offer, buyer) {
      const { page, session } = await story.checkout(offer, buyer);
      const release = await holdTexts(offer.secret);
      system.sandbox.act.pay(session);
      await turnedDown(buyer, offer.secret);
      return { page, release };
    },
  },
  {
    state: 'REVEAL_DETAILS_SENT',
    where: 'no receipt yet',
    ends: 'DONE',
    texts: 3,
    details: 'by text',
    async scene(offer, buyer) {
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
    scene: (offer, buyer) => story.buy(offer, buyer),
  },
];

describe('STOP', () => {
  it.each(rows)(
    '[F26] at $state, $where: opt-out first, no text after it, ends $ends',
    async ({ state, ends, texts, details, scene }) => {
      const buyer = await story.buyer();
      const release = state === 'NEW_LEAD' ? await holdTexts(buyer.phone) : undefined;
      const offer = await (state === 'NEW_LEAD' ? story.lead([buyer]) : story.offer([buyer]));
      const stage: Scene = { release, ...(await scene(offer, buyer)) };
      expect((await story.unlock(offer, buyer)).status).toBe(state);

      await story.stops(buyer);
      await stage.release?.();
      await story.reaches(offer, buyer, ends);
      await story.settled();
      await expectSilence(buyer, texts);
      const { id } = await story.unlock(offer, buyer);
      expect(await story.parked(id)).toEqual([]);

      if (stage.page) await expectPage(stage, offer, details !== undefined);
      expect(story.reveals(offer).map((entry) => entry.to)).toEqual(
        details === 'by e-mail' ? [buyer.email] : details === 'by text' ? [buyer.phone] : [],
      );
    },
  );

  it('[F26] while the teaser is on its way: what was leased before it may arrive, nothing is leased after', async () => {
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
    await expectSilence(buyer, 0);
  });

  it('[F26] every open offer of the phone ends, on both sides of a payment', async () => {
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

  it('[F26] at the till, and paid before the session could be closed: the details by e-mail and on the page', async () => {
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
    await expectSilence(buyer, 2);
    expect(story.reveals(offer).map((entry) => entry.to)).toEqual([buyer.email]);
    expect(await story.details(page)).toContain(offer.secret);
  });

  it('[F26] paid, and no e-mail is known: an operator is told, the details wait on the page', async () => {
    const buyer = await story.buyer({ email: null });
    const offer = await story.offer([buyer]);
    const { page, session } = await story.checkout(offer, buyer);
    const release = await holdTexts(offer.secret);
    system.sandbox.act.pay(session);
    await turnedDown(buyer, offer.secret);
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
    await expectSilence(buyer, 2);
    expect(await story.parked(id)).toHaveLength(1);
    expect(story.reveals(offer)).toEqual([]);
    expect(await story.details(page)).toContain(offer.secret);

    // Read on the page counts once the text had a minute to be booked; that moment is brought forward.
    await system.rows(
      "UPDATE outbox SET created_at = now() - interval '2 minutes', due_at = now() FROM events e WHERE e.id = event_id AND e.subject = $1 AND e.type = 'reveal.viewed'",
      [`unlock:${id}`],
    );
    await story.reaches(offer, buyer, 'DONE');
  });

  it('[F26] an opted-out provider is offered nothing, and the answer says so', async () => {
    const buyer = await story.buyer();
    await story.offer([buyer]);
    await story.stops(buyer);
    const { body } = await system.api('POST', '/api/leads', {
      ...sampleLead,
      provider_ids: [buyer.externalId],
    });
    expect(body.provider_results).toEqual([expect.objectContaining({ success: false })]);
    await story.settled();
    await expectSilence(buyer, 1);
  });
});

describe('a carrier that does not confirm by itself', () => {
  let other: TestSystem;
  beforeAll(async () => {
    other = await startSystem({ env: { SMS_PROVIDER: 'textmagic' } });
  });
  afterAll(() => other.stop());

  it('[F26] STOP is confirmed once by us, and nothing else is tried', async () => {
    const tale = createStory(other);
    const buyer = await tale.buyer();
    const offer = await tale.offer([buyer]);
    const page = await tale.link(offer, buyer);
    tale.says(buyer, 'Stop please');
    await tale.reaches(offer, buyer, 'OPTED_OUT');
    tale.says(buyer, 'STOP');
    await other.sandbox.waitFor(
      (entry) => entry.operation === 'message.create' && (entry.text ?? '').includes('you have opted out'),
    );
    await tale.settled();
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

describe('coming back', () => {
  it.each(['YES', 'START', 'Unstop'])(
    '[F27] %s from an opted-out phone re-subscribes and buys nothing',
    async (word) => {
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
    },
  );

  it.each(['Y', 'yes please', '👍', 'HELP'])(
    '[F27] "%s" from an opted-out phone changes nothing: an operator looks',
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
      await expectSilence(buyer, 1);
    },
  );
});

it('[F26] while it is unclear whether the details were texted: no second post, but e-mail', async () => {
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
  await expectSilence(buyer, 2);
  expect(story.reveals(offer).map((entry) => entry.to)).toEqual([buyer.email]);
  expect(await story.details(page)).toContain(offer.secret);
});

it('our books are Stripe’s own to the cent, and no details went out unpaid', () =>
  expectBooksToMatch(system));

/**
 * No text was leased after the opt-out's commit, none even tried at the carrier but what was leased before, and the
 * carrier took none after STOP came in.
 */
async function expectSilence(buyer: Buyer, textsBefore: number): Promise<void> {
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

async function expectPage({ page, session }: Scene, offer: Offer, paid: boolean): Promise<void> {
  if (paid) {
    expect(await story.details(page!)).toContain(offer.secret);
    return;
  }
  expect(await story.reads(page!)).toContain('No longer available');
  expect(await story.press(page!)).toEqual({ back: new URL(page!).pathname });
  if (session) {
    expect(
      system.sandbox.ledger.list({ operation: 'checkout.session.expire', vendorId: session, accepted: true }),
    ).toHaveLength(1);
  }
}
