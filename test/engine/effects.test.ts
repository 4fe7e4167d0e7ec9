import { afterAll, beforeAll, describe, it } from 'vitest';
import type { FaultInput } from '../../src/sandbox/server.ts';
import { callsOf, effectOf, posts, watchListings } from '../harness/evidence.ts';
import type { Deal } from '../harness/story.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

/** The four messages of a sale: how to reach each, and the state the unlock must end in. */
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

/** Makes the posts of this message to this buyer fail. Texts to one phone are distinguished by their order. */
function failPosts(
  system: TestSystem,
  message: Message,
  to: { phone: string; email: string | null },
  fault: Partial<FaultInput>,
) {
  const skip = { teaser: 0, 'payment link': 1, reveal: 2 }[message.name] ?? 0;
  const contains = vendorOf(message) === 'sendgrid' ? to.email! : to.phone;
  system.sandbox.fault({
    kind: 'error',
    vendor: vendorOf(message),
    method: 'POST',
    contains,
    skip,
    count: 1,
    ...fault,
  });
}

/** Plays a deal whose message meets the fault up to that message. */
async function playWithFault(
  system: TestSystem,
  message: Message,
  fault: Partial<FaultInput>,
): Promise<Deal> {
  const deal = await system.story.deal({
    before: (phone, email) => failPosts(system, message, { phone, email }, fault),
  });
  await message.play(system, deal);
  return deal;
}

const postsOf = (system: TestSystem, message: Message, deal: Deal) =>
  posts(system, recipientOf(message, deal), message.contains);

/** Resolves once the vendor has received a call that it does not answer in time. */
async function callReceived(system: TestSystem, deal: Deal, outcome: 'accepted_answer_lost' | 'faulted') {
  await system.sandbox.waitFor(
    (e) => e.operation === 'message.create' && e.to === deal.phone && e.outcome === outcome,
  );
}

