import type { CountryCode } from 'libphonenumber-js';
import type { Company } from '../../db/account/companies.ts';
import type { Import, ImportDialect } from '../../db/imports/imports.ts';
import { guessMapping, type Mapping } from '../../domain/csv/mapping.ts';
import type { CsvPreview } from '../../domain/csv/preview.ts';
import { fieldLabel } from './labels.ts';
import type { PreviewView } from './view-types.ts';

/** The preview of a file as its page shows it. `before`: the mapping the company last used for these columns. */
export function previewView(
  preview: CsvPreview,
  given: { sameFile: Import | null; before: Mapping | null; company: Company; dialect: ImportDialect },
): PreviewView {
  const { sameFile, before, company, dialect } = given;
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
      target,
      because: because(target, i),
      examples: examples(i),
    })),
    rows: preview.sample?.slice(0, 10).map(sampleRow) ?? null,
    customFields,
    looksLikeData: preview.looksLikeData,
    problem: preview.problem,
    sameFile: sameFile ? { id: sameFile.id, at: sameFile.createdAt } : null,
  };
}

function sampleRow(row: NonNullable<CsvPreview['sample']>[number]): NonNullable<PreviewView['rows']>[number] {
  if (!row.ok) {
    const problems = Object.entries(row.errors).flatMap(([field, reasons]) =>
      reasons.map((reason) => `${field === 'row' ? 'The row' : fieldLabel(field)} ${reason}`),
    );
    const title = row.cells
      .filter((cell) => cell.trim() !== '')
      .slice(0, 3)
      .join(' · ')
      .slice(0, 120);
    return { row: row.row, ok: false, title, detail: '', problems };
  }
  const { lead } = row;
  const more = [
    lead.phone + (lead.phoneValid ? '' : ' (kept, but not a valid number)'),
    ...(lead.otherPhones.length > 0 ? [`also ${lead.otherPhones.join(', ')}`] : []),
    lead.email,
    lead.company,
    lead.city,
  ];
  const custom = Object.entries(lead.customFields).map(([name, value]) => `${name}: ${value.slice(0, 60)}`);
  const detail = [...more.filter((text) => text !== null), ...lead.tags.map((tag) => `#${tag}`), ...custom];
  return {
    row: row.row,
    ok: true,
    title: lead.name.slice(0, 120),
    detail: detail.slice(0, 8).join(', '),
    problems: [],
  };
}
