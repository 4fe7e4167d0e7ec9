import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findUnlock } from '../../src/db/unlock/unlocks.ts';
import { openCheckoutSession } from '../../src/usecases/unlock/checkout.ts';
import { type ApiTest, startApi } from '../harness/api-app.ts';

let api: ApiTest;
beforeAll(async () => {
  api = await startApi({ limits: { payLink: { points: 40, seconds: 60 } } });
});
afterAll(() => api?.stop());

const payable = async (
  body: Record<string, unknown> = {},
): Promise<{ token: string; unlockId: string; leadId: string }> => {
  const leadId = await api.lead(body);
  const [unlock] = await api.unlocksOf(leadId);
  return { leadId, unlockId: unlock!.id, token: await api.toAwaitingPayment(unlock!.id) };
};
const openPage = (token: string, method: 'GET' | 'HEAD' = 'GET') =>
  api.app.inject({ method, url: `/p/${token}` });
const pay = (token: string) =>
  api.app.inject({
    method: 'POST',
    url: `/p/${token}`,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    payload: '',
  });
const details = (token: string) => api.app.inject({ method: 'POST', url: `/p/${token}/details` });
const sessionsOf = (unlockId: string) =>
  api.rows<{ number: number; id: string; state: string; url: string }>(
    'SELECT number, id, state, url FROM checkout_sessions WHERE unlock_id = $1 ORDER BY number',
    [unlockId],
  );
/** Ids of the sessions that Stripe actually created for this unlock. */
const madeAtStripe = (unlockId: string) =>
  new Set(
    api.sandbox.ledger
      .list({ vendor: 'stripe', operation: 'checkout.session.create', accepted: true })
      .filter((entry) => entry.idempotencyKey?.startsWith(`checkout-${unlockId}-`))
      .map((entry) => entry.vendorId),
  );
const inSpanish = async (unlockId: string, run: () => Promise<void>) => {
  const speak = (language: string | null) =>
    api.rows('UPDATE buyers SET language = $2 WHERE id = (SELECT buyer_id FROM lead_unlocks WHERE id = $1)', [
      unlockId,
      language,
    ]);
  await speak('es');
  await run().finally(() => speak(null));
};
/** Ends every other open offer, so that the lists of a test hold its own only. */
const endOthers = (unlockId: string) =>
  api.rows(
    `UPDATE lead_unlocks SET status = 'EXPIRED', reason = 'ttl', closed_at = now() WHERE id <> $1 AND closed_at IS NULL AND paid_at IS NULL`,
    [unlockId],
  );
const contact = /Sarah|Johnson|1234567890|sarah\.johnson|Ocean Drive/;

