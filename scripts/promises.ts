import { readdirSync, readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

/**
 * `npm run promises [-- --results vitest.json …]`: lists the tests of each promise in docs/promises.json, by the ids in their
 * titles ("[F12] …"). Fails on a promise in scope without a test and on an unknown id. With JSON reports of test runs it also
 * fails on a promise of which no test passed.
 */

export type Promised = { id: string; promise: string; later?: string };
export type Titled = { id: string; test: string };

const ids = /\[([FS]\d{2})\]/g;
/** The title of a test: the first argument of it, test or describe, or of the function returned by .each(…). */
const titles =
  /(?:\b(?:it|test|describe)((?:\.\w+)*)|\)|`)\s*\(\s*(?:'((?:[^'\\\n]|\\.)*)'|"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`)/g;

/** The ids in the titles of one test file, without skipped and planned tests. */
export function findTitles(file: string, text: string): Titled[] {
  return [...text.matchAll(titles)].flatMap(([, modifiers = '', ...quoted]) => {
    const title = quoted.find((part) => part !== undefined) ?? '';
    if (/\.(skip|todo)\b/.test(modifiers)) return [];
    return [...title.matchAll(ids)].map(([, id]) => ({
      id: id!,
      test: `${file}: ${title.replaceAll(ids, '').trim()}`,
    }));
  });
}

/** Returns promises without tests and unknown ids; empty when there are none. */
export function findGaps(promises: readonly Promised[], titled: readonly Titled[]): string[] {
  const known = new Set(promises.map(({ id }) => id));
  const named = new Set(titled.map(({ id }) => id));
  return [
    ...promises
      .filter(({ id, later }) => !later && !named.has(id))
      .map(({ id, promise }) => `${id} has no test: ${promise}`),
    ...titled.filter(({ id }) => !known.has(id)).map(({ id, test }) => `${id} is not a promise (${test})`),
  ];
}

type Report = { testResults: { assertionResults: { fullName: string; status: string }[] }[] };

/** The ids in the full names of tests that passed. */
export function findPassed(report: Report): Set<string> {
  const passed = report.testResults
    .flatMap((file) => file.assertionResults)
    .filter(({ status }) => status === 'passed');
  return new Set(passed.flatMap(({ fullName }) => [...fullName.matchAll(ids)].map(([, id]) => id!)));
}

export function readPromises(): Promised[] {
  return JSON.parse(readFileSync(new URL('../docs/promises.json', import.meta.url), 'utf8')) as Promised[];
}

export function readTitles(): Titled[] {
  const root = new URL('../', import.meta.url);
  return ['src', 'test'].flatMap((folder) =>
    readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.test\.tsx?$/.test(name))
      .sort()
      .flatMap((name) =>
        findTitles(`${folder}/${name}`, readFileSync(new URL(`${folder}/${name}`, root), 'utf8')),
      ),
  );
}

function main(results: string[]): number {
  const promises = readPromises();
  const titled = readTitles();
  for (const { id, promise, later } of promises) {
    process.stdout.write(`${id}  ${promise}${later ? `  (later: ${later})` : ''}\n`);
    for (const { test } of titled.filter((one) => one.id === id)) process.stdout.write(`       ${test}\n`);
  }
  const gaps = findGaps(promises, titled);
  if (results.length > 0) {
    const passed = new Set(
      results.flatMap((path) => [...findPassed(JSON.parse(readFileSync(path, 'utf8')) as Report)]),
    );
    const unproven = promises.filter(({ id, later }) => !later && !passed.has(id));
    gaps.push(...unproven.map(({ id }) => `${id}: none of its tests passed in this run`));
  }
  const due = promises.filter(({ later }) => !later).length;
  process.stdout.write(
    `\n${due} promises in scope, ${promises.length - due} for later, ${titled.length} tests, ${gaps.length} gaps\n`,
  );
  for (const gap of gaps) process.stdout.write(`  ✗ ${gap}\n`);
  return gaps.length === 0 ? 0 : 1;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { values } = parseArgs({ options: { results: { type: 'string', multiple: true } } });
  process.exitCode = main(values.results ?? []);
}
