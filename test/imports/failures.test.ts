import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resumeParked } from '../../src/api/console/actions.ts';
import { startApi } from '../harness/api-app.ts';
import { startCutProxy } from '../harness/cut-proxy.ts';
import { createTestDatabase } from '../harness/database.ts';
import { phoneOf, plainCsv, type Uploader, uploaderOf } from '../harness/import-client.ts';
import { startProxiedQueueServer } from '../harness/outages.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

let system: TestSystem;
let company: Uploader;
beforeAll(async () => {
  system = await startSystem({ workers: ['importer'] });
  company = await uploaderOf(system);
});
afterAll(() => system?.stop());

const count = async (text: string, values: unknown[] = []) =>
  (await system.rows<{ n: number }>(`SELECT count(*)::int AS n FROM ${text}`, values))[0]!.n;

/** Sends half of the announced body, waits until a chunk is stored, and closes the connection. */
async function interruptUpload(
  path: string,
  contentType: string,
  start: string,
  body: string,
): Promise<void> {
  const { hostname, port } = new URL(system.publicUrl);
  const socket = connect(Number(port), hostname);
  const before = await count('imports');
  socket.write(
    `POST ${path} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nAuthorization: Bearer ${company.key}\r\nContent-Type: ${contentType}\r\nContent-Length: ${start.length + 2 * body.length}\r\n\r\n${start}${body}`,
  );
  await system.until<{ n: number; chunks: number }>(
    'a stored chunk',
    'SELECT (SELECT count(*)::int FROM imports) AS n, (SELECT count(*)::int FROM import_chunks) AS chunks',
    [],
    (row) => row!.n > before && row!.chunks > 0,
  );
  socket.destroy();
}

describe('an interrupted upload', () => {
  const form =
    '--B\r\nContent-Disposition: form-data; name="file"; filename="big.csv"\r\nContent-Type: text/csv\r\n\r\n';
  it.each([
    ['a body', '/api/imports', 'text/csv', ''],
    ['a form', '/leads/csv', 'multipart/form-data; boundary=B', form],
  ])('[F01] %s: no data is kept and the import is reported as failed', async (_what, path, type, start) => {
    await interruptUpload(path, type, start, plainCsv(20_000));
    await system.until<{ status: string }>(
      'failed',
      'SELECT status FROM imports ORDER BY created_at DESC LIMIT 1',
      [],
      (row) => row?.status === 'failed',
    );
    const { imports } = (await company.call('GET', '/api/imports?limit=1')).body;
    expect(imports[0].problem).toBe(
      'The upload was interrupted before the whole file arrived. Nothing was stored. Upload the file again.',
    );
    expect([await count('import_chunks'), await count('leads')]).toEqual([0, 0]);
  });

  it('[F01] an upload left by a killed process is reported as cut off, and its data is deleted by the next upload', async () => {
    const [left] = await system.rows<{ id: string }>(
      `INSERT INTO imports (id, organization_id, status, file_name, chunks, bytes, updated_at)
       VALUES (gen_random_uuid(), $1, 'uploading', 'left.csv', 1, 3, now() - interval '16 minutes') RETURNING id`,
      [company.organizationId],
    );
    await system.rows("INSERT INTO import_chunks VALUES ($1, 0, 3, 'v1.x.y')", [left!.id]);
    const shown = await company.call('GET', `/api/imports/${left!.id}`);
    expect(shown.body.import).toMatchObject({
      status: 'failed',
      problem: expect.stringContaining('interrupted'),
    });
    const next = await company.upload(plainCsv(1));
    expect(await count('import_chunks WHERE import_id = $1', [left!.id])).toBe(0);
    await company.call('POST', `/api/imports/${next.body.import.import_id}/cancel`);
  });
});

