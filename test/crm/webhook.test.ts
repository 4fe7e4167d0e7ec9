import { createPrivateKey, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildApp, closeApp } from '../../src/api/app.ts';
import { resumeConnection } from '../../src/db/crm/credentials.ts';
import type { SealedContact } from '../../src/db/lead/leads.ts';
import { createRuntime } from '../../src/runtime.ts';
import { accountEventBody, accountEvents } from '../../src/sandbox/ghl/events.ts';
import { addLeads, makeCompany, type SyncRow, syncColumns, type TestCompany } from '../harness/crm.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

const { privateKey } = generateKeyPairSync('ed25519');
const signingKey = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

let system: TestSystem;
beforeAll(async () => {
  system = await startSystem({ crmLimits: null, sandbox: { ghl: { rateLimit: null, signingKey } } });
});
afterAll(() => system?.stop());

type Event = Record<string, unknown>;
const eventOf = (given: Event): string =>
  JSON.stringify({
    webhookId: randomUUID(),
    timestamp: new Date().toISOString(),
    type: 'ContactUpdate',
    ...given,
  });
const signatureOf = (body: string) =>
  sign(null, Buffer.from(body), createPrivateKey(signingKey)).toString('base64');
const post = (body: string, signature: string | null = signatureOf(body)) =>
  fetch(`${system.publicUrl}/webhook/ghl`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(signature !== null && { 'x-ghl-signature': signature }),
    },
    body,
  });
const inboxOf = (webhookId: string) =>
  system.rows<{ kind: string; intent: string | null; organizationId: string | null; body: string | null }>(
    `SELECT kind, intent, organization_id AS "organizationId", body FROM inbox WHERE source = 'ghl' AND external_id = $1`,
    [webhookId],
  );
const ghl = () => system.sandbox.act.ghl;

async function synced(company: TestCompany): Promise<SyncRow> {
  await addLeads(system.runtime, company, [
    { name: 'Amy Lee', email: 'Amy@Example.com', notes: 'x', more: { company: 'Roofs' } },
  ]);
  const [row] = await system.until<SyncRow>(
    'the lead in the CRM',
    `SELECT ${syncColumns} FROM lead_syncs WHERE organization_id = $1`,
    [company.organizationId],
    (found) => found?.status === 'success',
  );
  return row!;
}
const dndOf = (leadId: string, dnd: boolean) =>
  system.until<SyncRow>(
    `dnd ${dnd}`,
    `SELECT ${syncColumns} FROM lead_syncs WHERE lead_id = $1`,
    [leadId],
    (row) => row?.dnd === dnd,
  );
const contactOf = async (leadId: string): Promise<SealedContact> => {
  const [row] = await system.rows<{ contact: string }>('SELECT contact FROM leads WHERE id = $1', [leadId]);
  return system.runtime.vault.openJson<SealedContact>(row!.contact);
};
const updateEvents = () => system.rows(`SELECT id FROM events WHERE type = 'crm.notified'`);

it('[S02] webhooks without a valid signature of GoHighLevel are not stored', async () => {
  const company = await makeCompany(system.runtime);
  const body = eventOf({ locationId: company.location, id: 'c1' });
  const good = signatureOf(body);
  const other = sign(null, Buffer.from(body), generateKeyPairSync('ed25519').privateKey).toString('base64');
  for (const [text, signature] of [
    [body, null],
    [body, 'N/A'],
    [body, other],
    [body.replace('c1', 'c2'), good],
    [`${body} `, good],
    [JSON.stringify(JSON.parse(body), null, 1), good],
  ] as const)
    expect((await post(text, signature)).status).toBe(403);
  const old = eventOf({
    locationId: company.location,
    id: 'c1',
    timestamp: new Date(Date.now() - 3 * 3_600_000).toISOString(),
  });
  for (const text of [old, '{}', 'no json', '[]']) expect((await post(text)).status).toBe(400);
  expect(await system.rows(`SELECT 1 FROM inbox WHERE source = 'ghl'`)).toEqual([]);
});

