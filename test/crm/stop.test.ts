import { afterAll, beforeAll, expect, it } from 'vitest';
import { findImport } from '../../src/db/imports/imports.ts';
import { markStopped } from '../../src/db/imports/sending.ts';
import { crmUploader } from '../harness/crm-uploader.ts';
import { plainCsv } from '../harness/import-client.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

let system: TestSystem;
const limits = { calls: 20, intervalMs: 2_000, perDay: 100_000 };
beforeAll(async () => {
  system = await startSystem({
    workers: ['importer', 'ghl-syncer'],
    crmLimits: limits,
    sandbox: { ghl: { rateLimit: null } },
  });
});
afterAll(() => system?.stop());

const contacts = (location: string) => system.sandbox.act.ghl.contacts({ location }).length;
const success = (id: string, least: number) =>
  system.until<{ n: number }>(
    `${least} leads in the CRM`,
    `SELECT count(*)::int AS n FROM lead_syncs WHERE import_id = $1 AND status = 'success'`,
    [id],
    (row) => row!.n >= least,
  );

it('[F76] after the answer no further lead is sent, except those under way, and a small file is sent at once', async () => {
  const company = await crmUploader(system, { tags: [] });
  const { location } = company;
  const made = await company.upload(plainCsv(1_500, 1_000), { start: 'true' });
  const { import_id: id } = await company.ended(made.body.import.import_id);
  await success(id, 2);
  const { body } = await company.call('POST', `/api/imports/${id}/cancel`);
  const reached = contacts(location);
  const { success: delivered, processing, cancelled, pending } = body.syncs;
  expect([delivered + processing + cancelled, pending]).toEqual([1_500, 0]);
  const small = (await company.upload(plainCsv(2, 5_000), { start: 'true' })).body.import.import_id;
  await success(small, 2);
  await system.until<{ n: number }>(
    'the end of the runs under way',
    'SELECT count(*)::int AS n FROM outbox WHERE organization_id = $1',
    [company.organizationId],
    (row) => row!.n === 0,
  );
  const after = (await company.call('GET', `/api/imports/${id}`)).body.syncs;
  expect(after).toMatchObject({ pending: 0, processing: 0, failed: 0 });
  expect(after.success + after.cancelled).toBe(1_500);
  // Each of the two leads of the small file is one contact. A call may have been on its way.
  expect(contacts(location) - 2 - reached).toBeLessThanOrEqual(processing);
  expect(contacts(location) - 2).toBe(after.success);
});

it('[F76] a run that waits for its first call does not make it when its import is stopped in the meantime', async () => {
  const company = await crmUploader(system, { tags: [], rateShare: 5 });
  const { location } = company;
  // One call per interval: the second lead waits for it.
  const made = await company.upload('name,phone\nFirst,+13055550101\nSecond,+13055550102\n', {
    start: 'true',
  });
  const { import_id: id } = await company.ended(made.body.import.import_id);
  await success(id, 1);
  await system.until<{ n: number }>(
    'the second run',
    `SELECT count(*)::int AS n FROM lead_syncs WHERE import_id = $1 AND status = 'processing'`,
    [id],
    (row) => row!.n === 1,
  );
  const { body } = await company.call('POST', `/api/imports/${id}/cancel`);
  expect(body.syncs).toMatchObject({ success: 1, processing: 1 });
  await system.until<{ status: string }>(
    'the end of the second run',
    `SELECT status FROM lead_syncs WHERE import_id = $1 AND status <> 'success'`,
    [id],
    (row) => row?.status === 'cancelled',
  );
  expect(contacts(location)).toBe(1);
});

it('[F76] rows that an interrupted stop left end as they come up, without a call or an attempt', async () => {
  const company = await crmUploader(system, { tags: [] });
  const made = await company.upload(plainCsv(200, 11_000), { start: 'true' });
  const { import_id: id } = await company.ended(made.body.import.import_id);
  await success(id, 1);
  const { db, relay } = system.runtime;
  await relay.commit(markStopped((await findImport(db, id))!, 'a person'));
  await system.until<{ n: number }>(
    'the end of the rows',
    'SELECT count(*)::int AS n FROM outbox WHERE import_id = $1',
    [id],
    (row) => row!.n === 0,
  );
  const [ended] = await system.rows<{ tried: number; cancelled: number; success: number }>(
    `SELECT count(*) FILTER (WHERE attempts > 0)::int AS tried, count(*) FILTER (WHERE status = 'cancelled')::int AS cancelled,
      count(*) FILTER (WHERE status = 'success')::int AS success FROM lead_syncs WHERE import_id = $1`,
    [id],
  );
  // Those that had begun before.
  expect(ended!.tried).toBeLessThan(100);
  expect(ended!.success + ended!.cancelled).toBe(200);
  expect(contacts(company.location)).toBe(ended!.success);
});

it('[F76] a file of two rows overtakes one of a thousand within a company', async () => {
  const company = await crmUploader(system, { tags: [] });
  const large = (await company.upload(plainCsv(1_000, 7_000), { start: 'true' })).body.import.import_id;
  await company.ended(large);
  await success(large, 1);
  const small = (await company.upload(plainCsv(2, 9_000), { start: 'true' })).body.import.import_id;
  await success(small, 2);
  const { syncs } = (await company.call('GET', `/api/imports/${large}`)).body;
  expect(syncs.success).toBeLessThan(500);
  await company.call('POST', `/api/imports/${large}/cancel`);
});
