import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import closeWithGrace from 'close-with-grace';
import { ConfigError, processEnvironment } from './config.ts';
import { seedMarket } from './demo/market-seed.ts';
import type { MarketAccess } from './demo/seed.ts';
import {
  type EmbeddedPostgres,
  EmbeddedPostgresError,
  FolderInUseError,
  lockDataFolder,
  startEmbeddedPostgres,
} from './embedded-postgres/index.ts';
import { type DemoAccess, type System, seedDemo, startSystem } from './system.ts';

/**
 * `npm start`: the whole system in one process with its data in `.leadgate/`. DATABASE_URL and REDIS_URL replace the
 * embedded database and the PostgreSQL queue.
 */
const dataDir = resolve('.leadgate');
const demoFile = join(dataDir, 'demo.json');
const say = (line = '') => process.stdout.write(`${line}\n`);

async function main(): Promise<void> {
  await mkdir(dataDir, { recursive: true });
  const lock = await lockDataFolder(dataDir);
  const closers: (() => Promise<unknown>)[] = [() => lock.release()];
  const stop = async () => {
    for (const close of closers.reverse().splice(0)) await close();
  };
  try {
    const env = processEnvironment();
    const given = env.DATABASE_URL;
    const postgres = given ? null : await startEmbeddedPostgres({ dataDir });
    if (postgres) closers.push(await ownDatabase(postgres, stop));
    const databaseUrl = given ?? postgres!.url;
    const system = await startSystem({
      env,
      databaseUrl,
      logLevel: env.LOG_LEVEL ? undefined : 'warn',
      // Stripe remembers customers, cards and payments as the database does.
      ...(postgres && { sandbox: { stateFile: join(dataDir, 'stripe.json') } }),
      selfCheck: { volumes: postgres ? [postgres.dataDir] : [] },
    });
    closers.push(() => system.stop());
    const stored = await storedDemo();
    const market = await seedMarket(system, stored.market);
    const demo = { ...(await seedDemo(system, stored)), ...(market && { market }) };
    await announce(system, postgres, databaseUrl, demo);
  } catch (error) {
    await stop();
    throw error;
  }
  closeWithGrace({ delay: 10_000, logger: false }, async ({ err, signal }) => {
    if (err) process.stderr.write(`${err.stack ?? err}\n`);
    if (signal) say('\nstopping: finishing running jobs');
    await stop();
  });
}

/** Longest time for stopping the rest when the database is gone. */
const lastMs = 10_000;

/**
 * Ends this process when its database has ended: only a new start can recover it. Returns what stops the database.
 */
async function ownDatabase(
  postgres: EmbeddedPostgres,
  stop: () => Promise<void>,
): Promise<() => Promise<void>> {
  const unwatch = await postgres.watch((pid) => {
    process.stderr.write(
      `The embedded PostgreSQL (process ${pid}) has ended, and leadgate cannot run without it. All committed data is kept in ${postgres.dataDir}; the reason is in ${postgres.logFile}. Start leadgate again: PostgreSQL then recovers.\n`,
    );
    setTimeout(() => process.exit(1), lastMs).unref();
    stop().then(
      () => process.exit(1),
      () => process.exit(1),
    );
  });
  return async () => {
    unwatch();
    await postgres.stop();
  };
}

async function storedDemo(): Promise<Partial<DemoAccess>> {
  try {
    return JSON.parse(await readFile(demoFile, 'utf8')) as Partial<DemoAccess>;
  } catch {
    // First start, or the file was removed: a new key and operator are created.
    return {};
  }
}

async function announce(
  system: System,
  postgres: EmbeddedPostgres | null,
  databaseUrl: string,
  demo: DemoAccess,
): Promise<void> {
  const { publicUrl, sandbox, config } = system;
  const urls = {
    console: `${publicUrl}/console`,
    marketplace: `${publicUrl}/market`,
    queues: `${publicUrl}/queues`,
    docs: `${publicUrl}/docs`,
    sandbox: sandbox?.url ?? null,
  };
  const file = { publicUrl, ...urls, ...demo, databaseUrl, pid: process.pid };
  await writeFile(demoFile, `${JSON.stringify(file, null, 2)}\n`, { mode: 0o600 });
  say('leadgate is running. Ctrl-C finishes running jobs and stops.');
  say();
  say(`  console     ${urls.console}   (${demo.operator.email} / ${demo.operator.password})`);
  if (demo.market) sayMarketplace(urls.marketplace, demo.market);
  say(`  queues      ${urls.queues}`);
  say(`  API docs    ${urls.docs}`);
  if (urls.sandbox) say(`  phones      ${urls.sandbox}   (simulated: ${config.sandboxed.join(', ')})`);
  say(`  data        ${postgres ? postgres.dataDir : 'the database in DATABASE_URL'}`);
  say(`  queue       ${config.redisUrl ? 'Redis' : 'PostgreSQL'}`);
  say(`  keys        ${demoFile}`);
  say();
  say('Send a lead, watch the offers arrive on the simulated phones, and reply Y there:');
  say();
  say(exampleCurl(publicUrl, demo.apiKey));
  say();
  if (!demo.market) return;
  say('Send a lead of the marketplace; the answer tells whether it was sold:');
  say();
  say(marketplaceCurl(publicUrl, demo.market));
  say();
}

function sayMarketplace(url: string, { seller, buyers, password }: MarketAccess): void {
  say(`  marketplace ${url}   (seller ${seller} / ${password})`);
  say(`              buyers ${buyers.join(', ')}, with the same password`);
}

function marketplaceCurl(publicUrl: string, market: MarketAccess): string {
  const lead = {
    campaignId: market.campaignId,
    categoryId: market.categoryId,
    state: 'FL',
    data: { firstName: 'Zoe', phone: '+13055550188', email: 'zoe@people.example', roofAge: 9 },
  };
  return `curl -s ${publicUrl}/api/leads/ingest -H 'X-API-Key: ${market.supplierKey}' -H 'Content-Type: application/json' -d '${JSON.stringify(lead)}'`;
}

function exampleCurl(publicUrl: string, apiKey: string): string {
  const lead = {
    city: 'Miami',
    service_type: '60 min Mobile Massage',
    preferred_time_window: 'Evening (6-9 PM)',
    budget_range: '$150-200',
    client_name: 'Sarah Johnson',
    client_phone: '+13055550199',
    client_email: 'sarah.johnson@email.com',
    exact_address: '123 Ocean Drive, Miami Beach, FL 33139',
    provider_ids: ['provider60', 'provider61'],
    config: { price_cents: 2000, currency: 'usd', ttl_hours: 24 },
  };
  return `curl -s ${publicUrl}/api/leads -H 'Authorization: Bearer ${apiKey}' -H 'Content-Type: application/json' -d '${JSON.stringify(lead)}'`;
}

main().catch((error: unknown) => {
  const expected =
    error instanceof ConfigError ||
    error instanceof FolderInUseError ||
    error instanceof EmbeddedPostgresError;
  const code = (error as NodeJS.ErrnoException).code;
  if (expected) process.stderr.write(`${(error as Error).message}\n`);
  else if (code === 'EADDRINUSE')
    process.stderr.write(`${(error as Error).message}. Set PORT and SANDBOX_PORT to free ports.\n`);
  else process.stderr.write(`${(error as Error).stack ?? String(error)}\n`);
  process.exit(1);
});
