import type { Import } from '../../db/imports/imports.ts';
import { countRejects } from '../../db/imports/rejects.ts';
import type { Checkpoint } from '../../db/lead/uploads.ts';
import type { JudgedRow } from '../../domain/csv/rows.ts';
import type { FieldErrors } from '../../domain/lead/candidate.ts';
import type { Runtime } from '../runtime.ts';

/** Rejected rows that are stored: per import, and of all imports of an organization. Beyond that they are counted. */
export const rejectLimits = {
  perImport: 10_000,
  perOrganization: 100_000,
  rowCharacters: 16_384,
  reasons: 30,
};
const mostFields = 5;

type Rejected = Extract<JudgedRow, { ok: false }>;
type Kept = Pick<Checkpoint, 'rejected' | 'rejects' | 'reasons'>;

/** Returns a function that says which rejected rows of a batch are stored, and counts the others by reason. */
export function rejectKeeper({ db, vault }: Pick<Runtime, 'db' | 'vault'>, row: Import) {
  let left: number | null = null;
  const known = new Set(Object.keys(row.rejectReasons));
  const reasonOf = (errors: FieldErrors): string => {
    const reason = plainReason(errors);
    if (!known.has(reason) && known.size >= rejectLimits.reasons) return 'other reasons';
    known.add(reason);
    return reason;
  };
  return async (rejected: readonly Rejected[]): Promise<Kept> => {
    if (rejected.length === 0) return { rejected: 0, rejects: [], reasons: {} };
    left ??= Math.min(
      rejectLimits.perImport - row.rejectsKept,
      rejectLimits.perOrganization -
        (await countRejects(db, row.organizationId, rejectLimits.perOrganization)),
    );
    const stored = rejected.slice(0, Math.max(0, left));
    left -= stored.length;
    const counts = new Map<string, number>();
    for (const { errors } of rejected.slice(stored.length)) {
      const reason = reasonOf(errors);
      counts.set(reason, (counts.get(reason) ?? 0) + 1);
    }
    const rejects = stored.map((each) => {
      const { cells, errors } = compact(each);
      return { row: each.row, cells: vault.sealJson(cells), errors };
    });
    return { rejected: rejected.length, rejects, reasons: Object.fromEntries(counts) };
  };
}

/** The database refuses half a character in JSON: one that is cut in two is replaced. */
const cut = (text: string, most: number) => text.slice(0, most).toWellFormed();

/** The first reason, without the figures of the single row. */
function plainReason(errors: FieldErrors): string {
  const [first] = Object.entries(errors);
  return first ? cut(`${first[0]}: ${first[1][0]}`.replace(/\d+/g, 'n'), 120) : 'other reasons';
}

/** Bounds what one row takes: its cells, and the reasons, of which a file can provoke one per column. */
function compact({ cells, errors }: Rejected): { cells: string[]; errors: FieldErrors } {
  const named = Object.entries(errors);
  const kept: FieldErrors = Object.fromEntries(
    named.slice(0, mostFields).map(([field, reasons]) => [cut(field, 100), reasons.slice(0, 3)]),
  );
  if (named.length > mostFields)
    kept.row = [...(kept.row ?? []), `has ${named.length - mostFields} more problems`];
  let room = rejectLimits.rowCharacters;
  const shown = cells.map((cell) => {
    const part = cut(cell, Math.max(0, room));
    room -= cell.length;
    return part;
  });
  if (room < 0) kept.row = [...(kept.row ?? []), `was cut to ${rejectLimits.rowCharacters} characters here`];
  return { cells: shown, errors: kept };
}
