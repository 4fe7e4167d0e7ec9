import { createPublicKey, verify } from 'node:crypto';
import got from 'got';
import twilio from 'twilio';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { accountSid, mailMessage, openSandbox, ourNumber, phone, text } from '../harness/sandbox-clients.ts';

const { sandbox, product, reset, close, twilioClient, mailClient, textmagic, control } = await openSandbox();
const sms = twilioClient();
const mail = mailClient();

afterEach(reset);
afterAll(close);

describe('twilio', () => {
  it.each([
    ['a bad number', text({ to: '12' }), 21211, 400],
    ['a number that is magic', text({ to: '+15005550001' }), 21211, 400],
    ['a landline', text({ to: '+15005550009' }), 21614, 400],
    ['a foreign sender', text({ from: '+13105550999' }), 21606, 400],
    ['a body over 1,600 characters', text({ body: 'x'.repeat(1601) }), 21617, 400],
    ['a body that is empty', text({ body: '' }), 21602, 400],
  ])('refuses %s', async (_name, message, code, status) => {
    await expect(sms.messages.create(message)).rejects.toMatchObject({ code, status });
    expect(sandbox.ledger.list({ outcome: 'refused' })[0]?.error?.code).toBe(code);
    expect(sandbox.ledger.list({ accepted: true })).toEqual([]);
  });

  it('a wrong token is a 20003, an unknown parameter a 20001', async () => {
    await expect(twilioClient('other').messages.create(text())).rejects.toMatchObject({
      code: 20003,
      status: 401,
    });
    const raw = await got.post(`${sandbox.url}/2010-04-01/Accounts/${accountSid}/Messages.json`, {
      username: accountSid,
      password: 'sandbox-twilio-token',
      form: { To: phone, From: ourNumber, Body: 'x', Colour: 'red' },
      throwHttpErrors: false,
    });
    expect([raw.statusCode, JSON.parse(raw.body).code]).toEqual([400, 20001]);
  });

  it('delivers with signed callbacks in order, and lists accepted messages', async () => {
    const statusCallback = `${product.url}/status/eff_1?x=1`;
    const message = await sms.messages.create(text({ statusCallback }));
    expect(message).toMatchObject({ status: 'queued', direction: 'outbound-api', numSegments: '1' });
    await sandbox.webhooks.wait({ event: 'message.delivered', objectId: message.sid });
    const callbacks = product.hits.map((hit) => Object.fromEntries(new URLSearchParams(hit.body)));
    expect(callbacks.map((params) => params.MessageStatus)).toEqual(['queued', 'sent', 'delivered']);
    const signature = String(product.hits[0]?.headers['x-twilio-signature']);
    expect(
      twilio.validateRequest('sandbox-twilio-token', signature, statusCallback, callbacks[0] ?? {}),
    ).toBe(true);
    expect((await sms.messages(message.sid).fetch()).status).toBe('delivered');
    const since = new Date(Date.now() - 60_000);
    expect((await sms.messages.list({ to: phone, dateSentAfter: since })).map(({ sid }) => sid)).toEqual([
      message.sid,
    ]);
    expect(await sms.messages.list({ to: phone, dateSentBefore: since })).toEqual([]);
    expect(await sms.messages.list({ to: '+13105550999' })).toEqual([]);
  });

  it('its list is paginated', async () => {
    for (const body of ['1', '2', '3']) await sms.messages.create(text({ body }));
    expect((await sms.messages.list({ to: phone, pageSize: 2 })).map(({ body }) => body)).toEqual([
      '3',
      '2',
      '1',
    ]);
  });

  it.each([
    ['+15005530003', 30003],
    ['+15005530006', 30006],
  ])('accepts %s and reports it undelivered with %i', async (to, code) => {
    await sms.messages.create(text({ to, statusCallback: `${product.url}/status` }));
    await sandbox.webhooks.wait({ event: 'message.undelivered' });
    const last = new URLSearchParams(product.hits.at(-1)?.body);
    expect([last.get('MessageStatus'), last.get('ErrorCode')]).toEqual(['undelivered', String(code)]);
  });

  it('posts a signed inbound reply and handles STOP and START itself', async () => {
    const { body } = await control('POST', `phones/${encodeURIComponent(phone)}/reply`, {
      text: 'STOP',
      messageSid: 'SMtwice',
    });
    expect(body).toEqual({ messageSid: 'SMtwice', provider: 'twilio' });
    await sandbox.webhooks.wait({ event: 'message.inbound', objectId: 'SMtwice' });
    const hit = product.hits[0];
    const params = Object.fromEntries(new URLSearchParams(hit?.body));
    expect(params).toMatchObject({ From: phone, To: ourNumber, Body: 'STOP', MessageSid: 'SMtwice' });
    const signature = String(hit?.headers['x-twilio-signature']);
    expect(
      twilio.validateRequest('sandbox-twilio-token', signature, `${product.url}/inbound?shop=1`, params),
    ).toBe(true);
    await expect(sms.messages.create(text())).rejects.toMatchObject({ code: 21610 });
    sandbox.act.reply(phone, { text: 'yes' });
    await expect(sms.messages.create(text())).resolves.toMatchObject({ status: 'queued' });
    const bubbles = (await control('GET', `phones/${encodeURIComponent(phone)}`)).body.bubbles;
    expect(bubbles.map((bubble: { by: string }) => bubble.by)).toEqual([
      'phone',
      'carrier',
      'phone',
      'carrier',
      'app',
    ]);
  });

  it('with Advanced Opt-Out tells the webhook which keyword it recognized, and confirms it', async () => {
    sandbox.configure({ twilio: { advancedOptOut: { stop: ['Pausa'] } } });
    const said = ['pausa', 'stop', 'stop please', 'START', 'help'];
    for (const text of said) {
      const { messageSid } = sandbox.act.reply(phone, { text });
      await sandbox.webhooks.wait({ event: 'message.inbound', objectId: messageSid });
    }
    sandbox.configure({ twilio: { advancedOptOut: null } });
    const types = product.hits.map((hit) => new URLSearchParams(hit.body).get('OptOutType'));
    expect(types).toEqual(['STOP', 'STOP', null, 'START', 'HELP']);
    const confirmed = sandbox.ledger.list({ operation: 'message.confirm', to: phone });
    expect(confirmed.map(({ params }) => params.keyword)).toEqual(['stop', 'start', 'help']);
  });

  it('sends what a webhook responds as TwiML or, like the real one, as plain text', async () => {
    product.answers.push({ status: 200, body: '<Response><Message>Tea &amp; cake</Message></Response>' });
    product.answers.push({ status: 200, type: 'text/plain', body: 'OK' });
    sandbox.act.reply(phone, { text: 'Y' });
    await sandbox.ledger.wait({ operation: 'message.create', to: phone, contains: 'Tea & cake' });
    sandbox.act.reply(phone, { text: 'Y' });
    await sandbox.ledger.wait({ operation: 'message.create', to: phone, contains: 'OK' });
  });

  it('retries a webhook only as its connection overrides say', async () => {
    product.answers.push({ status: 503 });
    sandbox.act.reply(phone, { text: 'Y' });
    await sandbox.webhooks.wait({ event: 'message.inbound', state: 'failed' });
    sandbox.configure({ twilio: { inboundUrl: `${product.url}/inbound#rc=2&rp=all` } });
    product.answers.push({ status: 503 });
    sandbox.act.reply(phone, { text: 'Y' });
    const [hook] = await sandbox.webhooks.wait({ event: 'message.inbound', state: 'delivered' });
    expect(hook?.attempts.map((attempt) => attempt.status)).toEqual([503, 200]);
    sandbox.configure({ twilio: { inboundUrl: `${product.url}/inbound?shop=1` } });
  });
});

