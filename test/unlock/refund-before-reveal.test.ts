import { v7 as uuidv7 } from 'uuid';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Story } from '../harness/story.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

let system: TestSystem;
let story: Story;
beforeAll(async () => {
  system = await startSystem({ timings: { listingGapMs: 300, callbackGraceMs: 1_500 } });
  story = system.story;
});
afterEach(() => system.sandbox.clearFaults());
afterAll(() => system.stop());

describe('a refund before the details were sent', () => {
  it('[F23] reverts the sale: nothing is revealed, and the slot is sold to the next buyer', async () => {
    const [first, second] = [await story.buyer(), await story.buyer()];
    const offer = await story.offer([first], { max_sales: 1 });
    const { session } = await story.checkout(offer, first);
    // The carrier's rate limit holds the details back.
    const rateLimit = system.sandbox.fault({
      vendor: 'twilio',
      kind: 'rate_limit',
      retryAfter: 2,
      contains: first.phone,
      method: 'POST',
    });
    const { paymentIntent } = system.sandbox.act.pay(session);
    await story.reaches(offer, first, 'PAID');
    system.sandbox.act.refund(paymentIntent.id, {});
    await story.reaches(offer, first, 'EXPIRED', 'refunded');
    system.sandbox.clearFaults(rateLimit.id);

    const sent = await system.api('POST', `/api/leads/${offer.leadId}/send`, {
      provider_ids: [second.externalId],
    });
    expect(sent.body.provider_results[0].message).toBe('teaser queued');
    await story.reaches(offer, second, 'AWAIT_CONFIRM');
    await story.buy(offer, second);
    await story.settled();
    expect(story.reveals(offer).map((entry) => entry.to)).toEqual([second.phone]);
    const [payment] = await system.rows<{ kept: boolean; left: number }>(
      'SELECT kept, amount_minor - refunded_minor AS left FROM payments WHERE payment_intent = $1',
      [paymentIntent.id],
    );
    expect(payment).toEqual({ kept: false, left: 0 });
  });

  /** Holds the details of a paid lead back by the carrier's rate limit. */
  async function paidAndHeld() {
    const buyer = await story.buyer();
    const offer = await story.offer([buyer]);
    const { session } = await story.checkout(offer, buyer);
    const held = system.sandbox.fault({
      vendor: 'twilio',
      kind: 'rate_limit',
      retryAfter: 1,
      contains: buyer.phone,
      method: 'POST',
    });
    const { paymentIntent } = system.sandbox.act.pay(session);
    const { id } = await story.reaches(offer, buyer, 'PAID');
    await system.until(
      'the text to be held back',
      `SELECT 1 FROM effects WHERE subject = $1 AND key LIKE 'reveal-%' AND state = 'released'`,
      [`unlock:${id}`],
      (row) => row !== undefined,
    );
    return { buyer, offer, id, intent: paymentIntent.id, release: () => system.sandbox.clearFaults(held.id) };
  }

  it('[F23] in part leaves the sale as it is: the details are sent', async () => {
    const { buyer, offer, intent, release } = await paidAndHeld();
    system.sandbox.act.refund(intent, { amount: 501 });
    await system.until<{ refunded: number }>(
      'the refund',
      'SELECT refunded_minor AS refunded FROM payments WHERE payment_intent = $1',
      [intent],
      (row) => row?.refunded === 501,
    );
    release();
    await story.reaches(offer, buyer, 'DONE');
    expect(story.reveals(offer)).toHaveLength(1);
  });

  it('[F23] of a second payment, which is not kept, leaves the sale as it is', async () => {
    const { intent: second } = await story.unwantedPayment((payment) =>
      system.sandbox.act.refundsOf(payment, { status: 'pending' }),
    );
    const [refund] = await system.until<{ id: string }>(
      'its refund',
      'SELECT r.id FROM refunds r JOIN payments p ON p.id = r.payment_id WHERE p.payment_intent = $1',
      [second],
      (row) => row !== undefined,
    );
    const { buyer, offer, id, release } = await paidAndHeld();
    await system.rows('UPDATE payments SET unlock_id = $2, subject_id = $2 WHERE payment_intent = $1', [
      second,
      id,
    ]);
    system.sandbox.act.settleRefund(refund!.id, { status: 'succeeded' });
    await system.until<{ refunded: number }>(
      'the refund',
      'SELECT refunded_minor AS refunded FROM payments WHERE payment_intent = $1',
      [second],
      (row) => row?.refunded === 2000,
    );
    expect((await story.unlock(offer, buyer)).status).toBe('PAID');
    release();
    await story.reaches(offer, buyer, 'DONE');
  });

  it('[F23] waits while the details may be on their way, and reverts the sale once they are not', async () => {
    const { buyer, offer, id, intent } = await paidAndHeld();
    const reveal = (state: string) =>
      system.rows(
        `UPDATE effects SET state = $2, lease_until = now() + interval '1 hour' WHERE subject = $1 AND key LIKE 'reveal-%'`,
        [`unlock:${id}`, state],
      );
    await reveal('claimed');
    system.sandbox.act.refund(intent, {});
    await system.until(
      'the refund to wait',
      `SELECT 1 FROM attempts WHERE subject = $1 AND detail = 'the details may be on their way'`,
      [`unlock:${id}`],
      (row) => row !== undefined,
    );
    expect((await story.unlock(offer, buyer)).status).toBe('PAID');
    await reveal('released');
    await system.rows(
      `UPDATE outbox SET due_at = now() WHERE worker = 'payment-linker' AND parked_at IS NULL`,
    );
    await story.reaches(offer, buyer, 'EXPIRED', 'refunded');
    expect(story.reveals(offer)).toEqual([]);
  });

  it('[F23] counts as after the reveal while the outcome of the details text is unknown', async () => {
    const buyer = await story.buyer();
    const offer = await story.offer([buyer]);
    const { session } = await story.checkout(offer, buyer);
    // The carrier accepts the text; its response and callbacks are lost.
    system.sandbox.fault({ vendor: 'twilio', kind: 'webhook_withhold' });
    system.sandbox.fault({ vendor: 'twilio', kind: 'reset_after', contains: offer.secret, count: 1 });
    const { paymentIntent } = system.sandbox.act.pay(session);
    await system.text(buyer.phone, offer.secret);
    const { id, status } = await story.unlock(offer, buyer);
    expect(status).toBe('PAID');
    system.sandbox.act.refund(paymentIntent.id, {});

    await story.reaches(offer, buyer, 'REVEAL_DETAILS_SENT');
    await system.until<{ flagged: boolean }>(
      'the buyer to be flagged',
      'SELECT flagged_at IS NOT NULL AS flagged FROM buyers WHERE external_id = $1',
      [buyer.externalId],
      (row) => row?.flagged === true,
    );
    await system.until<{ n: number }>(
      'the operator alert',
      "SELECT count(*)::int AS n FROM alerts WHERE kind = 'payment_refunded' AND subject = $1",
      [`unlock:${id}`],
      (row) => row?.n === 1,
    );
    expect(story.reveals(offer)).toHaveLength(1);
  });
});

