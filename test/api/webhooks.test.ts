import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiTest, amy, publicUrl, startApi } from '../harness/api-app.ts';

let api: ApiTest;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api?.stop());

let made = 0;
const eventOf = (type: string, object: Record<string, unknown>, more: Record<string, unknown> = {}) => {
  made += 1;
  return {
    id: `evt_${made}`,
    object: 'event',
    type,
    created: Math.floor(Date.now() / 1000),
    livemode: false,
    data: { object },
    ...more,
  };
};
const session = (unlockId: string, more: Record<string, unknown> = {}) => ({
  id: `cs_test_${unlockId}`,
  object: 'checkout.session',
  payment_status: 'paid',
  metadata: { kind: 'unlock', unlock_id: unlockId, lead_id: 'lead_x' },
  ...more,
});
const newUnlock = async (): Promise<string> => (await api.unlocksOf(await api.lead()))[0]!.id;
const eventsOf = (unlockId: string) =>
  api.rows<{ type: string; data: Record<string, string> }>(
    `SELECT type, data FROM events WHERE subject = $1 ORDER BY occurred_at`,
    [`unlock:${unlockId}`],
  );

describe('Stripe', () => {
  it.each(['/webhook/stripe', '/api/webhooks/stripe'])(
    '[F18] %s: fifty simultaneous deliveries of one event store one row and one event',
    async (path) => {
      const unlockId = await newUnlock();
      const event = eventOf('checkout.session.completed', session(unlockId));
      const all = await Promise.all(Array.from({ length: 50 }, () => api.stripePost(event, { path })));
      expect(all.map((r) => r.statusCode)).toEqual(Array(50).fill(200));
      expect(await eventsOf(unlockId)).toEqual([
        { type: 'payment.reported', data: { unlockId, sessionId: `cs_test_${unlockId}` } },
      ]);
      const inbox = await api.rows('SELECT kind FROM inbox WHERE external_id = $1', [event.id]);
      expect(inbox).toEqual([{ kind: 'checkout.session.completed' }]);
    },
  );

  it('[F19] a completed but unpaid session waits for the money', async () => {
    const unlockId = await newUnlock();
    await api.stripePost(
      eventOf('checkout.session.completed', session(unlockId, { payment_status: 'unpaid' })),
    );
    expect(await eventsOf(unlockId)).toEqual([]);
    await api.stripePost(eventOf('checkout.session.async_payment_succeeded', session(unlockId)));
    expect((await eventsOf(unlockId)).map((e) => e.type)).toEqual(['payment.reported']);
  });

  it('an expired or failed session ends the checkout', async () => {
    for (const type of ['checkout.session.expired', 'checkout.session.async_payment_failed']) {
      const unlockId = await newUnlock();
      await api.stripePost(eventOf(type, session(unlockId, { payment_status: 'unpaid' })));
      expect((await eventsOf(unlockId)).map((e) => e.type)).toEqual(['checkout.ended']);
    }
  });

  it('refunds and disputes name the payment, in any order of arrival', async () => {
    const unlockId = await newUnlock();
    const metadata = { kind: 'unlock', unlock_id: unlockId };
    await api.stripePost(eventOf('charge.refunded', { id: 'ch_1', payment_intent: 'pi_1', metadata }));
    await api.rows(
      `INSERT INTO payments (id, organization_id, purpose, subject_id, unlock_id, payment_intent, session_id, amount_minor, currency, kept)
        VALUES ($1, $2, 'unlock', $3, $3, 'pi_1', 'cs_1', 2000, 'usd', true)`,
      [uuidv7(), api.organizationId, unlockId],
    );
    await api.stripePost(eventOf('charge.dispute.created', { id: 'dp_1', payment_intent: 'pi_1' }));
    expect(await eventsOf(unlockId)).toEqual(
      Array(2).fill({ type: 'payment.changed', data: { paymentIntent: 'pi_1' } }),
    );
  });

  it('events from which nothing follows are answered and not stored', async () => {
    const unlockId = await newUnlock();
    const before = await api.count('events');
    const foreign = [
      eventOf(
        'checkout.session.completed',
        session(unlockId, { metadata: { kind: 'wallet', unlock_id: unlockId } }),
      ),
      eventOf('checkout.session.completed', session(unlockId, { metadata: {} })),
      eventOf('checkout.session.completed', session(uuidv7())),
      eventOf('checkout.session.completed', session("'; DROP TABLE leads")),
      eventOf('charge.refunded', { id: 'ch_2', payment_intent: 'pi_foreign', metadata: { kind: 'wallet' } }),
      eventOf('charge.dispute.created', { id: 'dp_2', payment_intent: 'pi_unknown' }),
      eventOf('customer.created', { id: 'cus_1' }),
      eventOf('checkout.session.unheard_of', session(unlockId)),
    ];
    for (const event of foreign) expect((await api.stripePost(event)).statusCode).toBe(200);
    expect(await api.count('events')).toBe(before);
    const stored = await api.rows('SELECT 1 FROM inbox WHERE external_id = ANY($1)', [
      foreign.map((e) => e.id),
    ]);
    expect(stored).toEqual([]);
  });

  const refusals: [string, Parameters<ApiTest['stripePost']>[1], Record<string, unknown>?][] = [
    ['a wrong secret', { secret: 'whsec_other' }],
    ['no signature', { signature: '' }],
    ['a signature of other bytes', { signature: `t=${Math.floor(Date.now() / 1000)},v1=${'0'.repeat(64)}` }],
    ['301 seconds old', { at: Date.now() - 301_000 }],
    ['live money for a test key', {}, { livemode: true }],
    ['an account that is not ours', {}, { account: 'acct_other' }],
  ];
  it.each(refusals)('[S01] %s is a 400 and stores nothing', async (_name, options, more = {}) => {
    const unlockId = await newUnlock();
    const before = [await api.count('inbox'), await api.count('events')];
    const response = await api.stripePost(
      eventOf('checkout.session.completed', session(unlockId), more),
      options,
    );
    expect([response.statusCode, response.json().code]).toEqual([400, 'bad_signature']);
    expect([await api.count('inbox'), await api.count('events')]).toEqual(before);
  });

  it('[S01] a body with one byte changed, or re-serialized, fails verification', async () => {
    const event = eventOf('checkout.session.completed', session(await newUnlock()));
    const signed = await api.stripePost(event);
    expect(signed.statusCode).toBe(200);
    const { headers } = signed.raw.req as unknown as { headers: Record<string, string> };
    const signature = headers['stripe-signature']!;
    const pretty = JSON.stringify(event, null, 2);
    for (const payload of [
      pretty.replace('evt_', 'evT_'),
      JSON.stringify(event),
      `${pretty} `,
      `\ufeff${pretty}`,
      '',
    ]) {
      const response = await api.app.inject({
        method: 'POST',
        url: '/webhook/stripe',
        headers: { 'content-type': 'application/json', 'stripe-signature': signature },
        payload,
      });
      expect(response.statusCode).toBe(400);
    }
  });

  it('[S01] both secrets are accepted during a rotation', async () => {
    const rotating = await startApi({
      env: { STRIPE_SECRET_KEY: 'sk_test_x', STRIPE_WEBHOOK_SECRET: 'whsec_new, whsec_old' },
    });
    try {
      for (const [secret, status] of [
        ['whsec_new', 200],
        ['whsec_old', 200],
        ['whsec_older', 400],
      ] as const) {
        expect(
          (await rotating.stripePost(eventOf('customer.created', { id: 'cus' }), { secret })).statusCode,
        ).toBe(status);
      }
    } finally {
      await rotating.stop();
    }
  });

  it('[S04] another content type is a 415, more than 256 KB a 413', async () => {
    const event = eventOf('customer.created', { id: 'cus' });
    expect((await api.stripePost(event, { contentType: 'text/plain' })).statusCode).toBe(415);
    expect((await api.stripePost({ ...event, padding: 'x'.repeat(250_000) })).statusCode).toBe(200);
    expect((await api.stripePost({ ...event, padding: 'x'.repeat(270_000) })).statusCode).toBe(413);
  });
});

