import { afterAll, beforeAll, expect, it } from 'vitest';
import { addLeads, makeCompany, type TestCompany } from '../harness/crm.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

// A call may be counted up to half an interval late: a shorter one would make the pauses of a busy machine late calls.
const limits = { calls: 30, intervalMs: 6_000, perDay: 200_000 };
const rateLimit = { max: limits.calls, intervalMs: limits.intervalMs, daily: limits.perDay };

let system: TestSystem;
beforeAll(async () => {
  system = await startSystem({ workers: ['ghl-syncer'], crmLimits: limits, sandbox: { ghl: { rateLimit } } });
});
afterAll(() => system?.stop());

const leads = (count: number) => Array.from({ length: count }, () => ({}));
const stateOf = ({ location }: TestCompany) => system.sandbox.act.ghl.location(location);
const inCrm = (company: TestCompany, count: number, timeoutMs = 20_000) =>
  system.until<{ n: number }>(
    `${count} leads in the CRM`,
    `SELECT count(*)::int AS n FROM lead_syncs WHERE organization_id = $1 AND status = 'success'`,
    [company.organizationId],
    (row) => (row?.n ?? 0) >= count,
    timeoutMs,
  );
const callsOf = async (company: TestCompany, atLeast: number) => {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const { calls } = stateOf(company);
    if (calls >= atLeast) return { calls, at: performance.now() };
    if (Date.now() > deadline) throw new Error(`still ${calls} calls`);
    // The vendor's own count has no signal.
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};

it('makes as many calls as the vendor allows, and ten rows of a second company do not wait for a backlog', async () => {
  const big = await makeCompany(system.runtime);
  await addLeads(system.runtime, big, leads(20_000));
  // The calls of the first interval are made at its beginning, so they do not show the pace.
  const first = await callsOf(big, limits.calls * 1.5);
  const small = await makeCompany(system.runtime);
  const asked = performance.now();
  await addLeads(system.runtime, small, leads(10));
  await inCrm(small, 10);
  const waited = performance.now() - asked;
  const last = await callsOf(big, first.calls + limits.calls * 3);
  const used = (last.calls - first.calls) / (limits.calls * ((last.at - first.at) / limits.intervalMs));
  const [depth] = await system.rows<{ n: number; held: number }>(
    `SELECT count(*) FILTER (WHERE queued)::int AS n, count(*)::int AS held FROM outbox WHERE organization_id = $1`,
    [big.organizationId],
  );
  expect(stateOf(big)).toMatchObject({ limited: 0, writtenMore: 0 });
  expect(stateOf(big).peak).toBeLessThanOrEqual(limits.calls);
  expect(stateOf(small)).toMatchObject({ limited: 0, contacts: 10, writtenMore: 0 });

  expect(used).toBeGreaterThanOrEqual(0.95);
  expect(waited).toBeLessThan(5_000);
  // A bounded share of it is queued; the rest waits in the outbox.
  expect(depth!.n).toBeLessThanOrEqual(20);
  await system.rows('DELETE FROM outbox WHERE organization_id = $1', [big.organizationId]);
});

it('makes no more calls than its share of a location', async () => {
  const company = await makeCompany(system.runtime, { rateShare: 50 });
  await addLeads(system.runtime, company, leads(20));
  await inCrm(company, 20, 60_000);
  expect(stateOf(company)).toMatchObject({ contacts: 20, limited: 0 });
  expect(stateOf(company).peak).toBeLessThanOrEqual(limits.calls / 2);
});

it('[F15] leaves room for another program at the same location, as the vendor counts its calls', async () => {
  const company = await makeCompany(system.runtime);
  const other = async () => {
    const url = `${system.sandbox.url}/locations/${company.location}/customFields`;
    const headers = { authorization: `Bearer pit-sandbox-${company.location}`, version: '2021-07-28' };
    await fetch(url, { headers });
  };
  for (let call = 0; call < limits.calls; call += 1) await other();
  await addLeads(system.runtime, company, leads(5));
  await inCrm(company, 5, 60_000);
  const rows = await system.rows<{ attempts: number }>(
    'SELECT DISTINCT attempts FROM lead_syncs WHERE organization_id = $1',
    [company.organizationId],
  );
  // A 429 burns no attempt, and one is enough for this process to wait.
  expect(rows).toEqual([{ attempts: 1 }]);
  expect(stateOf(company).limited).toBeLessThanOrEqual(5);
});

it('a used daily allowance holds the rows with a reason until the next day', async () => {
  const company = await makeCompany(system.runtime);
  await system.rows(
    `INSERT INTO crm_call_days (vendor, account_id, day, calls) VALUES ('ghl', $1, to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD'), $2)`,
    [company.location, limits.perDay - 2],
  );
  await addLeads(system.runtime, company, leads(3));
  const [hold] = await system.until<{ reason: string; hours: number }>(
    'the hold',
    'SELECT reason, extract(epoch FROM until - now())::float8 / 3600 AS hours FROM worker_holds WHERE organization_id = $1',
    [company.organizationId],
    (row) => row?.reason === 'The account has reached its daily call limit.',
  );
  expect(hold!.hours).toBeLessThanOrEqual(24.1);
  expect(stateOf(company).calls).toBeLessThanOrEqual(2);
});
