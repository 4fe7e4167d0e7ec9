import { createPublicKey, verify } from 'node:crypto';
import got, { type Method } from 'got';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { startSandbox } from '../../src/sandbox/server.ts';
import { location, openGhl, phone } from '../harness/ghl-clients.ts';

const { sandbox, product, ghl, reset, close, call, upsert } = await openGhl();
beforeEach(reset);
afterAll(close);

describe('tokens', () => {
  const client = {
    client_id: 'sandbox-ghl-client',
    client_secret: 'sandbox-ghl-secret',
    user_type: 'Location',
  };
  const token = (form: Record<string, string>) =>
    call('POST', '/oauth/token', { form: { ...client, ...form } });
  const refresh = (refreshToken: string) =>
    token({ grant_type: 'refresh_token', refresh_token: refreshToken });
  const chooser = (extra: Record<string, string> = {}) =>
    `/v2/oauth/chooselocation?${new URLSearchParams({
      response_type: 'code',
      client_id: client.client_id,
      redirect_uri: `${product.url}/callback?x=1`,
      scope: 'contacts.write',
      state: 'st&te',
      ...extra,
    })}`;
  const consented = async () => {
    const { code } = ghl.authorize(location, `${product.url}/cb`);
    return (await token({ grant_type: 'authorization_code', code })).body;
  };

  it('an authorization code from the consent page is exchanged for tokens once', async () => {
    const html = await got(`${sandbox.url}${chooser()}`).text();
    expect(html).toContain('contacts.write');
    const allowed = await call('POST', chooser(), { form: { decision: 'allow', location } });
    expect(allowed.status).toBe(302);
    const back = new URL(allowed.headers.location ?? '');
    expect([back.origin, back.searchParams.get('x'), back.searchParams.get('state')]).toEqual([
      product.url,
      '1',
      'st&te',
    ]);
    const form = { grant_type: 'authorization_code', code: back.searchParams.get('code') ?? '' };
    const made = await token({ ...form, redirect_uri: `${product.url}/callback?x=1` });
    expect(made.body).toMatchObject({ token_type: 'Bearer', expires_in: 86_399, locationId: location });
    expect((await token(form)).status).toBe(400);
    expect((await upsert({}, { token: made.body.access_token })).status).toBe(200);
    const ledger = JSON.stringify(sandbox.ledger.list({ operation: 'oauth.token' }));
    expect(ledger).not.toContain(client.client_secret);
    const denied = await call('POST', chooser(), { form: { decision: 'deny' } });
    expect(denied.headers.location).toContain('error=access_denied');
    const bad = await call('POST', chooser({ redirect_uri: 'javascript:alert(1)' }), { form: {} });
    expect(bad.status).toBe(400);
    expect((await token({ ...form, client_secret: 'no' })).status).toBe(401);
    expect((await token({})).status).toBe(422);
  });

  it.each(['loc-1', 'abc_2', 'ABC123'])(
    'the consent page accepts the location %s that it offers',
    async (id) => {
      ghl.location(id, {});
      const html = await got(`${sandbox.url}${chooser()}`).text();
      const pattern = new RegExp(`^(?:${/pattern="([^"]+)"/.exec(html)![1]})$`, 'v');
      expect(html).toContain(`<option value="${id}">`);
      expect(id).toMatch(pattern);
      const allowed = await call('POST', chooser(), { form: { decision: 'allow', location: id } });
      expect(allowed.headers.location).toContain('code=');
    },
  );

  it('a refresh token works once; the new access and refresh tokens work', async () => {
    const first = await consented();
    const second = (await refresh(first.refresh_token)).body;
    expect(await refresh(first.refresh_token)).toMatchObject({
      status: 400,
      body: { statusCode: 400, message: 'Invalid grant: refresh token is invalid' },
    });
    expect((await refresh(second.refresh_token)).status).toBe(200);
    expect((await upsert({}, { token: second.access_token })).status).toBe(200);
  });

  it('a refresh token is used up although the response was lost', async () => {
    const { refresh_token: spent } = await consented();
    sandbox.fault({ vendor: 'ghl', kind: 'reset_after', path: '/oauth/token', count: 1 });
    await expect(refresh(spent)).rejects.toThrow();
    expect((await refresh(spent)).status).toBe(400);
  });

  it('tokens expire, are revoked, and are kept while a location is inactive', async () => {
    const { access_token: access, refresh_token: spare } = await consented();
    expect(ghl.expireTokens(location)).toEqual({ expired: 1 });
    expect(await upsert({}, { token: access })).toMatchObject({
      status: 401,
      body: { statusCode: 401, message: 'Invalid token: access token is invalid', error: 'Unauthorized' },
    });
    ghl.location(location, { active: false });
    expect(await refresh(spare)).toMatchObject({ status: 400, body: { message: 'Location is not active' } });
    ghl.location(location, { active: true });
    const next = (await refresh(spare)).body;
    ghl.location(location, { installed: false });
    expect((await upsert({}, { token: next.access_token })).body.message).toBe('Invalid JWT');
    expect((await refresh(next.refresh_token)).status).toBe(400);
    expect((await upsert()).body.message).toBe('Invalid Private Integration token');
  });

  it('a token requires the version header and opens its own location only', async () => {
    expect(await upsert({}, { version: null })).toMatchObject({
      status: 401,
      body: { message: 'version header was not found.' },
    });
    expect((await upsert({}, { version: '2020-01-01' })).body.message).toBe('version header is invalid');
    expect((await upsert({}, { token: 'nonsense' })).body.message).toBe('Invalid JWT');
    expect(await upsert({ locationId: 'another' })).toMatchObject({
      status: 403,
      body: { message: 'The token does not have access to this location.' },
    });
    const { id } = (await upsert()).body.contact;
    const foreign = await call('GET', `/contacts/${id}`, { token: 'pit-sandbox-another' });
    expect(foreign.status).toBe(403);
  });
});

