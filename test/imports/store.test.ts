import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Company } from '../../src/db/account/companies.ts';
import { companyStatistics } from '../../src/db/crm/statistics.ts';
import type { Checkpoint } from '../../src/db/lead/uploads.ts';
import { judgeLead, type LeadCandidate } from '../../src/domain/lead/candidate.ts';
import { uploadLeads } from '../../src/usecases/lead/upload.ts';
import { type ApiTest, startApi } from '../harness/api-app.ts';
import { makeCompany } from '../harness/company-client.ts';

let api: ApiTest;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api?.stop());

let phones = 0;
function candidate(phone = `+1305${3_000_000 + ++phones}`): LeadCandidate {
  const judged = judgeLead({ name: 'Sarah Johnson', phones: [phone] }, 'US');
  if (!judged.ok) throw new Error(JSON.stringify(judged.errors));
  return judged.lead;
}

async function startedImport({ organizationId }: Company): Promise<string> {
  const id = uuidv7();
  await api.rows(
    `INSERT INTO imports (id, organization_id, status, file_name, next_row) VALUES ($1, $2, 'running', 'leads.csv', 2)`,
    [id, organizationId],
  );
  return id;
}

const importOf = async (id: string) => {
  const columns = 'status, next_row AS "nextRow", created, duplicates, rejected';
  const [row] = await api.rows(`SELECT ${columns} FROM imports WHERE id = $1`, [id]);
  return row;
};

const checkpointOf = (
  importId: string,
  expectedRow: number,
  nextRow: number,
  rejects: number[] = [],
): Checkpoint => ({
  importId,
  expectedRow,
  nextRow,
  rejected: rejects.length,
  rejects: rejects.map((row) => ({ row, cells: 'sealed', errors: { phone: ['is missing'] } })),
  reasons: {},
  warnings: {},
});

const store = (company: Company, leads: LeadCandidate[], checkpoint: Checkpoint) =>
  uploadLeads(api.runtime, company, leads, { publish: false, importId: checkpoint.importId, checkpoint });

describe('storing rows of a file', () => {
  it('leads, rejects, counts and the position in the file are stored together', async () => {
    const { company } = await makeCompany(api);
    const importId = await startedImport(company);
    const duplicate = candidate();
    const first = await store(
      company,
      [candidate(), duplicate, duplicate],
      checkpointOf(importId, 2, 6, [5]),
    );
    expect(first!.map(({ kind }) => kind)).toEqual(['created', 'created', 'duplicate']);
    expect(await importOf(importId)).toEqual({
      status: 'running',
      nextRow: 6,
      created: 2,
      duplicates: 1,
      rejected: 1,
    });
    await store(company, [duplicate, candidate()], checkpointOf(importId, 6, 8));
    expect(await importOf(importId)).toEqual({
      status: 'running',
      nextRow: 8,
      created: 3,
      duplicates: 2,
      rejected: 1,
    });
    const rejects = await api.rows('SELECT "row", errors FROM import_rejects WHERE import_id = $1', [
      importId,
    ]);
    expect(rejects).toEqual([{ row: 5, errors: { phone: ['is missing'] } }]);
    const leads = await api.rows('SELECT 1 FROM leads WHERE import_id = $1', [importId]);
    expect(leads).toHaveLength(3);
  });

  it('a batch with rejects only advances the position', async () => {
    const { company } = await makeCompany(api);
    const importId = await startedImport(company);
    expect(await store(company, [], checkpointOf(importId, 2, 4, [2, 3]))).toEqual([]);
    expect(await importOf(importId)).toMatchObject({ nextRow: 4, created: 0, rejected: 2 });
  });

  it('a batch stored by four simultaneous runs is stored once, and not at all after cancelling', async () => {
    const { company } = await makeCompany(api);
    const importId = await startedImport(company);
    const leads = [candidate(), candidate()];
    const runs = await Promise.all(
      [1, 2, 3, 4].map(() => store(company, leads, checkpointOf(importId, 2, 4, [3]))),
    );
    expect(runs.filter((outcomes) => outcomes !== null)).toHaveLength(1);
    expect(await importOf(importId)).toMatchObject({ nextRow: 4, created: 2, duplicates: 0, rejected: 1 });
    await api.rows(`UPDATE imports SET status = 'cancelled' WHERE id = $1`, [importId]);
    const before = [await api.count('leads'), await api.count('events'), await api.count('known_phones')];
    expect(await store(company, [candidate()], checkpointOf(importId, 4, 5))).toBeNull();
    expect([await api.count('leads'), await api.count('events'), await api.count('known_phones')]).toEqual(
      before,
    );
  });

  it('with a dedupe window of 0 every row is a lead', async () => {
    const { company } = await makeCompany(api);
    const importId = await startedImport(company);
    const duplicate = candidate();
    await store({ ...company, dedupeWindowMs: 0 }, [duplicate, duplicate], checkpointOf(importId, 2, 4));
    expect(await importOf(importId)).toMatchObject({ created: 2, duplicates: 0 });
  });
});

it('the statistics of a company count its uploaded leads only', async () => {
  const { company, as } = await makeCompany(api);
  const other = await makeCompany(api);
  const leads = Array.from({ length: 7 }, () => candidate());
  const outcomes = await uploadLeads(api.runtime, company, leads, { publish: false });
  await uploadLeads(api.runtime, other.company, [candidate()], { publish: false });
  await api.json(
    'POST',
    '/api/leads',
    { city: 'Miami', service_type: 'x', client_name: 'S', client_phone: '+13055550199' },
    as,
  );
  const statuses = ['success', 'success', 'failed', 'failed', 'processing', 'cancelled'];
  for (const [i, status] of statuses.entries()) {
    const outcome = outcomes![i]!;
    await api.rows(
      `INSERT INTO lead_syncs (lead_id, connection_id, organization_id, status, error, updated_at)
       SELECT $1, id, organization_id, $3, $4, now() - make_interval(mins => $5) FROM crm_connections WHERE organization_id = $2`,
      [
        outcome.kind === 'created' ? outcome.leadId : null,
        ...[company.organizationId, status, status === 'failed' ? 'Phone is wrong' : null, i],
      ],
    );
  }
  expect(await companyStatistics(api.runtime.db.reader, company.organizationId)).toEqual({
    total: 7,
    pending: 1,
    processing: 1,
    success: 2,
    failed: 2,
    cancelled: 1,
    perMinute: 1,
    lastErrors: [{ error: 'Phone is wrong', leads: 2, lastAt: expect.any(Date) }],
  });
});
