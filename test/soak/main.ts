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
import { type Manner, mannerOf } from './manners.ts';
import { judgePast, seedPast } from './past.ts';
import type { Counted, FromPeople } from './people.ts';
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
 * worker processes with production timings under a steady load of leads, whose buyers pay, decline, stop and stay
 * silent. Says what memory, outbox and tables did meanwhile. Exits 1 when a goal is missed, 2 when it cannot run.
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

/** An offer stands for so long: what nobody answers expires while the run goes on. */
const ttlHours = 0.05;
/** A buyer's next lead comes when the one before is over. */
const turnSeconds = 240;
/** Runs count from then on: until then programs are compiled and pools filled. */
const warmUpMs = 30_000;
/** What the last leads need to their end. */
const drainMs = 90_000;

type House = {
  db: Database;
  redis: Redis | null;
  apiKey: string;
  url: string;
  memory: Record<string, Memory>;
  counted(): Counted | null;
};

async function openHouse(machine: Machine, closers: (() => unknown)[]): Promise<House | null> {
  const servers = await startServers(machine, values.backend as 'redis' | 'postgres');
  if (!servers) return null;
  const { databaseUrl, redisUrl } = servers;
  await migrate(databaseUrl);
  const db = createDatabase({ url: databaseUrl, max: 3 });
  closers.push(() => db.close());
  await seedPast(db);
  const apiKey = await prepareDatabase(databaseUrl, Math.ceil(rate * turnSeconds));
  const redis = redisUrl ? new Redis(redisUrl) : null;
  closers.push(() => redis?.disconnect());

  const people = machine.node('test/soak/people.ts', [JSON.stringify({ seed })], { ipc: true });
  const [{ url: vendors }] = (await once(people, 'message')) as [{ url: string }];
  let counted: Counted | null = null;
  people.on('message', (message: FromPeople) => {
    if ('counted' in message) counted = message.counted;
    if ('trouble' in message) process.stderr.write(`${message.trouble}\n`);
  });

  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const env = {
    ...{ PORT: `${port}`, PUBLIC_URL: url, SANDBOX_URL: vendors, DATABASE_URL: databaseUrl },
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
  // With limits that one address sending everything does not meet, and otherwise as src/api/main.ts.
  program('bench/api.ts', 'api');
  await eventually(async () => {
    if (!(await fetch(`${url}/health`)).ok) throw new Error('not there yet');
  });
  program('src/workers/main.ts', 'worker 1');
  program('src/workers/main.ts', 'worker 2');
  const targets = {
    stripe: { webhookUrl: `${url}/webhook/stripe` },
    // A text that meets a 503 comes again, as Twilio does it when its URL says so.
    twilio: { inboundUrl: `${url}/webhook/twilio/sms#rc=5&rp=all` },
  };
  const configured = await fetch(`${vendors}/_sandbox/configure`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(targets),
  });
  if (!configured.ok) throw new Error(`the vendors cannot be configured: ${await configured.text()}`);
  // Workers keep house as they start: when the past is gone, they run.
  await eventually(async () => {
    const wrong = await judgePast(db);
    if (wrong.length > 0) throw new Error(wrong.join('; '));
  });
  return { db, redis, apiKey, url, memory, counted: () => counted };
}

type Load = { posted: number; refused: number; repeated: number; done: Promise<void> };

/** By the clock, whatever became of those before. */
function startLoad({ url, apiKey }: House): Load {
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
          process.stderr.write(`a lead was not answered: ${error.message}\n`);
        })
        .finally(() => all.delete(posting));
      all.add(posting);
    }
    await Promise.all(all);
    poster.close();
  })();
  return load;
}

async function sample(house: House, load: Load, started: number): Promise<Sample> {
  const { oldestDue, parked } = await outboxState(house.db);
  return {
    at: (performance.now() - started) / 1_000,
    posted: load.posted,
    memory: { ...house.memory },
    ...{ oldestDue, parked },
    tables: await tableSizes(house.db),
    redisBytes: await redisBytes(house.redis),
    cpuPressure: await cpuPressure(),
  };
}

function sayProgress(
  { at, posted, memory, oldestDue, tables, redisBytes: redis }: Sample,
  counted: Counted | null,
) {
  const sizes = Object.entries(memory).map(([role, { rss, live }]) => `${role} ${mb(rss)}/${mb(live)}`);
  say(
    `${at.toFixed(0).padStart(5)} s  ${posted} leads, ${counted?.revealed ?? 0} revealed  ${sizes.join('  ')} MB  oldest due ${oldestDue.toFixed(1)} s  ` +
      `outbox ${tables.outbox?.rows} rows ${mb(tables.outbox?.bytes ?? 0)} MB  ${redis === null ? `jobs ${mb(tables['bullmq.job']?.bytes ?? 0)} MB` : `redis ${mb(redis)} MB`}`,
  );
}
const mb = (bytes: number) => (bytes / 2 ** 20).toFixed(0);