describe('textmagic', () => {
  const send = (form: Record<string, string>) =>
    textmagic().post<Record<string, never>>('messages', { form });

  it('sends, reports delivery, and finds the message by its reference', async () => {
    const sent = await send({ phones: '13105550123', text: 'Hello', referenceId: 'eff_9' });
    expect(sent.statusCode).toBe(201);
    expect(sent.body).toMatchObject({ type: 'message' });
    const id = String(sent.body.messageId);
    await sandbox.webhooks.wait({ vendor: 'textmagic', event: 'message.delivered', objectId: id });
    expect((await textmagic().get(`messages/${id}`)).body).toMatchObject({
      status: 'd',
      receiver: '13105550123',
    });
    const search = await textmagic().get<{ resources: { id: number }[] }>('messages/search?query=eff_9');
    expect(search.body.resources.map((message) => String(message.id))).toEqual([id]);
    expect(sandbox.ledger.list({ vendor: 'textmagic', accepted: true })).toMatchObject([
      { to: phone, reference: 'eff_9' },
    ]);
  });

  it.each([
    ['a plus in front', { phones: '+13105550123', text: 'x' }, 'phones'],
    ['no text', { phones: '13105550123', text: '' }, 'text'],
    ['a foreign sender', { phones: '13105550123', text: 'x', from: '13105550999' }, 'from'],
    ['too many parts', { phones: '13105550123', text: 'x'.repeat(1000) }, 'text'],
    ['an unknown field', { phones: '13105550123', text: 'x', colour: 'red' }, 'colour'],
  ])('refuses %s', async (_name, form, field) => {
    const refused = await send(form);
    expect(refused.statusCode).toBe(400);
    expect(refused.body).toMatchObject({
      code: 400,
      message: 'Validation Failed',
      errors: { fields: { [field]: [expect.any(String)] } },
    });
  });

  it('a wrong key is a 401', async () => {
    expect((await textmagic('other').get('ping')).statusCode).toBe(401);
    expect((await textmagic().get('ping')).body).toEqual({ ping: 'pong' });
  });

  it.each([
    ['multipart', 'multipart/form-data', 'name="text"\r\n\r\nY please\r\n'],
    ['urlencoded', 'application/x-www-form-urlencoded', 'text=Y+please'],
    ['json', 'application/json', '"text":"Y please"'],
  ] as const)('posts its callback as %s, and the message can be fetched', async (format, type, part) => {
    await control('POST', 'configure', { textmagic: { format } });
    const { messageSid } = sandbox.act.reply(phone, { text: 'Y please', provider: 'textmagic' });
    await sandbox.webhooks.wait({ vendor: 'textmagic', objectId: messageSid });
    expect(product.hits[0]?.headers['content-type']).toContain(type);
    expect(product.hits[0]?.body).toContain(part);
    expect((await textmagic().get(`replies/${messageSid}`)).body).toMatchObject({
      sender: '13105550123',
      text: 'Y please',
    });
  });

  it('STOP unsubscribes the number', async () => {
    sandbox.act.reply(phone, { text: 'stop', provider: 'textmagic' });
    expect((await send({ phones: '13105550123', text: 'x' })).statusCode).toBe(400);
    const list = await textmagic().get<{ resources: unknown[] }>('unsubscribers');
    expect(list.body.resources).toMatchObject([{ phone: '13105550123' }]);
  });
});

