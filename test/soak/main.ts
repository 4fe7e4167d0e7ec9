import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import { leadFor, providerOf } from '../../bench/deals.ts';
import { createPoster } from '../../bench/http.ts';
import { describeMachine, eventually, Machine } from '../../bench/machine.ts';
import { prepareDatabase, startServers } from '../../bench/product.ts';
import { createDatabase, type Database } from '../../src/db/client.ts';
import { migrate } from '../../src/db/migrate.ts';
import { freePort } from '../../src/system.ts';
import { type Behaviour, behaviourOf } from './behaviours.ts';
import { checkOldRows, insertOldRows } from './old-rows.ts';
import type { Counts, FromPeople } from './people.ts';
import type { Memory } from './program.ts';
import {
  cpuPressure,
  intervalMs,
  outboxLag,
  outboxState,
  redisBytes,
  type Sample,
  tableSizes,
} from './samples.ts';
import { describe, growthOf, judge, memoryOf, type Report } from './verdict.ts';

/**
 * `npm run soak -- [--minutes 30] [--rate 20] [--backend redis|postgres] [--seed n] [--json file]`: an API and two
 * worker processes with production timings under a steady load of leads. Reports memory, outbox lag and table growth.
 * Exits with 1 when a goal is missed, with 2 when it cannot run.
 */
const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    rate: { type: 'string', default: '20' },
    backend: { type: 'string', default: 'redis' },
    seed: { type: 'string', default: '1' },
    json: { type: 'string' },
  },
});
const [minutes, rate, seed] = [Number(values.minutes), Number(values.rate), Number(values.seed)];
const say = (line = '') => process.stdout.write(`${line}\n`);

/** Short enough that unanswered offers expire during the run. */
const ttlHours = 0.05;
/** The time between two leads of one buyer, long enough for the first to end. */
const turnSeconds = 240;
/** Lag is measured after this time, in which programs are compiled and pools filled. */
const warmUpMs = 30_000;
/** Longest time for the last leads to end. */
const drainMs = 90_000;

type Installation = {
  db: Database;
  redis: Redis | null;
  apiKey: string;
  url: string;
  memory: Record<string, Memory>;
  counts(): Counts | null;
};

async function startInstallation(machine: Machine, closers: (() => unknown)[]): Promise<Installation | null> {
  const servers = await startServers(machine, values.backend as 'redis' | 'postgres');
  if (!servers) return null;
  const { databaseUrl, redisUrl } = servers;
  await migrate(databaseUrl);
  const db = createDatabase({ url: databaseUrl, max: 3 });
  closers.push(() => db.close());
  await insertOldRows(db);
  const apiKey = await prepareDatabase(databaseUrl, Math.ceil(rate * turnSeconds));
  const redis = redisUrl ? new Redis(redisUrl) : null;
  closers.push(() => redis?.disconnect());

  const people = machine.node('test/soak/people.ts', [JSON.stringify({ seed })], { ipc: true });
  const [{ url: vendors }] = (await once(people, 'message')) as [{ url: string }];
  let counts: Counts | null = null;
  people.on('message', (message: FromPeople) => {
    if ('counts' in message) counts = message.counts;
    if ('error' in message) process.stderr.write(`${message.error}\n`);
  });

  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const env = {
    PORT: `${port}`,
    PUBLIC_URL: url,
    SANDBOX_URL: vendors,
    DATABASE_URL: databaseUrl,
    ...(redisUrl ? { REDIS_URL: redisUrl } : {}),
  };
  const memory: Record<string, Memory> = {};
  const program = (file: string, role: string): ChildProcess => {
    const child = machine.node('test/soak/program.ts', [file], { env, ipc: true });
    child.on('message', (message: { memory: Memory }) => {
      memory[role] = message.memory;
    });
    child.once('exit', (code) => {
      if (code) process.stderr.write(`${role} ended with ${code}\n`);
      delete memory[role];
    });
    return child;
  };
  // Like src/api/main.ts, but without rate limits, because all requests come from one address.
  program('bench/api.ts', 'api');
  await eventually(async () => {
    if (!(await fetch(`${url}/health`)).ok) throw new Error('the API does not respond yet');
  });
  program('src/workers/main.ts', 'worker 1');
  program('src/workers/main.ts', 'worker 2');
  const targets = {
    stripe: { webhookUrl: `${url}/webhook/stripe` },
    // Texts answered with 503 are retried, as Twilio does with this URL fragment.
    twilio: { inboundUrl: `${url}/webhook/twilio/sms#rc=5&rp=all` },
  };
  const configured = await fetch(`${vendors}/_sandbox/configure`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(targets),
  });
  if (!configured.ok) throw new Error(`the vendors cannot be configured: ${await configured.text()}`);
  // Workers run retention when they start, so they are up once the old rows are deleted.
  await eventually(async () => {
    const wrong = await checkOldRows(db);
    if (wrong.length > 0) throw new Error(wrong.join('; '));
  });
  return { db, redis, apiKey, url, memory, counts: () => counts };
}

