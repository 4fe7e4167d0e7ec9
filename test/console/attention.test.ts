import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { workerPresence } from '../../src/db/transport/worker-processes.ts';
import { reportPresence } from '../../src/engine/presence.ts';
import { type Visitor, visit } from '../harness/console-client.ts';
import { addLeads, makeCompany } from '../harness/crm.ts';
import type { Buyer, Offer } from '../harness/story.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

const alertAddress = 'operator@gold-touch.example';

async function open(options: Parameters<typeof startSystem>[0] = {}) {
  const system = await startSystem({ env: { ALERT_EMAIL: alertAddress }, ...options });
  const operator = visit(system);
  await operator.signIn(system.operator.email, system.operator.password);
  return { system, operator };
}

const pageOf = async (operator: Visitor, path: string) => (await operator.get(path)).text();
/** What a person reads: no addresses, no attributes. */
const seen = (html: string) =>
  html
    .replace(/<script[\s\S]*?<\/script>/g, '')
    .replace(/<[^>]+>/g, ' ')
    .replace(/&#39;|&apos;/g, "'")
    .replace(/&quot;/g, '"')
    .replace(/\s+/g, ' ');
const itemsOf = (html: string) =>
  [...html.matchAll(/<li class="item-row" data-row="[^"]*" data-item="[\s\S]*?<\/li>/g)].map(
    ([item]) => item,
  );
const rowOf = (html: string, unlockId: string) =>
  new RegExp(`<tr data-row="${unlockId}">[\\s\\S]*?</tr>`).exec(html)![0];
const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/;
const internals = /minor unit|unlock\.|payment\.|work\.|AWAIT_CONFIRM|NEW_LEAD|gave up|undefined|null/;