describe('the pay page before payment', () => {
  it('[S10] shows teaser, price, time left and remaining sales, and nothing of the contact', async () => {
    const { token, leadId } = await payable({ provider_ids: ['provider60', 'provider61', 'provider62'] });
    const page = await openPage(token);
    expect(page.statusCode).toBe(200);
    for (const words of [leadId, '$20', '60 min Mobile Massage', 'Miami', 'hours left', 'Sold 0 of 3'])
      expect(page.body).toContain(words);
    expect(page.body).not.toMatch(contact);
    expect(page.headers).toMatchObject({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' });
    expect(page.headers['content-security-policy']).toContain(`form-action 'self' ${api.sandbox.url}`);
    expect(page.headers['content-security-policy']).not.toContain('unsafe-inline');
    expect((await api.app.inject('/static/pay.css')).statusCode).toBe(200);
  });

  it('names the seller and what is bought, masked, with the rule of refunds', async () => {
    const { token } = await payable({ client_phone: '+13055550199' });
    const { body } = await openPage(token);
    for (const words of [
      'Sold by Gold Touch List',
      'What you get',
      'S•••• J••••',
      '(305) •••-••99',
      'you get your money back in full, automatically',
      'Stripe sends the receipt to your email address.',
    ])
      expect(body).toContain(words);
    expect(body).not.toMatch(/Sarah|Johnson|5550199|email\.com|Ocean/);
  });

  it('a contact that cannot be decrypted is not previewed, and the page opens', async () => {
    const { token, leadId } = await payable();
    await api.rows("UPDATE leads SET contact = 'v1.gone.AAAA' WHERE public_id = $1", [leadId]);
    const page = await openPage(token);
    expect([page.statusCode, page.body.includes('Pay $20'), page.body.includes('What you get')]).toEqual([
      200,
      true,
      false,
    ]);
  });

  it('a buyer of another language reads the page in it', async () => {
    const { token, unlockId } = await payable({ config: { max_sales: 1 } });
    await inSpanish(unlockId, async () => {
      const { body } = await openPage(token);
      for (const words of ['<html lang="es">', 'Vendido por Gold Touch List', 'Pagar $20', 'Vendido 0 de 1'])
        expect(body).toContain(words);
      expect(body).not.toMatch(/\b(Pay|Sold|left|Service)\b/);
      await api.rows(
        `UPDATE lead_unlocks SET status = 'EXPIRED', reason = 'ttl', closed_at = now() WHERE id = $1`,
        [unlockId],
      );
      expect((await openPage(token)).body).toContain('Esta oferta terminó.');
    });
  });

  it('an ended offer names the seller and the other open offers of the buyer alone', async () => {
    const { token, unlockId } = await payable();
    await endOthers(unlockId);
    const open = await payable({ service_type: 'Deep tissue massage', city: 'Tampa' });
    const teased = await api.lead({ service_type: 'Foot massage', city: 'Ocala' });
    const [unanswered] = await api.unlocksOf(teased);
    await api.rows(`UPDATE lead_unlocks SET status = 'AWAIT_CONFIRM' WHERE id = $1`, [unanswered!.id]);
    const foreign = await api.lead({ service_type: 'Hot stone', provider_ids: ['provider61'] });
    const [others] = await api.unlocksOf(foreign);
    await api.toAwaitingPayment(others!.id);
    await api.rows(
      `UPDATE lead_unlocks SET status = 'EXPIRED', reason = 'ttl', closed_at = now() WHERE id = $1`,
      [unlockId],
    );
    const { body } = await openPage(token);
    expect(body).toContain('Sold by Gold Touch List');
    expect(body).toContain(`<a href="/p/${open.token}">Deep tissue massage, Tampa, $20</a>`);
    expect(body).toContain(`Reply Y ${teased} to its text message to buy it.`);
    expect(body).not.toContain('Hot stone');
    expect((await openPage(open.token)).statusCode).toBe(200);
  });

  it("[S10] a bot's GET and HEAD change nothing", async () => {
    const { token, unlockId } = await payable();
    const snapshot = () =>
      api.rows('SELECT row_to_json(u)::text FROM lead_unlocks u WHERE id = $1', [unlockId]);
    const before = [await snapshot(), await api.count('events'), api.sandbox.ledger.lastSeq];
    for (let i = 0; i < 3; i += 1) {
      expect((await openPage(token)).statusCode).toBe(200);
      expect((await openPage(token, 'HEAD')).statusCode).toBe(200);
    }
    expect([await snapshot(), await api.count('events'), api.sandbox.ledger.lastSeq]).toEqual(before);
    expect(await sessionsOf(unlockId)).toEqual([]);
  });

  it('[S10] only the exact token opens the page, and the table stores only its hash', async () => {
    const { token, unlockId } = await payable();
    for (const wrong of [
      token.slice(0, -1),
      `${token}A`,
      token.toLowerCase() === token ? `${token.slice(1)}A` : token.toLowerCase(),
      'A'.repeat(22),
      '%00',
      '..',
    ]) {
      const page = await openPage(wrong);
      expect(page.statusCode, wrong).toBe(404);
      expect((await pay(wrong)).statusCode).toBe(404);
      expect((await details(wrong)).statusCode).toBe(404);
    }
    expect(
      JSON.stringify(await api.rows('SELECT * FROM lead_unlocks WHERE id = $1', [unlockId])),
    ).not.toContain(token);
    const other = api.runtime.links.token(unlockId, 2);
    expect(Buffer.from(token, 'base64url')).toHaveLength(16);
    expect((await openPage(other)).statusCode).toBe(404);
  });

  it('[S15] markup in a field is shown as text', async () => {
    const { token } = await payable({
      service_type: '<img src=x onerror=alert(1)>',
      city: '"><script>1</script>',
    });
    const page = await openPage(token);
    expect(page.body).not.toMatch(/<img|<script/);
    expect(page.body).toContain('&lt;img');
  });

  it.each([
    [`status = 'EXPIRED', reason = 'ttl', closed_at = now()`, 'ended'],
    [`status = 'EXPIRED', reason = 'sold_out', closed_at = now()`, 'sold to others'],
    [`status = 'OPTED_OUT', reason = 'opted_out', closed_at = now()`, 'ended'],
    [`ttl_expires_at = now() - interval '1 second'`, 'ended'],
    [`status = 'AWAIT_CONFIRM'`, 'Reply Y'],
  ])('%s: the page says why, and no session is created', async (change, words) => {
    const { token, unlockId } = await payable();
    await api.rows(`UPDATE lead_unlocks SET ${change} WHERE id = $1`, [unlockId]);
    const page = await openPage(token);
    expect([page.statusCode, page.body.includes(words), page.body.includes('<form')]).toEqual([
      200,
      true,
      false,
    ]);
    const posted = await pay(token);
    expect([posted.statusCode, posted.headers.location]).toEqual([303, `/p/${token}`]);
    expect((await details(token)).statusCode).toBe(303);
    expect(await sessionsOf(unlockId)).toEqual([]);
  });

  it('a lead whose last slot is sold cannot be paid for', async () => {
    const { token, leadId, unlockId } = await payable({
      provider_ids: ['provider60', 'provider61'],
      config: { max_sales: 1 },
    });
    const other = (await api.unlocksOf(leadId)).find((u) => u.id !== unlockId)!;
    await api.rows(
      `UPDATE lead_unlocks SET status = 'PAID', paid_at = now(), paid_by = 'stripe' WHERE id = $1`,
      [other.id],
    );
    await api.rows(
      'INSERT INTO sold_slots (lead_id, slot, unlock_id) SELECT lead_id, 1, id FROM lead_unlocks WHERE id = $1',
      [other.id],
    );
    expect((await openPage(token)).body).toContain('sold to others');
    await pay(token);
    expect(await sessionsOf(unlockId)).toEqual([]);
  });
});

describe('paying', () => {
  it('creates one Checkout Session and redirects to it; a second click reuses the session', async () => {
    const { token, unlockId, leadId } = await payable();
    const first = await pay(token);
    expect(first.statusCode).toBe(303);
    const [session] = await sessionsOf(unlockId);
    expect(session).toMatchObject({ number: 1, state: 'open', url: first.headers.location });
    expect((await pay(token)).headers.location).toBe(first.headers.location);
    expect(await sessionsOf(unlockId)).toHaveLength(1);
    const retrieved = await api.runtime.payments.retrieveCheckout(session!.id);
    expect(retrieved).toMatchObject({
      amount: 2000,
      currency: 'usd',
      status: 'open',
      metadata: { kind: 'unlock', unlock_id: unlockId, lead_id: leadId },
    });
    const opened = await api.rows(
      `SELECT e.data, o.worker, o.queued FROM events e JOIN outbox o ON o.event_id = e.id WHERE e.type = 'checkout.opened' AND e.subject = $1`,
      [`unlock:${unlockId}`],
    );
    expect(opened).toEqual([
      { data: { unlockId, sessionId: session!.id }, worker: 'payment-linker', queued: false },
    ]);
  });

  it.each([
    ['amy@example.com', 'amy@example.com'],
    [null, undefined],
    // Stripe would refuse the whole checkout.
    ['amy@exämple.com', undefined],
    ['amy..@', undefined],
  ])('the receipt of a buyer with the address %s goes to %s', async (email, expected) => {
    const { token, unlockId } = await payable();
    await api.rows(
      'UPDATE buyers SET email = $2 WHERE id = (SELECT buyer_id FROM lead_unlocks WHERE id = $1)',
      [unlockId, email],
    );
    expect((await pay(token)).statusCode).toBe(303);
    const [entry] = api.sandbox.ledger
      .list({ vendor: 'stripe', operation: 'checkout.session.create' })
      .filter((e) => e.idempotencyKey === `checkout-${unlockId}-1`);
    const data = entry!.params.payment_intent_data as Record<string, unknown>;
    expect(data.receipt_email).toBe(expected);
  });

  it('an address that changed after a response was lost does not block the payment', async () => {
    const { token, unlockId } = await payable();
    const fault = api.sandbox.fault({
      vendor: 'stripe',
      path: '/v1/checkout/sessions',
      kind: 'error_after',
      count: 1,
    });
    expect((await pay(token)).statusCode).toBe(503);
    api.sandbox.clearFaults(fault.id);
    await api.rows(
      `UPDATE buyers SET email = 'other@example.com' WHERE id = (SELECT buyer_id FROM lead_unlocks WHERE id = $1)`,
      [unlockId],
    );
    expect((await pay(token)).statusCode).toBe(303);
    expect((await sessionsOf(unlockId)).map((s) => [s.number, s.state])).toEqual([
      [1, 'expired'],
      [2, 'open'],
    ]);
  });

  it('ten simultaneous clicks create one session', async () => {
    const { token, unlockId } = await payable();
    const all = await Promise.all(Array.from({ length: 10 }, () => pay(token)));
    expect(new Set(all.map((r) => `${r.statusCode} ${r.headers.location}`)).size).toBe(1);
    expect(all[0]!.statusCode).toBe(303);
    expect([...madeAtStripe(unlockId)]).toEqual([(await sessionsOf(unlockId))[0]!.id]);
  });

  it('[F14] a session whose response was lost is found by the retry with the same key', async () => {
    const { token, unlockId } = await payable();
    const fault = api.sandbox.fault({
      vendor: 'stripe',
      path: '/v1/checkout/sessions',
      kind: 'error_after',
      count: 1,
    });
    const failed = await pay(token);
    api.sandbox.clearFaults(fault.id);
    expect(failed.statusCode).toBe(503);
    expect(failed.headers['retry-after']).toBeDefined();
    expect(failed.body).toContain('You were not charged');
    expect(failed.body).toContain(`<a class="button" href="/p/${token}">Try again</a>`);
    expect((await sessionsOf(unlockId)).map((s) => s.state)).toEqual(['creating']);
    expect((await pay(token)).statusCode).toBe(303);
    expect((await sessionsOf(unlockId)).map((s) => [s.number, s.state])).toEqual([[1, 'open']]);
    expect([...madeAtStripe(unlockId)]).toEqual([(await sessionsOf(unlockId))[0]!.id]);
  });

  it('Stripe unavailable: a plain sentence, Retry-After, and no session stored', async () => {
    const { token, unlockId } = await payable();
    const fault = api.sandbox.fault({ vendor: 'stripe', kind: 'error', status: 500 });
    const failed = await pay(token);
    api.sandbox.clearFaults(fault.id);
    expect([failed.statusCode, failed.headers['content-type']]).toEqual([503, 'text/html; charset=utf-8']);
    expect(
      await api.rows(`SELECT 1 FROM events WHERE type = 'checkout.opened' AND subject = $1`, [
        `unlock:${unlockId}`,
      ]),
    ).toEqual([]);
    expect((await pay(token)).statusCode).toBe(303);
  });

  it.each([
    ['off its step', 1_505, 'kwd', 'parameter_invalid_integer'],
    ['below the minimum', 50, 'huf', 'amount_too_small'],
  ])(
    'a price that Stripe refuses, %s: the page says so, and an operator is alerted',
    async (_what, price, currency, code) => {
      const { token, unlockId } = await payable();
      await api.rows('UPDATE lead_unlocks SET price_minor = $2, currency = $3 WHERE id = $1', [
        unlockId,
        price,
        currency,
      ]);
      for (let press = 0; press < 2; press += 1) {
        const refused = await pay(token);
        expect(refused.statusCode).toBe(409);
        expect(refused.body).toContain('does not accept this payment');
        expect(refused.body).not.toContain('try again');
        expect(refused.body).toContain('Sold by');
      }
      await inSpanish(unlockId, async () => {
        expect((await pay(token)).body).toContain('El servicio de pagos no acepta este pago');
      });
      const events = await api.rows<{ code: string }>(
        `SELECT DISTINCT data->>'code' AS code FROM events WHERE type = 'checkout.refused' AND subject = $1`,
        [`unlock:${unlockId}`],
      );
      expect(events).toEqual([{ code }]);
      // Corrected, it can be paid.
      await api.rows("UPDATE lead_unlocks SET price_minor = 2000, currency = 'usd' WHERE id = $1", [
        unlockId,
      ]);
      expect((await pay(token)).statusCode).toBe(303);
    },
  );

  it('whether an offer can still be paid for is judged by the database’s clock', async () => {
    const { unlockId } = await payable();
    const atTheEnd = { ...api.runtime.selfCheck, now: () => new Date(Date.now() + 7 * 86_400_000) };
    const late = { ...api.runtime, selfCheck: atTheEnd };
    const unlock = (await findUnlock(api.runtime.db, unlockId))!;
    expect(await openCheckoutSession(late, unlock, null)).toEqual({ kind: 'closed' });
    expect(await openCheckoutSession(api.runtime, unlock, null)).toMatchObject({ kind: 'open' });
  });

  it('a new session is created only after Stripe reported the previous one expired', async () => {
    const { token, unlockId } = await payable();
    await pay(token);
    const [former] = await sessionsOf(unlockId);
    await api.rows(`UPDATE checkout_sessions SET expires_at = now() WHERE unlock_id = $1`, [unlockId]);
    const next = await pay(token);
    const sessions = await sessionsOf(unlockId);
    expect(sessions.map((s) => [s.number, s.state])).toEqual([
      [1, 'expired'],
      [2, 'open'],
    ]);
    expect(next.headers.location).toBe(sessions[1]!.url);
    expect((await api.runtime.payments.retrieveCheckout(former!.id)).status).toBe('expired');
  });

  it('a session that Stripe reports paid is not replaced: the page waits for the payment to be booked', async () => {
    const { token, unlockId } = await payable();
    await pay(token);
    const [session] = await sessionsOf(unlockId);
    await api.rows(`UPDATE checkout_sessions SET expires_at = now() WHERE unlock_id = $1`, [unlockId]);
    await api.sandbox.act.pay(session!.id);
    const posted = await pay(token);
    expect(posted.headers.location).toBe(`/p/${token}?from=checkout`);
    expect(await sessionsOf(unlockId)).toHaveLength(1);
    const page = await api.app.inject(`/p/${token}?from=checkout`);
    expect(page.body).toContain('confirming your payment');
    expect(page.body).not.toContain('<form');
  });

  it('[S16] field values cannot add lines, links or templates to the Checkout page', async () => {
    const { token, unlockId } = await payable({
      service_type: 'Massage\nFREE: https://evil.example/x {{price}}',
      city: 'Miami\r\nPay elsewhere',
    });
    await pay(token);
    const [entry] = api.sandbox.ledger
      .list({ vendor: 'stripe', operation: 'checkout.session.create' })
      .filter((e) => e.idempotencyKey === `checkout-${unlockId}-1`);
    const sentToStripe = JSON.stringify(entry!.params);
    expect(sentToStripe).toContain('Massage FREE:');
    expect(sentToStripe).not.toMatch(/evil\.example|\\n|\\r/);
  });

  it("a session lives between 30 minutes and 24 hours, following the offer's remaining time", async () => {
    const lifetimes: number[] = [];
    for (const ttl_hours of [0.1, 5, 100]) {
      const { token, unlockId } = await payable({ config: { ttl_hours } });
      await pay(token);
      const [row] = await api.rows<{ hours: number }>(
        'SELECT (extract(epoch FROM expires_at - created_at) / 3600)::float8 AS hours FROM checkout_sessions WHERE unlock_id = $1',
        [unlockId],
      );
      lifetimes.push(row!.hours);
    }
    expect(lifetimes[0]).toBeCloseTo(0.5, 1);
    expect(lifetimes[1]).toBeCloseTo(5, 1);
    expect(lifetimes[2]).toBeCloseTo(24, 1);
  });

  it('[S11] clicks on one link are rate limited', async () => {
    const { token } = await payable();
    const statuses: number[] = [];
    for (let i = 0; i < 42; i += 1) statuses.push((await pay(token)).statusCode);
    expect(statuses.slice(0, 40).every((s) => s === 303)).toBe(true);
    expect(statuses.slice(40)).toEqual([429, 429]);
  });
});

describe('after payment', () => {
  it.each([
    ['en', 'Payment received', 'You do not need to pay again'],
    ['es', 'Pago recibido', 'No necesita pagar de nuevo'],
  ])(
    'a payment held for a check (%s): the page says so, and another session cannot be opened',
    async (language, title, words) => {
      const { token, unlockId } = await payable();
      await pay(token);
      const sessions = await sessionsOf(unlockId);
      await api.rows(
        'UPDATE checkout_sessions SET quarantined_at = now(), expires_at = now() WHERE unlock_id = $1',
        [unlockId],
      );
      await api.rows(
        'UPDATE buyers SET language = $2 WHERE id = (SELECT buyer_id FROM lead_unlocks WHERE id = $1)',
        [unlockId, language],
      );
      for (const path of [`/p/${token}`, `/p/${token}?from=checkout`]) {
        const page = await api.app.inject(path);
        expect(page.body).toContain(`<html lang="${language}">`);
        for (const shown of [title, words]) expect(page.body).toContain(shown);
        expect(page.body).not.toMatch(/<form|http-equiv/);
        expect(page.body).not.toMatch(contact);
      }
      expect((await pay(token)).headers.location).toBe(`/p/${token}`);
      // Also a click that passed the page before the payment was held.
      const unlock = (await findUnlock(api.runtime.db, unlockId))!;
      expect(await openCheckoutSession(api.runtime, unlock, null)).toEqual({ kind: 'held' });
      await api.rows(`UPDATE checkout_sessions SET state = 'expired' WHERE unlock_id = $1`, [unlockId]);
      expect(await openCheckoutSession(api.runtime, unlock, null)).toEqual({ kind: 'held' });
      expect((await sessionsOf(unlockId)).map(({ id }) => id)).toEqual(sessions.map(({ id }) => id));
      await api.rows(
        'UPDATE buyers SET language = NULL WHERE id = (SELECT buyer_id FROM lead_unlocks WHERE id = $1)',
        [unlockId],
      );
    },
  );

  it('[F72] a payment to be refunded is shown as such, on its way, and as refunded only once it is', async () => {
    const { token, unlockId } = await payable();
    await pay(token);
    const [session] = await sessionsOf(unlockId);
    await api.rows(`UPDATE checkout_sessions SET state = 'complete' WHERE unlock_id = $1`, [unlockId]);
    await api.rows(
      `UPDATE lead_unlocks SET status = 'EXPIRED', reason = 'sold_out', closed_at = now() WHERE id = $1`,
      [unlockId],
    );
    expect((await openPage(token)).body).toContain('confirming your payment');
    await api.rows(
      `INSERT INTO payments (id, organization_id, purpose, subject_id, unlock_id, payment_intent, session_id, amount_minor, currency, kept)
        VALUES (gen_random_uuid(), $1, 'unlock', $2, $2, 'pi_returned', $3, 2000, 'usd', false)`,
      [api.organizationId, unlockId, session!.id],
    );
    const expectWords = async (english: string, spanish: string) => {
      expect((await openPage(token)).body).toContain(english);
      await inSpanish(unlockId, async () => expect((await openPage(token)).body).toContain(spanish));
    };
    await expectWords('will be refunded in full', 'Le devolveremos su pago por completo');
    await api.rows('UPDATE payments SET refunding_minor = 2000 WHERE unlock_id = $1', [unlockId]);
    await expectWords(
      'is being refunded in full. Your bank has not confirmed it yet',
      'Su banco todavía no lo ha confirmado',
    );
    await api.rows('UPDATE payments SET refunding_minor = 0, refunded_minor = 2000 WHERE unlock_id = $1', [
      unlockId,
    ]);
    await expectWords('was refunded in full', 'Su pago fue devuelto por completo');
    // Paid twice: an older payment that is still owed is not hidden by a newer one that went back.
    await api.rows(
      `INSERT INTO payments (id, organization_id, purpose, subject_id, unlock_id, payment_intent, session_id, amount_minor, currency, kept, created_at)
        VALUES (gen_random_uuid(), $1, 'unlock', $2, $2, 'pi_owed', $3, 2000, 'usd', false, now() - interval '1 hour')`,
      [api.organizationId, unlockId, session!.id],
    );
    await expectWords('will be refunded in full', 'Le devolveremos su pago por completo');
    // The bank has returned it instead.
    await api.rows(
      `INSERT INTO disputes (id, payment_id, amount_minor, withdrawn_minor, kind, status, reason)
        SELECT 'du_lost', id, 2000, 2000, 'lost', 'lost', 'fraudulent' FROM payments WHERE payment_intent = 'pi_owed'`,
    );
    await expectWords('was refunded in full', 'Su pago fue devuelto por completo');
  });

  it('[F72] of a payment that is kept, what went back and what is on its way are told apart', async () => {
    const { token, unlockId } = await payable();
    await pay(token);
    const [session] = await sessionsOf(unlockId);
    await api.rows(
      `UPDATE lead_unlocks SET status = 'PAID', paid_at = now(), paid_by = 'stripe' WHERE id = $1`,
      [unlockId],
    );
    await api.rows(
      `INSERT INTO payments (id, organization_id, purpose, subject_id, unlock_id, payment_intent, session_id, amount_minor, currency, kept, refunded_minor, refunding_minor)
        VALUES (gen_random_uuid(), $1, 'unlock', $2, $2, 'pi_in_parts', $3, 2000, 'usd', true, 501, 300)`,
      [api.organizationId, unlockId, session!.id],
    );
    const { body } = await openPage(token);
    expect(body).toContain('$5.01 of your payment went back to you.');
    expect(body).toContain('$3 of your payment is being refunded. Your bank has not confirmed it yet.');
    await inSpanish(unlockId, async () =>
      expect((await openPage(token)).body).toContain('Se están devolviendo $3 de su pago.'),
    );
  });

  it('a POST shows the details, and only the first view is recorded as an event', async () => {
    const { token, unlockId } = await payable();
    await api.rows(
      `UPDATE lead_unlocks SET status = 'PAID', paid_at = now(), paid_by = 'stripe' WHERE id = $1`,
      [unlockId],
    );
    const page = await openPage(token);
    expect(page.body).toContain('Show details');
    expect(page.body).not.toMatch(contact);
    for (let i = 0; i < 2; i += 1) {
      const shown = await details(token);
      expect(shown.statusCode).toBe(200);
      expect(shown.body).toContain('href="mailto:sarah.johnson@email.com"');
      expect(shown.body).toContain('href="tel:+1234567890"');
      for (const words of [
        'Sarah Johnson',
        '+1234567890',
        'sarah.johnson@email.com',
        '123 Ocean Drive',
        'deep tissue',
      ])
        expect(shown.body).toContain(words);
    }
    const events = await api.rows<{ type: string }>('SELECT type FROM events WHERE subject = $1', [
      `unlock:${unlockId}`,
    ]);
    expect(events).toEqual([{ type: 'reveal.viewed' }]);
    expect((await pay(token)).headers.location).toBe(`/p/${token}`);
    expect(await sessionsOf(unlockId)).toEqual([]);
  });
});