describe('the database', () => {
  it.each(['before', 'after'] as const)(
    '[F02] connection lost %s a chunk was stored: the chunk is looked up and the upload continues',
    async (when) => {
      // Behind a pooler a second one stands before the server itself, which stores no chunks.
      const proxies: Awaited<ReturnType<typeof startCutProxy>>[] = [];
      const api = await startApi({
        through: async (url) => {
          const proxy = await startCutProxy(url);
          proxies.push(proxy);
          return proxy.url;
        },
      });
      const [proxy] = proxies;
      try {
        proxy!.cut = { on: 'INSERT INTO import_chunks', when };
        const answer = api.json('POST', '/api/imports', plainCsv(10_000), { 'content-type': 'text/csv' });
        while (proxy!.cuts === 0) await new Promise((resolve) => setTimeout(resolve, 5));
        proxy!.cut = null;
        const { import: made } = (await answer).json();
        expect(made).toMatchObject({ status: 'ready', total_rows: 10_000 });
        const [kept] = await api.rows<{ n: number; bytes: number }>(
          'SELECT count(*)::int AS n, sum(bytes)::int AS bytes FROM import_chunks WHERE import_id = $1',
          [made.import_id],
        );
        expect(kept).toEqual({ n: Math.ceil(made.bytes / 2 ** 18), bytes: made.bytes });
        expect(proxy!.cuts).toBe(1);
      } finally {
        await api.stop();
        await Promise.all(proxies.map((each) => each.stop()));
      }
    },
  );
});

describe('a file that cannot be decrypted', () => {
  it('is reported to the uploader and parked after 12 attempts, and continues when resumed', async () => {
    const made = await company.upload(plainCsv(3, 7_000_000));
    const { import_id: id } = made.body.import;
    const [chunk] = await system.rows<{ body: string }>(
      'SELECT body FROM import_chunks WHERE import_id = $1',
      [id],
    );
    await system.rows(`UPDATE import_chunks SET body = 'v1.nothing.we-sealed' WHERE import_id = $1`, [id]);
    expect((await company.call('POST', `/api/imports/${id}/start`, {})).status).toBe(202);
    const [parked] = await system.until<{ id: number; attempts: number }>(
      'its row is parked',
      `SELECT o.id, o.attempts FROM outbox o JOIN events e ON e.id = o.event_id WHERE e.subject = $1 AND o.parked_at IS NOT NULL`,
      [`import:${id}`],
      (row) => row !== undefined,
    );
    expect(parked!.attempts).toBe(12);
    const { body } = await company.call('GET', `/api/imports/${id}`);
    expect(body.import).toMatchObject({
      status: 'running',
      problem: expect.stringMatching(/internal error, not because of the file.*an operator was notified/s),
    });
    await system.rows('UPDATE import_chunks SET body = $2 WHERE import_id = $1', [id, chunk!.body]);
    await resumeParked(system.runtime, parked!.id, 'amy');
    expect(await company.ended(id)).toMatchObject({ created: 3, problem: null });
  });
});

describe('a cancelled import', () => {
  it('stops at once: its counts match the stored leads and the unread data is deleted', async () => {
    const made = await company.upload(plainCsv(30_000, 100_000), { start: 'true' });
    const id = made.body.import.import_id;
    await system.until<{ created: number }>(
      'some leads',
      'SELECT created FROM imports WHERE id = $1',
      [id],
      (row) => row!.created > 0,
    );
    const cancelled = await company.call('POST', `/api/imports/${id}/cancel`);
    expect([cancelled.status, cancelled.body.import.status]).toEqual([200, 'cancelled']);
    const { created } = cancelled.body.import;
    expect(created).toBeLessThan(30_000);
    expect(await count('import_chunks WHERE import_id = $1', [id])).toBe(0);
    await system.until<{ n: number }>(
      'the importer to finish',
      "SELECT count(*)::int AS n FROM outbox WHERE worker = 'importer'",
      [],
      (row) => row!.n === 0,
    );
    expect(await count('leads WHERE import_id = $1', [id])).toBe(created);
    expect((await company.call('GET', `/api/imports/${id}`)).body.import).toMatchObject({
      created,
      status: 'cancelled',
    });
    const twice = await company.call('POST', `/api/imports/${id}/cancel`);
    expect(twice.status).toBe(200);

    // A lead that never reached the CRM is not a duplicate in the next file.
    await system.rows(
      `INSERT INTO lead_syncs (lead_id, connection_id, organization_id, import_id, status)
       SELECT l.id, k.id, organization_id, import_id, 'success' FROM leads l JOIN crm_connections k USING (organization_id)
       WHERE import_id = $1 ORDER BY l.id LIMIT 7
       ON CONFLICT (lead_id, connection_id) DO UPDATE SET status = 'success'`,
      [id],
    );
    const again = await company.upload(plainCsv(30_000, 100_000), { start: 'true', again: 'true' });
    const ended = await company.ended(again.body.import.import_id);
    expect(ended).toMatchObject({ created: 29_993, duplicates: 7, rejected: 0 });
  });

  it('can be cancelled after it was read, as long as no lead is in the CRM', async () => {
    const made = await company.upload(plainCsv(1, 200_000), { start: 'true' });
    await company.ended(made.body.import.import_id);
    const answer = await company.call('POST', `/api/imports/${made.body.import.import_id}/cancel`);
    expect([answer.status, answer.body.import.status]).toEqual([200, 'cancelled']);
  });

  it('cannot be cancelled once its leads are in the CRM', async () => {
    const made = await company.upload(plainCsv(1, 400_000), { start: 'true' });
    const id = made.body.import.import_id;
    await company.ended(id);
    await system.rows(
      `INSERT INTO lead_syncs (lead_id, connection_id, organization_id, import_id, status)
       SELECT l.id, k.id, organization_id, import_id, 'success' FROM leads l JOIN crm_connections k USING (organization_id) WHERE import_id = $1`,
      [id],
    );
    const answer = await company.call('POST', `/api/imports/${id}/cancel`);
    expect([answer.status, answer.body.code]).toEqual([409, 'already_ended']);
  });
});

