import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestName } from './mutant.ts';

export type TestResult = TestName & {
  /** failed: by an assertion. broken: in any other way, such as a timeout, a hook or a file that cannot be loaded. */
  status: 'passed' | 'failed' | 'broken';
  /** The first line of the failure. */
  because: string;
};

type Report = {
  testResults: {
    name: string;
    message: string;
    assertionResults: { fullName: string; status: string; failureMessages: string[] }[];
  }[];
};

/** Variables of this machine that are not passed on, because the tests start their own servers. */
const configured =
  /^(DATABASE_|REDIS_URL$|NODE_ENV$|PUBLIC_URL$|DOMAIN$|SANDBOX_URL$|LOG_LEVEL$|VITEST|NODE_OPTIONS$)/;

/** Timeout of one vitest run; a single test has a limit of three minutes. */
const runTimeoutMs = 240_000;

let running: ChildProcess | undefined;
let abandoned = false;

/** Runs exactly these tests of the folder in a separate vitest process. Returns one result per test. */
export async function runTests(
  folder: string,
  tests: readonly TestName[],
  redisUrl: string | null,
): Promise<TestResult[]> {
  const file = join(folder, 'report.json');
  await rm(file, { force: true });
  const files = [...new Set(tests.map((test) => test.file))];
  const pattern = `^(${tests.map(({ title }) => title.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('|')})$`;
  const child = spawn(
    process.execPath,
    [
      join(folder, 'node_modules/vitest/vitest.mjs'),
      ...['run', '--root', folder, '--project', 'integration', '--testNamePattern', pattern],
      ...['--reporter', 'json', '--outputFile.json', file, ...files],
    ],
    { cwd: folder, env: environment(redisUrl), stdio: ['ignore', 'pipe', 'pipe'] },
  );
  running = child;
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (output = (output + chunk.toString()).slice(-4_000)));
  const limit = setTimeout(() => child.kill('SIGKILL'), runTimeoutMs);
  await once(child, 'close');
  clearTimeout(limit);
  running = undefined;
  // Never resolves after an interrupt, because the process is about to exit.
  if (abandoned) return new Promise(() => undefined);
  const report = await readFile(file, 'utf8').then(
    (text) => JSON.parse(text) as Report,
    () => ({ testResults: [] }),
  );
  return tests.map((test) => ({ ...test, ...judge(test, report, output) }));
}

/** Interrupts the current run. */
export function abandon(): void {
  abandoned = true;
  running?.kill('SIGINT');
}

function environment(redisUrl: string | null): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !configured.test(name));
  return { ...Object.fromEntries(kept), NO_COLOR: '1', ...(redisUrl ? { REDIS_URL: redisUrl } : {}) };
}

function judge(
  { file, title }: TestName,
  report: Report,
  output: string,
): Pick<TestResult, 'status' | 'because'> {
  const suite = report.testResults.find(({ name }) => name.endsWith(`/${file}`));
  const found = suite?.assertionResults.find(({ fullName }) => fullName === title);
  if (found?.status === 'passed') return { status: 'passed', because: '' };
  const messages = found?.failureMessages ?? [];
  const assertion = messages.find((message) => message.startsWith('AssertionError'));
  const because = assertion ?? messages[0] ?? suite?.message ?? '';
  if (found?.status === 'failed')
    return { status: assertion ? 'failed' : 'broken', because: firstLine(because) };
  return { status: 'broken', because: firstLine(because) || `it did not run: ${output.trim()}` };
}

const firstLine = (text: string) => text.split('\n', 1)[0]!.trim();
