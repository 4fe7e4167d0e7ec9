import type { CountryCode } from 'libphonenumber-js';
import type { Company } from '../../db/account/companies.ts';
import type { Import, ImportDialect } from '../../db/imports/imports.ts';
import { guessMapping, type Mapping } from '../../domain/csv/mapping.ts';
import type { CsvPreview } from '../../domain/csv/preview.ts';
import type { JudgedRow } from '../../domain/csv/rows.ts';
import type { FieldErrors } from '../../domain/lead/candidate.ts';
import type { CrmFields } from '../../usecases/crm/fields.ts';
import type { DryRun } from '../../usecases/imports/dry-run.ts';
import { choiceOf } from './column-choices.ts';
import { fieldLabel } from './labels.ts';
import type { PreviewView, SampleRow } from './view-types.ts';

type Given = {
  sameFile: Import | null;
  /** The mapping the company last used for these columns. */
  before: Mapping | null;
  company: Company;
  dialect: ImportDialect;
  crm: CrmFields | null;
  dryRun: DryRun | null;
};

/** The preview of a file as its page shows it. */
export function previewView(preview: CsvPreview, given: Given): PreviewView {
  const { sameFile, before, company, dialect, crm, dryRun } = given;
  const customFields = Object.keys(company.fieldMapping);
  const guesses = guessMapping(
    preview.columns.map(({ header }) => header),
    preview.rows.map(({ cells }) => cells),
    { region: company.defaultRegion as CountryCode, customFields },
  );
  const because = (target: string | null, i: number): PreviewView['columns'][number]['because'] => {
    if (target === null) return null;
    if (guesses[i]?.target === target) return guesses[i].because;
    return before?.[i] === target ? 'remembered' : 'chosen';
  };
  const examples = (column: number) =>
    [...new Set(preview.rows.map(({ cells }) => (cells[column] ?? '').trim()).filter(Boolean))]
      .slice(0, 3)
      .map((text) => text.slice(0, 120));
  return {
    encoding: preview.encoding,
    readings: preview.readings,
    delimiter: preview.delimiter,
    dialect,
    headerRow: preview.headerRow,
    firstRows: preview.firstRows.map(({ row, cells }) => ({
      row,
      text: cells.filter(Boolean).join(', ').slice(0, 80),
    })),
    columns: preview.columns.map(({ header, target }, i) => ({
      header,
      target: choiceOf(target, company, crm),
      because: because(target, i),
      examples: examples(i),
    })),
    rows: preview.sample?.slice(0, 10).map(sampleRow) ?? null,
    customFields,
    crm: crm && { ...crm, fields: otherFields(company, crm) },
    counted: dryRun && { ...dryRun, rejects: dryRun.rejects.map(sampleRow) },
    dropped: preview.dropped,
    looksLikeData: preview.looksLikeData,
    problem: preview.problem,
    sameFile: sameFile ? { id: sameFile.id, at: sameFile.createdAt } : null,
  };
}

/** The CRM's fields that the company has no name for. */
function otherFields({ fieldMapping }: Company, { fields }: CrmFields) {
  const named = new Set(Object.values(fieldMapping));
  return fields
    .filter(({ id }) => !named.has(id))
    .map(({ id, name, dataType }) => ({ id, name, type: dataType.replaceAll('_', ' ').toLowerCase() }));
}

const sentencesOf = (reasonsOf: FieldErrors): string[] =>
  Object.entries(reasonsOf).flatMap(([field, reasons]) =>
    reasons.map((reason) => `${field === 'row' ? 'The row' : fieldLabel(field)} ${reason}`),
  );

function sampleRow(row: JudgedRow): SampleRow {
  if (!row.ok) {
    const title = row.cells
      .filter((cell) => cell.trim() !== '')
      .slice(0, 3)
      .join(' · ')
      .slice(0, 120);
    return { row: row.row, state: 'rejected', title, detail: '', problems: sentencesOf(row.errors) };
  }
  const { lead } = row;
  const more = [
    lead.phone,
    ...(lead.otherPhones.length > 0 ? [`also ${lead.otherPhones.join(', ')}`] : []),
    lead.email,
    lead.company,
    lead.city,
    lead.notes?.slice(0, 120) ?? null,
  ];
  const custom = Object.entries(lead.customFields).map(([name, value]) => `${name}: ${value.slice(0, 60)}`);
  const detail = [...more.filter((text) => text !== null), ...lead.tags.map((tag) => `#${tag}`), ...custom];
  return {
    row: row.row,
    state: row.warnings ? 'odd' : 'ok',
    title: lead.name.slice(0, 120),
    detail: detail.slice(0, 8).join(', '),
    problems: sentencesOf(row.warnings ?? {}),
  };
}