describe('money that went back is told wherever a sale is shown', () => {
  let system: TestSystem;
  let operator: Visitor;
  type Sale = { buyer: Buyer; offer: Offer; id: string; intent: string };
  let sales: Record<'kept' | 'partly' | 'refunded' | 'disputed', Sale>;

  beforeAll(async () => {
    ({ system, operator } = await open());
    const sell = async (config = {}): Promise<Sale> => {
      const buyer = await system.story.buyer();
      const offer = await system.story.offer([buyer], config);
      const { intent } = await system.story.buy(offer, buyer);
      return { buyer, offer, intent, id: (await system.story.unlock(offer, buyer)).id };
    };
    sales = {
      kept: await sell(),
      partly: await sell(),
      refunded: await sell(),
      disputed: await sell({ price_cents: 3000, currency: 'eur' }),
    };
    system.sandbox.act.refund(sales.partly.intent, { amount: 501 });
    system.sandbox.act.refund(sales.refunded.intent);
    system.sandbox.act.dispute(sales.disputed.intent);
    await system.until(
      'the alerts',
      'SELECT count(*)::int AS n FROM alerts',
      [],
      (row?: { n: number }) => row?.n === 3,
    );
    await system.story.settled();
  });
  afterAll(() => system?.stop());

  it('the tile shows net, and what it is made of, per currency', async () => {
    const words = seen(await pageOf(operator, '/console'));
    expect(words).toContain('Earned, 24 h $34.99 + €0');
    expect(words).toContain('$60 + €30 received · $25.01 refunded · €30 disputed');
  });

  it.each([
    ['kept', 'Done', null],
    ['partly', 'Partly refunded', 'partly_refunded'],
    ['refunded', 'Refunded', 'refunded'],
    ['disputed', 'Disputed', 'disputed'],
  ] as const)('a sale that is %s has the badge %s', async (name, badge, money) => {
    const { id } = sales[name];
    const row = rowOf(await pageOf(operator, '/console'), id);
    const detail = await pageOf(operator, `/console/unlocks/${id}`);
    for (const html of [row, detail]) {
      expect(html).toMatch(new RegExp(`<span class="state[^>]*>${badge}</span>`));
      expect(html.includes('data-money=')).toBe(money !== null);
      if (money) expect(html).toContain(`data-money="${money}"`);
    }
    expect(seen(detail)).not.toMatch(uuid);
    expect(seen(detail)).not.toMatch(internals);
    // All steps are green only when the money stayed.
    expect(detail.includes('class="ended"')).toBe(money !== null);
    expect(detail.includes('Buyer flagged')).toBe(money !== null);
  });

  it('the facts of a sale have its amounts', async () => {
    const facts = async (name: keyof typeof sales) =>
      seen(
        /<dl class="facts">[\s\S]*?<\/dl>/.exec(
          await pageOf(operator, `/console/unlocks/${sales[name].id}`),
        )![0],
      );
    expect(await facts('kept')).toContain('Received $20 Details sent');
    expect(await facts('partly')).toContain('Received $20 Refunded $5.01 Net $14.99');
    expect(await facts('refunded')).toContain('Received $20 Refunded $20 Net $0');
    expect(await facts('disputed')).toContain('Received €30 Disputed €30 Net €0');
    expect(await facts('partly')).toMatch(/Refund of \$5\.01 succeeded, (now|\d+ s ago)/);
    expect(await facts('disputed')).toMatch(/Dispute of €30 open \([a-z ]+\), (now|\d+ s ago)/);
  });

  it('every item names the buyer, the lead, the amount and the next step, and nothing of ours', async () => {
    const items = itemsOf(await pageOf(operator, '/console'));
    expect(items).toHaveLength(3);
    for (const [name, title] of [
      ['partly', `$5.01 refunded to ${sales.partly.buyer.name}`],
      ['refunded', `$20 refunded to ${sales.refunded.buyer.name}`],
      ['disputed', `${sales.disputed.buyer.name} disputes a payment`],
    ] as const) {
      const item = items.find((each) => each.includes(title))!;
      expect(seen(item)).toContain(sales[name].offer.leadId);
      expect(item).toContain(`href="/console/unlocks/${sales[name].id}"`);
      expect(item.match(/<button/g)).toHaveLength(1);
      expect(seen(item)).not.toMatch(uuid);
      expect(seen(item)).not.toMatch(internals);
    }
  });

  it('of more than twenty alerts, the newest are shown with the number of all', async () => {
    // An action empties the cache of the pages.
    const refresh = () => operator.post('/console/alerts/01939c5e-1111-7222-8333-444455556666/resolve');
    await system.rows(
      `INSERT INTO alerts (id, key, kind, subject, text) SELECT gen_random_uuid(), 'more-' || n, 'work_parked', 'more:' || n, 'One more.'
        FROM generate_series(1, 22) AS n`,
    );
    await refresh();
    const words = seen(await pageOf(operator, '/console'));
    expect(words).toContain('The newest 20 of 25 alerts are shown. Resolve some to see the others.');
    await system.rows(`DELETE FROM alerts WHERE key LIKE 'more-%'`);
    await refresh();
    expect(seen(await pageOf(operator, '/console'))).not.toContain('Resolve some to see');
  });

  it('every mail has its subject in words and links to the sale itself', () => {
    const mails = system.sandbox.ledger.list({ operation: 'mail.send', to: alertAddress, accepted: true });
    expect(mails).toHaveLength(3);
    const mail = mails.find(({ text }) => text?.includes(`$20 refunded to ${sales.refunded.buyer.name}`))!;
    // The ledger's text begins with the subject.
    expect(mail.text).toMatch(/^\[leadgate\] \$20 refunded to Buyer\d+\n/);
    for (const words of [
      `Buyer: ${sales.refunded.buyer.name}`,
      `Lead: ${sales.refunded.offer.leadId}`,
      'Since: ',
      'What to do: ',
      `${system.publicUrl}/console/unlocks/${sales.refunded.id}`,
    ])
      expect(mail.text).toContain(words);
    for (const { text } of mails) {
      const words = (text ?? '').replace(/https?:\S+/g, '');
      expect(words).not.toMatch(uuid);
      expect(words).not.toMatch(internals);
    }
  });
});

