import { createServer } from 'node:net';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import type { CrmAccess, CrmQuota } from '../../src/adapters/crm.ts';
import { createGhlGateway } from '../../src/adapters/ghl/client.ts';
import { createGhlOauth, type GhlOauthConfig } from '../../src/adapters/ghl/oauth.ts';
import { appIdOf, parseGhlEvent, verifyGhlSignature } from '../../src/adapters/ghl/webhooks.ts';
import { PermanentError, TransientError, UnknownOutcomeError, VendorError } from '../../src/domain/errors.ts';
import type { FaultInput } from '../../src/sandbox/server.ts';
import { location, openGhl, phone } from '../harness/ghl-clients.ts';

const { sandbox, product, ghl, reset, close, call } = await openGhl();
const v2 = createGhlGateway({ version: 'v2', baseUrl: sandbox.url });
const v1 = createGhlGateway({ version: 'v1', baseUrl: `${sandbox.url}/v1` });
const impatientGateway = createGhlGateway({ version: 'v2', baseUrl: sandbox.url }, { timeoutMs: 150 });
const access: CrmAccess = { accountId: location, token: `pit-sandbox-${location}` };
const gateways = {
  v2: { gateway: v2, access },
  v1: { gateway: v1, access: { accountId: location, token: `v1-sandbox-${location}` } },
};
const lead = {
  firstName: "Seán O'Brien",
  lastName: `李小龙 ${'Ñ'.repeat(290)} 🎷`,
  email: 'amy@example.com',
  phone,
  source: 'CSV',
};

beforeEach(reset);
afterAll(async () => {
  for (const gateway of [v2, v1, impatientGateway]) gateway.close();
  await close();
});

