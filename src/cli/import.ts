import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { Command, type CommanderError } from 'commander';
import { isConnectionError } from '../db/client.ts';
import { LEAD_FIELDS } from '../domain/lead/candidate.ts';
import {
  type Door,
  databaseDoor,
  failure,
  httpDoor,
  type ImportState,
  type LocalFile,
  type Preview,
  UnreachableError,
  wrongUse,
} from './import-targets.ts';
import { startProgress } from './progress.ts';
import { CommandError, say, withSession } from './session.ts';

type Options = {
  company: number;
  url?: string;
  keyFile?: string;
  key?: string;
  map: string[];
  encoding?: string;
  delimiter?: string;
  again?: boolean;
  rejects?: string;
};

export const exitCodes = `
Exit codes: 0 every row was taken; 1 some rows were rejected (they are in the file of --rejects);
2 wrong use, or not a file that can be imported; 3 it failed, or was cancelled.

Run again after it was broken off, it goes on where the import stands: the same file is never read twice
unless --again says so.`;

export function importCommand(): Command {
  return new Command('import')
    .description('bring a CSV of leads to a company, and see every row through')
    .argument('<file>', 'the CSV')
    .requiredOption('--company <number>', 'the company’s number', companyNumber)
    .option('--url <address>', 'through the API of a leadgate elsewhere, instead of the database of this one')
    .option('--key <key>', 'its API key, with the scopes leads:read and leads:write; better --key-file')
    .option('--key-file <file>', 'a file that holds the API key')
    .option(
      '--map <column=field>',
      'what a column is, where it is not found out; again for each',
      collect,
      [],
    )
    .option('--encoding <name>', 'utf-8, utf-16le, utf-16be or windows-1252, where it is not found out')
    .option('--delimiter <character>', 'what stands between cells, where it is not found out; tab for TAB')
    .option('--again', 'import a file that was imported before once more')
    .option('--rejects <file>', 'where rejected rows go; <file>.rejected.csv by default')
    .addHelpText(
      'after',
      `\nFields: ${LEAD_FIELDS.join(', ')}, custom:<name>; "-" leaves a column out.\n${exitCodes}`,
    )
    .exitOverride((error: CommanderError) => {
      process.exit(error.exitCode === 0 ? 0 : 2);
    })
    .action(async (file: string, options: Options) => {
      process.exitCode = await exitCodeOf(() => run(file, options));
    });
}

async function exitCodeOf(work: () => Promise<number>): Promise<number> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof CommandError) {
      process.stderr.write(`${error.message}\n`);
      return error.exitCode === 1 ? 2 : error.exitCode;
    }
    if (!isConnectionError(error)) throw error;
    process.stderr.write(
      'The database does not answer. Run the same command again: it goes on where it was.\n',
    );
    return 3;
  }
}

async function run(path: string, options: Options): Promise<number> {
  const file = await localFile(path);
  if (options.url !== undefined) {
    const key = options.keyFile ? (await readFile(options.keyFile, 'utf8')).trim() : options.key;
    if (!key) throw wrongUse('An API key is needed with --url: --key-file <file>, or --key <key>.');
    return bring(httpDoor(options.url, key, options.company), path, file, options);
  }
  return withSession(async (session) =>
    bring(await databaseDoor(session, options.company), path, file, options),
  );
}

async function bring(door: Door, path: string, file: LocalFile, options: Options): Promise<number> {
  const hash = await hashOf(file);
  const earlier = await door.sameFile(hash);
  const open = earlier.find(({ status }) => status === 'running' || status === 'ready');
  const done = earlier.find(({ status }) => status === 'done');
  if (!open && done && !options.again) {
    say(
      `This very file was imported on ${done.created_at.slice(0, 10)} (import ${done.import_id}); --again does it once more.`,
    );
    return report(door, done, path, options);
  }
  let id = open?.import_id;
  if (id === undefined || open?.status === 'ready') {
    id ??= await upload(door, file, options);
    await settleMapping(door, id, options.map);
    // Rows that a broken import of this file took are known, not news.
    await door.start(id, options.again === true || (!open && !done));
  } else say(`The file is being imported already (import ${id}): following it.`);
  return report(door, await follow(door, id), path, options);
}