describe('webhooks', () => {
  const key = createPublicKey({
    key: Buffer.from(sandbox.ghlPublicKey, 'base64'),
    format: 'der',
    type: 'spki',
  });
  const receivedEvents = async (count: number) => {
    await sandbox.webhooks.wait({ vendor: 'ghl' }, count);
    return product.hits.map((hit) => {
      const signature = Buffer.from(String(hit.headers['x-ghl-signature']), 'base64');
      expect(verify(null, Buffer.from(hit.body), key, signature)).toBe(true);
      return JSON.parse(hit.body);
    });
  };

  it('signed webhooks report our own calls and edits made in the CRM', async () => {
    sandbox.configure({ ghl: { webhookUrl: `${product.url}/webhook/ghl` } });
    const { id } = (await upsert({ tags: ['vip'], firstName: 'Amy' })).body.contact;
    await receivedEvents(1);
    await upsert({ city: 'Miami', tags: ['other'] });
    await receivedEvents(3);
    ghl.edit(id, { dnd: true, dndSettings: { SMS: { status: 'active' } } });
    await receivedEvents(5);
    ghl.remove(id);
    const events = await receivedEvents(6);
    expect(events.map(({ type }) => type)).toEqual([
      'ContactCreate',
      'ContactUpdate',
      'ContactTagUpdate',
      'ContactUpdate',
      'ContactDndUpdate',
      'ContactDelete',
    ]);
    expect(events[0]).toMatchObject({
      id,
      locationId: location,
      firstName: 'Amy',
      phone,
      tags: ['vip'],
      dnd: false,
    });
    expect(events[4]).toMatchObject({ dnd: true, dndSettings: { SMS: { status: 'active' } } });
    expect(new Set(events.map(({ webhookId }) => webhookId)).size).toBe(6);
    for (const { timestamp } of events) expect(Date.now() - Date.parse(timestamp)).toBeLessThan(60_000);
    expect(sandbox.ledger.list({ operation: 'crm.contact.edit' })).toMatchObject([
      { vendorId: id, status: null },
    ]);
  });

  it('a webhook is retried on 429 only', async () => {
    sandbox.configure({ ghl: { webhookUrl: `${product.url}/webhook/ghl` } });
    product.answers.push({ status: 429 }, { status: 429 });
    await upsert();
    const [delivered] = await sandbox.webhooks.wait({ vendor: 'ghl' });
    expect(delivered?.attempts.map(({ status }) => status)).toEqual([429, 429, 200]);
    expect(new Set(product.hits.map(({ body }) => body)).size).toBe(1);
    product.answers.push({ status: 500 });
    await upsert();
    const [failed] = await sandbox.webhooks.wait({ vendor: 'ghl', state: 'failed' });
    expect(failed?.attempts).toHaveLength(1);
  });
});

describe('control API and page', () => {
  const control = async (method: Method, path: string, json?: unknown) =>
    (await call(method, `/_sandbox/ghl/${path}`, { json })).body;

  it('contacts and locations are edited over HTTP and shown', async () => {
    const made = await control('POST', `locations/${location}/contacts`, { name: 'Amy Lee', phone });
    expect(await control('POST', `contacts/${made.id}`, { dnd: true })).toMatchObject({ dnd: true });
    expect(await control('GET', `contacts?location=${location}&query=amy`)).toMatchObject({
      contacts: [{ id: made.id, firstName: 'Amy' }],
    });
    expect(await control('GET', `contacts/${made.id}`)).toMatchObject({ notes: [], writes: 2 });
    expect(await control('POST', `locations/${location}`, { active: false })).toMatchObject({
      active: false,
      contacts: 1,
    });
    const view = await got(`${sandbox.url}/view/contacts?query=AMY`).json();
    expect(view).toMatchObject({ total: 1, contacts: [{ name: 'Amy Lee', phone, dnd: true }] });
    expect((await got(`${sandbox.url}/crm`)).body).toContain('GoHighLevel contacts');
    expect(await control('DELETE', `contacts/${made.id}`)).toMatchObject({ id: made.id });
    expect(await control('GET', `contacts/${made.id}`)).toMatchObject({ code: 400 });
  });

  it("faults respond in GoHighLevel's own format, and a lost response keeps the contact", async () => {
    sandbox.fault({ vendor: 'ghl', kind: 'rate_limit', count: 1 });
    expect(await upsert()).toMatchObject({ status: 429, body: { statusCode: 429 } });
    sandbox.fault({ vendor: 'ghl', kind: 'error_after', status: 502, contains: phone, count: 1 });
    expect((await upsert()).status).toBe(502);
    expect(sandbox.ledger.list({ to: phone }).map(({ outcome }) => outcome)).toEqual([
      'faulted',
      'accepted_answer_lost',
    ]);
    expect((await upsert()).body.new).toBe(false);
  });

  it('the oldest contact is dropped at the limit, and counted', async () => {
    const small = await startSandbox({ ghl: { maxContacts: 3 } });
    for (let n = 0; n < 5; n += 1) small.act.ghl.create(location, { phone: `+1305555010${n}` });
    expect(small.act.ghl.contacts().map((contact) => Object(contact).phone)).toEqual([
      '+13055550104',
      '+13055550103',
      '+13055550102',
    ]);
    expect(small.act.ghl.location(location)).toMatchObject({ contacts: 3, dropped: 2, created: 5 });
    await small.close();
  });
});
