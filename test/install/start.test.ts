import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Ask, signIn, until } from '../../src/demo/front-end.ts';
import { addFunds, boughtLeads, readWallet, receivedLeads } from '../../src/demo/market-calls.ts';
import type { MarketAccess } from '../../src/demo/seed.ts';
import { freePort } from '../../src/system.ts';

type Started = {
  child: ChildProcess;
  output: () => string;
  errors: () => string;
  exited: Promise<number | null>;
};

const loader = pathToFileURL(resolve('node_modules/tsx/dist/loader.mjs')).href;
const main = resolve('src/main.ts');

/** Runs `npm start` as an installed package does, in a folder of its own. */
function start(folder: string, ports: { PORT: string; SANDBOX_PORT: string }): Started {
  const child = spawn(process.execPath, ['--import', loader, main], {
    cwd: folder,
    // The working directory is not the project's, so tsx needs the path of its settings.
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      TSX_TSCONFIG_PATH: resolve('tsconfig.json'),
      ...ports,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  const exited = new Promise<number | null>((done) => child.once('exit', (code) => done(code)));
  return { child, output: () => output, errors: () => errors, exited };
}

async function waitForOutput({ child, output, errors, exited }: Started, text: string): Promise<void> {
  const started = new Promise<void>((done) => {
    const check = () => output().includes(text) && done();
    child.stdout!.on('data', check);
    check();
  });
  const ended = exited.then((code) => {
    throw new Error(`npm start ended with ${code}: ${errors()}`);
  });
  await Promise.race([started, ended]);
}

async function runShell(command: string): Promise<string> {
  const shell = spawn('sh', ['-c', command], { stdio: ['ignore', 'pipe', 'ignore'] });
  let output = '';
  for await (const chunk of shell.stdout) output += chunk;
  return output;
}

describe('npm start', () => {
  let folder: string;
  let ports: { PORT: string; SANDBOX_PORT: string };
  let running: Started;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'leadgate-start-'));
    ports = { PORT: String(await freePort()), SANDBOX_PORT: String(await freePort()) };
    running = start(folder, ports);
    await waitForOutput(running, 'curl -s');
  });
  afterAll(async () => {
    running.child.kill('SIGTERM');
    await running.exited;
    await rm(folder, { recursive: true, force: true });
  });

  const written = async () => JSON.parse(await readFile(join(folder, '.leadgate/demo.json'), 'utf8'));
  const demo = async () => (await written()) as Record<string, string>;
  const market = async () => (await written()).market as MarketAccess;
  const enter = async (email: string): Promise<Ask> => {
    const { publicUrl } = await demo();
    const { password } = await market();
    return (await signIn({ url: publicUrl!, origin: publicUrl! }, { email, password }))!;
  };
  /** How the leads of the sample marketplace stand, oldest first, and the balances of its buyers. */
  const marketplace = async () => {
    const { seller, buyers } = await market();
    const leads = await receivedLeads(await enter(seller));
    const balances = buyers.map(async (email) => (await readWallet(await enter(email))).balance);
    return {
      leads: leads.toReversed().map(({ status, assignments }) => `${status} ${assignments.length}`),
      balances: await Promise.all(balances),
    };
  };

  /** Of the server, whose folder is printed. */
  const pidFile = async () => {
    const [, folder] = /^ {2}data +(\S+)$/m.exec(running.output())!;
    return join(folder!, 'postmaster.pid');
  };

  it('prints its URLs and writes them with the keys to a file only its owner can read', async () => {
    const file = await demo();
    for (const url of [file.console, file.queues, file.docs, file.sandbox])
      expect(running.output()).toContain(url);
    expect((await stat(join(folder, '.leadgate/demo.json'))).mode & 0o777).toBe(0o600);
    expect(running.errors()).toBe('');
    const health = await fetch(`${file.publicUrl}/health`);
    expect(await health.json()).toMatchObject({ status: 'healthy' });
  });

  it('the printed curl command creates a lead', async () => {
    const command = running
      .output()
      .split('\n')
      .find((line) => line.startsWith('curl'))!;
    expect(JSON.parse(await runShell(command))).toMatchObject({
      lead_id: expect.stringMatching(/^lead_[a-z0-9]{8}$/),
    });
  });

  it('has a marketplace with leads that are sold and leads that wait, and prints who signs in', async () => {
    const { seller, buyers, password } = await market();
    for (const words of [seller, ...buyers, password]) expect(running.output()).toContain(words);
    const sold = Array.from({ length: 5 }, () => 'DISTRIBUTED 1');
    const decided = await until(
      marketplace,
      ({ leads }) => leads.filter((lead) => lead === sold[0]).length === sold.length,
    );
    expect(decided).toEqual({ leads: [...sold, 'PENDING 0', 'PENDING 0'], balances: [150, 50, 10] });
    const bought = await Promise.all(buyers.map(async (email) => boughtLeads(await enter(email))));
    expect(bought.map((leads) => leads.map(({ data }) => data.firstName).toReversed())).toEqual([
      ['Maria', 'Olivia'],
      ['Noah', 'Liam'],
      ['Emma'],
    ]);
  });

  it('the printed curl command of the marketplace sells a lead', async () => {
    await waitForOutput(running, '/api/leads/ingest');
    const command = running
      .output()
      .split('\n')
      .find((line) => line.startsWith('curl') && line.includes('/api/leads/ingest'))!;
    expect(JSON.parse(await runShell(command))).toMatchObject({
      message: 'Lead distributed to 1 buyer(s)',
    });
  });

  it('a second one in the same folder refuses to start and changes nothing', async () => {
    const second = start(folder, { PORT: String(await freePort()), SANDBOX_PORT: String(await freePort()) });
    expect(await second.exited).toBe(1);
    expect(second.errors()).toMatch(/already running/);
    expect(second.errors()).toContain(String(running.child.pid));
    const { publicUrl } = await demo();
    expect((await fetch(`${publicUrl}/health`)).status).toBe(200);
  });

  it('[F08] after kill -9 it starts again with the same data and keys', async () => {
    const before = await demo();
    const stood = await marketplace();
    running.child.kill('SIGKILL');
    await running.exited;
    running = start(folder, ports);
    await waitForOutput(running, 'curl -s');
    const after = await demo();
    expect(after.apiKey).toBe(before.apiKey);
    expect(await market()).toEqual(before.market);
    expect(await marketplace()).toEqual(stood);
    // Stripe knows the card that was saved before.
    const [buyer] = (await market()).buyers;
    const { balance, transaction } = await addFunds(await enter(buyer!), 20);
    expect([balance, transaction.amount]).toEqual([stood.balances[0]! + 20, 20]);
    const leads = await fetch(`${after.publicUrl}/api/leads`, {
      headers: { authorization: `Bearer ${after.apiKey}` },
    });
    expect(((await leads.json()) as { leads: unknown[] }).leads).toHaveLength(1);
  });

  it('ends with an error that says what happened when its PostgreSQL has ended, and starts again', async () => {
    const [pid] = (await readFile(await pidFile(), 'utf8')).split('\n');
    process.kill(Number(pid), 'SIGKILL');
    expect(await running.exited).toBe(1);
    expect(running.errors()).toContain(`The embedded PostgreSQL (process ${pid}) has ended`);
    expect(running.errors()).toContain('All committed data is kept in');
    running = start(folder, ports);
    await waitForOutput(running, 'curl -s');
    const { publicUrl, apiKey } = await demo();
    const leads = await fetch(`${publicUrl}/api/leads`, { headers: { authorization: `Bearer ${apiKey}` } });
    expect(((await leads.json()) as { leads: unknown[] }).leads).toHaveLength(1);
  });

  it('Ctrl-C drains and exits within 10 s', async () => {
    const began = Date.now();
    running.child.kill('SIGINT');
    expect(await running.exited).toBe(0);
    expect(Date.now() - began).toBeLessThan(10_000);
    expect(running.errors()).toBe('');
  });
});
