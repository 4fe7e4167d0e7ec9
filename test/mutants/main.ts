import { parseArgs } from 'node:util';
import { mutants } from './catalogue.ts';
import type { Backend, Mutant, TestName } from './mutant.ts';
import { startRedis } from './redis.ts';
import { copyTree, PatchError, type Tree } from './tree.ts';
import { abandon, runTests, type TestResult } from './trial.ts';

/**
 * `npm run chaos:mutants [-- --only 3,7]`: removes one guarantee at a time from a copy of the product and shows which test
 * fails. Exits with 0 only when each change was caught by an assertion of the tests named for it.
 */
const { values } = parseArgs({ options: { only: { type: 'string' } } });
const say = (line = '') => process.stdout.write(`${line}\n`);

type Verdict = { mutant: Mutant; caught: boolean; problems: string[]; seconds: number };
/** The queue of a run. `redisUrl` is null for the PostgreSQL backend. */
type Lane = { backend: Backend; redisUrl: string | null };

function chosen(only: string | undefined): Mutant[] {
  if (only === undefined) return [...mutants];
  const numbers = only.split(',').map(Number);
  const unknown = numbers.filter((number) => !mutants.some((mutant) => mutant.number === number));
  if (unknown.length > 0) {
    say(`--only takes numbers from 1 to ${mutants.length}, separated by commas: ${only}`);
    process.exit(2);
  }
  return mutants.filter(({ number }) => numbers.includes(number));
}

const testsOf = ({ caughtBy, stillWorks }: Mutant): TestName[] => [...caughtBy, stillWorks];
const lanesOf = ({ backends }: Mutant, lanes: readonly Lane[]) =>
  lanes.filter(({ backend }) => backends.includes(backend));
const secondsSince = (began: number) => (performance.now() - began) / 1000;

/** Checks that the named tests pass on the unchanged code; otherwise their failure would prove nothing. */
async function isGreen(tree: Tree, planned: readonly Mutant[], lanes: readonly Lane[]): Promise<boolean> {
  let green = true;
  for (const { backend, redisUrl } of lanes) {
    const used = planned.filter(({ backends }) => backends.includes(backend)).flatMap(testsOf);
    const tests = [...new Map(used.map((test) => [test.title, test])).values()];
    if (tests.length === 0) continue;
    const began = performance.now();
    const wrong = (await runTests(tree.folder, tests, redisUrl)).filter(({ status }) => status !== 'passed');
    say(
      `unchanged, on ${backend}: ${tests.length - wrong.length} of ${tests.length} tests pass, ${secondsSince(began).toFixed(0)} s`,
    );
    for (const { title, because } of wrong) say(`    ${title}\n        ${because}`);
    green &&= wrong.length === 0;
  }
  return green;
}

async function tryMutant(tree: Tree, mutant: Mutant, lanes: readonly Lane[]): Promise<Verdict> {
  const began = performance.now();
  const problems: string[] = [];
  try {
    await tree.apply(mutant.edits);
    for (const { backend, redisUrl } of lanesOf(mutant, lanes)) {
      const results = await runTests(tree.folder, testsOf(mutant), redisUrl);
      problems.push(...problemsOf(mutant, results).map((problem) => `on ${backend}: ${problem}`));
    }
  } catch (error) {
    if (!(error instanceof PatchError)) throw error;
    problems.push(`the change cannot be made: ${error.message}`);
  } finally {
    await tree.restore();
  }
  return { mutant, caught: problems.length === 0, problems, seconds: secondsSince(began) };
}

function problemsOf({ stillWorks }: Mutant, results: readonly TestResult[]): string[] {
  return results.flatMap(({ title, status, because }) => {
    if (title === stillWorks.title)
      return status === 'passed' ? [] : [`more than the one guarantee is broken: ${title}: ${because}`];
    say(`    ${status}: ${title}${because ? `\n        ${because}` : ''}`);
    if (status === 'passed') return [`not caught by ${title}`];
    return status === 'broken' ? [`no assertion failed in ${title}: ${because}`] : [];
  });
}

function table(verdicts: readonly Verdict[], lanes: readonly Lane[]): string[] {
  const rows = verdicts.map(({ mutant, caught, seconds }) => {
    const files = [...new Set(mutant.edits.map(({ file }) => `\`${file}\``))].join(', ');
    const by = caught ? mutant.caughtBy.map(({ title }) => title).join('; ') : '**not caught**';
    const on = lanesOf(mutant, lanes).map(({ backend }) => backend);
    return [mutant.number, mutant.name, `${mutant.change} (${files})`, by, on.join(', '), seconds.toFixed(0)];
  });
  const header = ['', 'mutant', 'changed', 'caught by', 'queue', 's'];
  return [header, header.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
}

async function gate(tree: Tree, planned: readonly Mutant[], lanes: readonly Lane[]): Promise<boolean> {
  const began = performance.now();
  if (!(await isGreen(tree, planned, lanes))) {
    say('\nNo mutant was tried, because these tests must pass on the unchanged code first.');
    return false;
  }
  const verdicts: Verdict[] = [];
  for (const mutant of planned) {
    say(`\n${mutant.number}. ${mutant.name}: ${mutant.change}\n    lost: ${mutant.loses}`);
    const verdict = await tryMutant(tree, mutant, lanes);
    for (const problem of verdict.problems) say(`    ${problem}`);
    say(`    ${verdict.caught ? 'caught' : 'NOT CAUGHT'}, ${verdict.seconds.toFixed(0)} s`);
    verdicts.push(verdict);
  }
  say(`\n${table(verdicts, lanes).join('\n')}\n`);
  const survivors = verdicts.filter(({ caught }) => !caught).map(({ mutant }) => mutant.name);
  for (const name of survivors) say(`not caught: ${name}`);
  say(`${secondsSince(began).toFixed(0)} s in all`);
  say(`${verdicts.length - survivors.length} of ${verdicts.length} caught`);
  return survivors.length === 0;
}

const planned = chosen(values.only);
const needsRedis = planned.some(({ backends }) => backends.includes('redis'));
const redis = needsRedis ? await startRedis() : null;
if (needsRedis && !redis)
  say('There is no redis-server on PATH: mutants for both queues are tried on PostgreSQL only.');
const lanes: Lane[] = [{ backend: 'postgres', redisUrl: null }];
if (redis) lanes.push({ backend: 'redis', redisUrl: redis.url });
const tree = await copyTree();
const cleanUp = async () => {
  await tree.remove();
  await redis?.stop();
};
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    abandon();
    void cleanUp().finally(() => process.exit(signal === 'SIGINT' ? 130 : 143));
  });
}
try {
  process.exitCode = (await gate(tree, planned, lanes)) ? 0 : 1;
} finally {
  await cleanUp();
}
