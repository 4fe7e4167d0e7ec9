import { afterAll, beforeAll, describe, it } from 'vitest';
import { callsOf, effectOf, posts, refundCalls, struck, wasDone } from '../harness/evidence.ts';
import type { Deal } from '../harness/story.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

let system: TestSystem;
let cookie: string;
beforeAll(async () => {
  system = await startSystem({ timings: { backoffMs: [10, 20] } });
  cookie = await signIn(system);
});
afterAll(() => system?.stop());

async function signIn({ publicUrl, operator }: TestSystem): Promise<string> {
  const answer = await fetch(`${publicUrl}/login`, {
    method: 'POST',
    redirect: 'manual',
    headers: { 'content-type': 'application/x-www-form-urlencoded', origin: publicUrl },
    body: new URLSearchParams(operator),
  });
  return answer.headers
    .getSetCookie()
    .map((header) => header.split(';')[0])
    .join('; ');
}

/** Presses the console's resume button; returns the response status. */
async function resume(id: number): Promise<number> {
  const answer = await fetch(`${system.publicUrl}/console/parked/${id}/resume`, {
    method: 'POST',
    redirect: 'manual',
    headers: { cookie, origin: system.publicUrl, 'content-type': 'application/x-www-form-urlencoded' },
  });
  return answer.status;
}

type Row = { id: number; attempts: number; error: string | null; parked: boolean };
const rowsOf = (deal: Deal, worker: string) =>
  system.rows<Row>(
    `SELECT o.id, o.attempts, o.last_error AS error, o.parked_at IS NOT NULL AS parked FROM outbox o JOIN events e ON e.id = o.event_id
     WHERE o.worker = $1 AND e.subject = $2 AND e.type <> 'unlock.revealed' ORDER BY o.id`,
    [worker, `unlock:${deal.unlockId}`],
  );
const parked = async (deal: Deal, worker: string): Promise<Row> => {
  const [row] = await system.until<Row>(
    `parked work of ${worker}`,
    `SELECT o.id, o.attempts, o.last_error AS error, true AS parked FROM outbox o JOIN events e ON e.id = o.event_id
     WHERE o.parked_at IS NOT NULL AND o.worker = $1 AND e.subject = $2`,
    [worker, `unlock:${deal.unlockId}`],
    (found) => found !== undefined,
  );
  return row!;
};
const alertsOf = (deal: Deal) =>
  system.rows<{ kind: string; text: string; open: boolean }>(
    'SELECT kind, text, resolved_at IS NULL AS open FROM alerts WHERE subject = $1 ORDER BY created_at',
    [`unlock:${deal.unlockId}`],
  );
const operatorMailed = (deal: Deal) =>
  system.sandbox.waitFor(
    (e) =>
      e.operation === 'mail.send' &&
      e.to === 'operator@leadgate.example' &&
      (e.text ?? '').includes(deal.unlockId),
    15_000,
  );
const gapMsOf = (calls: { at: string }[]) => Date.parse(calls[1]!.at) - Date.parse(calls[0]!.at);

