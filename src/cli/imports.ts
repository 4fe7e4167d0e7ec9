import { createInterface } from 'node:readline/promises';
import { Command } from 'commander';
import { validate as isUuid } from 'uuid';
import { type Company, findCompany } from '../db/account/companies.ts';
import { findImport, type Import, importCounts, listImports } from '../db/imports/imports.ts';
import { RefusedError } from '../domain/errors.ts';
import { isStopped, shownStatus } from '../domain/imports/status.ts';
import { retryFailed } from '../usecases/imports/start.ts';
import { cancelImport, type Sending, sendRest } from '../usecases/imports/stop.ts';
import { importDeps } from './import-targets.ts';
import { CommandError, type Session, say, withSession } from './session.ts';

const actor = 'command line';
const listed = 20;
const number = (count: number) => count.toLocaleString('en-US');

/** What is done with the imports of a company after their upload. */
export function importsCommands(): Command {
  const imports = new Command('imports').description(
    'stop, resume and retry imports; import a file: leadgate import',
  );
  imports
    .command('list')
    .description(`list the newest ${listed} imports of a company`)
    .requiredOption('--company <number>', 'the company’s number')
    .action(({ company }: { company: string }) => withSession((session) => list(session, company)));
  step(
    imports,
    'stop',
    'stop an import at once: the rest of its file is not read, waiting leads are not sent',
    stop,
  );
  step(imports, 'resume', 'send the leads that a stop kept from the CRM', resume);
  step(imports, 'retry', 'retry the leads that the CRM rejected', retry);
  return imports;
}

type Step = (session: Session, row: Import, isConfirmed: Confirm) => Promise<void>;
/** Asks the question unless --yes was given. Throws CommandError when the answer is not yes. */
type Confirm = (question: string) => Promise<void>;

function step(imports: Command, name: string, description: string, act: Step): void {
  imports
    .command(`${name} <import-id>`)
    .description(description)
    .option('--yes', 'do not ask')
    .action((id: string, { yes = false }: { yes?: boolean }) =>
      withSession(async (session) => {
        const row = isUuid(id) ? await findImport(session.db, id) : null;
        if (!row)
          throw new CommandError(`There is no import ${id}. See: leadgate imports list --company <number>`);
        await act(session, row, (question) => (yes ? Promise.resolve() : confirm(question)));
      }),
    );
}

async function confirm(question: string): Promise<void> {
  if (!process.stdin.isTTY) throw new CommandError(`${question} Add --yes to do it; nothing was changed.`);
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question(`${question} [y/N] `).finally(() => terminal.close());
  if (!/^y(?:es)?$/i.test(answer.trim())) throw new CommandError('Nothing was changed.');
}

async function stop(session: Session, row: Import, confirmed: Confirm): Promise<void> {
  const { pending } = await importCounts(session.db, row);
  if (!isStopped(row))
    await confirmed(`Stop ${row.fileName}? ${number(pending)} waiting leads are not sent.`);
  report(await refusals(cancelImport(importDeps(session), row, actor)));
}

async function resume(session: Session, row: Import, confirmed: Confirm): Promise<void> {
  const { cancelled } = await importCounts(session.db, row);
  await confirmed(`Send up to ${number(cancelled)} leads of ${row.fileName} to the CRM?`);
  const company = await companyOf(session, row);
  const rest = await refusals(sendRest(importDeps(session), company, row, actor));
  say(`${number(rest.requested)} leads are sent now.`);
  report(rest);
}

async function retry(session: Session, row: Import, confirmed: Confirm): Promise<void> {
  const { failed } = await importCounts(session.db, row);
  await confirmed(`Retry ${number(failed)} leads of ${row.fileName}?`);
  const retrying = await refusals(retryFailed(importDeps(session), row));
  say(retrying ? `${number(failed)} leads are retried.` : 'No lead of this import has failed.');
}

function report({ row, syncs }: Sending): void {
  const { success, cancelled, failed, pending, processing } = syncs;
  say(
    `${row.fileName}: ${shownStatus(row)}. In the CRM: ${number(success)}. Not sent: ${number(cancelled)}. Failed: ${number(failed)}. Waiting: ${number(pending)}. Under way: ${number(processing)}.`,
  );
}

async function list(session: Session, company: string): Promise<void> {
  const found = /^[1-9]\d{0,8}$/.test(company)
    ? await findCompany(session.db, { number: Number(company) })
    : null;
  if (!found) throw new CommandError(`There is no company ${company}. See: leadgate company list`);
  const rows = await listImports(session.db, found.organizationId, { limit: listed });
  if (rows.length === 0) say('No imports yet.');
  for (const row of rows)
    say(
      [
        row.id,
        row.createdAt.toISOString().slice(0, 16),
        shownStatus(row),
        `${number(row.created)} leads`,
        row.fileName,
      ].join('  '),
    );
}

async function companyOf({ db }: Session, { organizationId }: Import): Promise<Company> {
  const company = await findCompany(db, { organizationId });
  if (!company) throw new CommandError('The organization of this import is no company.');
  return company;
}

async function refusals<T>(work: Promise<T>): Promise<T> {
  return work.catch((error: unknown) => {
    throw error instanceof RefusedError ? new CommandError(error.message) : error;
  });
}