describe('[F72] a refund that is not confirmed is not told as refunded', () => {
  let system: TestSystem;
  let operator: Visitor;
  beforeAll(async () => {
    ({ system, operator } = await open());
  });
  afterAll(() => system?.stop());

  it('pending, it is on its way back in the tile, the badge and the facts', async () => {
    const { deal } = await system.story.unwantedPayment((intent) =>
      system.sandbox.act.refundsOf(intent, { status: 'pending' }),
    );
    await system.text(deal.buyer.phone, 'is being refunded');
    await system.story.settled();
    const words = seen(await pageOf(operator, '/console'));
    expect(words).toContain('Earned, 24 h $0 $20 received · $20 on its way back');
    const sale = await pageOf(operator, `/console/unlocks/${deal.unlockId}`);
    expect(sale).toContain('data-money="refunding"');
    expect(seen(sale)).toMatch(
      /Received \$20 On its way back \$20 Net \$0 Refund of \$20 on its way, (now|\d+ s ago)/,
    );
  });

  it('failed, it is owed to the buyer; its alert repeats it when that is confirmed, and closes by itself', async () => {
    const { deal, intent } = await system.story.unwantedPayment((payment) =>
      system.sandbox.act.refundsOf(payment, { status: 'failed', failure: 'lost_or_stolen_card' }),
    );
    await system.text(deal.buyer.phone, 'did not go through');
    await system.story.settled();
    await expect
      .poll(async () => seen(await pageOf(operator, '/console')), { timeout: 10_000 })
      .toContain('$40 received · $20 on its way back · $20 owed to buyers');
    const page = await pageOf(operator, '/console');
    const sale = await pageOf(operator, `/console/unlocks/${deal.unlockId}`);
    expect(sale).toContain('data-money="refund_failed"');
    expect(seen(sale)).toMatch(
      /Owed to the buyer \$20 Net \$0 Refund of \$20 failed \(lost or stolen card\), /,
    );

    const item = itemsOf(page).find((each) =>
      seen(each).includes(`Refund of $20 to ${deal.buyer.name} failed`),
    )!;
    expect(item).toMatch(/<details class="confirm"><summary[^>]*>Repeat the refund<\/summary>/);
    expect(item).toMatch(/<button[^>]*>Ask Stripe again<\/button>/);
    expect(seen(item)).toContain('Stripe is asked again to return $20 to the buyer.');
    expect(item).toMatch(/action="\/console\/alerts\/[\w-]+\/resolve"/);
    const [, repeat] = /action="(\/console\/refunds\/\w+\/repeat)"/.exec(item)!;
    system.sandbox.act.refundsOf(intent, { status: 'succeeded' });
    const presses = await Promise.all([1, 2].map(() => operator.post(repeat!, { back: '/console' })));
    expect(presses.map(({ status }) => status)).toEqual([303, 303]);
    await system.text(deal.buyer.phone, 'was refunded in full');
    await system.story.settled();
    expect(
      system.sandbox.ledger.list({ operation: 'refund.create', reference: intent, accepted: true }),
    ).toHaveLength(2);
    await expect
      .poll(async () => seen(await pageOf(operator, '/console')), { timeout: 10_000 })
      .toContain('$40 received · $20 refunded · $20 on its way back');
    expect(
      itemsOf(await pageOf(operator, '/console')).some((each) => each.includes('Repeat the refund')),
    ).toBe(false);
    expect((await operator.post(repeat!)).status).toBe(409);
    expect((await operator.post('/console/refunds/re_unknown/repeat')).status).toBe(404);
    expect((await operator.post('/console/refunds/a%20b/repeat')).status).toBe(404);
  });
});