type Load = { posted: number; refused: number; repeated: number; done: Promise<void> };

/** Posts leads at the given rate, regardless of earlier responses. */
function startLoad({ url, apiKey }: Installation): Load {
  const poster = createPoster(50);
  const total = Math.round(minutes * 60 * rate);
  const load: Load = { posted: 0, refused: 0, repeated: 0, done: Promise.resolve() };
  const post = async (number: number, tries = 20): Promise<void> => {
    const buyer = number % Math.ceil(rate * turnSeconds);
    const lead = leadFor(buyer);
    const body = JSON.stringify({ ...lead, config: { ...lead.config, ttl_hours: ttlHours } });
    const answer = await poster.post(`${url}/api/leads`, body, {
      'content-type': 'application/json',
      authorization: `Bearer ${apiKey}`,
      'idempotency-key': `soak-${number}`,
    });
    if (answer.status === 201) load.posted += 1;
    else if (answer.status === 503 && tries > 1) {
      load.repeated += 1;
      await pause(Number(answer.headers['retry-after'] ?? 1) * 1_000);
      await post(number, tries - 1);
    } else {
      load.refused += 1;
      process.stderr.write(`a lead was answered ${answer.status}: ${answer.body.slice(0, 200)}\n`);
    }
  };
  load.done = (async () => {
    const started = performance.now();
    const all = new Set<Promise<void>>();
    for (let number = 0; number < total; number += 1) {
      const wait = started + (number * 1_000) / rate - performance.now();
      if (wait > 0) await pause(wait);
      const posting = post(number)
        .catch((error: Error) => {
          load.refused += 1;
          process.stderr.write(`a lead got no response: ${error.message}\n`);
        })
        .finally(() => all.delete(posting));
      all.add(posting);
    }
    await Promise.all(all);
    poster.close();
  })();
  return load;
}

async function sample(installation: Installation, load: Load, started: number): Promise<Sample> {
  const { oldestDue, parked } = await outboxState(installation.db);
  return {
    at: (performance.now() - started) / 1_000,
    posted: load.posted,
    memory: { ...installation.memory },
    oldestDue,
    parked,
    tables: await tableSizes(installation.db),
    redisBytes: await redisBytes(installation.redis),
    cpuPressure: await cpuPressure(),
  };
}

function sayProgress(
  { at, posted, memory, oldestDue, tables, redisBytes: redis }: Sample,
  counts: Counts | null,
) {
  const sizes = Object.entries(memory).map(([role, { rss, live }]) => `${role} ${mb(rss)}/${mb(live)}`);
  say(
    `${at.toFixed(0).padStart(5)} s  ${posted} leads, ${counts?.revealed ?? 0} revealed  ${sizes.join('  ')} MB  oldest due ${oldestDue.toFixed(1)} s  ` +
      `outbox ${tables.outbox?.rows} rows ${mb(tables.outbox?.bytes ?? 0)} MB  ${redis === null ? `jobs ${mb(tables['bullmq.job']?.bytes ?? 0)} MB` : `redis ${mb(redis)} MB`}`,
  );
}
const mb = (bytes: number) => (bytes / 2 ** 20).toFixed(0);

const endOf: Record<Behaviour, readonly string[]> = {
  pays: ['DONE'],
  declines: ['EXPIRED'],
  'sends STOP': ['OPTED_OUT'],
  // The last offers may still be open.
  'does not reply': ['EXPIRED', 'AWAIT_CONFIRM'],
};

