import { setTimeout as pause } from 'node:timers/promises';
import type { CountryCode } from 'libphonenumber-js';
import { listActiveKeys } from '../../db/account/api-keys.ts';
import { type Company, listCompanies } from '../../db/account/companies.ts';
import { listMembers } from '../../db/account/members.ts';
import { type LoggedLead, processingLog, rejectReasons } from '../../db/crm/processing-log.ts';
import { companyStatistics } from '../../db/crm/statistics.ts';
import {
  findImport,
  type Import,
  type ImportFacts,
  importCounts,
  listImports,
  type SyncCounts,
} from '../../db/imports/imports.ts';
import { attentionCounts } from '../../db/transport/attention.ts';
import type { Person } from '../../domain/account/person.ts';
import { shownRemark } from '../../domain/crm/remark.ts';
import { isReadToEnd, isStopped, shownStatus } from '../../domain/imports/status.ts';
import { parseLeadPhone, phoneIdentity } from '../../domain/phone/lead-phone.ts';
import { type CrmFields, listCrmFields } from '../../usecases/crm/fields.ts';
import type { SessionDeps } from '../../usecases/crm/session.ts';
import type { Caller } from '../auth/caller.ts';
import { createTtlCache } from '../http/ttl-cache.ts';
import type {
  CompaniesView,
  CompanyView,
  DashboardView,
  HomeView,
  ImportPageView,
  ImportView,
  LogRow,
  StatisticsView,
  SyncStatus,
  Visit,
} from './view-types.ts';

type Deps = SessionDeps;

const pageSize = 25;
const newestFiles = 5;
/** Companies on the home page; the others are on a page of their own. */
const onHome = 10;
const momentMs = 800;
const fieldsMs = 20_000;
/** How long a page waits for the list of the CRM's fields. */
const fieldsPatienceMs = 3_000;

const statuses: readonly string[] = ['pending', 'processing', 'success', 'failed', 'cancelled'];
type LogFilter = { status: string; search: string; importId: string | null; before: string | null };