it('stores an event once, sealed, and ignores unknown locations', async () => {
  const webhookId = randomUUID();
  const body = eventOf({ webhookId, locationId: 'unknownLocation', id: 'c1', email: 'canary@example.com' });
  const answers = await Promise.all([post(body), post(body), post(body)]);
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
  const rows = await inboxOf(webhookId);
  expect(rows).toMatchObject([{ kind: 'ContactUpdate', organizationId: null }]);
  expect(rows[0]!.body).not.toContain('canary');
  expect(system.runtime.vault.open(rows[0]!.body!)).toBe(body);
  expect(await updateEvents()).toEqual([]);
});

it('accepts an event that is as late as the last retry of the vendor', async () => {
  const late = eventOf({
    locationId: 'unknownLocation',
    id: 'c1',
    timestamp: new Date(Date.now() - 65 * 60_000).toISOString(),
  });
  expect((await post(late)).status).toBe(200);
});

it('ignores echoes of its own writes', async () => {
  const company = await makeCompany(system.runtime);
  const row = await synced(company);
  const id = row.contactId!;
  await system.sandbox.webhooks.wait({ vendor: 'ghl', objectId: id, event: 'ContactTagUpdate' });
  const body = eventOf({ ...ghl().contact(id), type: 'ContactUpdate' });
  expect((await post(body)).status).toBe(200);
  const [kept] = await inboxOf(JSON.parse(body).webhookId);
  expect(kept).toMatchObject({ intent: 'echo', body: null, organizationId: company.organizationId });
  expect(await updateEvents()).toEqual([]);
});

it('applies an opt-out, an opt-in and a correction, and ignores older updates', async () => {
  const company = await makeCompany(system.runtime);
  const { leadId, contactId } = await synced(company);
  ghl().edit(contactId!, { dndSettings: { SMS: { status: 'active' } } });
  await dndOf(leadId, true);
  const shown = ghl().contact(contactId!);
  ghl().edit(contactId!, { dndSettings: { SMS: { status: 'inactive' } } });
  await dndOf(leadId, false);
  // The first event of the vendor arrives last.
  const stale = eventOf({
    ...shown,
    type: 'ContactDndUpdate',
    timestamp: new Date(Date.now() - 60_000).toISOString(),
  });
  expect((await post(stale)).status).toBe(200);
  ghl().edit(contactId!, { lastName: 'Li', phone: '+13055550199' });
  await system.until<{ hash: string }>(
    'the correction',
    'SELECT phone_hash AS hash FROM leads WHERE id = $1',
    [leadId],
    (row) => row?.hash === system.runtime.vault.index('+13055550199'),
  );
  expect(await contactOf(leadId)).toMatchObject({
    name: 'Amy Li',
    phone: '+13055550199',
    email: 'Amy@Example.com',
    notes: 'x',
    more: { company: 'Roofs', firstName: 'Amy', lastName: 'Li' },
  });
  await dndOf(leadId, false);
  await system.until('all updates are applied', 'SELECT 1 FROM outbox', [], (row) => row === undefined);
});

