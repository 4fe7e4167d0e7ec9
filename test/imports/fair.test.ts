import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findCompany } from '../../src/db/account/companies.ts';
import { findImport } from '../../src/db/imports/imports.ts';
import { readRows } from '../../src/usecases/imports/read-slice.ts';
import { anotherCompany, phoneOf, plainCsv, type Uploader, uploaderOf } from '../harness/import-client.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

let system: TestSystem;
let company: Uploader;
let other: Uploader;
beforeAll(async () => {
  system = await startSystem({ workers: ['importer'], env: { MAX_CSV_SIZE_MB: '8' } });
  company = await uploaderOf(system);
  other = await anotherCompany(system, 'small');
});
afterAll(() => system?.stop());

/** One lead, and then nothing that could become one. `n` keeps files apart. */
const junk = (rows: number, n: number) => `name,phone\nGood ${n},${phoneOf(n)}\n${'a\n'.repeat(rows)}`;

const storedRejects = async (id: string) =>
  (
    await system.rows<{ n: number }>('SELECT count(*)::int AS n FROM import_rejects WHERE import_id = $1', [
      id,
    ])
  )[0]!.n;
const bytesOf = async (id: string) =>
  (
    await system.rows<{ n: number }>(
      `SELECT (SELECT coalesce(sum(pg_column_size(r.*)), 0) FROM import_rejects r WHERE import_id = $1)::int
        + (SELECT coalesce(sum(pg_column_size(c.*)), 0) FROM import_chunks c WHERE import_id = $1)::int AS n`,
      [id],
    )
  )[0]!.n;
/** Gives the company a field in its CRM for each of these names. */
const haveFields = (names: readonly string[]) =>
  system.rows('UPDATE companies SET field_mapping = $2 WHERE organization_id = $1', [
    company.organizationId,
    JSON.stringify(Object.fromEntries(names.map((name, i) => [name, `field${i}`]))),
  ]);
const idOf = (answer: { body: { import: { import_id: string } } }) => answer.body.import.import_id;

describe('[S36] rejected rows', () => {
  it('beyond 10,000 are counted by reason; the download and the API say so, and the disk holds no more', async () => {
    const csv = `${junk(40_000, 1)}Long,${'9'.repeat(50)}\n`;
    const { import_id: id, ...result } = await company.ended(
      idOf(await company.upload(csv, { start: 'true' })),
    );
    expect(result).toMatchObject({ created: 1, rejected: 40_001, rejected_listed: 10_000 });
    expect(await storedRejects(id)).toBe(10_000);
    expect(await bytesOf(id)).toBeLessThan(10_000 * 200);
    const { body } = await company.text(`/api/imports/${id}/rejects.csv`);
    const lines = body.trimEnd().split('\r\n');
    expect(lines).toHaveLength(10_002);
    expect(lines.at(-1)).toBe(
      ',,"30001 more rows were rejected and are not listed here: 30000 × phone: is missing; 1 × phone: is not a phone number"',
    );
    const page = await company.call('GET', `/api/imports/${id}`);
    expect(page.body.import.status).toBe('done');
  });

  it('of one row are cut, and so are the reasons, of which a file can provoke one per column', async () => {
    const header = Array.from({ length: 300 }, (_, i) => `x${i}${'y'.repeat(60)}`);
    await haveFields(header);
    const mapping = JSON.stringify(['name', 'phone', ...header.map((name) => `custom:${name}`)]);
    const row = `A,12,${header.map(() => '\ufffd').join(',')}`;
    const wide = `name,phone,${header.join(',')}\n${row}\n`;
    const long = `name,phone,notes\nA,12,${'n'.repeat(100_000)}\n`;
    const first = idOf(await company.form('/api/imports', new Blob([wide]), { start: 'true', mapping }));
    const second = idOf(await company.upload(long, { start: 'true' }));
    for (const id of [first, second]) {
      expect(await company.ended(id)).toMatchObject({ rejected: 1 });
      expect(await bytesOf(id)).toBeLessThan(30_000);
    }
    const { body } = await company.text(`/api/imports/${second}/rejects.csv`);
    expect(body).toContain('row: was cut to 16384 characters here');
  });

  it('are cut between two characters, also where a character takes two places', async () => {
    // Of two names that differ by one letter, one has its hundredth place within a character.
    const names = ['z', 'zz'].map((start) => start + '\u{1f600}'.repeat(60));
    const header = ['name', 'phone', ...names].join(',');
    await haveFields(names);
    const mapping = JSON.stringify(['name', 'phone', ...names.map((name) => `custom:${name}`)]);
    const csv = `${header}\n${'A,12,\ufffd,\ufffd\n'.repeat(3)}`;
    const result = await company.ended(
      idOf(await company.form('/api/imports', new Blob([csv]), { start: 'true', mapping })),
    );
    expect(result).toMatchObject({ rejected: 3, rejected_listed: 3 });
  });

  it('stop no file that has ended with them', async () => {
    const csv = `name,phone\n${'a\n'.repeat(10_000)}`;
    const result = await company.ended(idOf(await company.upload(csv, { start: 'true' })));
    expect(result).toMatchObject({ created: 0, rejected: 10_000, problem: null });
  });

  it('stop the file when they are the first 10,000 rows; nothing is imported, and the reason is a sentence', async () => {
    const csv = `name,phone\n${'a\n'.repeat(30_000)}Good,${phoneOf(2)}\n`;
    const result = await company.ended(idOf(await company.upload(csv, { start: 'true' })), 'failed');
    expect(result).toMatchObject({ created: 0, rejected: 10_000, rejected_listed: 10_000 });
    expect(result.problem).toBe(
      'The import was stopped because the first 10000 rows were all rejected. Most of them: phone is missing. No lead was created; the rejected rows are kept with their reasons. Check the columns and the file, then upload it again.',
    );
    const lines = (await company.text(`/api/imports/${result.import_id}/rejects.csv`)).body
      .trimEnd()
      .split('\r\n');
    expect(lines).toHaveLength(10_001);
  });

  it('of all files of an organization are stored up to a bound', async () => {
    // As if earlier imports had left all but three.
    await system.rows(
      `WITH old AS (INSERT INTO imports (id, organization_id, status, file_name, rejected, rejects_kept)
         VALUES (gen_random_uuid(), $1, 'done', 'old.csv', 99997, 99997) RETURNING id)
       INSERT INTO import_rejects SELECT id, n, 'v1.x.y', '{}' FROM old, generate_series(1, 99997) n`,
      [other.organizationId],
    );
    const result = await other.ended(idOf(await other.upload(junk(10, 3), { start: 'true' })));
    expect(result).toMatchObject({ created: 1, rejected: 10, rejected_listed: 3 });
    await system.rows("DELETE FROM imports WHERE file_name = 'old.csv'");
  });
});

