import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { Command, type CommanderError } from 'commander';
import { isConnectionError } from '../db/client.ts';
import { ENCODINGS } from '../domain/csv/encoding.ts';
import { LEAD_FIELDS } from '../domain/lead/candidate.ts';
import {
  databaseTarget,
  dialectIn,
  failure,
  httpTarget,
  type ImportState,
  type ImportTarget,
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
  headerRow?: string;
  again?: boolean;
  rejects?: string;
};

const exitCodes = `
Exit codes: 0 all rows were imported; 1 some rows were rejected (written to the file of --rejects);
2 wrong use, or the file cannot be imported; 3 the import failed or was cancelled.

After an interruption, run the same command again: it continues where the import stopped. A file is never
imported twice without --again.`;

export function importCommand(): Command {
  return new Command('import')
    .description('import a CSV of leads for a company and follow its progress')
    .argument('<file>', 'the CSV file')
    .requiredOption('--company <number>', 'the company’s number', companyNumber)
    .option('--url <address>', 'use the API of another installation instead of the database of this one')
    .option('--key <key>', 'its API key, with the scopes leads:read and leads:write; prefer --key-file')
    .option('--key-file <file>', 'a file that contains the API key')
    .option(
      '--map <column=field>',
      'the field of a column that is not recognised; can be repeated',
      collect,
      [],
    )
    .option('--encoding <name>', `${ENCODINGS.join(', ')}; detected by default`)
    .option('--delimiter <character>', 'the separator of cells, or tab; detected by default')
    .option(
      '--header-row <number>',
      'the row of the column names; 0 for a file without them; detected by default',
    )
    .option('--again', 'import a file again that was imported before')
    .option('--rejects <file>', 'where to write rejected rows; default: <file>.rejected.csv')
    .addHelpText(
      'after',
      `\nFields: ${LEAD_FIELDS.join(', ')}, custom:<name> (one of the company’s fields in the CRM), note:<name> (a line of the notes); "-" leaves a column out.\n${exitCodes}`,
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
      'The database does not respond. Run the same command again: it continues where it stopped.\n',
    );
    return 3;
  }
}

async function run(path: string, options: Options): Promise<number> {
  const file = await localFile(path);
  dialectIn(options);
  if (options.url !== undefined) {
    const key = options.keyFile ? (await readFile(options.keyFile, 'utf8')).trim() : options.key;
    if (!key) throw wrongUse('An API key is needed with --url: --key-file <file>, or --key <key>.');
    return importInto(httpTarget(options.url, key, options.company), path, file, options);
  }
  return withSession(async (session) =>
    importInto(await databaseTarget(session, options.company), path, file, options),
  );
}

async function importInto(
  target: ImportTarget,
  path: string,
  file: LocalFile,
  options: Options,
): Promise<number> {
  const hash = await hashOf(file);
  const earlier = await target.sameFile(hash);
  const open = earlier.find(({ status }) => ['waiting', 'running', 'ready'].includes(status));
  const done = earlier.find(({ status }) => status === 'done');
  if (!open && done && !options.again) {
    say(
      `This file was imported on ${done.created_at.slice(0, 10)} (import ${done.import_id}). To import it again, use --again.`,
    );
    return report(target, done, path, options);
  }
  let id = open?.import_id;
  if (id === undefined || open?.status === 'ready') {
    id ??= await upload(target, file, options);
    await settleMapping(target, id, options);
    // Rows that an interrupted import of this file stored count as duplicates.
    await target.start(id, options.again === true || (!open && !done));
  } else say(`The file is already being imported (import ${id}); following its progress.`);
  return report(target, await follow(target, id), path, options);
}

async function upload(target: ImportTarget, file: LocalFile, options: Options): Promise<string> {
  const progress = startProgress('Sending', 'MB');
  const { id } = await target
    .upload(
      {
        ...file,
        bytes: () => counted(file.bytes(), (bytes) => progress.show(bytes / 2 ** 20, file.size / 2 ** 20)),
      },
      dialectIn(options) ?? {},
    )
    .finally(() => progress.end());
  return id;
}

async function* counted(bytes: AsyncIterable<Uint8Array>, report: (sent: number) => void) {
  let sent = 0;
  for await (const piece of bytes) {
    yield piece;
    sent += piece.length;
    report(sent);
  }
}

