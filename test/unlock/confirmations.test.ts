import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Buyer } from '../harness/story.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

/** Who confirmed the opt-outs of this phone, in order, as the vendors' ledger has it. */
const confirmedBy = (system: TestSystem, { phone }: Buyer) =>
  system.sandbox.ledger.list({ to: phone, accepted: true }).flatMap(({ operation, params, text }) => {
    if (operation === 'message.confirm') return params.keyword === 'stop' ? ['the carrier'] : [];
    return text?.includes('you have opted out') ? ['leadgate'] : [];
  });

const optedOut = (system: TestSystem, buyer: Buyer, isOut = 'opted_out_at IS NOT NULL') =>
  system.until(
    `the opt-out of ${buyer.phone}`,
    `SELECT ${isOut} AS out FROM phones WHERE number = $1`,
    [buyer.phone],
    (row?: { out: boolean }) => row?.out === true,
  );

/** Each text from a buyer with an open offer, all at once. Returns who confirmed, by the text. */
async function confirmations(
  system: TestSystem,
  texts: readonly string[],
  say: (buyer: Buyer, text: string) => unknown,
  isOut?: string,
): Promise<Record<string, string[]>> {
  const buyers = await system.story.buyers(texts.length);
  await system.story.offer(buyers);
  const since = system.sandbox.ledger.lastSeq;
  await Promise.all(buyers.map((buyer, at) => say(buyer, texts[at]!)));
  await Promise.all(buyers.map((buyer) => optedOut(system, buyer, isOut)));
  await system.story.settled();
  // The confirmation is the only text of any kind.
  for (const { phone } of buyers) {
    expect(system.sandbox.ledger.list({ to: phone, accepted: true, since })).toHaveLength(1);
    // No other text is tried, which the carrier would refuse.
    expect(system.sandbox.ledger.list({ to: phone, accepted: false, since })).toHaveLength(0);
  }
  return Object.fromEntries(texts.map((text, at) => [text, confirmedBy(system, buyers[at]!)]));
}

const all = (texts: readonly string[], by: string) => Object.fromEntries(texts.map((text) => [text, [by]]));

/** Twilio's own words, each as the whole message. */
const carriersWords = ['STOP', 'stopall', 'Unsubscribe', 'cancel', 'END', 'quit', ' revoke ', 'OptOut'];
const otherStops = [
  ...['Stop.', 'stop please', 'STOP STOP', 'opt out', 'please stop texting me', 'delete my number', '🛑'],
  ...['Yes please cancel', 'no me escriban', 'BAJA', 'Take me off this list'],
];