describe('[S36] imports of several companies', () => {
  it('the third of one company waits and says why; they end in the order of their start, and others do not wait', async () => {
    const files: string[] = [];
    for (const n of [10, 11, 12, 13]) files.push(idOf(await company.upload(junk(60_000, n))));
    for (const id of files) {
      const { status, body } = await company.call('POST', `/api/imports/${id}/start`, {});
      expect(status).toBe(202);
      const third = files.indexOf(id) > 1;
      expect([body.import.status, body.import.waiting_because]).toEqual([
        third ? 'waiting' : 'running',
        third
          ? 'Started. It waits until earlier imports of this company have ended; nothing needs to be done.'
          : null,
      ]);
    }
    const small = idOf(await other.upload(plainCsv(1, 5_000), { start: 'true' }));
    await other.ended(small);
    for (const id of files) await company.ended(id, 'done');
    const ended = await system.rows<{ id: string }>(
      'SELECT id FROM imports WHERE id = ANY($1::uuid[]) ORDER BY ended_at',
      [[...files, small]],
    );
    // The first large files may have ended before the small one was uploaded.
    expect(ended.at(-1)!.id).not.toBe(small);
    const large = ended.map(({ id }) => id).filter((id) => id !== small);
    // The two that are read at the same time may end in either order.
    expect(new Set(large.slice(0, 2))).toEqual(new Set(files.slice(0, 2)));
    expect(new Set(large.slice(2))).toEqual(new Set(files.slice(2)));
  });

  it('one that ends makes the next due, also when older ones are stuck', async () => {
    const third = await anotherCompany(system, 'stuck');
    const add = (year: number) =>
      system.rows<{ id: string }>(
        `INSERT INTO imports (id, organization_id, status, file_name, started_at)
         VALUES (gen_random_uuid(), $1, 'running', 'old.csv', make_date($2, 1, 1)) RETURNING id`,
        [third.organizationId, year],
      );
    const withWork = async (year: number, parked: boolean) => {
      const [row] = await add(year);
      await system.rows(
        `WITH e AS (INSERT INTO events (id, occurred_at, type, version, organization_id, subject, correlation_id, data)
           VALUES (gen_random_uuid(), now(), 'import.started', 1, $1, 'import:' || $2, gen_random_uuid(),
             jsonb_build_object('importId', $2::text)) RETURNING *)
         INSERT INTO outbox (event_id, event_at, worker, organization_id, due_at, queued, parked_at)
         SELECT id, occurred_at, 'importer', organization_id, now() + interval '1 hour', false,
           CASE WHEN $3 THEN now() END FROM e`,
        [third.organizationId, row!.id, parked],
      );
      return row!.id;
    };
    await withWork(2020, true);
    await withWork(2021, true);
    const [ending] = await add(2022);
    await add(2023);
    const waiting = await withWork(2024, false);
    await third.call('POST', `/api/imports/${ending!.id}/cancel`);
    // It has no file, so that its work is over as soon as it runs.
    await system.until<{ n: number }>(
      'the waiting import was made due',
      `SELECT count(*)::int AS n FROM outbox o JOIN events e ON e.id = o.event_id WHERE e.subject = 'import:' || $1`,
      [waiting],
      (found) => found?.n === 0,
      10_000,
    );
  });

  it('a run ends before its timeout, wherever it is in the file', async () => {
    const id = idOf(await other.upload(junk(10, 30)));
    const row = (await findImport(system.runtime.db, id))!;
    const running = { ...row, mapping: row.mapping! };
    const of = (await findCompany(system.runtime.db, { organizationId: other.organizationId }))!;
    const limits = { runMs: 15_000, timeoutMs: 0, places: 16 };
    expect(await readRows(system.runtime, running, of, limits)).toEqual({
      kind: 'more',
      nextRow: row.nextRow,
    });
    await other.call('POST', `/api/imports/${id}/cancel`);
  });

  it('a waiting import starts when an earlier one is cancelled', async () => {
    const files: string[] = [];
    for (const n of [20, 21, 22]) files.push(idOf(await company.upload(junk(60_000, n))));
    for (const id of files) await company.call('POST', `/api/imports/${id}/start`, {});
    const [first, second, third] = files;
    expect((await company.call('GET', `/api/imports/${third}`)).body.import.status).toBe('waiting');
    for (const id of [first, second]) await company.call('POST', `/api/imports/${id}/cancel`);
    await company.ended(third!, 'done');
  });
});
