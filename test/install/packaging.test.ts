import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { checkCompose } from '../../scripts/compose-check.ts';
import { findGaps, findPassed, findTitles, readPromises } from '../../scripts/promises.ts';
import { environment } from '../../src/config/environment.ts';
import { loadConfig } from '../../src/config.ts';
import { createQueues } from '../../src/engine/queues.ts';
import { createRuntime } from '../../src/runtime.ts';
import { startSandbox } from '../../src/sandbox/server.ts';
import { atServer, createTestDatabase, directUrlOf } from '../harness/database.ts';
import { complete, problemsOf, withTextmagic } from '../harness/production-env.ts';

const root = new URL('../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');
const exists = (path: string) => existsSync(new URL(path, root));
const sources = readdirSync(new URL('src', root), { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.tsx?$/.test(name))
  .map((name) => `src/${name}`);

type Package = {
  engines: { node: string };
  bin: Record<string, string>;
  scripts: Record<string, string>;
  dependencies: Record<string, string>;
  optionalDependencies: Record<string, string>;
  devDependencies: Record<string, string>;
  overrides: Record<string, string>;
};
const manifest = JSON.parse(read('package.json')) as Package;
/** A file of dist is built from the source file of the same name. */
const builtFrom = (path: string) => [path.replace(/^dist\//, 'src/').replace(/\.js$/, '.ts')].some(exists);
const entryPoints = (text: string) => [...text.matchAll(/dist\/[\w/-]+\.js/g)].map(([path]) => path);

/** One environment per required variable, with only that variable empty. */
const withoutEach = (env: Record<string, string>) =>
  Object.keys(env)
    .filter((name) => name !== 'NODE_ENV' && name !== 'SMS_PROVIDER')
    .map((name) => [name, { ...env, [name]: '' }] as const);

describe('[S18] production', () => {
  it.each([complete, withTextmagic])('a complete configuration is accepted (%#)', (env) => {
    expect(problemsOf(env)).toEqual([]);
    expect(loadConfig(env).sandboxed).toEqual([]);
  });

  it.each([...withoutEach(complete), ...withoutEach(withTextmagic)])(
    'a configuration without %s is refused, naming it',
    (name, env) => {
      const problems = problemsOf(env);
      expect(problems).toHaveLength(1);
      expect(problems[0]).toContain(name);
    },
  );

  it('an empty configuration is refused, naming every missing variable', () => {
    const problems = problemsOf({ NODE_ENV: 'production' }).join('\n');
    for (const name of Object.keys(complete).filter((key) => key !== 'NODE_ENV'))
      expect(problems).toContain(name);
  });

  it.each(['src/api/main.ts', 'src/workers/main.ts'])(
    '%s exits with 1 and lists what is missing',
    (entry) => {
      const ended = spawnSync(process.execPath, ['--import', 'tsx', entry], {
        cwd: root,
        env: { PATH: process.env.PATH, NODE_ENV: 'production' },
        encoding: 'utf8',
      });
      expect(ended.status).toBe(1);
      expect(ended.stderr).toContain('DATABASE_URL is missing');
      expect(ended.stderr).toContain('STRIPE_SECRET_KEY is missing');
      expect(ended.stderr).not.toMatch(/^ +at /m);
    },
  );

  it.each([
    ['a plain address', { PUBLIC_URL: 'http://leads.example.com' }, /PUBLIC_URL/],
    ['a short session secret', { SESSION_SECRET: 'short' }, /SESSION_SECRET/],
    ['a sandbox', { SANDBOX_URL: 'http://127.0.0.1:3001' }, /SANDBOX_URL/],
    ['an encryption key of the wrong length', { ENCRYPTION_KEYS: 'k1:c2hvcnQ=' }, /ENCRYPTION_KEYS/],
    [
      'a guessable webhook path',
      { ...withTextmagic, TEXTMAGIC_WEBHOOK_TOKEN: 'guess' },
      /TEXTMAGIC_WEBHOOK_TOKEN/,
    ],
  ])('%s is refused', (_what, change, named) => {
    expect(problemsOf({ ...complete, ...change }).join('\n')).toMatch(named);
  });

  it('the vendor sandbox refuses to start', async () => {
    await expect(startSandbox({ port: 0, production: true })).rejects.toThrow(/production/i);
  });

  it('a database with synchronous_commit off is refused', async () => {
    const database = await createTestDatabase();
    try {
      await atServer(database.directUrl, (client) =>
        client.query(`ALTER DATABASE ${database.name} SET synchronous_commit = off`),
      );
      const config = loadConfig(
        { LOG_LEVEL: 'silent' },
        { databaseUrl: database.url, databaseDirectUrl: directUrlOf(database) },
      );
      await expect(createRuntime(config, { name: 'test' })).rejects.toThrow(/synchronous_commit/);
    } finally {
      await database.drop();
    }
  });

  it('a Redis that may evict jobs is refused', async () => {
    const redis = await startRedisWithInfo('maxmemory_policy:allkeys-lru');
    try {
      await expect(queuesOn(redis.url)).rejects.toThrow(/allkeys-lru.*noeviction/);
    } finally {
      redis.stop();
    }
  });

  it('several Redis servers that form no cluster are refused', async () => {
    const redis = await startRedisWithInfo('maxmemory_policy:noeviction');
    try {
      await expect(queuesOn(`${redis.url},${redis.url}`)).rejects.toThrow(/no cluster/);
    } finally {
      redis.stop();
    }
  });

  it.each(['localhost:6379', 'redis://a:6379,b:6379', 'http://a:6379', 'redis://a,http://b'])(
    'REDIS_URL=%s is refused as malformed',
    (url) => {
      expect(problemsOf({ ...complete, REDIS_URL: url }).join()).toContain('REDIS_URL');
    },
  );

  it.each([
    'redis://:a,b%23w9Kd@a:6379/2',
    'rediss://user:kT9-w2Qp@a',
    'redis://a:7001, redis://b:7002,redis://c:7003',
  ])('REDIS_URL=%s is accepted', (url) => {
    expect(problemsOf({ ...complete, REDIS_URL: url })).toEqual([]);
  });
});

const queuesOn = (redisUrl: string) =>
  createQueues({ redisUrl, databaseUrl: '', log: pino({ level: 'silent' }) });

/** A server that answers INFO with the given line, and everything else with OK. */
async function startRedisWithInfo(line: string): Promise<{ url: string; stop(): void }> {
  const info = `redis_version:7.2.0\r\nloading:0\r\n${line}\r\n`;
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      for (const command of chunk
        .toString()
        .split(/^\*\d+\r\n/m)
        .filter(Boolean))
        socket.write(/\r\ninfo\r\n/i.test(command) ? `$${info.length}\r\n${info}\r\n` : '+OK\r\n');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = address && typeof address === 'object' ? address.port : 0;
  return { url: `redis://127.0.0.1:${port}`, stop: () => server.close() };
}

describe('configuration', () => {
  const known = Object.keys(environment.shape);
  const lines = read('.env.example').split('\n');
  const documented = lines.flatMap((line) => /^([A-Z0-9_]+)=/.exec(line)?.[1] ?? []);

  it('.env.example documents every variable and no other', () => {
    const interpolated = [...read('docker-compose.yml').matchAll(/\$\{([A-Z0-9_]+)/g)].map(
      ([, name]) => name!,
    );
    expect(known.length).toBeGreaterThan(30);
    expect([...documented].sort()).toEqual([...new Set([...known, ...interpolated])].sort());
  });

  it('every variable has an explanation above it', () => {
    for (const name of documented) {
      const above = lines[lines.findIndex((line) => line.startsWith(`${name}=`)) - 1];
      expect(above, name).toMatch(/^# .{5,}/);
    }
  });

  it('the values shown in .env.example are the defaults', () => {
    const shown = Object.fromEntries(
      lines.flatMap((line) => {
        const [, name, value] = /^([A-Z0-9_]+)=(.*)$/.exec(line) ?? [];
        return name ? [[name, value]] : [];
      }),
    );
    expect(loadConfig(shown)).toEqual(loadConfig({}));
  });

  it('only src/config.ts reads process.env', () => {
    const readers = sources.filter((path) =>
      /\bprocess\.env\b|\benv\b.*from 'node:process'/.test(read(path)),
    );
    expect(readers).toEqual(['src/config.ts']);
  });
});

describe('the package', () => {
  it('every dist path named by Procfile, Dockerfile, compose file, README and bin is built from a source', () => {
    const named = ['Procfile', 'Dockerfile', 'docker-compose.yml', 'README.md'].flatMap((file) =>
      entryPoints(read(file)),
    );
    named.push(...Object.values(manifest.bin));
    expect(named.length).toBeGreaterThan(8);
    expect(named.filter((path) => !builtFrom(path))).toEqual([]);
  });

  it('every source path named by the scripts and Procfile.dev exists', () => {
    const commands = [...Object.values(manifest.scripts), read('Procfile.dev')].join('\n');
    const named = [...commands.matchAll(/\b(?:src|scripts|bench)\/[\w./-]+/g)].map(([path]) => path);
    expect(named.length).toBeGreaterThan(5);
    expect(named.filter((path) => !exists(path))).toEqual([]);
  });

  it('migrations run in the release phase only', () => {
    expect(read('Procfile')).toMatch(/^release: .*cli\/main\.js migrate$/m);
    expect(read('Procfile.dev')).not.toMatch(/^release:/m);
  });

  it('the compose file is valid, migrates before it starts, and persists the queue', () => {
    const text = read('docker-compose.yml');
    expect(checkCompose(text)).toEqual([]);
    type Shipped = {
      command?: string[];
      init?: boolean;
      stop_grace_period?: string;
      depends_on?: Record<string, { condition: string }>;
    };
    const services = parse(text, { merge: true }).services as Record<string, Shipped>;
    expect(services.redis!.command!.join(' ')).toContain('--maxmemory-policy noeviction --appendonly yes');
    for (const name of ['api', 'worker']) {
      expect(services[name]).toMatchObject({ init: true, stop_grace_period: '30s' });
      expect(services[name]!.depends_on!.migrate!.condition).toBe('service_completed_successfully');
    }
  });

  it('[S39] the compose file publishes nothing but the API, and that on this machine only', () => {
    type Published = { ports?: string[]; network_mode?: string };
    const { services } = parse(read('docker-compose.yml'), { merge: true }) as {
      services: Record<string, Published>;
    };
    const published = Object.entries(services).filter(([, { ports, network_mode }]) => ports ?? network_mode);
    expect(published.map(([name, { ports }]) => [name, ports])).toEqual([['api', ['127.0.0.1:3000:3000']]]);
  });

  it('every `leadgate` command of the README has the options that the command requires', () => {
    const commands = read('README.md').match(/leadgate key create [^\n`]*/g) ?? [];
    expect(commands.length).toBeGreaterThan(1);
    for (const command of commands) expect(command).toContain('--name ');
  });

  it.each<[string, (compose: string) => string, RegExp]>([
    ['an unknown key', (text) => text.replace('init: true', 'initial: true'), /initial/],
    ['a wrong duration', (text) => text.replace('30s', 'thirty'), /duration/],
    ['a missing service', (text) => text.replace('\n  redis:\n', '\n  valkey:\n'), /depends on redis/],
    ['a missing volume', (text) => text.replace('\n  redis-data:\n', '\n'), /mounts redis-data/],
  ])('a compose file with %s is refused', (_what, change, named) => {
    const changed = change(read('docker-compose.yml'));
    expect(checkCompose(changed).join('\n')).toMatch(named);
  });

  it('the image copies files that exist and runs as an ordinary user', () => {
    const dockerfile = read('Dockerfile');
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, from]) =>
      from!.split(' '),
    );
    expect(copied.filter((path) => !exists(path))).toEqual([]);
    const sent = read('.dockerignore').split('\n');
    expect(copied.filter((path) => !sent.includes(`!${path}`))).toEqual([]);
    expect(dockerfile).toMatch(/^USER node$/m);
    expect(dockerfile).toContain('--omit=optional');
  });

  it('versions are pinned exactly, and overrides are installed as pinned', () => {
    const { dependencies, devDependencies, optionalDependencies, overrides, engines } = manifest;
    expect(engines.node).toBe('>=20.19');
    const pins = { ...dependencies, ...devDependencies, ...optionalDependencies };
    expect(Object.entries(pins).filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual(
      [],
    );
    const { packages } = JSON.parse(read('package-lock.json')) as {
      packages: Record<string, { version: string }>;
    };
    for (const [name, wanted] of Object.entries(overrides)) {
      const version = wanted.startsWith('$') ? pins[wanted.slice(1)] : wanted.replace(/^npm:.*@/, '');
      const installed = Object.entries(packages).filter(([path]) => path.endsWith(`node_modules/${name}`));
      expect(
        installed.map(([, found]) => found.version),
        name,
      ).toEqual(installed.map(() => version));
      expect(installed.length, name).toBeGreaterThan(0);
    }
  });

  it('platform packages are optional in the lockfile, as npm 10 requires', () => {
    type Locked = { os?: string[]; cpu?: string[]; optional?: boolean; extraneous?: boolean };
    const { packages } = JSON.parse(read('package-lock.json')) as { packages: Record<string, Locked> };
    const refused = Object.entries(packages).filter(
      ([, { os, cpu, optional, extraneous }]) => extraneous || ((os || cpu) && !optional),
    );
    expect(refused.map(([path]) => path)).toEqual([]);
  });

  it('no source file has more than 400 lines', () => {
    expect(sources.filter((path) => read(path).split('\n').length > 401)).toEqual([]);
  });
});

describe('promises', () => {
  it.each<[string, string, string[]]>([
    ['a test', "it('[F01] keeps', () => {});", ['F01']],
    ['two ids', "test('[S02] [F18] keeps', () => {});", ['S02', 'F18']],
    ['a group', 'describe(`[S08] keys`, () => {});', ['S08']],
    ['a table', "it.each([[1, (2)]])('[F03] %i', () => {});", ['F03']],
    ['a table over lines', "it.each([\n  ['a', f()],\n])(\n  '[F04] %s',", ['F04']],
    ['nothing in a skipped test', "it.skip('[F05] keeps', () => {});", []],
    ['nothing in a planned test', "it.todo('[F06] keeps');", []],
    ['nothing in a comment', '// [F07] is tested elsewhere', []],
    ['nothing in another string', "const id = '[F08]';", []],
  ])('ids found in %s', (_what, text, found) => {
    expect(findTitles('x.test.ts', text).map(({ id }) => id)).toEqual(found);
  });

  it('every promise is in the README, word for word', () => {
    const readme = read('README.md');
    const missing = readPromises().filter(({ id, promise }) => !readme.includes(`| ${id} | ${promise}`));
    expect(missing).toEqual([]);
  });

  it('a promise without a test and an id without a promise are reported', () => {
    const promises = [
      { id: 'F01', promise: 'kept' },
      { id: 'F02', promise: 'forgotten' },
      { id: 'F03', promise: 'planned', later: 'another day' },
    ];
    const titled = [
      { id: 'F01', test: 'a' },
      { id: 'F99', test: 'b' },
    ];
    expect(findGaps(promises, titled)).toEqual(['F02 has no test: forgotten', 'F99 is not a promise (b)']);
  });

  it('only passed tests count', () => {
    const tests = [
      { fullName: '[S08] keys are hashed', status: 'passed' },
      { fullName: '[S09] sign-in', status: 'failed' },
    ];
    expect([...findPassed({ testResults: [{ assertionResults: tests }] })]).toEqual(['S08']);
  });
});