/** Compares the end states and payments in the tables with what the simulated buyers did. */
async function wrongEnds(installation: Installation, leads: number): Promise<string[]> {
  const rows = await installation.db.query<{ provider: string; status: string; n: number }>(
    `SELECT b.external_id AS provider, u.status, count(*)::int AS n FROM lead_unlocks u JOIN buyers b ON b.id = u.buyer_id GROUP BY 1, 2`,
  );
  const wrong = new Map<string, number>();
  const numbers = new Map(
    Array.from({ length: Math.ceil(rate * turnSeconds) }, (_, number) => [providerOf(number), number]),
  );
  for (const { provider, status, n } of rows) {
    const behaviour = behaviourOf(numbers.get(provider) ?? 0, seed);
    if (endOf[behaviour].includes(status)) continue;
    const what = `a buyer who ${behaviour} at ${status}`;
    wrong.set(what, (wrong.get(what) ?? 0) + n);
  }
  const problems = [...wrong].map(([what, n]) => `${n} × ${what}`);
  const stored = rows.reduce((sum, { n }) => sum + n, 0);
  if (stored !== leads) problems.push(`${stored} unlocks for ${leads} leads`);
  const [books] = await installation.db.query<{ sum: number; kept: number }>(
    'SELECT (SELECT coalesce(sum(amount_minor), 0)::float8 FROM journal_entries) AS sum, (SELECT count(*)::int FROM payments WHERE kept) AS kept',
  );
  const paid = installation.counts()?.paid ?? 0;
  if (books!.sum !== 0) problems.push(`the journals sum to ${books!.sum}`);
  if (books!.kept !== paid) problems.push(`${paid} paid, ${books!.kept} payments kept`);
  return problems;
}

function pressureOf(samples: readonly Sample[]): Report['cpuPressure'] {
  const known = samples.flatMap(({ cpuPressure: share }) => (share === null ? [] : [share]));
  if (known.length === 0) return null;
  const mean = known.reduce((sum, share) => sum + share, 0) / known.length;
  return { mean: Math.round(mean), max: Math.round(Math.max(...known)) };
}

async function soak(machine: Machine, closers: (() => unknown)[]): Promise<number> {
  const installation = await startInstallation(machine, closers);
  if (!installation) {
    process.stderr.write(
      'no Redis found: install redis-server, set REDIS_URL, or run with --backend postgres\n',
    );
    return 2;
  }
  say(`${minutes} minutes at ${rate} leads per second, queue on ${values.backend}; ${describeMachine()}`);
  say('memory of each process: RSS / heap after the last full garbage collection');
  const started = performance.now();
  const load = startLoad(installation);
  const samples: Sample[] = [];
  let posting = true;
  const finished = load.done.finally(() => {
    posting = false;
  });
  while (posting) {
    await Promise.race([pause(intervalMs), finished]);
    if (!posting) break;
    samples.push(await sample(installation, load, started));
    sayProgress(samples.at(-1)!, installation.counts());
  }
  const deadline = performance.now() + drainMs;
  let ends = await wrongEnds(installation, load.posted);
  while (ends.length > 0 && performance.now() < deadline) {
    await pause(1_000);
    ends = await wrongEnds(installation, load.posted);
  }
  const { parked, overdue } = await outboxState(installation.db);
  const redisSizes = samples.flatMap(({ redisBytes: bytes }) => (bytes === null ? [] : [Number(mb(bytes))]));
  const report: Omit<Report, 'checks'> = {
    at: new Date().toISOString().slice(0, 10),
    machine: describeMachine(),
    backend: values.backend,
    minutes,
    rate,
    seed,
    leads: load.posted,
    paid: installation.counts()?.paid ?? 0,
    memory: ['api', 'worker 1', 'worker 2'].map((role) => memoryOf(samples, role)),
    lag: await outboxLag(installation.db, new Date(Date.now() - (performance.now() - started) + warmUpMs)),
    growth: growthOf(samples),
    redisMb: redisSizes.length > 0 ? { first: redisSizes[0]!, last: redisSizes.at(-1)! } : null,
    cpuPressure: pressureOf(samples),
  };
  const wrongOldRows = await checkOldRows(installation.db);
  const checks = judge(samples, report, {
    minutes,
    wrongOldRows,
    parked,
    overdue,
    wrongEnds: ends,
    refused: load.refused,
    repeated: load.repeated,
  });
  const full: Report = { ...report, checks };
  say();
  say(describe(full));
  if (values.json) await writeFile(values.json, `${JSON.stringify({ ...full, samples }, null, 2)}\n`);
  const ok = checks.every((check) => check.ok);
  say();
  say(ok ? 'every goal was met' : 'some goals were missed');
  return ok ? 0 : 1;
}

async function main(): Promise<number> {
  if (![minutes, rate, seed].every((n) => n > 0) || !['redis', 'postgres'].includes(values.backend)) {
    process.stderr.write(
      'usage: npm run soak -- [--minutes 30] [--rate 20] [--backend redis|postgres] [--seed n] [--json file]\n',
    );
    return 2;
  }
  const machine = new Machine();
  const closers: (() => unknown)[] = [];
  try {
    return await soak(machine, closers);
  } finally {
    for (const close of closers.reverse()) await close();
    await machine.stop();
  }
}

process.exitCode = await main();
