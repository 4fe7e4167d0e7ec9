import { afterAll, beforeAll, describe, it } from 'vitest';
import type { FaultInput } from '../../src/sandbox/server.ts';
import { callsOf, effectOf, posts, watchListings } from '../harness/evidence.ts';
import type { Deal } from '../harness/story.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

/** The four messages a deal depends on: how to get there, and where it must end. */
const messages = [
  {
    name: 'teaser',
    key: (deal: Deal) => `teaser-${deal.unlockId}`,
    contains: 'Reply Y',
    ends: 'AWAIT_CONFIRM',
    async play(_system: TestSystem, _deal: Deal) {},
  },
  {
    name: 'payment link',
    key: (deal: Deal) => `link-${deal.unlockId}`,
    contains: '/p/',
    ends: 'AWAITING_PAYMENT',
    async play(system: TestSystem, deal: Deal) {
      await system.story.accept(deal);
    },
  },
  {
    name: 'reveal',
    key: (deal: Deal) => `reveal-${deal.unlockId}`,
    contains: 'here are the client details',
    ends: 'DONE',
    async play(system: TestSystem, deal: Deal) {
      await system.story.pay(deal);
    },
  },
  {
    name: 'e-mail fallback',
    key: (deal: Deal) => `reveal-email-${deal.unlockId}`,
    contains: 'here are the client details',
    ends: 'DONE',
    async play(system: TestSystem, deal: Deal) {
      const page = await system.story.accept(deal);
      system.sandbox.act.phone(deal.phone, { refuse: 21614 });
      await system.story.pay(deal, page);
    },
  },
];
type Message = (typeof messages)[number];

const vendorOf = ({ name }: Message) => (name === 'e-mail fallback' ? 'sendgrid' : 'twilio');
const recipientOf = (message: Message, deal: Pick<Deal, 'phone' | 'email'>) =>
  vendorOf(message) === 'sendgrid' ? deal.email! : deal.phone;

/** Strikes the posts of this message to this buyer only. Texts are told apart by how many went before. */
function strike(
  system: TestSystem,
  message: Message,
  to: { phone: string; email: string | null },
  fault: Partial<FaultInput>,
) {
  const skip = { teaser: 0, 'payment link': 1, reveal: 2 }[message.name] ?? 0;
  const contains = vendorOf(message) === 'sendgrid' ? to.email! : to.phone;
  system.sandbox.fault({
    ...{ kind: 'error', vendor: vendorOf(message), method: 'POST', contains, skip, count: 1 },
    ...fault,
  });
}

/** Deals whose message meets a fault, played to the state where they must end. */
async function playInto(system: TestSystem, message: Message, fault: Partial<FaultInput>): Promise<Deal> {
  const deal = await system.story.deal({
    before: (phone, email) => strike(system, message, { phone, email }, fault),
  });
  await message.play(system, deal);
  return deal;
}

const postsOf = (system: TestSystem, message: Message, deal: Deal) =>
  posts(system, recipientOf(message, deal), message.contains);

/** A vendor call that hangs, seen at the vendor. */
async function hangs(system: TestSystem, deal: Deal, outcome: 'accepted_answer_lost' | 'faulted') {
  await system.sandbox.waitFor(
    (e) => e.operation === 'message.create' && e.to === deal.phone && e.outcome === outcome,
  );
}

/** As if the process had died with its claim: the lease is over, and the sweeper has issued the row anew. */
async function loseRun(system: TestSystem, deal: Deal, key: string) {
  await system.rows(
    "UPDATE effects SET lease_until = now() - interval '1 second' WHERE key = $1 AND state = 'claimed'",
    [key],
  );
  await system.rows(
    `UPDATE outbox SET epoch = epoch + 1, queued = false, visits = 0, due_at = now()
     WHERE worker = 'teaser-sender' AND event_id IN (SELECT id FROM events WHERE subject = $1)`,
    [`unlock:${deal.unlockId}`],
  );
}

