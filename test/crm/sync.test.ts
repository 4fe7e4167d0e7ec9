import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { apiOf } from '../../src/adapters/crms.ts';
import { requestSync } from '../../src/db/crm/syncs.ts';
import { addLeads, makeCompany, type SyncRow, syncColumns, type TestCompany } from '../harness/crm.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

let system: TestSystem;
beforeAll(async () => {
  system = await startSystem({
    timings: { backoffMs: [20, 40] },
    crmLimits: null,
    sandbox: { ghl: { rateLimit: null } },
  });
});
afterAll(() => system?.stop());
beforeEach(() => system.sandbox.clearFaults());

const settled = async (company: TestCompany, count: number): Promise<SyncRow[]> =>
  system.until<SyncRow>(
    `the end of ${count} syncs`,
    `SELECT ${syncColumns} FROM lead_syncs WHERE organization_id = $1 AND status IN ('success', 'failed', 'cancelled') ORDER BY lead_id`,
    [company.organizationId],
    (_row, all) => all.length === count,
  );
const contactsOf = ({ location }: TestCompany) => system.sandbox.act.ghl.contacts({ location });
const callsOf = ({ location }: TestCompany, operation?: string) =>
  system.sandbox.ledger
    .list({ vendor: 'ghl', reads: true, ...(operation && { operation }) })
    .filter((entry) => entry.reference === location);
const openRows = ({ organizationId }: TestCompany) =>
  system.rows('SELECT 1 FROM outbox WHERE organization_id = $1', [organizationId]);

describe.each(['v2', 'v1'] as const)('%s', (apiVersion) => {
  it('syncs a lead byte for byte, with tags, source, note and mapped columns', async () => {
    const company = await makeCompany(system.runtime, { apiVersion, sourceLabel: 'Spreadsheet 2019' });
    const made = await apiOf(system.runtime.crms, { vendor: 'ghl', apiVersion: 'v2' }).gateway.customFields({
      accountId: company.location,
      token: `pit-sandbox-${company.location}`,
    });
    expect(made).toEqual([]);
    const [field] = await addField(company, 'Roof');
    await system.rows('UPDATE companies SET field_mapping = $2 WHERE organization_id = $1', [
      company.organizationId,
      JSON.stringify({ Roof: field }),
    ]);
    const lastName = `李小龙 ${'Ñ'.repeat(290)} 🎷`;
    const [leadId] = await addLeads(system.runtime, company, [
      {
        name: `Seán ${lastName}`,
        email: "o'brien@example.com",
        address: '1 Main St',
        city: 'Miami',
        notes: 'Call after 5 – “soon”',
        more: {
          tags: ['VIP'],
          custom: { Roof: 'flat' },
          postalCode: '33139',
          country: 'United States',
          company: 'Roofs Inc',
        },
      },
    ]);
    const [row] = await settled(company, 1);
    expect(row).toMatchObject({ leadId, status: 'success', attempts: 1, error: null, dnd: false });
    expect(row!.worker).toMatch(/:\d+$/);
    const contact = system.sandbox.act.ghl.contact(row!.contactId!);
    expect(contact).toMatchObject({
      firstName: 'Seán',
      lastName,
      email: "o'brien@example.com",
      phone: '+13052000000',
      address1: '1 Main St',
      city: 'Miami',
      postalCode: '33139',
      country: 'US',
      companyName: 'Roofs Inc',
      source: 'Spreadsheet 2019',
      tags: ['old_lead_reactivation', 'vip'],
      notes: [{ body: 'Call after 5 – “soon”' }],
      customFields: [{ id: field, value: 'flat' }],
      writes: 1,
    });
    expect(await openRows(company)).toEqual([]);
  });
});

async function addField({ location }: TestCompany, name: string): Promise<string[]> {
  const answer = await fetch(`${system.sandbox.url}/locations/${location}/customFields`, {
    method: 'POST',
    headers: {
      authorization: `Bearer pit-sandbox-${location}`,
      version: '2021-07-28',
      'content-type': 'application/json',
    },
    body: JSON.stringify({ name }),
  });
  return [((await answer.json()) as { customField: { id: string } }).customField.id];
}