describe('429', () => {
  const everyPost = (to: string) =>
    system.sandbox.ledger
      .list({ to })
      .filter(({ operation }) => operation === 'message.create' || operation === 'mail.send');

  it.concurrent('[F15] Twilio: waits as long as asked, counts no attempt, then posts once', async ({
    expect,
  }) => {
    let fault = '';
    const deal = await system.story.deal({
      before: (phone) => {
        fault = system.sandbox.fault({
          vendor: 'twilio',
          kind: 'rate_limit',
          retryAfter: 2,
          contains: phone,
          count: 1,
        }).id;
      },
    });
    await system.until<{ n: number }>(
      'the wait',
      "SELECT count(*)::int AS n FROM effects WHERE key = $1 AND state = 'released'",
      [`teaser-${deal.unlockId}`],
      (row) => row?.n === 1,
    );
    const [waiting] = await system.until<Row>(
      'the row put back',
      `SELECT o.id, o.attempts, o.last_error AS error, false AS parked FROM outbox o JOIN events e ON e.id = o.event_id
       WHERE o.worker = 'teaser-sender' AND e.subject = $1`,
      [`unlock:${deal.unlockId}`],
      (row) => row?.error !== null,
    );
    expect(waiting).toMatchObject({
      attempts: 0,
      parked: false,
      error: expect.stringContaining('slow down'),
    });
    await system.story.reaches(deal, deal.buyer, 'AWAIT_CONFIRM');
    const calls = everyPost(deal.phone);
    expect(calls.map(({ outcome }) => outcome)).toEqual(['faulted', 'accepted']);
    expect(gapMsOf(calls)).toBeGreaterThanOrEqual(2_000);
    expect((await struck(system, fault)).struck).toBe(1);
    expect(await effectOf(system, `teaser-${deal.unlockId}`)).toMatchObject({ state: 'accepted', posts: 1 });
  });

  it.concurrent('[F15] more 429s than allowed attempts: one post, nothing parked', async ({ expect }) => {
    const deal = await system.story.deal({
      before: (phone) =>
        void system.sandbox.fault({
          vendor: 'twilio',
          kind: 'rate_limit',
          retryAfter: 0,
          contains: phone,
          count: 15,
        }),
    });
    await system.story.reaches(deal, deal.buyer, 'AWAIT_CONFIRM');
    expect(everyPost(deal.phone).filter(wasDone)).toHaveLength(1);
    expect(everyPost(deal.phone)).toHaveLength(16);
  });

  it.concurrent('[F15] SendGrid: waits as long as asked, then sends one mail', async ({ expect }) => {
    const deal = await system.story.deal({
      before: (_phone, email) =>
        void system.sandbox.fault({
          vendor: 'sendgrid',
          kind: 'rate_limit',
          retryAfter: 2,
          contains: email!,
          count: 1,
        }),
    });
    const page = await system.story.accept(deal);
    system.sandbox.act.phone(deal.phone, { refuse: 21614 });
    await system.story.pay(deal, page);
    await system.story.reaches(deal, deal.buyer, 'DONE');
    const calls = everyPost(deal.email!);
    expect(calls.map(({ outcome }) => outcome)).toEqual(['faulted', 'accepted']);
    expect(gapMsOf(calls)).toBeGreaterThanOrEqual(2_000);
  });
});

