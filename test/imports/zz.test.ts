import { afterAll, beforeAll, it } from 'vitest';
import { anotherCompany, phoneOf, plainCsv, type Uploader, uploaderOf } from '../harness/import-client.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

let system: TestSystem;
let flood: Uploader;
let small: Uploader;
beforeAll(async () => {
  system = await startSystem({
    workers: ['importer'],
    timings: { sweepEveryMs: 1_000 },
    env: { MAX_CSV_SIZE_MB: '20' },
  });
  flood = await uploaderOf(system);
  small = await anotherCompany(system, 'small');
}, 60_000);
afterAll(() => system?.stop());
it('measure', async () => {
  const say = (s: string) => process.stderr.write(`MEASURE ${s}\n`);
  let n = 9000;
  let worst = 0;
  const probe = async (phase: string) => {
    const t = performance.now();
    const a = await small.upload(plainCsv(1, n++), { start: 'true' });
    if (a.status !== 201) {
      say(`${phase} status ${a.status} ${JSON.stringify(a.body).slice(0, 200)}`);
      return;
    }
    const up = performance.now() - t;
    await small.ended(a.body.import.import_id, 'done', 120_000);
    const h = performance.now();
    const health = await fetch(`${system.publicUrl}/health`);
    const hm = performance.now() - h;
    const ms = performance.now() - t - hm;
    worst = Math.max(worst, ms);
    say(
      `${phase}: upload ${up.toFixed(0)} ms, done ${ms.toFixed(0)} ms, health ${health.status} ${hm.toFixed(0)} ms, rss ${(process.memoryUsage().rss / 2 ** 20).toFixed(0)}`,
    );
  };
  for (let i = 0; i < 3; i++) await probe('idle');
  const junk = (k: number) => `name,phone\nGood ${k},${phoneOf(k)}\n${'a\n'.repeat(2_450_000)}`;
  const mixed = (k: number) => {
    const rows = ['name,phone'];
    for (let i = 0; i < 100_000; i++)
      rows.push(i % 50 === 0 ? `P${i},${phoneOf(k * 100_000 + i)}` : `Name ${i},no phone at all`);
    return rows.join('\n');
  };
  const uploads = [1, 2, 3, 4].map(async (k) => {
    const f = await flood.upload(k % 2 ? junk(k) : mixed(k), { start: 'true' });
    say(`flood file ${k} ${f.status} ${JSON.stringify(f.body).slice(0, 150)}`);
  });
  let over = false;
  void Promise.all(uploads).then(() => {
    over = true;
  });
  while (!over) {
    await probe('uploading');
  }
  for (let i = 0; i < 8; i++) await probe('importing');
  const rows = await system.rows<{ s: string }>(
    `SELECT json_agg(json_build_array(status, created, rejected, rejects_kept, bytes))::text AS s FROM imports WHERE organization_id = $1`,
    [flood.organizationId],
  );
  say(rows[0]!.s);
  const [size] = await system.rows<{ a: string }>(
    "SELECT pg_size_pretty(pg_total_relation_size('import_rejects')) || ' ' || pg_size_pretty(pg_total_relation_size('import_chunks')) AS a",
  );
  say(`sizes ${size!.a} worst ${worst.toFixed(0)}`);
}, 300_000);
