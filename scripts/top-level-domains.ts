import { readFileSync, writeFileSync } from 'node:fs';
import { domainToUnicode, pathToFileURL } from 'node:url';

/**
 * `npm run data:domains`: writes src/domain/lead/top-level-domains.ts from the list that IANA publishes. With a file as
 * argument it reads that file instead (one name per line, or a JSON array of names); a second argument says where the file
 * came from.
 */

const source = 'https://data.iana.org/TLD/tlds-alpha-by-domain.txt';
const target = new URL('../src/domain/lead/top-level-domains.ts', import.meta.url);
const lineWidth = 116;

/** Names in lower case, once each, in Unicode instead of Punycode. */
export function namesOf(list: string): string[] {
  const given = list.trimStart().startsWith('[')
    ? (JSON.parse(list) as string[])
    : list.split('\n').filter((line) => !line.startsWith('#'));
  const names = given.map((name) => domainToUnicode(name.trim().toLowerCase())).filter((name) => name !== '');
  return [...new Set(names)].sort();
}

function render(names: readonly string[], from: string): string {
  const lines = [''];
  for (const name of names) {
    const line = `${lines.at(-1)} ${name}`.trim();
    if (line.length > lineWidth) lines.push(name);
    else lines[lines.length - 1] = line;
  }
  return `/**
 * All top-level domains of the internet, as IANA lists them at ${source}.
 * Names in other scripts are in Unicode. Written by \`npm run data:domains\`, last on ${new Date().toISOString().slice(0, 10)}
 * from ${from}.
 */
export const topLevelDomains: ReadonlySet<string> = new Set(
  \`
${lines.join('\n')}
\`
    .trim()
    .split(/\\s+/),
);
`;
}

async function main(file?: string, from = source): Promise<void> {
  const names = namesOf(file ? readFileSync(file, 'utf8') : await (await fetch(source)).text());
  if (names.length < 1_000)
    throw new Error(`The list has only ${names.length} names; the file is unchanged.`);
  writeFileSync(target, render(names, from));
  process.stdout.write(`${names.length} top-level domains\n`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main(...process.argv.slice(2));