it('adds to the tags of an existing contact and removes none', async () => {
  const company = await makeCompany(system.runtime);
  system.sandbox.act.ghl.create(company.location, {
    phone: '+13052000000',
    firstName: 'S',
    tags: ['owner', 'vip'],
    dnd: true,
  });
  await addLeads(system.runtime, company, [{}]);
  const [row] = await settled(company, 1);
  expect(row).toMatchObject({ status: 'success', dnd: true });
  expect(contactsOf(company)).toMatchObject([
    { firstName: 'Sarah', tags: ['owner', 'vip', 'old_lead_reactivation'] },
  ]);
});

it('a refused row fails with the message of the vendor, the others succeed, and it can be retried', async () => {
  const company = await makeCompany(system.runtime);
  await addLeads(system.runtime, company, [{}, { email: 'nobody@nowhere' }, {}]);
  const rows = await settled(company, 3);
  expect(rows.map(({ status }) => status)).toEqual(['success', 'failed', 'success']);
  expect(rows[1]).toMatchObject({ attempts: 1, errorCode: '422', error: 'email must be an email' });
  expect(await system.rows('SELECT 1 FROM outbox WHERE parked_at IS NOT NULL')).toEqual([]);
  const contact = system.runtime.vault.sealJson({
    name: 'S J',
    phone: '+13052000001',
    email: null,
    address: null,
    notes: null,
  });
  await system.rows('UPDATE leads SET contact = $2 WHERE id = $1', [rows[1]!.leadId, contact]);
  const { organizationId } = company;
  expect(await requestSync(system.runtime.db, { organizationId })).toBe(1);
  expect(await requestSync(system.runtime.db, { organizationId })).toBe(0);
  const again = await system.until<SyncRow>(
    'the retried lead',
    `SELECT ${syncColumns} FROM lead_syncs WHERE lead_id = $1`,
    [rows[1]!.leadId],
    (row) => row?.status === 'success',
  );
  expect(again[0]).toMatchObject({ attempts: 2, error: null, errorCode: null });
  expect(contactsOf(company)).toHaveLength(3);
});

it.each([
  ['503', { kind: 'error', status: 503 }],
  ['a reset after it was done', { kind: 'reset_after' }],
  ['429', { kind: 'rate_limit', retryAfter: 1 }],
] as const)('%s: retries and creates one contact', async (what, fault) => {
  const company = await makeCompany(system.runtime);
  system.sandbox.fault({ vendor: 'ghl', contains: company.location, count: 2, ...fault });
  await addLeads(system.runtime, company, [{}]);
  const [row] = await settled(company, 1);
  expect(row).toMatchObject({ status: 'success', attempts: what === '429' ? 1 : 3, error: null });
  expect(contactsOf(company)).toHaveLength(1);
});

it('a note is posted once when the answer is lost', async () => {
  const company = await makeCompany(system.runtime);
  system.sandbox.fault({ vendor: 'ghl', kind: 'reset_after', path: '/notes', method: 'POST', count: 1 });
  await addLeads(system.runtime, company, [{ notes: 'Once' }]);
  const [row] = await settled(company, 1);
  expect(row).toMatchObject({ status: 'success', attempts: 2 });
  expect(system.sandbox.act.ghl.contact(row!.contactId!).notes).toHaveLength(1);
});

it('a lasting error fails the sync with a reason, and it can be retried', async () => {
  const company = await makeCompany(system.runtime);
  const { id } = system.sandbox.fault({
    vendor: 'ghl',
    contains: company.location,
    kind: 'error',
    status: 502,
  });
  await addLeads(system.runtime, company, [{}]);
  const [row] = await settled(company, 1);
  expect(row).toMatchObject({ status: 'failed', attempts: 12, errorCode: '502' });
  expect(row!.error).toMatch(/12 times/);
  expect(await openRows(company)).toEqual([]);
  system.sandbox.clearFaults(id);
  await requestSync(system.runtime.db, { organizationId: company.organizationId, leadIds: [row!.leadId] });
  await system.until<SyncRow>(
    'the retried lead',
    `SELECT ${syncColumns} FROM lead_syncs WHERE lead_id = $1`,
    [row!.leadId],
    (found) => found?.status === 'success',
  );
});

