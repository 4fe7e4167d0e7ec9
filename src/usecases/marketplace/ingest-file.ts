import { firstAnswers, type IdempotencyKey } from '../../db/transport/idempotency.ts';
import { cellText } from '../../domain/cell.ts';
import { type CsvFile, openCsv } from '../../domain/csv/reader.ts';
import { rowProblem } from '../../domain/csv/rows.ts';
import { plainCell } from '../../domain/csv/write.ts';
import { ContractError, RefusedError } from '../../domain/errors.ts';
import type { CategoryField } from '../../domain/marketplace/category-fields.ts';
import { contentOf, type GivenLead, type JudgedLead } from '../../domain/marketplace/ingest.ts';
import type { Cause } from '../../events/envelope.ts';
import type { Runtime } from '../runtime.ts';
import { type Ingest, mostTogether } from './ingest.ts';
import type { GivenRow, RejectedRow } from './table-file.ts';

/** Rows are held in memory until the file is complete. */
export const mostRowsOfLeads = 50_000;
/** Rows of one step: a statement, after which those of other files have their turn. */
const step = mostTogether;

export type LeadFileTarget = {
  organizationId: string;
  campaignId: string;
  categoryId: string;
  fields: readonly CategoryField[];
};

export type LeadFileSummary = { rows: number; accepted: number; rejected: RejectedRow[] };

type By = {
  target: LeadFileTarget;
  /** Each row is a test. */
  test: boolean;
  /** A key for each row, so that a file that is sent again stores the rest alone. */
  keyOf: (row: number, lead: GivenLead) => IdempotencyKey | null;
  cause: Cause;
  /** Runs what is stored once the file has arrived. */
  inTurn: <T>(work: () => Promise<T>, rows: number) => Promise<T>;
};

/**
 * Stores the rows of a CSV as leads of a campaign, whose columns are named as the fields of its category, or `state` and
 * `quality`. Other columns are kept as keys that the category does not name. Rows with the content of an earlier one, and
 * rows that would be refused alone, are rejected. Throws RefusedError when it is no such file.
 */
export async function importLeads(
  deps: Pick<Runtime, 'db'> & { ingest: Ingest },
  bytes: AsyncIterable<Uint8Array>,
  { target, test, keyOf, cause, inTurn }: By,
): Promise<LeadFileSummary> {
  const file = await readLeads(bytes, target, test);
  const { valid, rejected } = await judged(deps.ingest, target, file);
  const accepted = await inTurn(async () => {
    let count = 0;
    for (let first = 0; first < valid.length; first += step) {
      const rows = valid.slice(first, first + step).map((each) => ({
        ...each,
        sender: {
          organizationId: target.organizationId,
          supplierId: null,
          key: keyOf(each.row, each.given),
          cause,
        },
      }));
      const problems = await storeRows(deps, target, rows);
      rejected.push(...problems);
      count += rows.length - problems.length;
    }
    return count;
  }, valid.length);
  return { rows: file.rows, accepted, rejected: rejected.sort((a, b) => a.row - b.row) };
}

/** Returns what was not stored. A row whose key was used is stored already, or was another row. */
async function storeRows(
  { db, ingest }: Pick<Runtime, 'db'> & { ingest: Ingest },
  { organizationId }: LeadFileTarget,
  rows: readonly SentRow[],
): Promise<RejectedRow[]> {
  const keys = rows.flatMap(({ sender }) => sender.key ?? []);
  const known = keys.length > 0 ? await firstAnswers(db, organizationId, keys) : new Map();
  const problems = await Promise.all(
    rows.map(async ({ row, lead, sender }) => {
      try {
        const first = sender.key && known.get(sender.key.key);
        if (first instanceof Error) throw first;
        if (!first) await ingest.storeOfMany(lead, sender);
        return null;
      } catch (error) {
        if (!(error instanceof RefusedError)) throw error;
        return { row, errors: [`row: ${error.message}`] };
      }
    }),
  );
  return problems.filter((problem) => problem !== null);
}

type JudgedRow = GivenRow<GivenLead> & { lead: JudgedLead };
type SentRow = JudgedRow & { sender: Parameters<Ingest['store']>[1] };
type ReadLeads = { rows: number; given: GivenRow<GivenLead>[]; rejected: RejectedRow[] };