describe('leads that failed to sync', () => {
  it('a retry requests one more sync for each failed lead', async () => {
    const made = await company.upload(plainCsv(1_200, 300_000), { start: 'true' });
    const { import_id: id } = await company.ended(made.body.import.import_id);
    const path = `/api/imports/${id}`;
    expect((await company.call('POST', `${path}/retry`)).body).toEqual({ retrying: false });
    await system.rows(
      `INSERT INTO lead_syncs (lead_id, connection_id, organization_id, import_id, status)
       SELECT l.id, k.id, organization_id, import_id, CASE WHEN row_number() OVER (ORDER BY l.id) <= 1100 THEN 'failed' ELSE 'success' END
       FROM leads l JOIN crm_connections k USING (organization_id) WHERE import_id = $1`,
      [id],
    );
    const before = await company.call('GET', path);
    expect(before.body.syncs).toMatchObject({ pending: 0, success: 100, failed: 1_100 });
    const retried = await company.call('POST', `${path}/retry`);
    expect([retried.status, retried.body]).toEqual([202, { retrying: true }]);
    await system.until<{ n: number }>(
      'every retry to be requested',
      "SELECT count(*)::int AS n FROM lead_syncs WHERE import_id = $1 AND status = 'failed'",
      [id],
      (row) => row!.n === 0,
    );
    expect(await count("events WHERE type = 'lead.sync_requested'")).toBe(1_100);
    expect((await company.call('GET', path)).body.syncs).toMatchObject({ pending: 1_100, failed: 0 });
  });
});

describe('the queue is down', () => {
  it('[F04] a file is accepted and stored, and imported when the queue is back', async () => {
    const database = await createTestDatabase();
    const redis = process.env.REDIS_URL;
    const proxy = await startProxiedQueueServer(redis ?? database.directUrl);
    const ownSystem = await startSystem({
      database,
      workers: ['importer'],
      ...(redis
        ? { redisUrl: proxy.url }
        : { env: { DATABASE_DIRECT_URL: proxy.url, DATABASE_REPLICA_URL: database.directUrl } }),
    });
    try {
      const uploader = await uploaderOf(ownSystem);
      await proxy.refuse();
      const made = await uploader.upload(plainCsv(1_500), { start: 'true' });
      expect([made.status, made.body.import.status]).toEqual([201, 'running']);
      expect((await uploader.call('GET', '/health/redis')).body.reachable).toBe(false);
      expect(
        (await uploader.call('GET', `/api/imports/${made.body.import.import_id}`)).body.import.created,
      ).toBe(0);
      await proxy.restore();
      expect(await uploader.ended(made.body.import.import_id)).toMatchObject({ created: 1_500 });
      expect(phoneOf(0)).toBe('+13052000000');
    } finally {
      await ownSystem.stop();
      await proxy.stop();
    }
  });
});
