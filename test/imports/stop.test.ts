import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requestRest } from '../../src/db/crm/syncs.ts';
import { endStopped } from '../../src/db/imports/sending.ts';
import type { Queryable } from '../../src/db/queryable.ts';
import { addWaiting } from '../harness/backlog.ts';
import { asOperator } from '../harness/company-people.ts';
import { crmUploader } from '../harness/crm-uploader.ts';
import { phoneOf, plainCsv, type Uploader } from '../harness/import-client.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

/** Nothing is sent here: rows wait in the outbox, as those of a large file do. */
let system: TestSystem;
let company: Uploader;
beforeAll(async () => {
  system = await startSystem({ workers: ['importer'] });
  company = await crmUploader(system);
});
afterAll(() => system?.stop());

let files = 0;
/** An import of `rows` new leads that was read to its end. */
async function imported(rows: number, of = company): Promise<string> {
  files += 1;
  const made = await of.upload(plainCsv(rows, files * 20_000), { start: 'true' });
  await of.ended(made.body.import.import_id);
  return made.body.import.import_id;
}
const act = (id: string, what: string, of = company) => of.call('POST', `/api/imports/${id}/${what}`);
/** Resolves once so many rows of the import are open: the answer to a request about very many does not wait for all. */
const open = (id: string, rows: number) =>
  system.until<{ n: number }>(
    `${rows} open rows`,
    'SELECT count(*)::int AS n FROM outbox WHERE import_id = $1',
    [id],
    (row) => row!.n === rows,
  );

