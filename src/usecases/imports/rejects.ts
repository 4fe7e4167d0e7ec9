import type { Import } from '../../db/imports/imports.ts';
import { readRejects } from '../../db/imports/rejects.ts';
import { type Omitted, rejectsCsv } from '../../domain/csv/write.ts';
import type { ImportDeps } from './preview.ts';

/** The rejected rows of an import as a CSV, with the reasons in a last column. It can be corrected and uploaded again. */
export function rejectsOf(
  deps: Pick<ImportDeps, 'db' | 'vault'>,
  row: Import,
): { fileName: string; csv: AsyncIterable<string> } {
  return {
    fileName: `${row.fileName.replace(/\.[a-z]{1,5}$/i, '')}.rejected.csv`,
    csv: rejectsCsv(row.header ?? [], readRejects(deps, row.id), omittedOf(row)),
  };
}

/** What the stored rejects of an import lack. */
export const omittedOf = ({ rejected, rejectsKept, rejectReasons }: Import): Omitted => ({
  rows: Math.max(0, rejected - rejectsKept),
  reasons: rejectReasons,
});
