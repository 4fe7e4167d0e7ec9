import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createImportWatch } from '../../src/api/upload/import-watch.ts';
import type { Company } from '../../src/db/account/companies.ts';
import type { Queryable } from '../../src/db/client.ts';
import { quotas, type RateName } from '../../src/domain/account/quotas.ts';
import { type ApiTest, startApi } from '../harness/api-app.ts';
import { makeCompany } from '../harness/company-client.ts';
import { atServer } from '../harness/database.ts';

let api: ApiTest;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api?.stop());

async function runningImports({ organizationId }: Company, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, () => uuidv7());
  for (const id of ids)
    await api.rows(
      `INSERT INTO imports (id, organization_id, status, file_name, next_row) VALUES ($1, $2, 'running', 'leads.csv', 2)`,
      [id, organizationId],
    );
  return ids;
}

const directUrl = () => api.config.databaseDirectUrl ?? api.config.databaseUrl!;

describe('[S32] following imports', () => {
  it('counts the leads of two imports at once', async () => {
    const { company } = await makeCompany(api);
    const ids = await runningImports(company, 8);
    const { reader } = api.runtime.db;
    let counting = 0;
    let most = 0;
    const counted: Queryable = {
      async query<R>(text: string, values?: readonly unknown[], name?: string) {
        if (!text.includes('lead_syncs')) return reader.query<R>(text, values, name);
        counting += 1;
        most = Math.max(most, counting);
        const answer = await reader.query<R>(text, values, name);
        counting -= 1;
        return answer;
      },
    };
    const watch = createImportWatch({ reader: counted, log: api.runtime.log });
    const told = new Set<string>();
    for (const id of ids) watch.watch(id, ({ row }) => told.add(row.id));
    await expect.poll(() => told).toEqual(new Set(ids));
    watch.close();
    expect(most).toBe(2);
  });

  it('counts on connections for reading only', async () => {
    const { company, as } = await makeCompany(api);
    const url = await api.app.listen({ port: 0, host: '127.0.0.1' });
    const ids = await runningImports(company, 6);
    const left = new AbortController();
    await atServer(directUrl(), async (holder) => {
      const held = async () => {
        const { rows } = await holder.query(
          `SELECT count(*)::int AS all, count(*) FILTER (WHERE application_name LIKE '%reader')::int AS reading
           FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
        );
        return rows[0];
      };
      await holder.query('BEGIN');
      await holder.query('LOCK TABLE lead_syncs IN ACCESS EXCLUSIVE MODE');
      const streams = await Promise.all(
        ids.map((id) => fetch(`${url}/api/imports/${id}/events`, { headers: as, signal: left.signal })),
      );
      await expect.poll(held).toEqual({ all: 2, reading: 2 });
      await holder.query('ROLLBACK');
      for (const { body } of streams) {
        const { value } = await body!.getReader().read();
        expect(Buffer.from(value!).toString()).toContain('event: progress');
      }
    });
    left.abort();
  });

  it('no more than ten small files of a company are waited for; the next is a 202', async () => {
    const { company, as } = await makeCompany(api);
    const ended: number[] = [];
    const send = async (n: number) => {
      const { statusCode } = await api.app.inject({
        method: 'POST',
        url: '/leads/csv',
        headers: { ...as, 'content-type': 'text/csv' },
        payload: `name,phone\nSarah,+1305555${1_000 + n}\n`,
      });
      ended.push(statusCode);
      return statusCode;
    };
    const first = Array.from({ length: 6 }, (_, n) => send(n));
    const started = async () =>
      (
        await api.rows<{ n: number }>(
          "SELECT count(*)::int AS n FROM imports WHERE organization_id = $1 AND status = 'running'",
          [company.organizationId],
        )
      )[0]!.n;
    await expect.poll(started, { timeout: 10_000 }).toBe(6);
    const rest = Array.from({ length: 6 }, (_, n) => send(6 + n));
    await expect.poll(() => ended, { timeout: 10_000 }).toEqual([202, 202]);
    // No worker runs here.
    await api.rows("UPDATE imports SET status = 'done', ended_at = now() WHERE organization_id = $1", [
      company.organizationId,
    ]);
    const all = await Promise.all([...first, ...rest]);
    expect(all.filter((status) => status === 200).length).toBe(10);
  });
});

describe('[S32] rows that a key leaves behind', () => {
  it.each<[RateName, string, Record<string, unknown>]>([
    ['files', 'POST /api/imports', { text: 'name,phone\nSarah,+13055551000\n' }],
    ['keys_made', 'POST /api/companies/:company/keys', { json: { name: 'more', scopes: ['leads:read'] } }],
    ['import_retries', 'POST /api/imports/:import/retry', { json: {} }],
  ])('are limited by the quota %s: %s is a 429 over it, and stores nothing', async (name, route, body) => {
    const { company, as } = await makeCompany(api);
    const [importId] = await runningImports(company, 1);
    const { perOrganization } = quotas[name];
    const owner = { organizationId: company.organizationId, keyId: null };
    await api.runtime.quotas.take(name, owner, perOrganization);
    const tables = ['imports', 'api_keys', 'outbox'];
    const before = await Promise.all(tables.map((table) => api.count(table)));
    const response = await api.app.inject({
      method: 'POST',
      url: route.slice(5).replace(':company', String(company.number)).replace(':import', importId!),
      headers: { ...as, 'content-type': 'text' in body ? 'text/csv' : 'application/json' },
      payload: (body.text ?? body.json) as string | object,
    });
    expect([response.statusCode, response.json().code]).toEqual([429, 'quota_exceeded']);
    expect(await Promise.all(tables.map((table) => api.count(table)))).toEqual(before);
  });

  it('a file that was never read leaves its header and mapping neither when cancelled nor when replaced', async () => {
    const { as } = await makeCompany(api);
    const upload = async () => {
      const headers = { ...as, 'content-type': 'text/csv' };
      const payload = 'name,phone\nSarah,+13055551000\n';
      const response = await api.app.inject({ method: 'POST', url: '/api/imports', headers, payload });
      return response.json().import.import_id as string;
    };
    const kept = async (id: string) =>
      (await api.rows('SELECT status, header, mapping FROM imports WHERE id = $1', [id]))[0];
    const replaced = await upload();
    const cancelled = await upload();
    expect(await kept(replaced)).toEqual({ status: 'cancelled', header: null, mapping: null });
    expect(await kept(cancelled)).toMatchObject({ status: 'ready', header: ['name', 'phone'] });
    const answer = await api.json('POST', `/api/imports/${cancelled}/cancel`, {}, as);
    expect(answer.statusCode).toBe(200);
    expect(await kept(cancelled)).toEqual({ status: 'cancelled', header: null, mapping: null });
  });
});