/** What the company pages show, read from the database. Names and phones are decrypted here and shortened. */
export function createCompanyViews(deps: Deps) {
  const { db, crms, vault } = deps;
  const { reader } = db;
  const cache = createTtlCache();
  const [firstCrm] = Object.values(crms);

  const company = (row: Company): CompanyView => {
    const { number, name, ownerName, ownerEmail, ownerPhone, dedupeWindowMs, tags, sourceLabel } = row;
    const crm = row.vendor ? crms[row.vendor] : firstCrm!;
    const sharedToken = crm.apis.find(({ version }) => version === row.apiVersion)?.sharedToken ?? null;
    const usable = row.connected || sharedToken !== null;
    return {
      number,
      name,
      ownerName,
      ownerEmail,
      ownerPhone,
      dedupeWindowMs,
      tags,
      sourceLabel,
      fieldMapping: row.fieldMapping,
      createdAt: row.createdAt,
      region: row.defaultRegion,
      crm: {
        state: row.pausedAt ? 'paused' : usable && row.accountId ? 'connected' : 'unconnected',
        label: crm.label,
        hints: crm.hints,
        apis: crm.apis.map(({ version, label }) => ({ version, label })),
        oauth: crm.oauth !== null,
        accountId: row.accountId,
        version: row.apiVersion,
        kind: row.connected ? row.connectionKind : 'shared',
        rateShare: row.rateShare,
        pausedAt: row.pausedAt,
        reason: row.pauseReason,
      },
    };
  };
  /** The more rows there are to count, the longer a count is kept. */
  const agePer = (counted: number) => momentMs + Math.min(10_000, counted / 100);
  const totals = new Map<string, number>();
  const statistics = ({ organizationId: id }: Company): Promise<StatisticsView> =>
    cache.get(`counts ${id}`, agePer(totals.get(id) ?? 0), async () => {
      const counted = await companyStatistics(reader, id);
      totals.set(id, counted.total);
      return counted;
    });
  const withStatistics = async (row: Company) => ({
    company: company(row),
    statistics: await statistics(row),
  });
  /** In a list they are counted less often, because there are many. */
  const syncs = (row: ImportFacts, listed: boolean) =>
    cache.get(
      `syncs ${row.id} ${row.status} ${row.resumedAt?.getTime() ?? ''}`,
      agePer(row.created * (listed ? 10 : 1)),
      async () => merged(await importCounts(reader, row)),
    );
  const importView = async (row: ImportFacts, listed = true): Promise<ImportView> => ({
    ...importFacts(row),
    sync: row.created > 0 ? await syncs(row, listed) : null,
  });
  const files = async (organizationId: string, limit: number) =>
    Promise.all((await listImports(db, organizationId, { limit })).map((row) => importView(row)));

  return {
    /** After a change: the next page shows it. */
    changed: () => cache.clear(),
    company,
    statistics,
    importView,
    files,
    async visit(person: Person): Promise<Visit> {
      if (person.role !== 'operator') return { person, parked: 0, inbox: 0 };
      const { parked, inbox } = await cache.get('attention', momentMs, () => attentionCounts(reader, null));
      return { person, parked, inbox };
    },
    /** The caller's company when there is exactly one. */
    async onlyCompany({ organizations }: Pick<Caller, 'organizations'>): Promise<Company | null> {
      const rows = await listCompanies(db, { limit: 2, organizations });
      return rows.length === 1 ? rows[0]! : null;
    },
    async home({ organizations }: Pick<Caller, 'organizations'>): Promise<HomeView> {
      const rows = await listCompanies(db, { limit: onHome + 1, organizations });
      const [companies, imports] = await Promise.all([
        Promise.all(rows.slice(0, onHome).map(withStatistics)),
        Promise.all(
          rows.slice(0, onHome).map(async (row) =>
            (await files(row.organizationId, newestFiles)).map((file) => ({
              company: { number: row.number, name: row.name, crm: company(row).crm.state },
              file,
            })),
          ),
        ),
      ]);
      const newest = imports.flat().sort((a, b) => b.file.createdAt.getTime() - a.file.createdAt.getTime());
      return { companies, more: rows.length > onHome, imports: newest.slice(0, 8), now: new Date() };
    },
    async companies(search: string, after: number | null): Promise<CompaniesView> {
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
    /** Returns null when the CRM is not connected or does not answer in time. */
    crmFields: ({ organizationId: id }: Company): Promise<CrmFields | null> =>
      cache.get(`fields ${id}`, fieldsMs, () =>
        Promise.race([listCrmFields(deps, id), pause(fieldsPatienceMs, null, { ref: false })]),
      ),
    findImport: (row: Company, id: string) => findImport(db, id, row.organizationId),
    async import(row: Import): Promise<ImportPageView> {
      const reasons =
        row.rejected > 0
          ? await cache.get(`reasons ${row.id} ${row.status}`, agePer(row.rejected * 10), () =>
              rejectReasons(reader, row.id, 20),
            )
          : [];
      return { file: await importView(row, false), reasons, now: new Date() };
    },
    async settings(row: Company) {
      const [keys, members] = await Promise.all([
        listActiveKeys(db, row.organizationId),
        listMembers(db, row.organizationId),
      ]);
      return { keys, members };
    },
  };

  async function log(row: Company, filter: LogFilter, { pending }: StatisticsView) {
    const status = statuses.includes(filter.status) ? (filter.status as SyncStatus) : null;
    // Nothing is pending, so there is no need to scan a million leads.
    if (status === 'pending' && pending === 0) return { log: [], older: null };
    const phone = parseLeadPhone(filter.search, row.defaultRegion as CountryCode);
    const search = filter.search
      ? {
          leadId: filter.search.startsWith('lead_') ? filter.search : `lead_${filter.search}`,
          contactId: filter.search,
          phoneHash: phone.ok ? vault.index(phoneIdentity(phone.value)) : null,
        }
      : null;
    const { importId, before } = filter;
    const rows = await processingLog(reader, row.organizationId, {
      status,
      importId,
      search,
      before,
      limit: pageSize + 1,
    });
    const page = rows.slice(0, pageSize);
    return { log: page.map(logRow), older: rows.length > pageSize ? (page.at(-1)?.cursor ?? null) : null };
  }

  function logRow({ contact, cursor: _cursor, remark, mergedWith, ...row }: LoggedLead): LogRow {
    return { ...row, remark: shownRemark({ remark, mergedWith }), ...shortened(contact) };
  }

  /** Enough to recognise a contact; the rest is in the CRM. */
  function shortened(contact: string | null): { who: string; phoneEnd: string } {
    if (contact === null) return { who: 'erased', phoneEnd: '' };
    try {
      const { name = '', phone = '' } = vault.openJson<{ name?: string; phone?: string }>(contact);
      return { who: shortName(name ?? ''), phoneEnd: (phone ?? '').replace(/\D/g, '').slice(-4) };
    } catch {
      // Its key was removed from the configuration; the rest of the row is still shown.
      return { who: 'cannot be decrypted', phoneEnd: '' };
    }
  }
}

export type CompanyViews = ReturnType<typeof createCompanyViews>;

/** `Sarah Johnson` is `Sarah J.`; a name of one word stays. Whole characters, whatever the script. */
function shortName(name: string): string {
  const [first = '', ...rest] = name.trim().split(/\s+/u);
  const last = rest.at(-1);
  return last ? `${first.slice(0, 40)} ${[...last][0]}.` : first.slice(0, 40);
}

const merged = ({ pending, processing, success, failed, cancelled }: SyncCounts) => ({
  pending: pending + processing,
  success,
  failed,
  cancelled,
});

function importFacts(row: ImportFacts): Omit<ImportView, 'sync'> {
  const read = row.created + row.duplicates + row.rejected;
  return {
    id: row.id,
    status: shownStatus(row),
    fileName: row.fileName,
    bytes: row.bytes,
    created: row.created,
    duplicates: row.duplicates,
    rejected: row.rejected,
    rejectsKept: row.rejectsKept,
    problem: row.problem,
    createdAt: row.createdAt,
    startedAt: row.startedAt,
    endedAt: row.endedAt,
    stopped: isStopped(row),
    stoppedAt: row.stoppedAt,
    readToEnd: isReadToEnd(row),
    totalRows: row.totalRows,
    readRows: read,
    fraction: row.status === 'running' && row.totalRows > 0 ? Math.min(1, read / row.totalRows) : null,
  };
}