describe('failures of one cause', () => {
  let system: TestSystem;
  let operator: Visitor;
  beforeAll(async () => {
    ({ system, operator } = await open());
  });
  afterAll(() => system?.stop());

  it('three are one item with a count, one mail, and one click', async () => {
    system.sandbox.fault({ vendor: 'twilio', kind: 'error', status: 401, contains: 'Reply Y to unlock' });
    const buyers = await system.story.buyers(3);
    const leads: Offer[] = [];
    for (const buyer of buyers) leads.push(await system.story.lead([buyer]));
    const parked = 'SELECT count(*)::int AS n FROM alerts WHERE kind = $1';
    await system.until('three alerts', parked, ['work_parked'], (row?: { n: number }) => row?.n === 3);
    await system.story.settled();

    const [item, ...others] = itemsOf(await pageOf(operator, '/console'));
    expect(others).toEqual([]);
    const words = seen(item!);
    expect(words).toMatch(/Teaser to Buyer\d+ and 2 others wasn’t sent/);
    expect(words).toContain('3 times');
    expect(words).toContain('Twilio rejected it: the credentials were rejected');
    expect(words).toContain('Rejected on the first attempt');
    expect(words).toContain('Resume 3');
    // It asks first.
    expect(item).toMatch(/<details class="confirm"><summary[^>]*>Resume 3<\/summary>/);
    expect(item).toMatch(/<button[^>]*>Resume 3 steps<\/button>/);
    expect(words).toContain(
      'These 3 steps run again from where they stopped. Nothing is sent or charged twice.',
    );
    expect(words).not.toMatch(uuid);
    expect(words).not.toMatch(internals);
    const mails = system.sandbox.ledger.list({ operation: 'mail.send', to: alertAddress, accepted: true });
    expect(mails).toHaveLength(1);
    expect(mails[0]!.text).toMatch(/Teaser to Buyer\d+ wasn’t sent/);

    system.sandbox.clearFaults();
    const [, path] = /action="(\/console\/parked\/\d+\/resume)"/.exec(item!)!;
    expect((await operator.post(path!)).status).toBe(303);
    for (const [n, buyer] of buyers.entries()) await system.story.reaches(leads[n]!, buyer, 'AWAIT_CONFIRM');
    await expect.poll(async () => itemsOf(await pageOf(operator, '/console'))).toEqual([]);
  });

  it('another reason, or another step, is another item', async () => {
    const buyers = await system.story.buyers(2);
    for (const [n, status] of [401, 404].entries())
      system.sandbox.fault({ vendor: 'twilio', kind: 'error', status, contains: buyers[n]!.phone });
    for (const buyer of buyers) await system.story.lead([buyer]);
    await expect.poll(async () => itemsOf(await pageOf(operator, '/console')).length).toBe(2);
    system.sandbox.clearFaults();
  });

  it('alerts that say the same about the same thing are one item, and are resolved together', async () => {
    const company = await makeCompany(system.runtime);
    await system.rows(
      `INSERT INTO alerts (id, key, kind, organization_id, subject, text)
        SELECT gen_random_uuid(), 'p-' || n, 'crm_paused', $1::uuid, 'company:' || $1::uuid, 'GoHighLevel refuses the token.'
        FROM generate_series(1, 3) n`,
      [company.organizationId],
    );
    const paused = async () =>
      itemsOf(await pageOf(operator, '/console')).filter((item) => item.includes('CRM connection paused'));
    await expect.poll(async () => (await paused()).length).toBe(1);
    const [item] = await paused();
    expect(seen(item!)).toMatch(/Company \d+: CRM connection paused 3 times/);
    expect(item).toContain(`href="/dashboard/${company.number}/settings"`);
    const [, path] = /action="(\/console\/alerts\/[\w-]+\/resolve)"/.exec(item!)!;
    await operator.post(path!);
    expect(await paused()).toEqual([]);
  });
});

describe('the state of the workers', () => {
  let system: TestSystem;
  let operator: Visitor;
  beforeAll(async () => {
    ({ system, operator } = await open({ workers: ['notifier', 'ghl-syncer'] }));
    const company = await makeCompany(system.runtime, { token: null });
    await system.rows(
      `INSERT INTO worker_holds (worker, organization_id, until, reason) VALUES ('ghl-syncer', $1, 'infinity', 'paused')
        ON CONFLICT (worker, organization_id) DO UPDATE SET until = 'infinity'`,
      [company.organizationId],
    );
    await addLeads(system.runtime, company, [{}, {}]);
    await system.rows("UPDATE outbox SET due_at = now() - interval '36 minutes' WHERE worker = 'ghl-syncer'");
    await system.rows(
      `INSERT INTO worker_processes (id, host, workers, seen_at)
        VALUES (gen_random_uuid(), 'gone', '{"teaser-sender": null}', now() - interval '2 hours')`,
    );
  });
  afterAll(() => system?.stop());

  it('a paused CRM is no delay: it is said to be paused', async () => {
    const html = await pageOf(operator, '/console');
    expect(html).toContain('data-worker="ghl-syncer" data-worker-state="idle"');
    expect(seen(html)).toContain('Processing delay None');
    expect(seen(html)).toContain('Idle · no work yet · 2 paused');
  });

  it('an idle worker and one without a process are told apart', async () => {
    const html = await pageOf(operator, '/console');
    expect(html).toMatch(/data-worker="notifier" data-worker-state="(idle|busy)"/);
    expect(html).toContain('data-worker="teaser-sender" data-worker-state="gone"');
    expect(html).toContain('data-worker="revealer" data-worker-state="gone"');
    expect(seen(html)).toContain('teaser-sender Not running · last seen 2 h ago');
    expect(seen(html)).toContain('Not running: distributor, teaser-sender');
  });

  it('a process reports its workers, and no longer counts once it has stopped', async () => {
    const running = "SELECT 1 FROM worker_processes WHERE jsonb_exists(workers, 'expirer')";
    const presence = reportPresence(system.runtime, () => ({ expirer: 1_000 }));
    await system.until('the heartbeat', running, [], (row) => row !== undefined);
    const [expirer] = (await workerPresence(system.runtime.db)).filter(({ worker }) => worker === 'expirer');
    expect(expirer).toMatchObject({ processes: 1, lastRunAt: expect.any(Date) });
    await presence.stop();
    expect(await system.rows(running)).toEqual([]);
  });
});