/** Prints how the file is read, and the mapping with the corrections of --map. Throws when something is left to decide. */
async function settleMapping(target: ImportTarget, id: string, options: Options): Promise<void> {
  const { map: corrections, encoding } = options;
  // A file that an earlier run left was read with the options of that run.
  const dialect = dialectIn(options);
  let preview = await target.preview(id, dialect ? { dialect } : {});
  if (corrections.length > 0)
    preview = await target.preview(id, { mapping: corrected(preview, corrections) });
  sayHeader(preview);
  for (const { header, target } of preview.columns)
    say(`  ${header === '' ? '(no name)' : header}  ->  ${target ?? 'not imported'}`);
  if (preview.problem)
    throw wrongUse(`${preview.problem} For example: --map "${preview.columns[0]?.header}=phone"`);
  if (preview.encodings.length > 0 && encoding === undefined) {
    const choices = preview.encodings.map(
      (each) => `  --encoding ${each.encoding}   ${each.words.join(', ')}`,
    );
    throw wrongUse(
      `The letters above ASCII can be read in several ways. Name the encoding:\n${choices.join('\n')}`,
    );
  }
  if (preview.dry_run) say(expected(preview.dry_run));
}

function expected({ rows, duplicates, rejected, complete, ...counted }: NonNullable<Preview['dry_run']>) {
  const whole = complete ? '' : ` (of the first ${rows} rows)`;
  return `  ${counted.new} new, ${duplicates} duplicates, ${rejected} rejected${whole}`;
}

function sayHeader({ header_row: row, rows_before_header: before }: Preview): void {
  if (row === 0) say('The file has no column names: its first row is imported. Otherwise use --header-row.');
  if (before.length === 0) return;
  say(
    `The column names are in row ${row}; these rows before them are not imported (--header-row to correct):`,
  );
  for (const { row: number, cells } of before) say(`  ${number}: ${cells.join(', ').slice(0, 100)}`);
}

function corrected({ columns }: Preview, corrections: readonly string[]): (string | null)[] {
  const mapping = columns.map(({ target }) => target);
  for (const correction of corrections) {
    const cut = correction.lastIndexOf('=');
    const column = columns.findIndex(({ header }) => header === correction.slice(0, cut).trim());
    if (cut < 1 || column < 0)
      throw wrongUse(
        `--map ${correction}: no such column. Columns: ${columns.map(({ header }) => header).join(', ')}`,
      );
    const field = correction.slice(cut + 1).trim();
    const target = field === '-' || field === '' ? null : field;
    // Most fields belong to one column: the one named last.
    for (const [other, given] of mapping.entries())
      if (given === target && !['phone', 'email', 'tags'].includes(field)) mapping[other] = null;
    mapping[column] = target;
  }
  return mapping;
}

const pollEveryMs = 500;
const unreachableForMs = 60_000;

/** Follows the import to its end. Waits for a server that is unreachable for a moment. */
async function follow(target: ImportTarget, id: string): Promise<ImportState> {
  const progress = startProgress('Importing', 'rows');
  const interrupted = () => {
    progress.end();
    say('The import continues in the background. Run the same command to follow it again.');
    process.exit(130);
  };
  process.once('SIGINT', interrupted);
  let lastAnswerAt = performance.now();
  try {
    for (;;) {
      try {
        const state = await target.look(id);
        lastAnswerAt = performance.now();
        progress.show(state.processed_rows, state.total_rows);
        if (!['waiting', 'running', 'ready', 'uploading'].includes(state.status)) return state;
      } catch (error) {
        const away = error instanceof UnreachableError || isConnectionError(error);
        if (!away || performance.now() - lastAnswerAt > unreachableForMs) throw error;
      }
      await pause(pollEveryMs);
    }
  } finally {
    process.off('SIGINT', interrupted);
    progress.end();
  }
}

async function report(
  target: ImportTarget,
  state: ImportState,
  path: string,
  options: Options,
): Promise<number> {
  const number = (count: number) => count.toLocaleString('en-US');
  const { created, duplicates, rejected, processed_rows: rows } = state;
  say(
    `${number(rows)} rows: ${number(created)} leads, ${number(duplicates)} duplicates, ${number(rejected)} rejected.`,
  );
  // Absent in the answers of earlier versions.
  for (const [field, leads] of Object.entries(state.warnings ?? {})) say(warning(field, number(leads)));
  if (rejected > 0) {
    const rejectsFile = options.rejects ?? `${path.replace(/\.[a-z]{1,5}$/i, '')}.rejected.csv`;
    await pipeline(Readable.from(await target.rejects(state.import_id)), createWriteStream(rejectsFile));
    say(`Rejected rows and their reasons: ${rejectsFile}. Correct them and import that file.`);
  }
  if (state.status !== 'done') throw failure(state.problem ?? `The import was ${state.status}.`);
  return rejected > 0 ? 1 : 0;
}

/** What leads were stored without, or cannot be used for. */
function warning(field: string, leads: string): string {
  if (field === 'email')
    return `${leads} e-mail addresses could not be read; their leads were stored without them.`;
  if (field === 'phone')
    return `${leads} phones are not valid numbers; they were kept as given and cannot be texted.`;
  return `${leads} leads have a ${field} that is not known.`;
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