it('of two concurrent corrections the newer one is kept as a whole', async () => {
  const company = await makeCompany(system.runtime);
  const { leadId, contactId } = await synced(company);
  const shown = ghl().contact(contactId!);
  const correction = (lastName: string, phone: string, agoMs: number) => {
    const timestamp = new Date(Date.now() - agoMs).toISOString();
    return eventOf({ ...shown, type: 'ContactUpdate', lastName, phone, timestamp });
  };
  const { db } = system.runtime;
  await db.withTx(async (tx) => {
    await tx.query('SELECT 1 FROM leads WHERE id = $1 FOR UPDATE', [leadId]);
    for (const body of [correction('Li', '+13055550177', 2_000), correction('Long', '+13055550188', 1_000)])
      expect((await post(body)).status).toBe(200);
    await system.until<{ n: number }>(
      'both have read the lead and wait',
      `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      [],
      (row) => row?.n === 2,
    );
  });
  await system.until('both are done', 'SELECT 1 FROM outbox', [], (row) => row === undefined);
  expect(await contactOf(leadId)).toMatchObject({ name: 'Amy Long', phone: '+13055550188' });
  const [kept] = await system.rows('SELECT phone_hash AS hash FROM leads WHERE id = $1', [leadId]);
  expect(kept).toEqual({ hash: system.runtime.vault.index('+13055550188') });
});

it('a consent update without a change makes older updates outdated', async () => {
  const company = await makeCompany(system.runtime);
  const { leadId, contactId } = await synced(company);
  await dndOf(leadId, false);
  const now = eventOf({ ...ghl().contact(contactId!), type: 'ContactDndUpdate' });
  expect((await post(now)).status).toBe(200);
  await system.until('it is applied', 'SELECT 1 FROM outbox', [], (row) => row === undefined);
  const timestamp = new Date(Date.now() - 60_000).toISOString();
  const dndSettings = { SMS: { status: 'active' } };
  const older = eventOf({ ...ghl().contact(contactId!), type: 'ContactDndUpdate', dndSettings, timestamp });
  expect((await post(older)).status).toBe(200);
  await system.until('it is ignored', 'SELECT 1 FROM outbox', [], (row) => row === undefined);
  await dndOf(leadId, false);
});

it('an update without a change makes older updates outdated', async () => {
  const company = await makeCompany(system.runtime);
  const { leadId, contactId } = await synced(company);
  const shown = ghl().contact(contactId!);
  expect((await post(eventOf({ ...shown, type: 'ContactUpdate' }))).status).toBe(200);
  const timestamp = new Date(Date.now() - 60_000).toISOString();
  const older = eventOf({ ...shown, type: 'ContactUpdate', lastName: 'Once', timestamp });
  expect((await post(older)).status).toBe(200);
  await system.until('it is ignored', 'SELECT 1 FROM outbox', [], (row) => row === undefined);
  expect(await contactOf(leadId)).toMatchObject({ name: 'Amy Lee' });
});

it('a contact deleted in the CRM is removed from its lead', async () => {
  const company = await makeCompany(system.runtime);
  const { leadId, contactId } = await synced(company);
  ghl().remove(contactId!);
  const [row] = await system.until<SyncRow>(
    'it is gone',
    `SELECT ${syncColumns} FROM lead_syncs WHERE lead_id = $1`,
    [leadId],
    (found) => found?.contactId === null,
  );
  expect(row).toMatchObject({ status: 'success', errorCode: 'deleted' });
});

describe('events about the app, its locations and users', () => {
  const pauseOf = async ({ organizationId }: TestCompany) =>
    (
      await system.rows<{ reason: string | null; pausedAt: Date | null; alerts: string[] }>(
        `SELECT pause_reason AS reason, paused_at AS "pausedAt",
          ARRAY(SELECT text FROM alerts WHERE organization_id = $1 AND kind = 'crm_paused') AS alerts
          FROM crm_connections WHERE organization_id = $1`,
        [organizationId],
      )
    )[0]!;

  it.each(accountEvents.filter((type) => type !== 'UNINSTALL'))(
    '%s is answered 200 and changes nothing, with or without an id and a time',
    async (type) => {
      const company = await makeCompany(system.runtime);
      const { name, companyId } = ghl().location(company.location);
      const body = accountEventBody(type, { id: company.location, name, companyId });
      const old = { timestamp: '2025-06-25T06:57:06.225Z', webhookId: randomUUID() };
      for (const event of [body, { ...body, ...old }, { ...body, timestamp: 'Wed', webhookId: 7 }])
        expect((await post(JSON.stringify(event))).status).toBe(200);
      expect(await pauseOf(company)).toEqual({ reason: null, pausedAt: null, alerts: [] });
      expect(await system.rows(`SELECT 1 FROM inbox WHERE source = 'ghl' AND kind = $1`, [type])).toEqual([]);
    },
  );

  it('the sandbox sends them signed, and each is delivered', async () => {
    const company = await makeCompany(system.runtime);
    for (const type of ['INSTALL', 'LocationUpdate', 'UserCreate'] as const) {
      ghl().event(company.location, { type });
      const [sent] = await system.sandbox.webhooks.wait({ objectId: company.location, event: type });
      expect(sent).toMatchObject({ state: 'delivered', attempts: [{ status: 200 }] });
    }
  });

  it('UNINSTALL pauses the connection with its reason, holds its leads and alerts once', async () => {
    const company = await makeCompany(system.runtime);
    const sent = ghl().uninstall(company.location);
    await system.sandbox.webhooks.wait({ objectId: company.location, event: 'UNINSTALL' });
    expect((await post(JSON.stringify(sent))).status).toBe(200);
    await addLeads(system.runtime, company, [{ name: 'Amy Lee' }]);
    const { reason, alerts } = await system
      .until<{ n: number }>(
        'the alert',
        `SELECT count(*)::int AS n FROM alerts WHERE organization_id = $1`,
        [company.organizationId],
        (row) => row?.n === 1,
      )
      .then(() => pauseOf(company));
    expect(reason).toMatch(/GoHighLevel reports that the location removed this app/);
    expect(alerts).toEqual([reason]);
    expect(system.sandbox.ledger.list({ vendor: 'ghl', reference: company.location })).toEqual([]);
    const [held] = await system.rows<{ reason: string }>(
      'SELECT reason FROM worker_holds WHERE organization_id = $1 AND until > now()',
      [company.organizationId],
    );
    expect(held).toEqual({ reason });
  });

  it.each([
    ['without an id and a time', {}],
    ['with an id only', { webhookId: randomUUID() }],
  ])('UNINSTALL %s pauses once, and not again after the connection was resumed', async (_what, more) => {
    const company = await makeCompany(system.runtime);
    const body = JSON.stringify({
      type: 'UNINSTALL',
      appId: 'app',
      companyId: 'c',
      ...more,
      locationId: company.location,
    });
    expect((await post(body)).status).toBe(200);
    expect((await pauseOf(company)).reason).toMatch(/removed this app/);
    await resumeConnection(system.runtime.db, company.organizationId, 'test');
    expect((await post(body)).status).toBe(200);
    expect((await pauseOf(company)).pausedAt).toBeNull();
  });

  it('UNINSTALL of an agency, of an unknown location, or too old changes nothing', async () => {
    const company = await makeCompany(system.runtime);
    const { location } = company;
    const stale = new Date(Date.now() - 3 * 3_600_000).toISOString();
    for (const [body, status] of [
      [{ type: 'UNINSTALL', appId: 'app', companyId: 'c' }, 200],
      [{ type: 'UNINSTALL', locationId: 'unknownLocation' }, 200],
      [{ type: 'UNINSTALL', locationId: location, timestamp: stale }, 400],
    ] as const)
      expect((await post(JSON.stringify(body))).status).toBe(status);
    expect((await pauseOf(company)).pausedAt).toBeNull();
  });
});

it('[F03] answers 429 without a database, the only status after which GoHighLevel retries', async () => {
  const config = {
    ...system.config,
    databaseUrl: 'postgres://nobody@127.0.0.1:1/none',
    databaseDirectUrl: null,
  };
  const lost = await createRuntime(system.config, { name: 'lost', namespace: `${system.namespace}-lost` });
  const { createDatabase } = await import('../../src/db/client.ts');
  const db = createDatabase({ url: config.databaseUrl, connectTimeoutMs: 300 });
  const { createRelay } = await import('../../src/engine/relay.ts');
  const relay = createRelay({ ...lost, db, timings: config.timings });
  const app = await buildApp({ ...lost, db, relay });
  try {
    const body = eventOf({ locationId: 'any', id: 'c1' });
    const request = { method: 'POST', url: '/webhook/ghl', payload: body } as const;
    const headers = { 'content-type': 'application/json', 'x-ghl-signature': signatureOf(body) };
    const answer = await app.inject({ ...request, headers });
    expect([answer.statusCode, answer.headers['retry-after']]).toEqual([429, '30']);
    const forged = await app.inject({ ...request, headers: { ...headers, 'x-ghl-signature': 'N/A' } });
    expect(forged.statusCode).toBe(403);
  } finally {
    await closeApp(app);
    await db.close();
    await lost.close();
  }
});
