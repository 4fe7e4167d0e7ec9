import { afterAll, beforeAll, expect, it } from 'vitest';
import { expectBooksToMatch, type Story } from '../harness/story.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

let system: TestSystem;
let story: Story;
beforeAll(async () => {
  system = await startSystem({ timings: { reconcileAfterMs: 500, reconcileEveryMs: 500 } });
  story = system.story;
  system.sandbox.fault({ vendor: 'stripe', kind: 'webhook_withhold' });
});
afterAll(() => system.stop());

it('[F21] no webhook arrives: open sessions are fetched from Stripe, and the paid one is revealed once', async () => {
  const buyer = await story.buyer();
  const offer = await story.offer([buyer]);
  const { session } = await story.checkout(offer, buyer);
  // The open session is fetched more than once.
  await system.sandbox.ledger.wait(
    { operation: 'checkout.session.retrieve', outcome: 'read', reads: true },
    2,
  );
  system.sandbox.act.pay(session);
  await story.reaches(offer, buyer, 'DONE');
  expect(system.sandbox.webhooks.list({ vendor: 'stripe', state: 'delivered' })).toEqual([]);

  // The webhooks arrive late.
  expect(await system.sandbox.webhooks.deliverAll({ vendor: 'stripe' })).toHaveLength(2);
  await story.settled();
  expect(story.reveals(offer)).toHaveLength(1);
  expect((await story.moves(offer, buyer)).filter((to) => to === 'PAID')).toHaveLength(1);
  expect(
    await system.rows(
      "SELECT 1 FROM outbox o JOIN events e ON e.id = o.event_id WHERE e.type = 'checkout.opened'",
    ),
  ).toEqual([]);
});

it('[F21] an expired session is no longer fetched, and a new one can be opened', async () => {
  const buyer = await story.buyer();
  const offer = await story.offer([buyer]);
  const { page, session } = await story.checkout(offer, buyer);
  system.sandbox.act.expire(session);
  await system.until(
    'the expiry to be booked',
    'SELECT state FROM checkout_sessions WHERE id = $1',
    [session],
    (row?: { state: string }) => row?.state === 'expired',
  );
  const successor = await story.session(page);
  expect(successor).not.toBe(session);
  system.sandbox.act.pay(successor);
  await story.reaches(offer, buyer, 'DONE');
  expect(story.reveals(offer)).toHaveLength(1);
});

it('[F20] [F21] a bank debit that settles after the offer ended, without a webhook, is found and sold late', async () => {
  const buyer = await story.buyer();
  const offer = await story.offer([buyer]);
  const { session } = await story.checkout(offer, buyer);
  system.sandbox.act.pay(session, { method: 'delayed' });
  await story.says(buyer, `N ${offer.leadId}`);
  await system.until(
    'the expired session to be fetched',
    "SELECT 1 FROM effects WHERE key = $1 AND state = 'accepted'",
    [`expire-${session}`],
    (row) => row !== undefined,
  );
  await story.settled();
  system.sandbox.act.settle(session, 'succeeded');
  const { paid_late } = await story.reaches(offer, buyer, 'DONE');
  expect(paid_late).toBe(true);
  expect(story.reveals(offer)).toHaveLength(1);
});

it('[F21] failing fetches only delay the booking', async () => {
  const buyer = await story.buyer();
  const offer = await story.offer([buyer]);
  const { session } = await story.checkout(offer, buyer);
  const down = system.sandbox.fault({
    vendor: 'stripe',
    kind: 'error',
    path: `/sessions/${session}`,
    count: 3,
  });
  system.sandbox.act.pay(session);
  await story.reaches(offer, buyer, 'DONE');
  system.sandbox.clearFaults(down.id);
  expect(story.reveals(offer)).toHaveLength(1);
});

it("the journals match Stripe's ledger, and details were sent only after payment", () =>
  expectBooksToMatch(system));
