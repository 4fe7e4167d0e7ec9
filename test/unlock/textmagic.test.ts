import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callsOf, effectOf, posts } from '../harness/evidence.ts';
import { sampleLead } from '../harness/sample-lead.ts';
import type { Deal } from '../harness/story.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

let system: TestSystem;
beforeAll(async () => {
  system = await startSystem({ env: { SMS_PROVIDER: 'textmagic' } });
});
afterAll(() => system?.stop());

const details = 'here are the client details';
const formats = ['multipart', 'urlencoded', 'json'] as const;

/** An unsigned callback, as anyone who knows the path can send it. */
const callBack = async (
  fields: Record<string, string | number>,
  token = system.config.textmagic.webhookToken,
) => {
  const answer = await fetch(`${system.publicUrl}/webhook/textmagic/${token}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(fields),
  });
  return answer.status;
};
const counted = async (text: string, values: unknown[] = []) =>
  (await system.rows<{ n: number }>(text, values))[0]!.n;
const callbackRows = () =>
  counted("SELECT count(*)::int AS n FROM inbox WHERE source = 'textmagic-callback'");
const repliesOf = (deal: Deal) =>
  counted(
    "SELECT count(*)::int AS n FROM inbox WHERE source = 'textmagic' AND phone_id = (SELECT id FROM phones WHERE number = $1)",
    [deal.phone],
  );
/** Resolves when every callback was delivered and processed. */
const settle = () => system.story.settled();

describe('TextMagic carries the texts', () => {
  it.each(formats)(
    '[S02] from teaser to reveal with unsigned callbacks as %s: each message is fetched by its id',
    async (format) => {
      system.sandbox.configure({ textmagic: { format } });
      const deal = await system.story.deal();
      await system.story.pay(deal);
      await system.story.reaches(deal, deal.buyer, 'DONE');
      const sent = system.sandbox.ledger.list({ operation: 'message.create', to: deal.phone });
      expect(sent.map(({ vendor, outcome }) => [vendor, outcome])).toEqual(
        Array(3).fill(['textmagic', 'accepted']),
      );
      expect(sent[2]!.text).toContain('Phone: +1234567890');
      const [reply] = system.sandbox.ledger.list({ operation: 'message.inbound', from: deal.phone });
      const [stored] = await system.rows<{ intent: string }>(
        "SELECT intent FROM inbox WHERE source = 'textmagic' AND external_id = $1",
        [reply!.vendorId],
      );
      expect(stored!.intent).toBe('accept');
      const receipts = await system.rows<{ status: string }>(
        "SELECT status FROM messages WHERE subject = 'unlock:' || $1::text ORDER BY created_at",
        [deal.unlockId],
      );
      expect(receipts.at(-1)).toEqual({ status: 'delivered' });
    },
  );

  it('[S02] a forged callback with an unknown id changes nothing', async () => {
    const deal = await system.story.deal();
    await system.story.reaches(deal, deal.buyer, 'AWAIT_CONFIRM');
    const forged = {
      id: 987_654_321,
      sender: deal.phone.slice(1),
      receiver: '15005550007',
      text: 'Y',
      messageTime: '2026-01-01T00:00:00+0000',
    };
    expect(await callBack(forged)).toBe(200);
    await settle();
    const unlock = await system.story.reaches(deal, deal.buyer, 'AWAIT_CONFIRM');
    expect(unlock!.status).toBe('AWAIT_CONFIRM');
    expect(await repliesOf(deal)).toBe(0);
    expect(posts(system, deal.phone, '/p/')).toEqual([]);
  });

  it("[S02] a forged callback with the id of another phone's text is handled as that text, once", async () => {
    const [victim, other] = [await system.story.deal(), await system.story.deal()];
    await system.story.accept(other);
    await system.story.reaches(victim, victim.buyer, 'AWAIT_CONFIRM');
    const [ownText] = system.sandbox.ledger.list({ operation: 'message.inbound', from: other.phone });
    await callBack({
      id: Number(ownText!.vendorId),
      sender: victim.phone.slice(1),
      receiver: '15005550007',
      text: 'Y',
    });
    await settle();
    await system.story.reaches(victim, victim.buyer, 'AWAIT_CONFIRM');
    expect(await repliesOf(victim)).toBe(0);
    expect(await repliesOf(other)).toBe(1);
  });

  it('[S02] a forged delivery receipt changes nothing, because the status is fetched from TextMagic', async () => {
    const deal = await system.story.deal();
    const page = await system.story.accept(deal);
    await system.story.pay(deal, page);
    await system.story.reaches(deal, deal.buyer, 'DONE');
    const reveal = posts(system, deal.phone, details)[0]!;
    await callBack({ id: Number(reveal.vendorId), status: 'f' });
    await settle();
    const [message] = await system.rows<{ status: string }>(
      'SELECT status FROM messages WHERE vendor_id = $1',
      [reveal.vendorId],
    );
    expect(message!.status).toBe('delivered');
    expect(posts(system, deal.email!, details)).toEqual([]);
  });

  it('a delivery callback for a message that TextMagic does not know is recorded once, parks nothing and alerts no operator', async () => {
    const alerts = () => counted('SELECT count(*)::int AS n FROM alerts');
    const [before, alerted] = [await callbackRows(), await alerts()];
    for (let repeat = 0; repeat < 3; repeat += 1)
      for (const id of [987_654_321, 'not-a-number']) expect(await callBack({ id, status: 'd' })).toBe(200);
    await settle();
    expect(await callbackRows()).toBe(before + 2);
    expect(await counted('SELECT count(*)::int AS n FROM outbox WHERE parked_at IS NOT NULL')).toBe(0);
    expect(await alerts()).toBe(alerted);
  });

  it('[S02] a wrong path secret is a 404 and stores nothing', async () => {
    const before = await callbackRows();
    for (const token of [
      'wrong',
      `${system.config.textmagic.webhookToken}x`,
      system.config.textmagic.webhookToken.slice(0, -1),
    ]) {
      expect(await callBack({ id: 100_001, text: 'Y' }, token)).toBe(404);
    }
    expect(await callbackRows()).toBe(before);
  });

  it('[F24] the same text delivered three times is one reply and one link', async () => {
    const deal = await system.story.deal();
    await system.story.accept(deal);
    const [inbound] = system.sandbox.webhooks
      .list({ vendor: 'textmagic', event: 'message.inbound' })
      .slice(-1);
    for (let copy = 0; copy < 2; copy += 1) await system.sandbox.webhooks.deliver(inbound!.id);
    await settle();
    expect(await repliesOf(deal)).toBe(1);
    expect(posts(system, deal.phone, '/p/')).toHaveLength(1);
  });

  it('[F26] STOP is confirmed once by us, because TextMagic does not; no text follows until START', async () => {
    const deal = await system.story.deal();
    const page = await system.story.accept(deal);
    const { session } = await system.story.press(page);
    system.sandbox.act.reply(deal.phone, { text: 'STOP' });
    await system.story.reaches(deal, deal.buyer, 'OPTED_OUT');
    await settledAt(deal, 'stop_confirmed');
    const [stop] = system.sandbox.webhooks.list({ vendor: 'textmagic', event: 'message.inbound' }).slice(-1);
    await system.sandbox.webhooks.deliver(stop!.id);
    system.sandbox.act.reply(deal.phone, { text: 'stop' });
    await settle();
    const confirmations = () => posts(system, deal.phone, 'you have opted out');
    expect(confirmations().length, 'tried once').toBe(1);
    await system.sandbox.ledger.wait({ operation: 'checkout.session.expire', vendorId: session! });

    const { body } = await system.api('POST', '/api/leads', {
      ...sampleLead,
      provider_ids: [deal.buyer.externalId],
    });
    expect(body.provider_results).toMatchObject([{ success: false }]);

    system.sandbox.act.reply(deal.phone, { text: 'START' });
    await system.text(deal.phone, 'you will get client inquiries by text again');
    expect(posts(system, deal.phone, '/p/')).toHaveLength(1);
  });

  it('[F17] a number refused as unsubscribed is opted out, a number refused as invalid is undeliverable', async () => {
    // Its text must not arrive here before the offer: only the vendor's refusal says that the number is unsubscribed.
    const { id } = system.sandbox.fault({
      vendor: 'textmagic',
      kind: 'webhook_withhold',
      event: 'message.inbound',
    });
    const unsubscribed = await system.story.deal({
      before: (phone) => void system.sandbox.act.reply(phone, { text: 'STOP', provider: 'textmagic' }),
    });
    system.sandbox.clearFaults(id);
    await system.story.reaches(unsubscribed, unsubscribed.buyer, 'OPTED_OUT');
    const invalid = await system.story.deal({
      before: (phone) => void system.sandbox.act.phone(phone, { refuse: 21614 }),
    });
    const unlock = await system.story.reaches(invalid, invalid.buyer, 'EXPIRED');
    expect(unlock!.reason).toBe('undeliverable');
  });

  /** Resolves when the text with this purpose was posted or refused. */
  const settledAt = (deal: Deal, purpose: string) =>
    system.until<{ status: string }>(
      purpose,
      "SELECT status FROM messages WHERE purpose = $2 AND subject = 'unlock:' || $1::text",
      [deal.unlockId, purpose],
      (row) => row !== undefined && row.status !== 'posting',
    );
});

describe('failing TextMagic calls', () => {
  it.concurrent('[F15] 429: waits as long as asked, then posts once', async ({ expect }) => {
    const deal = await system.story.deal({
      before: (phone) =>
        void system.sandbox.fault({
          vendor: 'textmagic',
          kind: 'rate_limit',
          retryAfter: 2,
          contains: phone.slice(1),
          count: 1,
        }),
    });
    await system.story.reaches(deal, deal.buyer, 'AWAIT_CONFIRM');
    const calls = system.sandbox.ledger.list({ operation: 'message.create', to: deal.phone });
    expect(calls.map(({ outcome }) => outcome)).toEqual(['faulted', 'accepted']);
    expect(Date.parse(calls[1]!.at) - Date.parse(calls[0]!.at)).toBeGreaterThanOrEqual(2_000);
  });

  for (const kind of ['error_after', 'reset_after', 'timeout_after'] as const) {
    it.concurrent(`[F14] ${kind}: found by its reference, posted once, and its delivery is booked`, async ({
      expect,
    }) => {
      const deal = await system.story.deal({
        before: (phone) => {
          const fault = {
            vendor: 'textmagic',
            kind,
            ms: 200,
            method: 'POST',
            contains: phone.slice(1),
            count: 1,
            skip: 2,
          } as const;
          system.sandbox.fault(fault);
        },
      });
      await system.story.pay(deal);
      await system.story.reaches(deal, deal.buyer, 'DONE');
      expect(posts(system, deal.phone, details).map(({ outcome }) => outcome)).toEqual([
        'accepted_answer_lost',
      ]);
      expect(await effectOf(system, `reveal-${deal.unlockId}`)).toMatchObject({
        state: 'accepted',
        posts: 1,
      });
    });
  }

  it.concurrent('[F14] a lost post: two listings do not show it, then it is posted exactly once more', async ({
    expect,
  }) => {
    const deal = await system.story.deal({
      before: (phone) =>
        void system.sandbox.fault({
          vendor: 'textmagic',
          kind: 'reset',
          method: 'POST',
          contains: phone.slice(1),
          count: 1,
        }),
    });
    await system.story.reaches(deal, deal.buyer, 'AWAIT_CONFIRM');
    expect(posts(system, deal.phone, 'Reply Y').map(({ outcome }) => outcome)).toEqual([
      'faulted',
      'accepted',
    ]);
    expect(await callsOf(system, `teaser-${deal.unlockId}`)).toEqual(['unknown', 'accepted']);
  });

  it.concurrent('[F14] a reveal whose response is lost and whose delivery fails is sent by e-mail', async ({
    expect,
  }) => {
    const deal = await system.story.deal({
      before: (phone) => {
        system.sandbox.fault({
          vendor: 'textmagic',
          kind: 'error_after',
          method: 'POST',
          contains: phone.slice(1),
          count: 1,
          skip: 2,
        });
      },
    });
    const page = await system.story.accept(deal);
    system.sandbox.act.phone(deal.phone, { fail: 30003 });
    await system.story.pay(deal, page);
    await system.story.reaches(deal, deal.buyer, 'DONE');
    expect(posts(system, deal.phone, details)).toHaveLength(1);
    expect(posts(system, deal.email!, details)).toHaveLength(1);
  });
});