async function failureOf(attempt: Promise<unknown>): Promise<VendorError> {
  const error: unknown = await attempt.then(
    () => new Error('the call succeeded'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(VendorError);
  // Errors are logged and shown to people, so they must contain no personal data of the lead.
  expect(`${(error as VendorError).message} ${(error as VendorError).vendorMessage}`).not.toMatch(
    /3055550142|@example/,
  );
  return error as VendorError;
}

describe.each(['v2', 'v1'] as const)('%s', (version) => {
  const { gateway, access } = gateways[version];

  it('upsertContact stores every field unchanged, findContact returns it, and addTags keeps the existing tags', async () => {
    const made = await gateway.upsertContact(access, lead);
    expect(made.outcome).toBe(version === 'v2' ? 'created' : 'updated');
    ghl.edit(made.contactId, { tags: ['vip'] });
    expect(await gateway.upsertContact(access, { ...lead, city: 'Miami' })).toEqual({
      contactId: made.contactId,
      outcome: 'updated',
      existed: version === 'v2',
      person: { firstName: lead.firstName, lastName: lead.lastName, email: lead.email, phone },
      dnd: false,
    });
    const tags = ['vip', 'old_lead_reactivation'];
    expect(await gateway.addTags(access, made.contactId, ['old_lead_reactivation'])).toEqual(tags);
    const { contactId } = made;
    const { source: _notRead, ...identity } = lead;
    const found = { contactId, tags, dnd: false, ...identity };
    expect(await gateway.findContact(access, { phone })).toEqual(found);
    expect(await gateway.findContact(access, { email: lead.email })).toEqual(found);
    expect(await gateway.getContact(access, contactId)).toEqual(found);
    expect(ghl.contact(contactId)).toMatchObject({ ...lead, city: 'Miami', tags, writes: 3 });
    expect(sandbox.ledger.list({ to: phone, operation: 'contact.upsert' })).toHaveLength(2);
  });

  it('an unknown phone or id returns null', async () => {
    expect(await gateway.findContact(access, { phone: '+13055550199' })).toBeNull();
    expect(await gateway.getContact(access, 'unknown')).toBeNull();
  });

  it('creates custom fields, notes and workflow enrolments', async () => {
    await call('POST', `/locations/${location}/customFields`, { json: { name: 'Job type' } });
    const [field] = await gateway.customFields(access);
    expect(field).toMatchObject({ key: 'contact.job_type', name: 'Job type', dataType: 'TEXT' });
    const customFields = { [field?.id ?? '']: 'Roof' };
    const { contactId } = await gateway.upsertContact(access, { phone, customFields });
    await gateway.updateContact(access, contactId, { companyName: 'Roofs Inc', city: 'Miami' });
    await gateway.addNote(access, contactId, 'Call after 5');
    await gateway.addToWorkflow(access, contactId, 'wf_1');
    expect(ghl.contact(contactId)).toMatchObject({
      city: 'Miami',
      customFields: [{ id: field?.id, value: 'Roof' }],
      notes: [{ body: 'Call after 5' }],
    });
    expect(await gateway.notes(access, contactId)).toEqual(['Call after 5']);
    expect(sandbox.ledger.list({ operation: 'contact.workflow.add' })).toMatchObject([{ text: 'wf_1' }]);
  });

  it('a response reports the remaining quota, a 429 reports how long to wait', async () => {
    sandbox.configure({ ghl: { rateLimit: { max: 1, intervalMs: 4_000, daily: 500 } } });
    const seen: CrmQuota[] = [];
    const watched = { ...access, onQuota: (quota: CrmQuota) => void seen.push(quota) };
    await gateway.upsertContact(watched, lead);
    const error = await failureOf(gateway.upsertContact(watched, lead));
    expect(error).toBeInstanceOf(TransientError);
    expect(error).toMatchObject({ code: 'rate_limited', retryAfterMs: 4_000, burnsAttempt: false });
    const quota = { max: 1, remaining: 0, intervalMs: 4_000, dailyMax: 500, dailyRemaining: 499 };
    expect(seen).toEqual([quota, quota]);
    sandbox.configure({ ghl: { rateLimit: { max: 9, intervalMs: 1, daily: 1 } } });
    expect(await failureOf(gateway.upsertContact(access, lead))).toMatchObject({ retryAfterMs: 3_600_000 });
  });

  it("a validation error passes on the vendor's words without the lead's data", async () => {
    const error = await failureOf(gateway.upsertContact(access, { ...lead, email: 'not-an-address' }));
    expect(error).toBeInstanceOf(PermanentError);
    expect(error).toMatchObject({ code: 'bad_request', vendorCode: '422' });
    expect(error.vendorMessage).toBe(version === 'v2' ? 'email must be an email' : 'The email is invalid.');
  });

  it('an invalid token is an authorization error', async () => {
    ghl.location(location, { installed: false });
    const error = await failureOf(gateway.upsertContact(access, lead));
    expect(error).toBeInstanceOf(PermanentError);
    expect(error).toMatchObject({ code: 'unauthorized', vendorCode: '401' });
  });
});

describe('duplicates', () => {
  it('creating a contact that exists returns the existing one unchanged', async () => {
    const { contactId } = await v2.createContact(access, lead, ['old_lead_reactivation']);
    const again = await v2.createContact(access, { ...lead, firstName: 'Other' }, ['other']);
    expect(again).toEqual({ contactId, outcome: 'adopted', existed: true, person: null, dnd: null });
    expect(ghl.contact(contactId)).toMatchObject({
      firstName: lead.firstName,
      tags: ['old_lead_reactivation'],
      writes: 1,
    });
  });

  it("updating a contact to another contact's phone is a conflict", async () => {
    await v2.upsertContact(access, lead);
    const other = await v2.upsertContact(access, { phone: '+13055550143' });
    const error = await failureOf(v2.updateContact(access, other.contactId, { phone }));
    expect(error).toMatchObject({ code: 'conflict', vendorCode: 'duplicate', field: 'phone' });
  });
});

describe('calls without an answer', () => {
  it.each<[string, Omit<FaultInput, 'vendor'>, Record<string, unknown>]>([
    ['a reset', { kind: 'reset_after' }, { code: 'connection', vendorCode: 'ECONNRESET' }],
    ['a timeout', { kind: 'timeout_after' }, { code: 'timeout', vendorCode: 'ETIMEDOUT' }],
    ['a 502', { kind: 'error_after', status: 502 }, { code: 'unavailable', vendorCode: '502' }],
  ])('%s: an upsert is repeated, a note’s outcome is unknown', async (_name, fault, details) => {
    sandbox.fault({ vendor: 'ghl', count: 1, path: '/upsert', ...fault });
    const lost = await failureOf(impatientGateway.upsertContact(access, lead));
    expect(lost).toBeInstanceOf(TransientError);
    expect(lost).toMatchObject(details);
    const { contactId, outcome } = await v2.upsertContact(access, lead);
    expect(outcome).toBe('updated');
    sandbox.fault({ vendor: 'ghl', count: 1, path: '/notes', ...fault });
    expect(await failureOf(impatientGateway.addNote(access, contactId, 'x'))).toBeInstanceOf(
      UnknownOutcomeError,
    );
    sandbox.fault({ vendor: 'ghl', count: 1, path: '/contacts/', ...fault });
    const create = impatientGateway.createContact(access, { phone: '+13055550143' }, []);
    expect(await failureOf(create)).toBeInstanceOf(UnknownOutcomeError);
    expect((await v2.createContact(access, { phone: '+13055550143' }, [])).outcome).toBe('adopted');
    expect(ghl.location(location)).toMatchObject({ contacts: 2, created: 2 });
    // One request per call: the client never retries on its own.
    expect(sandbox.ledger.list({ vendor: 'ghl' })).toHaveLength(5);
  });

  it('a refused connection is transient, for a note too', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    await new Promise((resolve) => server.close(resolve));
    const unreachable = createGhlGateway({ version: 'v2', baseUrl: `http://127.0.0.1:${port}` });
    const error = await failureOf(unreachable.addNote(access, 'x', 'y'));
    expect(error).toBeInstanceOf(TransientError);
    expect(error).toMatchObject({ code: 'connection', vendorCode: 'ECONNREFUSED' });
    unreachable.close();
  });
});

describe('tokens', () => {
  const config: GhlOauthConfig = {
    clientId: 'sandbox-ghl-client',
    clientSecret: 'sandbox-ghl-secret',
    baseUrl: sandbox.url,
    authorizeUrl: `${sandbox.url}/v2/oauth/chooselocation`,
  };
  const redirectUri = `${product.url}/oauth/ghl/callback`;
  const now = new Date('2026-11-21T10:00:00Z');
  const oauth = createGhlOauth(config, { now: () => now });
  const exchanged = () => oauth.exchange({ code: ghl.authorize(location, redirectUri).code, redirectUri });

  it('an authorization code yields tokens that open the location', async () => {
    const url = oauth.authorizeUrl({ redirectUri, state: 's' });
    expect(new URL(url).searchParams.get('scope')?.split(' ')).toContain('contacts.write');
    const form = { decision: 'allow', location };
    const back = await call('POST', url.slice(sandbox.url.length), { form });
    const code = new URL(back.headers.location ?? '').searchParams.get('code') ?? '';
    const tokens = await oauth.exchange({ code, redirectUri });
    expect(tokens).toMatchObject({ accountId: location });
    expect(tokens.expiresAt).toEqual(new Date(now.getTime() + 86_399_000));
    const made = await v2.upsertContact({ accountId: location, token: tokens.accessToken }, lead);
    expect(made.outcome).toBe('created');
    const wrong = createGhlOauth({ ...config, clientSecret: 'no' });
    expect(await failureOf(wrong.refresh(tokens.refreshToken))).toMatchObject({
      code: 'unauthorized',
      vendorCode: '401',
    });
  });

  it('a refresh rotates the tokens; a spent one is refused permanently, one of an inactive location is kept', async () => {
    const first = await exchanged();
    ghl.expireTokens(location);
    const stale = { accountId: location, token: first.accessToken };
    expect(await failureOf(v2.upsertContact(stale, lead))).toMatchObject({ code: 'unauthorized' });
    ghl.location(location, { active: false });
    const inactive = await failureOf(oauth.refresh(first.refreshToken));
    expect(inactive).toBeInstanceOf(TransientError);
    expect(inactive).toMatchObject({ vendorCode: 'account_inactive' });
    ghl.location(location, { active: true });
    const second = await oauth.refresh(first.refreshToken);
    expect((await v2.upsertContact({ ...stale, token: second.accessToken }, lead)).outcome).toBe('created');
    const spent = await failureOf(oauth.refresh(first.refreshToken));
    expect(spent).toBeInstanceOf(PermanentError);
    expect(spent).toMatchObject({ code: 'unauthorized', vendorCode: 'invalid_grant' });
  });

  it('a token request whose response is lost has an unknown outcome', async () => {
    const { refreshToken } = await exchanged();
    sandbox.fault({ vendor: 'ghl', kind: 'timeout_after', path: '/oauth/token', count: 1 });
    const lost = await failureOf(createGhlOauth(config, { timeoutMs: 150 }).refresh(refreshToken));
    expect(lost).toBeInstanceOf(UnknownOutcomeError);
    sandbox.fault({ vendor: 'ghl', kind: 'rate_limit', path: '/oauth/token', count: 1, retryAfter: 7 });
    expect(await failureOf(oauth.refresh(refreshToken))).toMatchObject({ code: 'rate_limited' });
  });
});

describe('webhooks', () => {
  it('a webhook verifies only with a valid signature, a recent timestamp and an unchanged body', async () => {
    sandbox.configure({
      ghl: { webhookUrl: `${product.url}/webhook/ghl`, webhookEvents: ['ContactDndUpdate'] },
    });
    const { contactId } = await v2.upsertContact(access, lead);
    ghl.edit(contactId, { dndSettings: { SMS: { status: 'active' } } });
    await sandbox.webhooks.wait({ vendor: 'ghl' });
    const [hit] = product.hits;
    const rawBody = Buffer.from(hit?.body ?? '');
    const signature = String(hit?.headers['x-ghl-signature']);
    const publicKey = sandbox.ghlPublicKey;
    const check = (change: object) => verifyGhlSignature({ publicKey, signature, rawBody, ...change });
    expect(check({})).toBe(true);
    const tampered = Buffer.from(rawBody);
    tampered[5] = (tampered[5] ?? 0) ^ 1;
    for (const change of [
      { rawBody: tampered },
      { signature: undefined },
      { signature: 'N/A' },
      { signature: `AAAA${signature.slice(4)}` },
      { publicKey: '' },
      { publicKey: 'bm90IGEga2V5' },
      { publicKey: sandbox.sendgridPublicKey },
    ])
      expect(check(change)).toBe(false);
    const body: unknown = JSON.parse(rawBody.toString('utf8'));
    const now = new Date();
    expect(parseGhlEvent(body, now)).toMatchObject({
      type: 'ContactDndUpdate',
      change: 'consent',
      accountId: location,
      contactId,
      phone,
      smsOptOut: true,
    });
    expect(parseGhlEvent(body, new Date(now.getTime() + 400_000))).toBeNull();
    for (const bad of [
      null,
      [],
      {},
      { ...Object(body), webhookId: undefined },
      { ...Object(body), timestamp: 'x' },
    ])
      expect(parseGhlEvent(bad, now)).toBeNull();
  });

  it('a removal counts for the own app only, where its id is known', () => {
    const [own, other] = ['665c6bb13d4e5364bdec0e2f', '665c6bb13d4e5364bdec0e30'];
    const now = new Date();
    const changeOf = (appId: string | undefined, clientId: string | null) =>
      parseGhlEvent({ type: 'UNINSTALL', locationId: location, ...(appId && { appId }) }, now, {
        appId: appIdOf(clientId),
      });
    expect(changeOf(own, `${own}-lq3x8p2a`)).toMatchObject({ about: 'account', change: 'removed' });
    expect(changeOf(undefined, `${own}-lq3x8p2a`)).toMatchObject({ change: 'removed' });
    expect(changeOf(other, `${own}-lq3x8p2a`)).toMatchObject({ change: 'other' });
    for (const clientId of [null, 'sandbox-ghl-client'])
      expect(changeOf(other, clientId)).toMatchObject({ change: 'removed', accountId: location });
  });

  it('an event without an id has one of its own per day, the same for the same body', () => {
    const idOf = (more: object, day: string) =>
      parseGhlEvent({ type: 'UNINSTALL', ...more }, new Date(`${day}T10:00:00Z`))?.id;
    expect(idOf({ locationId: 'a' }, '2026-11-21')).toBe(idOf({ locationId: 'a' }, '2026-11-21'));
    expect(idOf({ locationId: 'a' }, '2026-11-21')).not.toBe(idOf({ locationId: 'b' }, '2026-11-21'));
    expect(idOf({ locationId: 'a' }, '2026-11-21')).not.toBe(idOf({ locationId: 'a' }, '2026-11-22'));
    expect(idOf({ webhookId: 'w' }, '2026-11-21')).toBe('w');
  });
});