async function judged(
  ingest: Ingest,
  { organizationId }: LeadFileTarget,
  { given, rejected }: ReadLeads,
): Promise<{ valid: JudgedRow[]; rejected: RejectedRow[] }> {
  const outcomes = await ingest.judgeAll(
    given.map((each) => each.given),
    { organizationId, supplierId: null },
  );
  const seen = new Set<string>();
  const valid: JudgedRow[] = [];
  for (const [index, outcome] of outcomes.entries()) {
    const { row, given: lead } = given[index]!;
    if (!outcome.ok) {
      rejected.push({ row, errors: [outcome.refusal.wording] });
      continue;
    }
    const content = contentOf(outcome.lead);
    if (seen.has(content)) rejected.push({ row, errors: ['row: repeated in this file'] });
    else valid.push({ row, given: lead, lead: outcome.lead });
    seen.add(content);
  }
  return { valid, rejected };
}

const nameOf = (cell: string): string =>
  cellText(cell)
    .toLowerCase()
    .replace(/[\s_-]/g, '');

/** A column of the file: a value of the data, or of the lead itself. */
type Column = { name: string; of: 'data' | 'lead' };

/** A field of the category comes before a member of the lead with the same name. */
function columnOf(fields: readonly CategoryField[], cell: string): Column | null {
  const field = fields.find(({ name }) => nameOf(name) === nameOf(cell));
  if (field) return { name: field.name, of: 'data' };
  const own = (['state', 'quality'] as const).find((name) => name === nameOf(cell));
  if (own) return { name: own, of: 'lead' };
  const name = cellText(cell);
  return name === '' ? null : { name, of: 'data' };
}

async function readLeads(
  bytes: AsyncIterable<Uint8Array>,
  target: LeadFileTarget,
  test: boolean,
): Promise<ReadLeads> {
  const { fields } = target;
  const file = await openCsv(bytes, {
    encoding: 'utf-8',
    strict: true,
    batchSize: 500,
    headerRow: 'first',
    fieldOf: (cell) => fields.find(({ name }) => nameOf(name) === nameOf(cell))?.name ?? null,
    maxColumns: 200,
    maxRowBytes: 256 * 1024,
  });
  const read: ReadLeads = { rows: 0, given: [], rejected: [] };
  try {
    const columns = columnsOf(file, fields);
    for await (const batch of file.batches) {
      read.rows += batch.length;
      if (read.rows > mostRowsOfLeads)
        throw new RefusedError(
          413,
          'too_large',
          `The file has more than ${mostRowsOfLeads} rows. Nothing was stored: split it into several files.`,
        );
      for (const row of batch) {
        const problem = rowProblem(row, file.header.length);
        if (problem !== null) read.rejected.push({ row: row.row, errors: [`row: ${problem}`] });
        else read.given.push({ row: row.row, given: leadOf(target, columns, row.cells, test) });
      }
    }
  } finally {
    await file.close();
  }
  return read;
}

/** Throws 400 when the file lacks a required field. Of two columns with one name the first counts. */
function columnsOf({ header }: CsvFile, fields: readonly CategoryField[]): (Column | null)[] {
  const named = new Set<string>();
  const columns = header.map((cell) => {
    const column = columnOf(fields, cell);
    const isNew = column !== null && !named.has(`${column.of} ${column.name}`);
    if (column) named.add(`${column.of} ${column.name}`);
    return isNew ? column : null;
  });
  const missing = fields.filter(({ name, required }) => required && !named.has(`data ${name}`));
  if (missing.length === 0) return columns;
  const names = missing.map(({ name }) => name).join(', ');
  throw new ContractError(
    400,
    'invalid_csv',
    'Missing columns',
    `The first row must name the columns; missing: ${names}.`,
  );
}

function leadOf(
  { campaignId, categoryId }: LeadFileTarget,
  columns: readonly (Column | null)[],
  cells: readonly string[],
  test: boolean,
): GivenLead {
  const parts = { data: {} as Record<string, string>, lead: {} as Record<string, string> };
  for (const [index, column] of columns.entries()) {
    const text = column ? cellText(plainCell(cells[index] ?? '')) : '';
    if (column && text !== '') parts[column.of][column.name] = text;
  }
  const { state, quality } = parts.lead;
  return { campaignId, categoryId, data: parts.data, state, quality: quality?.toUpperCase(), test };
}