/** Makes the run look as if its process had died: its lease is over and the row is re-issued. */
async function abandonRun(system: TestSystem, deal: Deal, key: string) {
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

describe.concurrent('the vendor accepted the message but its response was lost', () => {
  let system: TestSystem;
  beforeAll(async () => {
    system = await startSystem({ timings: { callbackGraceMs: 1_500 } });
  });
  afterAll(() => system?.stop());

  it('[F14] the call times out after 10 s: the callback already confirmed it, and it is posted once', async ({
    expect,
  }) => {
    const teaser = messages[0]!;
    const deal = await playWithFault(system, teaser, { kind: 'timeout_after' });
    await system.story.reaches(deal, deal.buyer, 'AWAIT_CONFIRM', undefined, 25_000);
    expect(postsOf(system, teaser, deal).map(({ outcome }) => outcome)).toEqual(['accepted_answer_lost']);
    expect(await effectOf(system, teaser.key(deal))).toMatchObject({ state: 'accepted', posts: 1 });
  });

  for (const message of messages) {
    for (const kind of ['error_after', 'reset_after', 'timeout_after'] as const) {
      it(`[F14] [F16] ${message.name}, ${kind}: the status callback with the effect id confirms it; one post, no listing read`, async ({
        expect,
      }) => {
        let listings = async () => -1;
        const deal = await system.story.deal({
          before: (phone, email) => {
            failPosts(system, message, { phone, email }, { kind, ms: 200 });
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

describe.concurrent('no callback arrives', () => {
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
    it(`[F14] ${message.name}: the listing shows that the vendor has it, and it is posted once`, async ({
      expect,
    }) => {
      const deal = await playWithFault(system, message, { kind: 'error_after' });
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
      it(`[F14] [F16] ${message.name}, ${kind}: two listings, a gap apart, do not show it, then it is posted exactly once more`, async ({
        expect,
      }) => {
        const deal = await playWithFault(system, message, { kind, ms: 200 });
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
        expect(await callsOf(system, message.key(deal)), 'the unknown outcome is recorded').toEqual([
          'unknown',
          'accepted',
        ]);
      });
    }
  }

  it('[F14] two lost posts: the work is parked without a third, also when resumed', async ({ expect }) => {
    const teaser = messages[0]!;
    const deal = await playWithFault(system, teaser, { kind: 'error', count: 100 });
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

  it('[F14] a reveal lost twice is sent by e-mail once', async ({ expect }) => {
    const reveal = messages[2]!;
    const deal = await playWithFault(system, reveal, { kind: 'error', count: 100 });
    await system.story.reaches(deal, deal.buyer, 'DONE');
    expect(postsOf(system, reveal, deal)).toHaveLength(2);
    expect(posts(system, deal.email!, 'here are the client details').map(({ outcome }) => outcome)).toEqual([
      'accepted',
    ]);
  });

  it('[F14] a reveal the listing shows as undeliverable is sent by e-mail', async ({ expect }) => {
    const reveal = messages[2]!;
    const deal = await system.story.deal({
      before: (phone, email) => failPosts(system, reveal, { phone, email }, { kind: 'error_after' }),
    });
    const page = await system.story.accept(deal);
    system.sandbox.act.phone(deal.phone, { fail: 30006 });
    await system.story.pay(deal, page);
    await system.story.reaches(deal, deal.buyer, 'DONE');
    expect(postsOf(system, reveal, deal)).toHaveLength(1);
    expect(posts(system, deal.email!, 'here are the client details')).toHaveLength(1);
  });

  it('[F13] a run that died during the call: the vendor has the message, it is posted once, and the late run changes nothing', async ({
    expect,
  }) => {
    const teaser = messages[0]!;
    const deal = await playWithFault(system, teaser, { kind: 'timeout_after', ms: 3_000 });
    await callReceived(system, deal, 'accepted_answer_lost');
    await abandonRun(system, deal, teaser.key(deal));
    await system.story.reaches(deal, deal.buyer, 'AWAIT_CONFIRM', undefined, 8_000);
    expect(await callsOf(system, teaser.key(deal)), 'the first run still waits for its answer').toEqual([
      'lost',
    ]);
    const settled = await effectOf(system, teaser.key(deal));
    await system.until<{ n: number }>(
      'the end of the stale run',
      "SELECT count(*)::int AS n FROM attempts WHERE effect_key = $1 AND outcome = 'unknown'",
      [teaser.key(deal)],
      (row) => row?.n === 1,
    );
    expect(await effectOf(system, teaser.key(deal))).toEqual(settled);
    expect(settled).toMatchObject({ state: 'accepted', posts: 1 });
    expect(postsOf(system, teaser, deal)).toHaveLength(1);
  });

  it('[F13] the late response of a replaced run does not change the claim of its successor', async ({
    expect,
  }) => {
    const teaser = messages[0]!;
    const deal = await system.story.deal({
      before: (phone, email) => {
        failPosts(system, teaser, { phone, email }, { kind: 'timeout', ms: 3_000 });
        failPosts(system, teaser, { phone, email }, { kind: 'timeout_after', ms: 5_000 });
      },
    });
    await callReceived(system, deal, 'faulted');
    await abandonRun(system, deal, teaser.key(deal));
    await callReceived(system, deal, 'accepted_answer_lost');
    await system.until<{ n: number }>(
      'the end of the stale run',
      "SELECT count(*)::int AS n FROM attempts WHERE effect_key = $1 AND outcome = 'unknown'",
      [teaser.key(deal)],
      (row) => row?.n === 1,
    );
    expect(await effectOf(system, teaser.key(deal))).toMatchObject({ state: 'claimed', posts: 2 });
    await system.story.reaches(deal, deal.buyer, 'AWAIT_CONFIRM');
    expect(postsOf(system, teaser, deal)).toHaveLength(2);
  });

  it('[F13] a run that died before the vendor accepted: two listings do not show the message, then it is posted exactly once more', async ({
    expect,
  }) => {
    const teaser = messages[0]!;
    const deal = await playWithFault(system, teaser, { kind: 'timeout', ms: 3_000 });
    await callReceived(system, deal, 'faulted');
    await abandonRun(system, deal, teaser.key(deal));
    await system.story.reaches(deal, deal.buyer, 'AWAIT_CONFIRM', undefined, 8_000);
    expect(postsOf(system, teaser, deal).map(({ outcome }) => outcome)).toEqual(['faulted', 'accepted']);
    expect(await effectOf(system, teaser.key(deal))).toMatchObject({ state: 'accepted', posts: 2 });
    const moves = await system.rows('SELECT 1 FROM unlock_history WHERE unlock_id = $1', [
      `unlock:${deal.unlockId}`,
    ]);
    expect(moves).toHaveLength(2);
  });
});
