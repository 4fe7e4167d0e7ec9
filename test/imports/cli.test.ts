import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compiledProgram } from '../harness/compiled.ts';
import { phoneOf, plainCsv, type Uploader, uploaderOf } from '../harness/import-client.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

let system: TestSystem;
let company: Uploader;
let folder: string;
beforeAll(async () => {
  system = await startSystem({ workers: ['importer'] });
  company = await uploaderOf(system);
  folder = await mkdtemp(join(tmpdir(), 'leadgate-import-'));
  await writeFile(join(folder, 'key'), `${company.key}\n`);
});
afterAll(async () => {
  await system?.stop();
  await rm(folder, { recursive: true, force: true });
});

type Run = { child: ChildProcess; ended: Promise<{ code: number | null; out: string; err: string }> };

function leadgate(...parameters: string[]): Run {
  return inEnvironment({}, ...parameters);
}

function inEnvironment(more: Record<string, string>, ...parameters: string[]): Run {
  return command(more, 'import', ...parameters);
}

function command(more: Record<string, string>, ...parameters: string[]): Run {
  const { PATH } = process.env;
  const child = spawn(process.execPath, [compiledProgram('src/cli/main.ts'), ...parameters], {
    env: {
      ...(PATH ? { PATH } : {}),
      DATABASE_URL: system.databaseUrl,
      ...(system.databaseDirectUrl ? { DATABASE_DIRECT_URL: system.databaseDirectUrl } : {}),
      ...more,
    },
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (piece) => (out += piece));
  child.stderr.on('data', (piece) => (err += piece));
  return {
    child,
    ended: new Promise((resolve) => child.once('close', (code) => resolve({ code, out, err }))),
  };
}

const fileOf = async (name: string, text: string) => {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
};
const here = () => ['--company', String(company.number)];
const overHttp = () => [...here(), '--url', system.publicUrl, '--key-file', join(folder, 'key')];

describe('leadgate import', () => {
  it.each(['production', 'prod'])(
    '[S39] NODE_ENV=%s without ENCRYPTION_KEYS: refused, nothing is encrypted with the published key',
    async (NODE_ENV) => {
      const file = await fileOf('refused.csv', plainCsv(1, 900));
      const { code, err } = await inEnvironment({ NODE_ENV }, file, ...here()).ended;
      expect(code).toBe(2);
      expect(err).toMatch(/ENCRYPTION_KEYS|NODE_ENV/);
    },
  );

  it('[S11] on the database: keeps to the limit of files that wait', async () => {
    const file = await fileOf('one-more.csv', plainCsv(1, 901));
    const { code, err } = await inEnvironment({ QUOTAS: 'files_waiting=0' }, file, ...here()).ended;
    expect(code).toBe(2);
    expect(err).toContain('Over the quota "files_waiting": 0 uploaded files that are not imported yet');
  });

  it.each([
    ['on the database', here, 0],
    ['through the API', overHttp, 100],
  ])(
    '%s: the result counts every row, rejects are written to a file, and the exit code reports the outcome',
    async (_what, where, first) => {
      const good = await fileOf(`good-${first}.csv`, plainCsv(50, first));
      const whole = await leadgate(good, ...where()).ended;
      expect([whole.code, whole.err.includes('100 %')]).toEqual([0, true]);
      expect(whole.out).toContain('50 rows: 50 leads, 0 duplicates, 0 rejected.');
      const again = await leadgate(good, ...where()).ended;
      expect([again.code, again.out.includes('imported on'), again.out.includes('50 leads')]).toEqual([
        0,
        true,
        true,
      ]);
      const forced = await leadgate(good, ...where(), '--again').ended;
      expect([forced.code, forced.out.includes('0 leads, 50 duplicates')]).toEqual([0, true]);

      const mixed = await fileOf(
        `mixed-${first}.csv`,
        `who,Reach them at\nAna,${phoneOf(1_000 + first)}\nEva,12\n`,
      );
      const unclear = await leadgate(mixed, ...where(), '--map', 'Reach them at=-').ended;
      expect([unclear.code, unclear.err]).toEqual([2, expect.stringContaining('Select the column')]);
      const some = await leadgate(mixed, ...where(), '--map', 'who=name', '--map', 'Reach them at=phone')
        .ended;
      expect([some.code, some.out.includes('1 leads, 0 duplicates, 1 rejected')]).toEqual([1, true]);
      const rejects = await readFile(join(folder, `mixed-${first}.rejected.csv`), 'utf8');
      expect(rejects).toBe(
        '\ufeffwho,Reach them at,Rejected because\r\nEva,12,phone: has fewer than 7 digits\r\n',
      );
    },
  );

  it.each([
    ['on the database', here, 1_200],
    ['through the API', overHttp, 1_300],
  ])(
    '%s: asks for an encoding where two fit, and names the rows before the header',
    async (_what, where, first) => {
      const path = join(folder, `old-mac-${first}.csv`);
      const text = `Customers of May\nFull Name,Phone\nLu\x92s Rey,${phoneOf(first)}\n`;
      await writeFile(path, Buffer.from(text, 'latin1'));
      const asked = await leadgate(path, ...where()).ended;
      expect([asked.code, asked.err]).toEqual([2, expect.stringContaining('--encoding macintosh   Luís')]);
      expect(asked.out).toContain('The column names are in row 2');
      const named = await leadgate(path, ...where(), '--encoding', 'macintosh').ended;
      expect([named.code, named.out.includes('1 rows: 1 leads')]).toEqual([0, true]);
      const [lead] = await system.rows<{ contact: string }>(
        'SELECT contact FROM leads ORDER BY id DESC LIMIT 1',
      );
      expect(system.runtime.vault.openJson<{ name: string }>(lead!.contact).name).toBe('Luís Rey');

      const bare = await fileOf(`bare-${first}.csv`, `Ann Lee,${phoneOf(first + 1)}\n`);
      const mapped = await leadgate(bare, ...where(), '--header-row', '0', '--map', 'Column 1=name').ended;
      expect([mapped.code, mapped.out.includes('1 rows: 1 leads')]).toEqual([0, true]);
    },
  );

  it('wrong usage prints one sentence and exits with 2', async () => {
    const page = await fileOf('page.csv', '<html><table></table></html>');
    const good = await fileOf('fine.csv', plainCsv(1, 200));
    const wrong: [string[], string][] = [
      [[join(folder, 'none.csv'), ...here()], 'There is no file'],
      [[good], 'company'],
      [[good, '--company', 'acme'], 'takes a number'],
      [[good, '--company', '999999'], 'There is no company 999999'],
      [[good, ...here(), '--colour'], 'unknown option'],
      [[page, ...here()], 'web page'],
      [[page, ...overHttp()], 'web page'],
      [[good, ...here(), '--url', system.publicUrl], 'API key'],
      [[good, ...here(), '--url', system.publicUrl, '--key', 'lg_wrong'], 'not valid'],
      [[good, ...here(), '--map', 'Shoe size=notes'], 'no such column'],
      [[good, ...here(), '--header-row', 'two'], '--header-row takes a row number'],
      [[good, ...here(), '--encoding', 'ebcdic'], '--encoding takes one of'],
    ];
    for (const [parameters, expected] of wrong) {
      const { code, err } = await leadgate(...parameters).ended;
      expect([parameters, code, err.includes(expected), err.includes('    at ')]).toEqual([
        parameters,
        2,
        true,
        false,
      ]);
    }
    const unreachable = await leadgate(good, ...here(), '--url', 'http://127.0.0.1:9', '--key', 'x').ended;
    expect([unreachable.code, unreachable.err]).toEqual([3, expect.stringContaining('does not answer')]);
  });

  it.each([
    ['on the database', here, 400_000],
    ['through the API', overHttp, 500_000],
  ])('[F08] %s: killed at 40 % and run again, every row is counted once', async (_what, where, first) => {
    const file = await fileOf(`long-${first}.csv`, plainCsv(20_000, first));
    const killed = leadgate(file, ...where());
    await system.until<{ status: string; created: number }>(
      '40 %',
      'SELECT status, created FROM imports ORDER BY created_at DESC LIMIT 1',
      [],
      (row) => row?.status === 'running' && row.created >= 8_000,
    );
    killed.child.kill('SIGKILL');
    await killed.ended;
    const again = await leadgate(file, ...where()).ended;
    expect([again.code, again.err]).toEqual([0, expect.any(String)]);
    expect(again.out).toContain('20,000 rows: 20,000 leads, 0 duplicates, 0 rejected.');
    const [row] = await system.rows<{ imports: number; leads: number }>(
      `SELECT count(DISTINCT i.id)::int AS imports, count(l.id)::int AS leads FROM imports i JOIN leads l ON l.import_id = i.id
       WHERE i.file_name = $1`,
      [`long-${first}.csv`],
    );
    expect(row).toEqual({ imports: 1, leads: 20_000 });
  });

  it('killed while uploading: nothing is kept, and the next run imports the whole file', async () => {
    const file = await fileOf('sent.csv', plainCsv(60_000, 600_000));
    const killed = leadgate(file, ...overHttp());
    await system.until<{ n: number }>(
      'a piece',
      "SELECT count(*)::int AS n FROM imports WHERE file_name = 'sent.csv' AND bytes > 0",
      [],
      (row) => row!.n > 0,
    );
    killed.child.kill('SIGKILL');
    await killed.ended;
    const again = await leadgate(file, ...overHttp()).ended;
    expect([again.code, again.out.includes('60,000 rows: 60,000 leads')]).toEqual([0, true]);
  });
});

describe('leadgate imports', () => {
  it('[F76] stops an import and sends the rest, each after a question', async () => {
    const made = await company.upload(plainCsv(40, 700_000), { start: 'true' });
    const id = made.body.import.import_id;
    await company.ended(id);
    const imports = (...parameters: string[]) => command({}, 'imports', ...parameters).ended;
    const unasked = await imports('stop', id);
    expect(unasked.code).toBe(1);
    expect(unasked.err).toContain('40 waiting leads are not sent');
    expect(unasked.err).toContain('Add --yes');
    const stopped = await imports('stop', id, '--yes');
    expect([stopped.code, stopped.err]).toEqual([0, '']);
    expect(stopped.out).toContain('cancelled. In the CRM: 0. Not sent: 40.');
    const listed = await imports('list', '--company', String(company.number));
    expect(listed.out).toMatch(new RegExp(`${id} .* cancelled  40 leads`));
    const resumed = await imports('resume', id, '--yes');
    expect(resumed.out).toContain('40 leads are sent now.');
    expect((await company.call('GET', `/api/imports/${id}`)).body.import.status).toBe('done');
    expect((await imports('stop', 'no-id', '--yes')).err).toContain('There is no import no-id');
  });
});
