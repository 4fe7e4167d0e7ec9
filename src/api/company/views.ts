import type { CountryCode } from 'libphonenumber-js';
import { listKeys } from '../../db/account/api-keys.ts';
import { type Company, listCompanies } from '../../db/account/companies.ts';
import { listMembers } from '../../db/account/members.ts';
import { type LoggedLead, processingLog, rejectReasons } from '../../db/crm/processing-log.ts';
import { companyStatistics } from '../../db/crm/statistics.ts';
import {
  findImport,
  type Import,
  type ImportDialect,
  importCounts,
  listImports,
} from '../../db/imports/imports.ts';
import { attentionCounts } from '../../db/transport/attention.ts';
import { guessMapping, type Mapping } from '../../domain/csv/mapping.ts';
import type { CsvPreview } from '../../domain/csv/preview.ts';
import { parseLeadPhone } from '../../domain/phone/lead-phone.ts';
import type { Runtime } from '../../engine/runtime.ts';
import type { Visitor } from '../auth/member.ts';
import { createShelf } from '../http/cache.ts';
import type { DashboardView } from './pages/dashboard-page.tsx';
import type { HomeView } from './pages/home-page.tsx';
import { fieldLabel } from './pages/preview-page.tsx';
import type {
  CompanyView,
  ImportView,
  LogRow,
  PreviewView,
  StatisticsView,
  SyncStatus,
  Visit,
} from './pages/view-types.ts';

type Deps = Pick<Runtime, 'config' | 'db' | 'vault'>;

const pageSize = 25;
const newestFiles = 5;
/** Companies on the first page; the rest is a click away. */
const onHome = 10;
const momentMs = 800;

const statuses: readonly string[] = ['pending', 'processing', 'success', 'failed', 'cancelled'];
export type LogFilter = { status: string; search: string; importId: string | null; before: string | null };

