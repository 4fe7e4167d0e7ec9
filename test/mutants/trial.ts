import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestName } from './catalogue.ts';

export type TestResult = TestName & {
  /** failed: by an assertion. broken: any other way, be it a time limit, a hook or a file that cannot be loaded. */
  status: 'passed' | 'failed' | 'broken';
  /** The first line of what was wrong. */
  because: string;
};

type Report = {
  testResults: {
    name: string;
    message: string;
    assertionResults: { fullName: string; status: string; failureMessages: string[] }[];
  }[];
};

/** What a machine has configured is not the subject: the tests bring their own servers. */
const configured =
  /^(DATABASE_|REDIS_URL$|NODE_ENV$|PUBLIC_URL$|DOMAIN$|SANDBOX_URL$|LOG_LEVEL$|VITEST|NODE_OPTIONS$)/;

/** Longest one run of vitest may take; a single test has its own limit of a minute. */
const patienceMs = 240_000;

let running: ChildProcess | undefined;
let abandoned = false;

/** Runs exactly these tests in the folder, by vitest in a process of its own. One result for each of them. */
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
  const limit = setTimeout(() => child.kill('SIGKILL'), patienceMs);
  await once(child, 'close');
  clearTimeout(limit);
  running = undefined;
  // The process is about to end: there is nobody left to judge for.
  if (abandoned) return new Promise(() => undefined);
  const report = await readFile(file, 'utf8').then(
    (text) => JSON.parse(text) as Report,
    () => ({ testResults: [] }),
  );
  return tests.map((test) => ({ ...test, ...judge(test, report, output) }));
}

/** Ends a run that is under way. */
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
