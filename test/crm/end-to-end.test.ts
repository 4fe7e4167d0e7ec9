import { afterAll, beforeAll, expect, it } from 'vitest';
import { startSystem, type TestSystem } from '../harness/system.ts';

let system: TestSystem;
beforeAll(async () => {
  system = await startSystem({ workers: ['ghl-syncer'] });
});
afterAll(() => system.stop());

/** As old clients call us: no key, from this machine, in the sandbox. */
const call = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
  fetch(system.publicUrl + path, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    body: body === undefined ? null : JSON.stringify(body),
  }).then(async (response) => ({ status: response.status, body: await response.json() }));

type Job = { status: string; contact_id: string | null; attempts: number; worker: string | null };
async function ended(id: string): Promise<Job> {
  await system.until<{ status: string }>(
    `job ${id}`,
    'SELECT status FROM lead_syncs WHERE lead_id = $1',
    [id],
    (row) => row?.status === 'success' || row?.status === 'failed',
  );
  return (await call('GET', `/api/jobs/${id}`)).body;
}

it('a registered company uploads a lead and a file, and each row becomes an identical contact', async () => {
  const registered = await call('POST', '/company/register', {
    company_name: 'Sunshine Clinic',
    owner_name: 'Olga Owner',
    owner_email: 'olga@sunshine.example',
    owner_phone: '+13055550100',
    ghl_location_id: 'Sunshine1',
  });
  expect(registered.status).toBe(201);
  const { company_id } = registered.body;
  const one = await call('POST', '/leads/single', {
    name: "Seán O'Brien",
    phone: '(305) 555-0142',
    company_id,
  });
  expect(one.status).toBe(201);
  const key = await call('POST', `/api/companies/${company_id}/keys`, { name: 'Website' });
  const names = ['李小龙', 'Ñandú Peña', '👩‍👩‍👧 Zoë', 'é'.repeat(300)];
  const leads = names.map((name, i) => ({ name, phone: `+130555501${50 + i}`, company_id }));
  const many = await call('POST', '/api/leads/bulk', { leads }, { 'x-api-key': key.body.key });
  expect(many.body.summary).toMatchObject({ created: names.length, invalid: 0 });

  const jobs = await Promise.all([one.body.job_id, ...many.body.job_ids].map(ended));
  for (const job of jobs)
    expect(job).toMatchObject({
      status: 'success',
      attempts: 1,
      worker: expect.any(String),
      contact_id: expect.any(String),
    });
  const written = system.sandbox.ledger
    .list({ vendor: 'ghl', operation: 'contact.upsert', accepted: true })
    .filter(({ reference }) => reference === 'Sunshine1');
  const asWritten = written.map(({ params }) =>
    [params.firstName, params.lastName].filter(Boolean).join(' '),
  );
  expect(asWritten.toSorted()).toEqual(["Seán O'Brien", ...names].toSorted());
});
