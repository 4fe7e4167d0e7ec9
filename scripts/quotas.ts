import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { type Quota, quotaNames, quotas, spanOf } from '../src/domain/account/quotas.ts';

/** `npm run docs:quotas`: writes the table of docs/quotas.md from the table that the code uses. */

const page = new URL('../docs/quotas.md', import.meta.url);
const begin = '<!-- npm run docs:quotas -->\n';
const end = '<!-- end -->';

const numberOf = (limit: number | null) => (limit === null ? '–' : limit.toLocaleString('en-US'));
const windows = {
  rate: ({ seconds }: Quota) => spanOf(seconds),
  held: () => 'at once',
  stored: () => 'stored',
};
/** Codes that clients knew before there were quotas. */
const codes: Partial<Record<string, string>> = {
  api_keys: '409 `too_many_keys`',
  categories: '400 `Too many categories`',
  files_waiting: '409 `too_many_files`',
};

export function quotaTable(): string {
  const rows = quotaNames.map((name) => {
    const quota: Quota = quotas[name];
    const { kind, what, perOrganization, perKey } = quota;
    const cells = [numberOf(perOrganization), numberOf(perKey), windows[kind](quota)];
    return `| \`${name}\` | ${what} | ${cells.join(' | ')} | ${codes[name] ?? '429 `quota_exceeded`'} |`;
  });
  return [
    '| name | what | organization | key | window | refusal |',
    '|---|---|---|---|---|---|',
    ...rows,
  ].join('\n');
}

export const committedQuotas = (): string => readFileSync(page, 'utf8');

/** The page with the table of the code. */
export function quotaPage(): string {
  const [before = '', rest = ''] = committedQuotas().split(begin);
  return `${before}${begin}${quotaTable()}\n${end}${rest.split(end)[1] ?? ''}`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) writeFileSync(page, quotaPage());
