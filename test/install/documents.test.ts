import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { committedPage, lifecyclePage } from '../../scripts/lifecycle.ts';
import { readPromises, readTitles } from '../../scripts/promises.ts';
import { committedQuotas, quotaPage } from '../../scripts/quotas.ts';
import { defaultLimits } from '../../src/api/http/limits.ts';
import { spanOf } from '../../src/domain/account/quotas.ts';

const root = new URL('../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');
const exists = (path: string) => existsSync(new URL(path, root));
const filesIn = (folder: string, ending: RegExp) =>
  readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' })
    .filter((name) => ending.test(name))
    .map((name) => `${folder}/${name}`);

const code = ['src', 'test', 'bench', 'scripts'].flatMap((folder) =>
  filesIn(folder, /\.(tsx?|mjs|cjs|css|js)$/),
);
const pages = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'test/README.md', ...filesIn('docs', /\.md$/)];

describe('documents', () => {
  it('has no link that leads nowhere', () => {
    const dead = pages
      .flatMap((page) =>
        [...read(page).matchAll(/\]\(([^)#:\s]+)(?:#[^)]*)?\)/g)].map(
          ([, target]) => [page, target!] as const,
        ),
      )
      .filter(([page, target]) => !existsSync(new URL(target, new URL(page, root))));
    expect(dead).toEqual([]);
  });

  it('tells of every folder of test/ what goes there, and names only files that exist', () => {
    const guide = read('test/README.md');
    const folders = readdirSync(new URL('test', root), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
    expect(folders.filter((name) => !guide.includes(`\`${name}/\``))).toEqual([]);
    const files = [...guide.matchAll(/`((?:harness|engine|mutants)\/[\w-]+\.ts)`/g)].map(([, file]) => file!);
    expect(files.length).toBeGreaterThan(12);
    expect(files.filter((file) => !exists(`test/${file}`))).toEqual([]);
  });

  it('draws docs/lifecycle.md from the tables of the code: npm run docs:lifecycle', () => {
    expect(committedPage()).toBe(lifecyclePage());
  });

  it('lists in docs/quotas.md the limits of the code: npm run docs:quotas', () => {
    expect(committedQuotas()).toBe(quotaPage());
    expect(committedQuotas()).toContain('| `requests` | requests | 10,000 | 5,000 | 10 seconds |');
  });

  it('lists in docs/quotas.md every counter that is no quota, by the name that /metrics has', () => {
    const sources = filesIn('src', /(?<!\.test)\.tsx?$/).map((path) => ({ path, text: read(path) }));
    const named = sources.flatMap(({ text }) =>
      [...text.matchAll(/name: '(\w+)',\s*who: /g)].map(([, name]) => name!),
    );
    // Every other counter has the name of a quota or of a limit.
    const others = sources.filter(
      ({ text }) => /\bcounters\b/i.test(text) && /(?<!name: '\w+',\s*)\bwho: (?!string)/.test(text),
    );
    expect(others.map(({ path }) => path)).toEqual(['src/usecases/account/quotas.ts']);
    const { key: _, ...limits } = defaultLimits;
    const listed = [...committedQuotas().matchAll(/^\| `(\w+)` \| [^|]+ \| ([^|]+) \| [^|]+ \|$/gm)];
    expect(listed.map(([, name]) => name).sort()).toEqual([...named, ...Object.keys(limits)].sort());
    for (const [name, limit] of Object.entries(limits))
      expect(listed.find(([, each]) => each === name)?.[2], name).toBe(
        `${limit!.points.toLocaleString('en-US')} in ${spanOf(limit!.seconds).replace(/^1 /, 'a ')}`,
      );
  });

  it('names only documents that exist in its comments and titles', () => {
    const sources = [
      ...code,
      ...['.dependency-cruiser.cjs', '.ci/run', 'vitest.config.ts', 'drizzle.config.ts'],
      ...['Dockerfile', 'docker-compose.yml', '.env.example'],
    ];
    const named = sources.flatMap((path) =>
      [...read(path).matchAll(/(?:[\w-]+\/)*[\w-]+\.md\b/g)].map(([name]) => ({ path, name })),
    );
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter(({ name }) => !exists(name))).toEqual([]);
  });

  it('names only source files that exist in its comments, by any end of their path', () => {
    const comments = /^\s*(?:\*|\/\*\*?|\/\/) (.*)$/gm;
    const named = code.flatMap((path) =>
      [...read(path).matchAll(comments)].flatMap(([, text]) =>
        [...text!.matchAll(/(?<![\w*])[\w/-]*[\w-]\.(?:tsx?|mjs)\b/g)].map(([name]) => ({ path, name })),
      ),
    );
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter(({ name }) => !code.some((file) => `/${file}`.endsWith(`/${name}`)))).toEqual([]);
  });
});

type Row = { id: string; cells: string[] };
const rowsOf = (page: string): Row[] =>
  [...read(page).matchAll(/^\| ([FS]\d{2}) \| (.*) \|$/gm)].map(([, id, cells]) => ({
    id: id!,
    cells: cells!.split(' | '),
  }));

describe.each([
  ['docs/failures.md', 'F'],
  ['docs/security.md', 'S'],
])('%s', (page, letter) => {
  const promises = readPromises().filter(({ id }) => id.startsWith(letter));

  it('has the ids of docs/promises.json, each once', () => {
    const ids = rowsOf(page).map(({ id }) => id);
    expect(ids.sort()).toEqual(promises.map(({ id }) => id).sort());
  });

  it('names for each id files whose tests carry it, and says which ids are for later', () => {
    const held = readTitles();
    const wrong = rowsOf(page).flatMap(({ id, cells }) => {
      const files = [...cells.join(' ').matchAll(/`((?:src|test)\/[\w./-]+)`/g)].map(([, file]) => file!);
      const later = promises.find((promise) => promise.id === id)?.later;
      if (later) return files.length === 0 && cells.join(' ').includes(`Later: ${later}`) ? [] : [id];
      if (files.length === 0) return [`${id} names no test`];
      return files
        .filter((file) => !held.some((one) => one.id === id && one.test.startsWith(`${file}: `)))
        .map((file) => `${id} is not in ${file}`);
    });
    expect(wrong).toEqual([]);
  });
});