describe('Twilio', () => {
  const inbound = (more: Record<string, string> = {}) => ({
    MessageSid: `SM${'a'.repeat(32)}`,
    From: amy,
    To: api.config.twilio.phoneNumber,
    Body: 'hello',
    ...more,
  });

  it('[S02] a text verifies by its signature over the public URL; forwarded headers change nothing', async () => {
    const spoofed = {
      host: 'evil.example',
      'x-forwarded-host': 'evil.example',
      'x-forwarded-proto': 'https',
      'x-forwarded-for': '127.0.0.1',
    };
    const response = await api.twilioPost('/webhook/twilio/sms', inbound({ MessageSid: 'SMspoof' }), spoofed);
    expect(response.statusCode).toBe(200);
    expect(response.headers['content-type']).toContain('text/xml');
    expect(response.body).toContain('<Response/>');
  });

  it('[S02] [S03] a wrong signature or account is a 403 and stores nothing', async () => {
    const before = await Promise.all(['inbox', 'phones', 'events'].map(api.count));
    const params = inbound({ From: '+13055550199' });
    const attempts = [
      api.twilioPost('/webhook/twilio/sms', params, { 'x-twilio-signature': 'AAAA' }),
      api.twilioPost('/webhook/twilio/sms', params, { 'x-twilio-signature': '' }),
      api.app.inject({
        method: 'POST',
        url: '/webhook/twilio/sms',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        payload: new URLSearchParams(params).toString(),
      }),
      api.twilioPost(
        '/webhook/twilio/status',
        { MessageSid: 'SM1', MessageStatus: 'delivered' },
        { 'x-twilio-signature': 'AAAA' },
      ),
    ];
    for (const response of await Promise.all(attempts)) {
      expect([response.statusCode, response.json().code]).toEqual([403, 'bad_signature']);
    }
    const json = await api.app.inject({ method: 'POST', url: '/webhook/twilio/sms', payload: params });
    expect(json.statusCode).toBe(415);
    expect(await Promise.all(['inbox', 'phones', 'events'].map(api.count))).toEqual(before);
  });

  it('[F24] the same MessageSid twice, also simultaneously, is one text', async () => {
    const id = await api.lead();
    const [unlock] = await api.unlocksOf(id);
    await api.rows(`UPDATE lead_unlocks SET status = 'AWAIT_CONFIRM', teased_at = now() WHERE id = $1`, [
      unlock!.id,
    ]);
    const all = await Promise.all(Array.from({ length: 10 }, () => api.text(amy, `Y ${id}`, 'SMsame')));
    expect(all.map((r) => r.statusCode)).toEqual(Array(10).fill(200));
    expect((await eventsOf(unlock!.id)).map((e) => e.type)).toEqual(['reply.accepted']);
  });

  it('a signed text with fields missing is a 400, never a 500', async () => {
    for (const params of [{}, { MessageSid: 'SMx' }, { MessageSid: 'SMx', From: amy }] as Record<
      string,
      string
    >[]) {
      expect((await api.twilioPost('/webhook/twilio/sms', params)).statusCode).toBe(400);
    }
  });
});

it('the sandbox signs the same URL that the API verifies', () => {
  expect(api.config.publicUrl).toBe(publicUrl);
});