async function upload(door: Door, file: LocalFile, { encoding, delimiter }: Options): Promise<string> {
  const progress = startProgress('Sending', 'MB');
  const dialect = { ...(encoding ? { encoding } : {}), ...(delimiter ? { delimiter } : {}) };
  const { id } = await door
    .upload(
      {
        ...file,
        bytes: () => counted(file.bytes(), (bytes) => progress.show(bytes / 2 ** 20, file.size / 2 ** 20)),
      },
      dialect,
    )
    .finally(() => progress.end());
  return id;
}

async function* counted(bytes: AsyncIterable<Uint8Array>, tell: (sent: number) => void) {
  let sent = 0;
  for await (const piece of bytes) {
    yield piece;
    sent += piece.length;
    tell(sent);
  }
}

/** What was found out, with the corrections of the command line. */
async function settleMapping(door: Door, id: string, corrections: readonly string[]): Promise<void> {
  let preview = await door.preview(id);
  if (corrections.length > 0) preview = await door.preview(id, corrected(preview, corrections));
  for (const { header, target } of preview.columns)
    say(`  ${header === '' ? '(no name)' : header}  ->  ${target ?? 'left out'}`);
  if (preview.problem)
    throw wrongUse(`${preview.problem} For example: --map "${preview.columns[0]?.header}=phone"`);
}

function corrected({ columns }: Preview, corrections: readonly string[]): (string | null)[] {
  const mapping = columns.map(({ target }) => target);
  for (const correction of corrections) {
    const cut = correction.lastIndexOf('=');
    const column = columns.findIndex(({ header }) => header === correction.slice(0, cut).trim());
    if (cut < 1 || column < 0)
      throw wrongUse(
        `--map ${correction}: there is no such column. There are: ${columns.map(({ header }) => header).join(', ')}`,
      );
    const field = correction.slice(cut + 1).trim();
    const target = field === '-' || field === '' ? null : field;
    // A field can only be one column's: the one that is named now.
    for (const [other, given] of mapping.entries())
      if (given === target && !['phone', 'email', 'tags'].includes(field)) mapping[other] = null;
    mapping[column] = target;
  }
  return mapping;
}

const lookEveryMs = 500;
const unreachableForMs = 60_000;

/** To the end. A server that is away for a moment is waited for. */
async function follow(door: Door, id: string): Promise<ImportState> {
  const progress = startProgress('Importing', 'rows');
  const interrupted = () => {
    progress.end();
    say('The import goes on without this window. The same command follows it again.');
    process.exit(130);
  };
  process.once('SIGINT', interrupted);
  let heardAt = performance.now();
  try {
    for (;;) {
      try {
        const state = await door.look(id);
        heardAt = performance.now();
        progress.show(state.processed_rows, state.total_rows);
        if (!['running', 'ready', 'uploading'].includes(state.status)) return state;
      } catch (error) {
        const away = error instanceof UnreachableError || isConnectionError(error);
        if (!away || performance.now() - heardAt > unreachableForMs) throw error;
      }
      await pause(lookEveryMs);
    }
  } finally {
    process.off('SIGINT', interrupted);
    progress.end();
  }
}

async function report(door: Door, state: ImportState, path: string, options: Options): Promise<number> {
  const number = (count: number) => count.toLocaleString('en-US');
  const { created, duplicates, rejected, processed_rows: rows } = state;
  say(
    `${number(rows)} rows: ${number(created)} leads, ${number(duplicates)} known already, ${number(rejected)} rejected.`,
  );
  if (rejected > 0) {
    const target = options.rejects ?? `${path.replace(/\.[a-z]{1,5}$/i, '')}.rejected.csv`;
    await pipeline(Readable.from(await door.rejects(state.import_id)), createWriteStream(target));
    say(`Rejected rows with their reasons: ${target}. Correct them there and import that file.`);
  }
  if (state.status !== 'done') throw failure(state.problem ?? `The import was ${state.status}.`);
  return rejected > 0 ? 1 : 0;
}

async function localFile(path: string): Promise<LocalFile> {
  const found = await stat(path).catch(() => null);
  if (!found?.isFile()) throw wrongUse(`There is no file ${path}.`);
  return { name: basename(resolve(path)), size: found.size, bytes: () => createReadStream(path) };
}

async function hashOf(file: LocalFile): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of file.bytes()) hash.update(piece);
  return hash.digest('hex');
}

const collect = (value: string, before: string[]): string[] => [...before, value];

function companyNumber(text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 1) throw wrongUse(`--company takes a number, not ${text}.`);
  return number;
}