it('[F29] while the CRM is down the whole company waits, none of its leads fails, and no other company waits', async () => {
  const [down, well] = [await makeCompany(system.runtime), await makeCompany(system.runtime)];
  const { id } = system.sandbox.fault({ vendor: 'ghl', contains: down.location, kind: 'error', status: 503 });
  await addLeads(
    system.runtime,
    down,
    Array.from({ length: 40 }, () => ({})),
  );
  const hold = `SELECT reason FROM worker_holds WHERE organization_id = $1 AND until > now()`;
  const [held] = await system.until<{ reason: string }>(
    'its hold',
    hold,
    [down.organizationId],
    (row) => !!row,
  );
  expect(held!.reason).toMatch(/not well/);
  await addLeads(system.runtime, well, [{}, {}]);
  await settled(well, 2);
  // Longer than twelve attempts take: holds cost no attempts.
  for (let round = 0; round < 15; round += 1) {
    await system.rows('UPDATE worker_holds SET until = now() WHERE organization_id = $1', [
      down.organizationId,
    ]);
    await system.until<{ reason: string }>('its hold again', hold, [down.organizationId], (row) => !!row);
  }
  const failed = `SELECT 1 FROM lead_syncs WHERE organization_id = $1 AND status IN ('failed', 'success')`;
  expect(await system.rows(failed, [down.organizationId])).toEqual([]);
  // One alert, and not for the first failure.
  await system.until<{ n: number }>(
    'the alert',
    `SELECT count(*)::int AS n FROM alerts WHERE organization_id = $1 AND kind = 'crm_unwell' AND text LIKE '%not well%'`,
    [down.organizationId],
    (row) => row?.n === 1,
  );
  const alerts = `SELECT 1 FROM events WHERE organization_id = $1 AND type = 'crm.unwell'`;
  expect(await system.rows(alerts, [down.organizationId])).toHaveLength(1);
  system.sandbox.clearFaults(id);
  // Repeatedly: a run that failed before may hold the company after its release.
  await system.until<{ n: number }>(
    'all of them in the CRM',
    `WITH freed AS (UPDATE worker_holds SET until = now() WHERE organization_id = $1)
      SELECT count(*)::int AS n FROM lead_syncs WHERE organization_id = $1 AND status = 'success'`,
    [down.organizationId],
    (row) => row?.n === 40,
  );
  const rows = await settled(down, 40);
  expect(rows.every(({ status }) => status === 'success')).toBe(true);
  expect(contactsOf(down)).toHaveLength(40);
});

it('cancels the leads of a cancelled import without a call', async () => {
  const company = await makeCompany(system.runtime);
  const importId = uuidv7();
  await system.rows(
    `INSERT INTO imports (id, organization_id, status, file_name) VALUES ($1, $2, 'cancelled', 'x.csv')`,
    [importId, company.organizationId],
  );
  await addLeads(system.runtime, company, [{ importId }, { importId }]);
  const rows = await settled(company, 2);
  expect(rows.map(({ status }) => status)).toEqual(['cancelled', 'cancelled']);
  expect(callsOf(company)).toEqual([]);
  expect(await openRows(company)).toEqual([]);
});

describe('an API without a shared token', () => {
  it('holds the rows of a company without credentials until it is connected', async () => {
    const company = await makeCompany(system.runtime, { apiVersion: 'v1', token: null });
    await addLeads(system.runtime, company, [{}, {}]);
    const { organizationId } = company;
    const held = await system.until<{ reason: string }>(
      'its hold',
      'SELECT reason FROM worker_holds WHERE organization_id = $1',
      [organizationId],
      (row) => row !== undefined,
    );
    expect(held[0]!.reason).toMatch(/not connected/);
    expect(
      await system.rows('SELECT 1 FROM lead_syncs WHERE organization_id = $1', [organizationId]),
    ).toEqual([]);
    expect(callsOf(company)).toEqual([]);
    const { connectCompany } = await import('../../src/usecases/crm/connect.ts');
    await connectCompany(system.runtime, organizationId, {
      token: `v1-sandbox-${company.location}`,
      actor: 'test',
    });
    const rows = await settled(company, 2);
    expect(rows.every(({ status }) => status === 'success')).toBe(true);
  });
});