describe('[F76] stopping an import', () => {
  it('ends all its waiting rows, and the answer counts them', async () => {
    const id = await imported(6_000);
    const before = (await company.call('GET', `/api/imports/${id}`)).body.import;
    await open(id, 6_000);
    const { status, body } = await act(id, 'cancel');
    expect([status, body.import.status, body.syncs]).toEqual([
      200,
      'cancelled',
      { pending: 0, processing: 0, success: 0, failed: 0, cancelled: 6_000 },
    ]);
    await open(id, 0);
    expect(body.import).toMatchObject({
      read_to_end: true,
      progress: 1,
      ended_at: before.ended_at,
      started_at: before.started_at,
      stopped_at: expect.any(String),
    });
    await open(id, 0);
    const [stored] = await system.rows(
      `SELECT count(*)::int AS n, count(*) FILTER (WHERE status = 'cancelled')::int AS cancelled FROM lead_syncs WHERE import_id = $1`,
      [id],
    );
    expect(stored).toEqual({ n: 6_000, cancelled: 6_000 });
    const statistics = (await company.call('GET', `/dashboard/${company.number}`)).body.statistics;
    expect(statistics).toMatchObject({ pending: 0, cancelled: 6_000 });
  });

  it('can be taken back: the rest waits again, as much as was stopped', async () => {
    const id = await imported(5_500);
    await act(id, 'cancel');
    const { status, body } = await act(id, 'resume');
    expect([status, body.import.status, body.import.stopped_at]).toEqual([200, 'done', null]);
    await open(id, 5_500);
    const { syncs } = (await company.call('GET', `/api/imports/${id}`)).body;
    expect(syncs).toMatchObject({ pending: 5_500, cancelled: 0 });
    expect((await act(id, 'resume')).body.requested).toBe(0);
    expect((await act(id, 'cancel')).body.syncs).toMatchObject({ pending: 0, cancelled: 5_500 });
    await open(id, 0);
  });

  it('leaves leads that were uploaded again since with the newer file', async () => {
    const id = await imported(3);
    await act(id, 'cancel');
    const first = `name,phone\nAgain,${phoneOf(files * 20_000)}\n`;
    const again = (await company.upload(first, { start: 'true' })).body.import.import_id;
    expect(await company.ended(again)).toMatchObject({ created: 1, duplicates: 0 });
    const { body } = await act(id, 'resume');
    expect([body.requested, body.syncs.cancelled]).toEqual([2, 1]);
    await open(again, 1);
  });

  it('while its file is read: the rest is not read, and sending the rest sends what was read', async () => {
    files += 1;
    const made = await company.upload(plainCsv(19_000, files * 20_000), { start: 'true' });
    const id = made.body.import.import_id;
    await system.until<{ created: number }>(
      'some leads',
      'SELECT created FROM imports WHERE id = $1',
      [id],
      (row) => row!.created > 0,
    );
    const { body } = await act(id, 'cancel');
    const { created } = body.import;
    expect(body).toMatchObject({ import: { read_to_end: false }, syncs: { pending: 0, cancelled: created } });
    await open(id, 0);
    const rest = await act(id, 'resume');
    expect(rest.body.import).toMatchObject({ status: 'cancelled', read_to_end: false, stopped_at: null });
    await open(id, created);
    expect((await act(id, 'cancel')).body.syncs).toMatchObject({ pending: 0, cancelled: created });
  });

  it('keeps failed leads failed, and retries none of them until the rest is sent', async () => {
    const id = await imported(4);
    await system.rows(
      `INSERT INTO lead_syncs (lead_id, connection_id, organization_id, import_id, status, error)
       SELECT l.id, k.id, organization_id, import_id, 'failed', 'Phone is wrong' FROM leads l JOIN crm_connections k USING (organization_id)
       WHERE import_id = $1 ORDER BY l.id LIMIT 1`,
      [id],
    );
    await system.rows(
      `DELETE FROM outbox o USING events e, lead_syncs s WHERE e.id = o.event_id AND e.subject = 'lead:' || s.lead_id
        AND s.import_id = $1 AND s.status = 'failed'`,
      [id],
    );
    expect((await act(id, 'cancel')).body.syncs).toMatchObject({ pending: 0, failed: 1, cancelled: 3 });
    const refused = await act(id, 'retry');
    expect([refused.status, refused.body.code]).toEqual([409, 'stopped']);
    const operator = await asOperator(system);
    await operator.post(`/dashboard/${company.number}/retry`, {});
    await open(id, 0);
    await act(id, 'resume');
    await operator.post(`/dashboard/${company.number}/retry`, {});
    await open(id, 4);
  });

  it('ends no row of an import that is being sent, and requests none of one that is stopped', async () => {
    const id = await imported(20);
    await open(id, 20);
    const { db } = system.runtime;
    const of = { organizationId: company.organizationId, importId: id };
    expect(await endStopped(db, of)).toBe(0);
    await open(id, 20);
    await act(id, 'cancel');
    expect(await requestRest(db, { ...of, windowMs: 0 })).toBe(0);
    await open(id, 0);
  });

  it('an import with no leads has nothing to send', async () => {
    files += 1;
    const made = await company.upload(plainCsv(2, files * 20_000));
    const id = made.body.import.import_id;
    await act(id, 'cancel');
    const { status, body } = await act(id, 'resume');
    expect([status, body.code]).toEqual([409, 'nothing_to_send']);
  });

  const wholeReads = async (db: Queryable) => {
    const tables = await db.query<{ relname: string; n: number }>(
      `SELECT relname, seq_scan::int AS n FROM pg_stat_xact_user_tables
        WHERE relname ~ '^(outbox|lead_syncs|leads|known_phones|events)'`,
    );
    return new Map(tables.map(({ relname, n }) => [relname, n]));
  };

  it('reads no table as a whole', async () => {
    const other = await crmUploader(system);
    const id = await imported(2_000, other);
    const { organizationId } = other;
    await system.rows(`UPDATE imports SET status = 'cancelled', stopped_at = now() WHERE id = $1`, [id]);
    // Of a small table the planner would read all.
    await addWaiting(system, 'ghl-syncer', [uuidv7()], 30_000);
    await system.rows('ANALYZE outbox, lead_syncs, leads, events, known_phones');
    const whole = (
      run: (db: Parameters<typeof endStopped>[0]) => Promise<number>,
    ): Promise<{ done: number; tables: string[] }> =>
      system.runtime.db.withTx(async (tx) => {
        // The figures of the connection's earlier transactions may be among them.
        const before = await wholeReads(tx);
        const done = await run(tx);
        const after = await wholeReads(tx);
        return {
          done,
          tables: [...after].flatMap(([table, n]) => (n > (before.get(table) ?? 0) ? [table] : [])),
        };
      });
    expect(await whole((db) => endStopped(db, { organizationId, importId: id }))).toEqual({
      done: 2_000,
      tables: [],
    });
    await system.rows(`UPDATE imports SET status = 'done' WHERE id = $1`, [id]);
    await system.rows('ANALYZE outbox, lead_syncs');
    const rest = { organizationId, importId: id, windowMs: 86_400_000 };
    expect(await whole((db) => requestRest(db, rest))).toEqual({ done: 2_000, tables: [] });
  });
});

describe('[F76] the page of an import asks, without JavaScript too', () => {
  it('names how many leads it stops, and says what was stopped and what was read', async () => {
    const operator = await asOperator(system);
    const id = await imported(1_200);
    const path = `/dashboard/${company.number}/imports/${id}`;
    const text = async () => (await (await operator.get(path)).text()).replaceAll(/\s+/g, ' ');
    const before = await text();
    expect(before).toMatch(/<details class="confirm"> ?<summary[^>]*>Stop sending/);
    expect(before).toContain('1,200 leads will not be sent to the CRM; you can send them later.');
    expect(before).toContain('Stop 1,200 leads');
    expect((await operator.post(`${path}/cancel`)).status).toBe(303);
    const stopped = await text();
    expect(stopped).toContain('Sending was stopped on');
    expect(stopped).toContain('The whole file was read. 1,200 leads were not sent, 0 are in the CRM.');
    expect(stopped).not.toContain('waiting');
    expect(stopped).toContain('Send up to 1,200 leads');
    expect((await operator.post(`${path}/resume`)).status).toBe(303);
    expect(await text()).toContain('1,200 waiting');
  });
});