describe('sendgrid', () => {
  it('accepts a mail, reports it in signed batches, and finds it by its custom argument', async () => {
    const [response] = await mail.send(mailMessage({ to: ['a@leads.example', 'b@leads.example'] }));
    expect([response.statusCode, response.body]).toEqual([202, '']);
    const id = String(response.headers['x-message-id']);
    await sandbox.webhooks.wait({ event: 'mail.delivered', objectId: id });
    const hit = product.hits[0];
    expect(hit?.body.endsWith(']\r\n')).toBe(true);
    const key = createPublicKey({
      key: Buffer.from(sandbox.sendgridPublicKey, 'base64'),
      format: 'der',
      type: 'spki',
    });
    const stamp = String(hit?.headers['x-twilio-email-event-webhook-timestamp']);
    const signature = Buffer.from(String(hit?.headers['x-twilio-email-event-webhook-signature']), 'base64');
    expect(verify('sha256', Buffer.from(stamp + hit?.body), key, signature)).toBe(true);
    expect(JSON.parse(hit?.body ?? '')).toMatchObject([
      {
        event: 'processed',
        email: 'a@leads.example',
        effect_id: 'eff_1',
        sg_message_id: expect.stringMatching(`^${id}\\.`),
      },
      { event: 'processed', email: 'b@leads.example' },
    ]);
    const search = async (query: string) =>
      got(`${sandbox.url}/v3/messages`, {
        searchParams: { query, limit: 10 },
        headers: { authorization: 'Bearer SG.sandbox.leadgate' },
      }).json<{ messages: { to_email: string; status: string }[] }>();
    const known = await search(`to_email="a@leads.example" AND unique_args['effect_id']="eff_1"`);
    expect(known.messages).toMatchObject([{ to_email: 'a@leads.example', status: 'delivered' }]);
    expect((await search(`unique_args['effect_id']="eff_2"`)).messages).toEqual([]);
  });

  it.each([
    ['bounce', 'mail.bounce'],
    ['drop', 'mail.dropped'],
  ])('a mail to %s@ fails', async (box, event) => {
    await mail.send(mailMessage({ to: `${box}@leads.example` }));
    await sandbox.webhooks.wait({ event });
    expect((await control('GET', 'mailbox')).body.emails).toMatchObject([{ status: 'not_delivered' }]);
  });

  it.each([
    [
      'no content',
      {
        personalizations: [{ to: [{ email: 'a@b.example' }] }],
        from: { email: 'a@b.example' },
        subject: 's',
      },
      'content',
    ],
    [
      'no recipient',
      { personalizations: [{ to: [] }], from: { email: 'a@b.example' } },
      'personalizations.0.to',
    ],
    [
      'an unknown field',
      {
        colour: 'red',
        personalizations: [{ to: [{ email: 'a@b.example' }] }],
        from: { email: 'a@b.example' },
      },
      'colour',
    ],
  ])('refuses %s', async (_name, json, field) => {
    const headers = { authorization: 'Bearer SG.sandbox.leadgate' };
    const response = await got.post(`${sandbox.url}/v3/mail/send`, { json, headers, throwHttpErrors: false });
    expect(response.statusCode).toBe(400);
    expect(JSON.parse(response.body).errors).toMatchObject([{ field }]);
  });

  it('a wrong key is a 401', async () => {
    await expect(mailClient('SG.other').send(mailMessage())).rejects.toMatchObject({ code: 401 });
  });
});
