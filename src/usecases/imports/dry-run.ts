import type { CountryCode } from 'libphonenumber-js';
import type { Company } from '../../db/account/companies.ts';
import type { Import } from '../../db/imports/imports.ts';
import { knownPhones } from '../../db/lead/uploads.ts';
import type { Mapping } from '../../domain/csv/mapping.ts';
import { type CsvRow, openCsv, type Pace } from '../../domain/csv/reader.ts';
import { type JudgedRow, rowJudge, warningsOf } from '../../domain/csv/rows.ts';
import { phoneIdentity } from '../../domain/phone/lead-phone.ts';
import type { Runtime } from '../runtime.ts';
import { csvOptionsOf, keptBytes } from './read-slice.ts';
import { parsingPace } from './turns.ts';

/** What an import would do, counted over the file without storing anything. */
export type DryRun = {
  /** Rows that were counted; less than the file has when `complete` is false. */
  rows: number;
  created: number;
  duplicates: number;
  rejected: number;
  /** New leads with something that will not be as it was typed, by field (`warningsOf`). */
  warnings: Record<string, number>;
  complete: boolean;
  /** The first rejected rows. */
  rejects: JudgedRow[];
};

/** A longer file is counted up to here: every preview of it is a reading of its own. */
export const mostDryRows = 20_000;
const mostMs = 2_000;
const rowsTogether = 500;
const judgedTogether = 20;
const rejectsListed = 20;

type Deps = Pick<Runtime, 'db' | 'vault'>;

/** Judges the rows as the importer will, and looks up which phones are known. Reads at most `mostDryRows` and 2 seconds. */
export async function dryRun(
  deps: Deps,
  company: Company,
  row: Pick<Import, 'id' | 'organizationId' | 'dialect' | 'readAs'>,
  mapping: Mapping,
): Promise<DryRun> {
  const pace = parsingPace(deps, row.organizationId);
  const file = await openCsv(keptBytes(deps, row.id), {
    ...csvOptionsOf(row),
    batchSize: rowsTogether,
    pace,
  });
  const judge = rowJudge(file.header, mapping, company.defaultRegion as CountryCode);
  const seen = new Set<string>();
  const found: DryRun = {
    rows: 0,
    created: 0,
    duplicates: 0,
    rejected: 0,
    warnings: {},
    complete: true,
    rejects: [],
  };
  const until = performance.now() + mostMs;
  try {
    for await (const rows of file.batches) {
      await count(deps, company, await judgeAll(rows, judge, pace), seen, found);
      found.complete = false;
      if (found.rows >= mostDryRows || performance.now() > until) return found;
      found.complete = true;
    }
    return found;
  } finally {
    await file.close();
  }
}

async function judgeAll(
  rows: readonly CsvRow[],
  judge: (row: CsvRow) => JudgedRow,
  pace: Pace,
): Promise<JudgedRow[]> {
  const judged: JudgedRow[] = [];
  for (let first = 0; first < rows.length; first += judgedTogether)
    await pace(async () => {
      for (const row of rows.slice(first, first + judgedTogether)) judged.push(judge(row));
    });
  return judged;
}

async function count(
  { db, vault }: Deps,
  company: Company,
  judged: readonly JudgedRow[],
  seen: Set<string>,
  found: DryRun,
): Promise<void> {
  found.rows += judged.length;
  const leads = judged.filter((row) => row.ok);
  const hashes = leads.map(({ lead }) => vault.index(phoneIdentity(lead.phone)));
  const known = await knownPhones(db, company, hashes);
  const added = leads.filter((_lead, i) => {
    const hash = hashes[i]!;
    const repeated = company.dedupeWindowMs > 0 && (seen.has(hash) || known.has(hash));
    seen.add(hash);
    return !repeated;
  });
  found.created += added.length;
  found.duplicates += leads.length - added.length;
  for (const [field, rows] of Object.entries(warningsOf(added)))
    found.warnings[field] = (found.warnings[field] ?? 0) + rows;
  const rejects = judged.filter(({ ok }) => !ok);
  found.rejected += rejects.length;
  found.rejects.push(...rejects.slice(0, rejectsListed - found.rejects.length));
}
