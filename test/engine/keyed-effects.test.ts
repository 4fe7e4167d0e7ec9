import { afterAll, beforeAll, describe, it } from 'vitest';
import { effectOf, posts, refundCalls, wasDone } from '../harness/evidence.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

let system: TestSystem;
beforeAll(async () => {
  // Polling an open session would book its end before the call is retried.
  system = await startSystem({ timings: { backoffMs: [20, 40], reconcileAfterMs: 60_000 } });
  // Withheld, because these webhooks would book the change before the call is retried.
  system.sandbox.fault({ vendor: 'stripe', kind: 'webhook_withhold', event: 'charge.refunded' });
  system.sandbox.fault({ vendor: 'stripe', kind: 'webhook_withhold', event: 'checkout.session.expired' });
});
afterAll(() => system?.stop());

describe.concurrent('Stripe calls with an idempotency key', () => {
  it('[F14] a session created although the response was lost: the next click retries with the same key', async ({
    expect,
  }) => {
    const deal = await system.story.deal();
    const page = await system.story.accept(deal);
    const path = '/v1/checkout/sessions';
    const creations = () =>
      system.sandbox.ledger
        .list({ operation: 'checkout.session.create' })
        .filter((e) => JSON.stringify(e.params).includes(deal.unlockId));
    for (const kind of ['error_after', 'timeout_after'] as const) {
      system.sandbox.fault({
        vendor: 'stripe',
        kind,
        ms: 200,
        path,
        method: 'POST',
        contains: deal.unlockId,
        count: kind === 'error_after' ? 1 : 2,
      });
      expect(await system.story.press(page)).toMatchObject({ status: 503, session: null });
    }
    const { status, session } = await system.story.press(page);
    expect(status).toBe(303);
    expect(
      creations()
        .filter(wasDone)
        .map(({ vendorId }) => vendorId),
    ).toEqual([session]);
    expect(creations().length).toBeGreaterThanOrEqual(3);
    expect(new Set(creations().map(({ idempotencyKey }) => idempotencyKey)).size).toBe(1);
    system.sandbox.act.pay(session!, {});
    await system.story.reaches(deal, deal.buyer, 'DONE');
  });

  it('[F14] a refund made although the response was lost: retried with the same key, one refund of the full price', async ({
    expect,
  }) => {
    const { deal, intent } = await system.story.unwantedPayment((payment) => {
      const call = { vendor: 'stripe', path: '/v1/refunds', contains: payment } as const;
      system.sandbox.fault({ ...call, kind: 'error_after', count: 1 });
      system.sandbox.fault({ ...call, kind: 'timeout_after', ms: 200, count: 2 });
    });
    await system.text(deal.phone, 'refunded in full');
    const refunds = refundCalls(system, intent);
    expect(refunds.filter(wasDone).map(({ amount }) => amount)).toEqual([2_000]);
    expect(refunds.length).toBeGreaterThanOrEqual(3);
    expect(new Set(refunds.map(({ idempotencyKey }) => idempotencyKey))).toEqual(
      new Set([`refund-${intent}`]),
    );
    expect(posts(system, deal.phone, 'here are the client details')).toEqual([]);
  });

  it('[F14] a session expired although the response was lost: retried with the same key, expired once and booked', async ({
    expect,
  }) => {
    const deal = await system.story.deal();
    const page = await system.story.accept(deal);
    const { session } = await system.story.press(page);
    const path = `/v1/checkout/sessions/${session}/expire`;
    // Withheld, because this webhook would settle the session before the call is retried.
    system.sandbox.fault({ vendor: 'stripe', kind: 'webhook_withhold', event: 'checkout.session.expired' });
    system.sandbox.fault({ vendor: 'stripe', kind: 'error_after', path, count: 1 });
    system.sandbox.fault({ vendor: 'stripe', kind: 'timeout_after', ms: 200, path, count: 2 });
    system.sandbox.act.reply(deal.phone, { text: 'N' });
    await system.story.reaches(deal, deal.buyer, 'EXPIRED');
    await system.until<{ n: number }>(
      'the closing of the session',
      "SELECT count(*)::int AS n FROM outbox o JOIN events e ON e.id = o.event_id WHERE e.type = 'unlock.closed' AND e.subject = $1",
      [`unlock:${deal.unlockId}`],
      (row) => row?.n === 0,
    );
    const closings = system.sandbox.ledger.list({
      operation: 'checkout.session.expire',
      idempotencyKey: `expire-${session}`,
    });
    expect(closings.filter(wasDone)).toHaveLength(1);
    expect(closings.length).toBeGreaterThanOrEqual(3);
    const [row] = await system.rows<{ state: string }>('SELECT state FROM checkout_sessions WHERE id = $1', [
      session,
    ]);
    expect(row!.state).toBe('expired');
  });

  it('[F13] a refund claimed by a run that died is retried with the same key', async ({ expect }) => {
    const deal = await system.story.deal();
    const { session } = await system.story.press(await system.story.accept(deal));
    // Leaves time to insert the dead run's claim before the worker fetches the session.
    system.sandbox.fault({
      vendor: 'stripe',
      kind: 'latency',
      ms: 500,
      method: 'GET',
      path: `/${session}`,
      count: 1,
    });
    await system.rows('UPDATE leads SET contact = NULL WHERE public_id = $1', [deal.leadId]);
    const intent = system.sandbox.act.pay(session!, {}).paymentIntent.id;
    const key = `refund-${intent}`;
    await system.rows(
      `INSERT INTO effects (key, id, vendor, kind, subject, state, fence, lease_until)
       VALUES ($1, gen_random_uuid(), 'stripe', 'refund', 'unlock:' || $2::text, 'claimed', gen_random_uuid(), now() - interval '1 second')`,
      [key, deal.unlockId],
    );
    await system.text(deal.phone, 'refunded in full');
    const refunds = system.sandbox.ledger.list({ operation: 'refund.create', idempotencyKey: key });
    expect(refunds.map(({ outcome, amount }) => [outcome, amount])).toEqual([['accepted', 2_000]]);
    expect(await effectOf(system, key)).toMatchObject({ state: 'accepted' });
  });

  it('[F15] a refund answered with 429 waits as long as asked, counts no attempt, and is made once', async ({
    expect,
  }) => {
    const { deal, intent } = await system.story.unwantedPayment((payment) =>
      system.sandbox.fault({
        vendor: 'stripe',
        kind: 'rate_limit',
        retryAfter: 2,
        path: '/v1/refunds',
        contains: payment,
        count: 1,
      }),
    );
    await system.text(deal.phone, 'refunded in full');
    const calls = refundCalls(system, intent);
    expect(calls.filter(wasDone)).toHaveLength(1);
    expect(Date.parse(calls[1]!.at) - Date.parse(calls[0]!.at)).toBeGreaterThanOrEqual(2_000);
  });

  for (const kind of ['error', 'reset', 'timeout'] as const) {
    it(`[F16] ${kind} before a refund is made: retried with the same key until it is made once`, async ({
      expect,
    }) => {
      const { deal, intent } = await system.story.unwantedPayment((payment) =>
        system.sandbox.fault({
          vendor: 'stripe',
          kind,
          ms: 200,
          path: '/v1/refunds',
          contains: payment,
          count: 4,
        }),
      );
      await system.text(deal.phone, 'refunded in full');
      const calls = refundCalls(system, intent);
      expect(calls.map(({ outcome }) => outcome)).toEqual([...Array(4).fill('faulted'), 'accepted']);
      expect(new Set(calls.map(({ idempotencyKey }) => idempotencyKey))).toEqual(
        new Set([`refund-${intent}`]),
      );
      expect(await effectOf(system, `refund-${intent}`)).toMatchObject({ state: 'accepted' });
    });

    it(`[F16] ${kind} when the paid session is fetched: fetched again, revealed once`, async ({ expect }) => {
      const deal = await system.story.deal();
      const { session } = await system.story.press(await system.story.accept(deal));
      system.sandbox.fault({
        vendor: 'stripe',
        kind,
        ms: 200,
        method: 'GET',
        path: `/v1/checkout/sessions/${session}`,
        count: 4,
      });
      system.sandbox.act.pay(session!, {});
      await system.story.reaches(deal, deal.buyer, 'DONE');
      expect(posts(system, deal.phone, 'here are the client details')).toHaveLength(1);
    });
  }
});