describe.concurrent('a vendor did it and its answer was lost', () => {
  let system: TestSystem;
  beforeAll(async () => {
    system = await startSystem({ timings: { callbackGraceMs: 1_500 } });
  });
  afterAll(() => system?.stop());

  it('[F14] no answer for the whole 10 s of the call: the callback came long before, one post', async ({
    expect,
  }) => {
    const teaser = messages[0]!;
    const deal = await playInto(system, teaser, { kind: 'timeout_after' });
    await system.story.reaches(deal, deal.buyer, 'AWAIT_CONFIRM', undefined, 25_000);
    expect(postsOf(system, teaser, deal).map(({ outcome }) => outcome)).toEqual(['accepted_answer_lost']);
    expect(await effectOf(system, teaser.key(deal))).toMatchObject({ state: 'accepted', posts: 1 });
  });

  for (const message of messages) {
    for (const kind of ['error_after', 'reset_after', 'timeout_after'] as const) {
      it(`[F14] [F16] ${message.name}, ${kind}: the status callback with the effect id settles it; one post, no listing read`, async ({
        expect,
      }) => {
        let listings = async () => -1;
        const deal = await system.story.deal({
          before: (phone, email) => {
            strike(system, message, { phone, email }, { kind, ms: 200 });
            listings = watchListings(
              system,
              vendorOf(message),
              vendorOf(message) === 'twilio' ? phone : 'effect_id',
            );
          },
        });
        await message.play(system, deal);
        await system.story.reaches(deal, deal.buyer, message.ends);
        const sent = postsOf(system, message, deal);
        expect(sent.map(({ outcome }) => outcome)).toEqual(['accepted_answer_lost']);
        const effect = await effectOf(system, message.key(deal));
        expect(effect).toMatchObject({ state: 'accepted', posts: 1, vendorId: sent[0]!.vendorId });
        expect(await callsOf(system, message.key(deal))).toEqual(['unknown']);
        expect(await listings()).toBe(0);
      });
    }
  }
});