const endOf: Record<Manner, readonly string[]> = {
  pays: ['DONE'],
  declines: ['EXPIRED'],
  stops: ['OPTED_OUT'],
  // The last ones are still open.
  'is silent': ['EXPIRED', 'AWAIT_CONFIRM'],
};

/** By the tables and by what the people say they paid. */
async function wrongEnds(house: House, leads: number): Promise<string[]> {
  const rows = await house.db.query<{ provider: string; status: string; n: number }>(
    `SELECT b.external_id AS provider, u.status, count(*)::int AS n FROM lead_unlocks u JOIN buyers b ON b.id = u.buyer_id GROUP BY 1, 2`,
  );
  const wrong = new Map<string, number>();
  const numbers = new Map(
    Array.from({ length: Math.ceil(rate * turnSeconds) }, (_, number) => [providerOf(number), number]),
  );
  for (const { provider, status, n } of rows) {
    const manner = mannerOf(numbers.get(provider) ?? 0, seed);
    if (endOf[manner].includes(status)) continue;
    const what = `one who ${manner} at ${status}`;
    wrong.set(what, (wrong.get(what) ?? 0) + n);
  }
  const problems = [...wrong].map(([what, n]) => `${n} × ${what}`);
  const stored = rows.reduce((sum, { n }) => sum + n, 0);
  if (stored !== leads) problems.push(`${stored} unlocks for ${leads} leads`);
  const [books] = await house.db.query<{ sum: number; kept: number }>(
    'SELECT (SELECT coalesce(sum(amount_minor), 0)::float8 FROM journal_entries) AS sum, (SELECT count(*)::int FROM payments WHERE kept) AS kept',
  );
  const paid = house.counted()?.paid ?? 0;
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
  const house = await openHouse(machine, closers);
  if (!house) {
    process.stderr.write(
      'no Redis here: install redis-server, set REDIS_URL, or run with --backend postgres\n',
    );
    return 2;
  }
  say(`${minutes} minutes at ${rate} leads per second, queue on ${values.backend}; ${describeMachine()}`);
  say('memory of each process: all / heap after its last full collection');
  const started = performance.now();
  const load = startLoad(house);
  const samples: Sample[] = [];
  let posting = true;
  const finished = load.done.finally(() => {
    posting = false;
  });
  while (posting) {
    await Promise.race([pause(intervalMs), finished]);
    if (!posting) break;
    samples.push(await sample(house, load, started));
    sayProgress(samples.at(-1)!, house.counted());
  }
  const deadline = performance.now() + drainMs;
  let ends = await wrongEnds(house, load.posted);
  while (ends.length > 0 && performance.now() < deadline) {
    await pause(1_000);
    ends = await wrongEnds(house, load.posted);
  }
  const { parked, overdue } = await outboxState(house.db);
  const redisSizes = samples.flatMap(({ redisBytes: bytes }) => (bytes === null ? [] : [Number(mb(bytes))]));
  const report: Omit<Report, 'checks'> = {
    at: new Date().toISOString().slice(0, 10),
    machine: describeMachine(),
    backend: values.backend,
    ...{ minutes, rate, seed, leads: load.posted },
    paid: house.counted()?.paid ?? 0,
    memory: ['api', 'worker 1', 'worker 2'].map((role) => memoryOf(samples, role)),
    lag: await outboxLag(house.db, new Date(Date.now() - (performance.now() - started) + warmUpMs)),
    growth: growthOf(samples),
    redisMb: redisSizes.length > 0 ? { first: redisSizes[0]!, last: redisSizes.at(-1)! } : null,
    cpuPressure: pressureOf(samples),
  };
  const wrongPast = await judgePast(house.db);
  const checks = judge(samples, report, {
    ...{ minutes, wrongPast, parked, overdue, wrongEnds: ends },
    ...{ refused: load.refused, repeated: load.repeated },
  });
  const full: Report = { ...report, checks };
  say();
  say(describe(full));
  if (values.json) await writeFile(values.json, `${JSON.stringify({ ...full, samples }, null, 2)}\n`);
  const ok = checks.every((check) => check.ok);
  say();
  say(ok ? 'every goal was met' : 'NOT every goal was met');
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