describe('Twilio carries the texts', () => {
  let system: TestSystem;
  let lockHolder: pg.Client;
  beforeAll(async () => {
    system = await startSystem();
    lockHolder = new pg.Client({ connectionString: system.database.directUrl });
    await lockHolder.connect();
  });
  afterAll(async () => {
    await lockHolder?.end();
    await system?.stop();
  });

  it('[F73] confirms its own words itself, and leadgate every other opt-out: one confirmation each', async () => {
    const say = (buyer: Buyer, text: string) => system.story.says(buyer, text);
    expect(await confirmations(system, [...carriersWords, ...otherStops], say)).toEqual({
      ...all(carriersWords, 'the carrier'),
      ...all(otherStops, 'leadgate'),
    });
  });

  it('[F73] an opt-out submitted by an organization is confirmed by leadgate, once, whatever its words', async () => {
    const texts = ['STOP', 'Unsubscribe', 'stop please'];
    const submit = (buyer: Buyer, message: string) =>
      Promise.all(
        [0, 1, 2].map((second) =>
          system.api('POST', '/api/leads/sms-response', {
            provider_phone: buyer.phone,
            message,
            timestamp: `2026-11-21T10:00:0${second}Z`,
          }),
        ),
      );
    const isOut = "opted_out_of <> '{}'";
    expect(await confirmations(system, texts, submit, isOut)).toEqual(all(texts, 'leadgate'));
  });

  it('[F73] two texts that opt out at the same moment are confirmed once', async () => {
    const buyer = await system.story.buyer();
    await system.story.offer([buyer]);
    await lockHolder.query('BEGIN');
    await lockHolder.query('SELECT 1 FROM phones WHERE number = $1 FOR UPDATE', [buyer.phone]);
    for (const text of ['stop please', 'remove me']) system.story.says(buyer, text);
    const blocked = async () =>
      (
        await lockHolder.query(
          "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
        )
      ).rows;
    await expect.poll(blocked, { timeout: 10_000 }).toHaveLength(2);
    await lockHolder.query('COMMIT');
    await optedOut(system, buyer);
    await system.story.settled();
    const events = await system.rows(
      "SELECT 1 FROM events e JOIN phones p ON e.subject = 'phone:' || p.id WHERE e.type = 'buyer.opted_out' AND p.number = $1",
      [buyer.phone],
    );
    expect(events).toHaveLength(2);
    expect(confirmedBy(system, buyer)).toEqual(['leadgate']);
  });

  it('[F73] each opt-out has its own confirmation: STOP again after START is confirmed again', async () => {
    const buyer = await system.story.buyer();
    await system.story.offer([buyer]);
    const stop = 'please stop these texts';
    system.story.says(buyer, stop);
    await optedOut(system, buyer);
    system.story.says(buyer, stop);
    await system.story.settled();
    system.story.says(buyer, 'START');
    await optedOut(system, buyer, 'opted_out_at IS NULL');
    // Twilio does not know of this opt-out, so it does not confirm its end either.
    await system.text(buyer.phone, 'you will get client inquiries by text again');
    await system.story.settled();
    system.story.says(buyer, stop);
    await optedOut(system, buyer);
    await system.story.settled();
    expect(confirmedBy(system, buyer)).toEqual(['leadgate', 'leadgate']);
  });

  it('[F73] a number that Twilio has confirmed to gets no second one: ours is refused', async () => {
    const buyer = await system.story.buyer();
    await system.story.offer([buyer]);
    const held = system.sandbox.fault({
      vendor: 'twilio',
      kind: 'webhook_withhold',
      event: 'message.inbound',
    });
    system.story.says(buyer, 'STOP');
    await system.api('POST', '/api/leads/sms-response', {
      provider_phone: buyer.phone,
      message: 'STOP',
      timestamp: '2026-11-21T10:00:00Z',
    });
    await optedOut(system, buyer);
    system.sandbox.clearFaults(held.id);
    await system.sandbox.webhooks.deliverAll({ vendor: 'twilio' });
    await system.story.settled();
    expect(confirmedBy(system, buyer)).toEqual(['the carrier']);
  });

  describe('with Advanced Opt-Out', () => {
    beforeAll(() =>
      system.sandbox.configure({
        twilio: { advancedOptOut: { stop: ['PAUSA'], start: ['VUELVO'], help: ['STOP INFO'] } },
      }),
    );
    afterAll(() => system.sandbox.configure({ twilio: { advancedOptOut: null } }));

    it('[F73] its keywords outrank our reading, both ways, and the carrier confirms them', async () => {
      const buyer = await system.story.buyer();
      await system.story.offer([buyer]);
      system.story.says(buyer, 'stop info');
      await system.sandbox.ledger.wait({ operation: 'message.confirm', to: buyer.phone });
      await system.story.settled();
      // HELP by its list, although it reads as an opt-out; and no second help text from us.
      expect(await phoneOf(buyer)).toEqual({ out: false });
      expect(system.story.texts(buyer)).toHaveLength(1);

      system.story.says(buyer, 'pausa');
      await optedOut(system, buyer);
      system.story.says(buyer, 'vuelvo');
      await optedOut(system, buyer, 'opted_out_at IS NULL');
      await system.story.settled();
      expect(confirmedBy(system, buyer)).toEqual(['the carrier']);
      expect(system.story.texts(buyer)).toHaveLength(1);
    });

    it('YES from a subscribed phone is still an acceptance', async () => {
      const buyer = await system.story.buyer();
      const offer = await system.story.offer([buyer]);
      system.story.says(buyer, 'YES');
      await system.story.reaches(offer, buyer, 'AWAITING_PAYMENT');
    });
  });

  const phoneOf = async (buyer: Buyer) =>
    (
      await system.rows<{ out: boolean }>(
        'SELECT opted_out_at IS NOT NULL AS out FROM phones WHERE number = $1',
        [buyer.phone],
      )
    )[0];
});
