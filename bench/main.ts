import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { type Backend, measureLatency, type Result } from './latency.ts';
import { describeMachine } from './machine.ts';

/** `npm run bench -- latency [--json file] [--samples 300] [--backend redis|postgres]`. Exits 1 when a goal is missed. */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'string' },
    samples: { type: 'string', default: '300' },
    backend: { type: 'string', multiple: true, default: ['redis', 'postgres'] },
  },
});
const say = (line = '') => process.stdout.write(`${line}\n`);
const ms = (value: number) => `${value.toFixed(1)} ms`;

const rowOf = ({ backend, product, floor, ratio, goal }: Result) =>
  `| ${backend} | ${ms(product.p50)} | ${ms(product.p95)} | ${ms(floor.p50)} | ${ms(floor.p95)} | ${ratio.toFixed(1)} | ≤ ${goal} ms |`;

async function latency(): Promise<number> {
  const samples = Number(values.samples);
  say(`POST /api/leads sent → teaser accepted by the vendor, idle, ${samples} leads one at a time`);
  say(describeMachine());
  say();
  say('| queue | p50 | p95 | floor p50 | floor p95 | ratio p50 | goal p50 |');
  say('|---|---|---|---|---|---|---|');
  const results: Result[] = [];
  for (const backend of values.backend as Backend[]) {
    const result = await measureLatency(backend, samples);
    if (result) results.push(result);
    say(
      result
        ? rowOf(result)
        : `| ${backend} | not measured: neither REDIS_URL nor a redis-server binary | | | | | |`,
    );
  }
  if (values.json) {
    const report = {
      benchmark: 'latency',
      at: new Date().toISOString(),
      machine: describeMachine(),
      results,
    };
    await writeFile(values.json, `${JSON.stringify(report, null, 2)}\n`);
  }
  return results.every(({ product, goal }) => product.p50 <= goal) ? 0 : 1;
}

if (positionals[0] === 'latency') process.exitCode = await latency();
else {
  process.stderr.write(
    'usage: npm run bench -- latency [--json file] [--samples 300] [--backend redis|postgres]\n',
  );
  process.exitCode = 2;
}