describe.concurrent('callbacks never come', () => {
  let system: TestSystem;
  beforeAll(async () => {
    system = await startSystem();
    system.sandbox.fault({ vendor: 'twilio', kind: 'webhook_withhold', event: 'message.queued' });
    system.sandbox.fault({ vendor: 'twilio', kind: 'webhook_withhold', event: 'message.sent' });
    system.sandbox.fault({ vendor: 'twilio', kind: 'webhook_withhold', event: 'message.delivered' });
    system.sandbox.fault({ vendor: 'twilio', kind: 'webhook_withhold', event: 'message.undelivered' });
    system.sandbox.fault({ vendor: 'sendgrid', kind: 'webhook_withhold' });
  });
  afterAll(() => system?.stop());

  for (const message of messages) {
    it(`[F14] ${message.name}: the vendor has it and it is found in the listing, one post`, async ({
      expect,
    }) => {
      const deal = await playInto(system, message, { kind: 'error_after' });
      await system.story.reaches(deal, deal.buyer, message.ends);
      const sent = postsOf(system, message, deal);
      expect(sent.map(({ outcome }) => outcome)).toEqual(['accepted_answer_lost']);
      expect(await effectOf(system, message.key(deal))).toMatchObject({
        state: 'accepted',
        posts: 1,
        vendorId: sent[0]!.vendorId,
      });
      expect(await callsOf(system, message.key(deal))).toEqual(['unknown']);
    });

    for (const kind of ['error', 'reset', 'timeout'] as const) {
      it(`[F14] [F16] ${message.name}, ${kind}: the vendor never had it, two listings a gap apart lack it, then exactly one more post`, async ({
        expect,
      }) => {
        const deal = await playInto(system, message, { kind, ms: 200 });
        if (message.name === 'reveal') await system.story.reaches(deal, deal.buyer, 'REVEAL_DETAILS_SENT');
        else await system.story.reaches(deal, deal.buyer, message.ends);
        const sent = postsOf(system, message, deal);
        expect(sent.map(({ outcome }) => outcome)).toEqual(['faulted', 'accepted']);
        const apart = Date.parse(sent[1]!.at) - Date.parse(sent[0]!.at);
        const { callbackGraceMs, listingGapMs } = system.config.timings;
        expect(apart).toBeGreaterThanOrEqual(callbackGraceMs + listingGapMs);
        expect(await effectOf(system, message.key(deal))).toMatchObject({
          state: 'accepted',
          posts: 2,
          vendorId: sent[1]!.vendorId,
        });
        expect(await callsOf(system, message.key(deal)), 'the ambiguity is on record').toEqual([
          'unknown',
          'accepted',
        ]);
      });
    }
  }

  it('[F14] lost both times: never a third post; the work is parked, and stays two posts when resumed', async ({
    expect,
  }) => {
    const teaser = messages[0]!;
    const deal = await playInto(system, teaser, { kind: 'error', count: 100 });
    const parked = () =>
      system.until<{ id: number; error: string }>(
        'parked teaser',
        `SELECT o.id, o.last_error AS error FROM outbox o JOIN events e ON e.id = o.event_id
         WHERE o.parked_at IS NOT NULL AND o.worker = 'teaser-sender' AND e.subject = $1`,
        [`unlock:${deal.unlockId}`],
        (row) => row !== undefined,
      );
    const [row] = await parked();
    expect(row!.error).toContain('unknown_outcome');
    expect(postsOf(system, teaser, deal)).toHaveLength(2);
    expect(await callsOf(system, teaser.key(deal))).toEqual(['unknown', 'unknown']);
    await system.rows(
      'UPDATE outbox SET parked_at = NULL, epoch = epoch + 1, queued = false, due_at = now() WHERE id = $1',
      [row!.id],
    );
    await parked();
    expect(postsOf(system, teaser, deal)).toHaveLength(2);
  });

  it('[F14] a reveal lost both times goes by e-mail, once', async ({ expect }) => {
    const reveal = messages[2]!;
    const deal = await playInto(system, reveal, { kind: 'error', count: 100 });
    await system.story.reaches(deal, deal.buyer, 'DONE');
    expect(postsOf(system, reveal, deal)).toHaveLength(2);
    expect(posts(system, deal.email!, 'here are the client details').map(({ outcome }) => outcome)).toEqual([
      'accepted',
    ]);
  });

  it('[F14] a reveal found in the listing as undeliverable goes by e-mail', async ({ expect }) => {
    const reveal = messages[2]!;
    const deal = await system.story.deal({
      before: (phone, email) => strike(system, reveal, { phone, email }, { kind: 'error_after' }),
    });
    const page = await system.story.accept(deal);
    system.sandbox.act.phone(deal.phone, { fail: 30006 });
    await system.story.pay(deal, page);
    await system.story.reaches(deal, deal.buyer, 'DONE');
    expect(postsOf(system, reveal, deal)).toHaveLength(1);
    expect(posts(system, deal.email!, 'here are the client details')).toHaveLength(1);
  });

  it('[F13] the run died after the call: the vendor has it, one post, and the zombie changes nothing', async ({
    expect,
  }) => {
    const teaser = messages[0]!;
    const deal = await playInto(system, teaser, { kind: 'timeout_after', ms: 3_000 });
    await hangs(system, deal, 'accepted_answer_lost');
    await loseRun(system, deal, teaser.key(deal));
    await system.story.reaches(deal, deal.buyer, 'AWAIT_CONFIRM', undefined, 8_000);
    expect(await callsOf(system, teaser.key(deal)), 'the first run still waits for its answer').toEqual([]);
    const settled = await effectOf(system, teaser.key(deal));
    await system.until<{ n: number }>(
      'the end of the zombie',
      "SELECT count(*)::int AS n FROM attempts WHERE effect_key = $1 AND outcome = 'unknown'",
      [teaser.key(deal)],
      (row) => row?.n === 1,
    );
    expect(await effectOf(system, teaser.key(deal))).toEqual(settled);
    expect(settled).toMatchObject({ state: 'accepted', posts: 1 });
    expect(postsOf(system, teaser, deal)).toHaveLength(1);
  });

  it("[F13] a zombie's late word does not touch the claim of the run that came after it", async ({
    expect,
  }) => {
    const teaser = messages[0]!;
    const deal = await system.story.deal({
      before: (phone, email) => {
        strike(system, teaser, { phone, email }, { kind: 'timeout', ms: 3_000 });
        strike(system, teaser, { phone, email }, { kind: 'timeout_after', ms: 5_000 });
      },
    });
    await hangs(system, deal, 'faulted');
    await loseRun(system, deal, teaser.key(deal));
    await hangs(system, deal, 'accepted_answer_lost');
    await system.until<{ n: number }>(
      'the end of the zombie',
      "SELECT count(*)::int AS n FROM attempts WHERE effect_key = $1 AND outcome = 'unknown'",
      [teaser.key(deal)],
      (row) => row?.n === 1,
    );
    expect(await effectOf(system, teaser.key(deal))).toMatchObject({ state: 'claimed', posts: 2 });
    await system.story.reaches(deal, deal.buyer, 'AWAIT_CONFIRM');
    expect(postsOf(system, teaser, deal)).toHaveLength(2);
  });

  it('[F13] the run died before the call: nothing in two listings, then exactly one more post', async ({
    expect,
  }) => {
    const teaser = messages[0]!;
    const deal = await playInto(system, teaser, { kind: 'timeout', ms: 3_000 });
    await hangs(system, deal, 'faulted');
    await loseRun(system, deal, teaser.key(deal));
    await system.story.reaches(deal, deal.buyer, 'AWAIT_CONFIRM', undefined, 8_000);
    expect(postsOf(system, teaser, deal).map(({ outcome }) => outcome)).toEqual(['faulted', 'accepted']);
    expect(await effectOf(system, teaser.key(deal))).toMatchObject({ state: 'accepted', posts: 2 });
    const moves = await system.rows('SELECT 1 FROM unlock_history WHERE unlock_id = $1', [
      `unlock:${deal.unlockId}`,
    ]);
    expect(moves).toHaveLength(2);
  });
});