describe('parked and repeated work', () => {
  it('[F14] a text with unknown outcome is looked up and repeated with its original wording', async () => {
    const buyer = await story.buyer();
    system.sandbox.fault({ vendor: 'twilio', kind: 'webhook_withhold' });
    system.sandbox.fault({ vendor: 'twilio', kind: 'reset_after', contains: buyer.phone, count: 1 });
    const offer = await story.lead([buyer]);
    await system.text(buyer.phone, 'Reply Y');
    await system.rows("UPDATE buyers SET name = 'Renamed' WHERE external_id = $1", [buyer.externalId]);
    await story.reaches(offer, buyer, 'AWAIT_CONFIRM');
    expect(story.texts(buyer).map((entry) => entry.text?.split(',')[0])).toEqual([buyer.name]);
  });

  it('[F11] an event type without a handler is parked with an alert instead of being re-issued for ever', async () => {
    const id = uuidv7();
    await system.rows(
      `INSERT INTO events (id, occurred_at, type, version, subject, correlation_id, data) VALUES ($1, now(), 'lead.teleported', 9, 'lead:x', $1, '{}')`,
      [id],
    );
    await system.rows(
      `INSERT INTO outbox (event_id, event_at, worker, due_at, queued) SELECT id, occurred_at, 'distributor', now(), false FROM events WHERE id = $1`,
      [id],
    );
    const [row] = await system.until<{ error: string; attempts: number }>(
      'the row to be parked',
      'SELECT last_error AS error, attempts FROM outbox WHERE event_id = $1 AND parked_at IS NOT NULL',
      [id],
      (parked) => parked !== undefined,
    );
    expect(row!.error).toContain('lead.teleported');
    await system.until<{ n: number }>(
      'an alert',
      "SELECT count(*)::int AS n FROM alerts WHERE text LIKE '%lead.teleported%'",
      [],
      (found) => found?.n === 1,
    );
  });

  it('a reveal whose text failed does not become DONE after the hour without a receipt', async () => {
    const buyer = await story.buyer({ email: null });
    const offer = await story.offer([buyer]);
    const { session } = await story.checkout(offer, buyer);
    system.sandbox.act.phone(buyer.phone, { fail: 30003 });
    system.sandbox.act.pay(session);
    await story.reaches(offer, buyer, 'REVEAL_DETAILS_SENT');
    const { id } = await story.unlock(offer, buyer);
    await system.until<{ n: number }>(
      'the failure to be parked',
      "SELECT count(*)::int AS n FROM outbox WHERE parked_at IS NOT NULL AND last_error LIKE '%pay page%'",
      [],
      (found) => (found?.n ?? 0) > 0,
    );
    // Skips the hour after which a text without a receipt counts as delivered.
    await system.rows("UPDATE outbox SET due_at = now() WHERE worker = 'revealer' AND parked_at IS NULL");
    await system.until<{ n: number }>(
      'the check after an hour',
      `SELECT count(*)::int AS n FROM attempts WHERE subject = $1 AND worker = 'revealer' AND outcome = 'skipped'`,
      [`unlock:${id}`],
      (found) => (found?.n ?? 0) > 0,
    );
    expect((await story.unlock(offer, buyer)).status).toBe('REVEAL_DETAILS_SENT');
  });
});