/** What the company pages show, read from the database. Names and phones are opened here, and shortened. */
export function createCompanyViews(deps: Deps) {
  const { db, config, vault } = deps;
  const { reader } = db;
  const shelf = createShelf();
  const sharedKey = config.ghl.apiKey !== null;

  const company = (row: Company): CompanyView => {
    const { number, name, ownerName, ownerEmail, ownerPhone, dedupeWindowMs, tags, sourceLabel } = row;
    const usable = row.connected || (sharedKey && row.apiVersion === 'v2');
    return {
      ...{ number, name, ownerName, ownerEmail, ownerPhone, dedupeWindowMs, tags, sourceLabel },
      ...{ fieldMapping: row.fieldMapping, createdAt: row.createdAt, region: row.defaultRegion },
      crm: {
        state: row.pausedAt ? 'paused' : usable && row.locationId ? 'connected' : 'unconnected',
        locationId: row.locationId,
        version: row.apiVersion,
        kind: row.connected ? row.connectionKind : 'shared',
        rateShare: row.rateShare,
        pausedAt: row.pausedAt,
        reason: row.pauseReason,
      },
    };
  };
  /** The more there is to count, the more rarely it is counted. */
  const agePer = (counted: number) => momentMs + Math.min(10_000, counted / 100);
  const totals = new Map<string, number>();
  const statistics = ({ organizationId: id }: Company): Promise<StatisticsView> =>
    shelf.get(`counts ${id}`, agePer(totals.get(id) ?? 0), async () => {
      const counted = await companyStatistics(reader, id);
      totals.set(id, counted.total);
      return counted;
    });
  const withStatistics = async (row: Company) => ({
    company: company(row),
    statistics: await statistics(row),
  });
  const syncs = (row: Import) =>
    shelf.get(`syncs ${row.id} ${row.status}`, agePer(row.created), async () =>
      merged(await importCounts(reader, row)),
    );
  const importView = async (row: Import, detailed = false): Promise<ImportView> => ({
    ...importFacts(row),
    sync: detailed && row.created > 0 ? await syncs(row) : null,
  });
  const files = async (organizationId: string, limit: number) =>
    Promise.all((await listImports(db, organizationId, { limit })).map((row) => importView(row)));

  return {
    /** After a change: whoever looks next sees it. */
    changed: () => shelf.clear(),
    company,
    statistics,
    importView,
    files,
    async visit({ person }: Visitor): Promise<Visit> {
      if (person.role !== 'operator') return { person, parked: 0, inbox: 0 };
      const { parked, inbox } = await shelf.get('attention', momentMs, () => attentionCounts(reader));
      return { person, parked, inbox };
    },
    async home({ organizations }: Visitor): Promise<HomeView> {
      const rows = await listCompanies(db, { limit: onHome + 1, organizations });
      const [companies, imports] = await Promise.all([
        Promise.all(rows.slice(0, onHome).map(withStatistics)),
        Promise.all(
          rows.slice(0, onHome).map(async (row) =>
            (await files(row.organizationId, newestFiles)).map((file) => ({
              company: { number: row.number, name: row.name },
              file,
            })),
          ),
        ),
      ]);
      const newest = imports.flat().sort((a, b) => b.file.createdAt.getTime() - a.file.createdAt.getTime());
      return { companies, more: rows.length > onHome, imports: newest.slice(0, 8), now: new Date() };
    },
    async companies(search: string, after: number | null) {
      const rows = await listCompanies(db, { limit: pageSize + 1, search: search || null, after });
      const page = rows.slice(0, pageSize);
      const next = rows.length > pageSize ? (page.at(-1)?.number ?? null) : null;
      return { companies: await Promise.all(page.map(withStatistics)), search, next };
    },
    async dashboard(row: Company, filter: LogFilter, curl: string): Promise<DashboardView> {
      const [numbers, imports] = await Promise.all([statistics(row), files(row.organizationId, newestFiles)]);
      const found = await log(row, filter, numbers);
      const { status, search, importId } = filter;
      return {
        statistics: numbers,
        imports,
        ...found,
        filter: { status, search, importId },
        now: new Date(),
        curl,
      };
    },
    async imports(row: Company, after: { micros: string; id: string } | null) {
      const rows = await listImports(db, row.organizationId, { limit: pageSize + 1, after });
      const page = rows.slice(0, pageSize);
      const last = page.at(-1);
      return {
        imports: await Promise.all(page.map((each) => importView(each))),
        next: rows.length > pageSize && last ? `${last.micros}.${last.id}` : null,
        now: new Date(),
      };
    },
    findImport: (row: Company, id: string) => findImport(db, id, row.organizationId),
    async import(row: Import) {
      const reasons =
        row.rejected > 0
          ? await shelf.get(`reasons ${row.id} ${row.status}`, agePer(row.rejected * 10), () =>
              rejectReasons(reader, row.id, 20),
            )
          : [];
      return { file: await importView(row, true), reasons, now: new Date() };
    },
    async settings(row: Company) {
      const [keys, members] = await Promise.all([
        listKeys(db, row.organizationId),
        listMembers(db, row.organizationId),
      ]);
      return { keys: keys.filter(({ revokedAt }) => revokedAt === null), members };
    },
  };

  async function log(row: Company, filter: LogFilter, { pending }: StatisticsView) {
    const status = statuses.includes(filter.status) ? (filter.status as SyncStatus) : null;
    // Nothing waits: no need to go through a million leads to find none.
    if (status === 'pending' && pending === 0) return { log: [], older: null };
    const phone = parseLeadPhone(filter.search, row.defaultRegion as CountryCode);
    const search = filter.search
      ? {
          leadId: filter.search.startsWith('lead_') ? filter.search : `lead_${filter.search}`,
          contactId: filter.search,
          phoneHash: phone.ok ? vault.index(phone.value) : null,
        }
      : null;
    const { importId, before } = filter;
    const rows = await processingLog(reader, row.organizationId, {
      ...{ status, importId, search, before, limit: pageSize + 1 },
    });
    const page = rows.slice(0, pageSize);
    return { log: page.map(logRow), older: rows.length > pageSize ? (page.at(-1)?.cursor ?? null) : null };
  }

  function logRow({ contact, cursor: _cursor, ...row }: LoggedLead): LogRow {
    return { ...row, ...shortened(contact) };
  }

  /** Enough to know somebody again; who needs the rest finds it in the CRM. */
  function shortened(contact: string | null): { who: string; phoneEnd: string } {
    if (contact === null) return { who: 'erased', phoneEnd: '' };
    try {
      const { name = '', phone = '' } = vault.openJson<{ name?: string; phone?: string }>(contact);
      return { who: shortName(name ?? ''), phoneEnd: (phone ?? '').replace(/\D/g, '').slice(-4) };
    } catch {
      // A key that was taken out of the configuration: the row is still worth showing.
      return { who: 'cannot be opened', phoneEnd: '' };
    }
  }
}

export type CompanyViews = ReturnType<typeof createCompanyViews>;

/** `Sarah Johnson` is `Sarah J.`; a name of one word stays. Whole characters, whatever the script. */
export function shortName(name: string): string {
  const [first = '', ...rest] = name.trim().split(/\s+/u);
  const last = rest.at(-1);
  return last ? `${first.slice(0, 40)} ${[...last][0]}.` : first.slice(0, 40);
}

const merged = (counts: { pending: number; processing: number; success: number; failed: number }) => ({
  pending: counts.pending + counts.processing,
  success: counts.success,
  failed: counts.failed,
});

function importFacts(row: Import): Omit<ImportView, 'sync'> {
  const read = row.created + row.duplicates + row.rejected;
  const { id, status, fileName, bytes, created, duplicates, rejected } = row;
  const { problem, createdAt, startedAt, endedAt } = row;
  return {
    ...{ id, status, fileName, bytes, created, duplicates, rejected, problem, createdAt, startedAt, endedAt },
    totalRows: row.totalRows,
    readRows: read,
    fraction: status === 'running' && row.totalRows > 0 ? Math.min(1, read / row.totalRows) : null,
  };
}

/** The preview of a file as its page shows it. `before`: what the company chose for these columns then. */
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
    delimiter: preview.delimiter,
    dialect,
    columns: preview.columns.map(({ header, target }, i) => ({
      ...{ header, target, because: because(target, i), examples: examples(i) },
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
    lead.phone + (lead.phoneValid ? '' : ' (kept, but no real number)'),
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