describe('work that cannot succeed', () => {
  it.concurrent('[F11] an event that always fails is parked after 12 attempts with error, alert and e-mail; other work goes on; it finishes when resumed', async ({
    expect,
  }) => {
    const deal = await system.story.deal();
    const page = await system.story.accept(deal);
    const { session } = await system.story.press(page);
    const [sealed] = await system.rows<{ contact: string }>(
      'SELECT contact FROM leads WHERE public_id = $1',
      [deal.leadId],
    );
    await system.rows('UPDATE leads SET contact = $2 WHERE public_id = $1', [deal.leadId, 'v1.gone.AAAA']);
    system.sandbox.act.pay(session!, {});

    const row = await parked(deal, 'revealer');
    expect(row).toMatchObject({ attempts: 12, error: expect.stringContaining('no encryption key') });
    await operatorMailed(deal);
    expect(await alertsOf(deal)).toMatchObject([
      { kind: 'reveal_failed', open: true, text: expect.stringContaining('no encryption key') },
    ]);
    const failures = await system.rows<{ outcome: string }>(
      'SELECT outcome FROM attempts WHERE outbox_id = $1 AND effect_key IS NULL ORDER BY started_at',
      [row.id],
    );
    expect(failures.map(({ outcome }) => outcome)).toEqual([...Array(11).fill('failed'), 'parked']);
    const [unlock] = await system.rows<{ status: string }>('SELECT status FROM lead_unlocks WHERE id = $1', [
      deal.unlockId,
    ]);
    expect(unlock!.status).toBe('PAID');

    const other = await system.story.deal();
    await system.story.pay(other);
    await system.story.reaches(other, other.buyer, 'DONE');

    await system.rows('UPDATE leads SET contact = $2 WHERE public_id = $1', [deal.leadId, sealed!.contact]);
    expect(await resume(row.id)).toBe(303);
    expect(await resume(row.id)).toBe(303);
    await system.story.reaches(deal, deal.buyer, 'DONE');
    expect(posts(system, deal.phone, 'here are the client details').map(({ outcome }) => outcome)).toEqual([
      'accepted',
    ]);
    expect(await alertsOf(deal)).toMatchObject([{ open: false }]);
    const resumed = await system.rows('SELECT 1 FROM events WHERE subject = $1 AND type = $2', [
      `unlock:${deal.unlockId}`,
      'work.resumed',
    ]);
    expect(resumed, 'two clicks resume the work once').toHaveLength(1);
  });

  it.concurrent('[F11] a wrong Twilio key (401) parks at once and releases the effect; when resumed the text is sent exactly once', async ({
    expect,
  }) => {
    const deal = await system.story.deal({
      before: (phone) =>
        void system.sandbox.fault({
          vendor: 'twilio',
          kind: 'error',
          status: 401,
          contains: phone,
          count: 1,
        }),
    });
    const row = await parked(deal, 'teaser-sender');
    expect(row).toMatchObject({ attempts: 1, error: expect.stringContaining('unauthorized') });
    expect(await effectOf(system, `teaser-${deal.unlockId}`)).toMatchObject({ state: 'released' });
    expect(await callsOf(system, `teaser-${deal.unlockId}`)).toEqual(['released']);
    await operatorMailed(deal);
    expect(await alertsOf(deal)).toMatchObject([{ kind: 'work_parked', open: true }]);
    expect(posts(system, deal.phone, 'Reply Y').filter(wasDone)).toEqual([]);

    await resume(row.id);
    await system.story.reaches(deal, deal.buyer, 'AWAIT_CONFIRM');
    expect(posts(system, deal.phone, 'Reply Y').filter(wasDone)).toHaveLength(1);
    expect(await effectOf(system, `teaser-${deal.unlockId}`)).toMatchObject({ state: 'accepted', posts: 1 });
  });

  it.concurrent('[F11] a wrong Stripe key parks the refund at once; when resumed it is made exactly once', async ({
    expect,
  }) => {
    const { deal, intent } = await system.story.unwantedPayment((payment) =>
      system.sandbox.fault({
        vendor: 'stripe',
        kind: 'error',
        status: 401,
        path: '/v1/refunds',
        contains: payment,
        count: 1,
      }),
    );
    const row = await parked(deal, 'payment-linker');
    expect(await effectOf(system, `refund-${intent}`)).toMatchObject({ state: 'released' });
    await resume(row.id);
    await system.text(deal.phone, 'refunded in full');
    expect(refundCalls(system, intent).filter(wasDone)).toHaveLength(1);
  });

  it.concurrent('[F11] an alert whose e-mail fails stays on the console and raises no further alert', async ({
    expect,
  }) => {
    const deal = await system.story.deal({
      before: (phone) =>
        void system.sandbox.fault({
          vendor: 'twilio',
          kind: 'error',
          // A cause of its own: alerts of one cause share one mail an hour.
          status: 404,
          contains: phone,
          count: 1,
        }),
    });
    system.sandbox.fault({ vendor: 'sendgrid', kind: 'error', status: 401, contains: deal.unlockId });
    const row = await parked(deal, 'teaser-sender');
    const notification = await parked(deal, 'notifier');
    expect(notification.error).toContain('unauthorized');
    expect(await alertsOf(deal)).toHaveLength(1);
    const notifications = await system.rows('SELECT 1 FROM events WHERE subject = $1 AND type = $2', [
      `unlock:${deal.unlockId}`,
      'work.parked',
    ]);
    expect(notifications, 'a failed alert raises no second alert').toHaveLength(1);
    await resume(row.id);
    await system.story.reaches(deal, deal.buyer, 'AWAIT_CONFIRM');
    expect((await rowsOf(deal, 'teaser-sender')).length).toBe(0);
  });

  it.concurrent('[F11] an event version without a reader is parked instead of being re-issued for ever', async ({
    expect,
  }) => {
    const deal = await system.story.deal();
    await system.story.reaches(deal, deal.buyer, 'AWAIT_CONFIRM');
    await system.rows(
      `WITH e AS (
         INSERT INTO events (id, occurred_at, type, version, organization_id, subject, correlation_id, data)
         SELECT gen_random_uuid(), now(), 'reply.accepted', 2, organization_id, $1, gen_random_uuid(), '{"unlock": 7}' FROM lead_unlocks WHERE id = $2
         RETURNING id, occurred_at, organization_id)
       INSERT INTO outbox (event_id, event_at, worker, organization_id, due_at, queued)
       SELECT id, occurred_at, 'payment-linker', organization_id, now(), false FROM e`,
      [`unlock:${deal.unlockId}`, deal.unlockId],
    );
    const row = await parked(deal, 'payment-linker');
    expect(row.error).toContain('reply.accepted of version 2');
    await operatorMailed(deal);
    expect(await alertsOf(deal)).toMatchObject([{ kind: 'work_parked' }]);
  });
});
