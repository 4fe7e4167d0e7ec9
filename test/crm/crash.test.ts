import type { ChildProcess } from 'node:child_process';
import { afterEach, expect, it } from 'vitest';
import { addLeads, makeCompany } from '../harness/crm.ts';
import { kill, startWorkerProcess } from '../harness/killable-worker.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

let system: TestSystem;
let child: ChildProcess | undefined;
afterEach(async () => {
  if (child) await kill(child);
  await system?.stop();
});

it('[F08] [F13] a worker killed three times during a sync creates one contact per lead and posts each note once', async () => {
  system = await startSystem({ workers: [], sandbox: { ghl: { rateLimit: null } } });
  const company = await makeCompany(system.runtime);
  const count = 300;
  // Slow answers, so that a kill interrupts calls.
  const slow = system.sandbox.fault({ vendor: 'ghl', kind: 'latency', ms: 40 });
  await addLeads(
    system.runtime,
    company,
    Array.from({ length: count }, (_, n) => (n % 3 === 0 ? { notes: `Note ${n}` } : {})),
  );
  const statuses = () =>
    system.rows<{ status: string; n: number }>(
      'SELECT status, count(*)::int AS n FROM lead_syncs WHERE organization_id = $1 GROUP BY 1',
      [company.organizationId],
    );
  const numberOf = async (status: string) => (await statuses()).find((row) => row.status === status)?.n ?? 0;
  child = await startWorkerProcess(system, { crmLimits: null });
  let caught = 0;
  for (const round of [1, 2, 3]) {
    await system.until<{ n: number }>(
      'some done, some under way',
      `SELECT least(count(*) FILTER (WHERE status = 'success') / $2, count(*) FILTER (WHERE status = 'processing'))::int AS n
        FROM lead_syncs WHERE organization_id = $1`,
      [company.organizationId, round * 40],
      (row) => (row?.n ?? 0) >= 1,
      40_000,
    );
    await kill(child);
    caught += await numberOf('processing');
    child = await startWorkerProcess(system, { crmLimits: null });
  }
  system.sandbox.clearFaults(slow.id);
  await system.until<{ n: number }>(
    'all leads in the CRM',
    `SELECT count(*)::int AS n FROM lead_syncs WHERE organization_id = $1 AND status = 'success'`,
    [company.organizationId],
    (row) => row?.n === count,
    60_000,
  );
  expect(caught).toBeGreaterThan(0);
  const { act } = system.sandbox;
  expect(act.ghl.location(company.location)).toMatchObject({
    contacts: count,
    created: count,
    sharedPhones: 0,
  });
  const contacts = act.ghl.contacts({ location: company.location, limit: 1_000 });
  expect(
    contacts.every(
      (contact) => JSON.stringify((contact as { tags?: unknown }).tags) === '["old_lead_reactivation"]',
    ),
  ).toBe(true);
  const notes = contacts.map(
    (contact) => act.ghl.contact((contact as unknown as { id: string }).id).notes.length,
  );
  expect(notes.filter((n) => n > 1)).toEqual([]);
  expect(notes.filter((n) => n === 1)).toHaveLength(count / 3);
  expect(await system.rows('SELECT 1 FROM outbox')).toEqual([]);
}, 180_000);
