import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Company } from '../../db/account/companies.ts';
import { type Import, rememberedMapping } from '../../db/imports/imports.ts';
import { RefusedError } from '../../domain/errors.ts';
import { dialectOf, previewImport } from '../../usecases/imports/preview.ts';
import { dropRefused, receiveCounted } from '../../usecases/imports/receive.ts';
import { rejectsOf } from '../../usecases/imports/rejects.ts';
import { retryFailed, startImport } from '../../usecases/imports/start.ts';
import { cancelImport, sendRest } from '../../usecases/imports/stop.ts';
import { callerOf, quotaOwnerOf } from '../auth/caller.ts';
import { sendCsv } from '../http/attachment.ts';
import { causeOf } from '../http/cause.ts';
import { failureOf, noteFailure } from '../http/errors.ts';
import { acceptFiles, withUploadedFile } from '../http/file-bodies.ts';
import { formOf } from '../http/forms.ts';
import { notFound } from '../http/problem.ts';
import { type Choice, placeColumns, readChoices, withCrmFields, withKnownFields } from './column-choices.ts';
import { ImportPage } from './pages/import-page.tsx';
import { PreviewPage } from './pages/preview-page.tsx';
import { ImportsPage } from './pages/upload-page.tsx';
import { previewView } from './preview-view.ts';
import { type CompanySite, companyOf } from './site.ts';

const hidden = { schema: { hide: true } };
const uuid = z.uuid();
const wantsJson = (request: FastifyRequest) => !(request.headers.accept ?? '').includes('text/html');
const placeOf = (company: Company, row?: { id: string }) =>
  `/dashboard/${company.number}/${row ? `imports/${row.id}` : 'imports'}`;

/** Imports of a company in the browser: upload, preview, corrections, start, progress. */
export function importPages(site: CompanySite): FastifyPluginAsync {
  return async (app) => {
    uploadPage(app, site);
    await app.register(uploads(site));
    resultPages(app, site);
    importActions(app, site);
  };
}

type Cursor = { micros: string; id: string };

/** The list of files and the form for another one. `problem`: why a file was refused. */
async function showImports(
  site: CompanySite,
  request: FastifyRequest,
  reply: FastifyReply,
  { problem = null, after = null }: { problem?: string | null; after?: Cursor | null } = {},
) {
  const { views, runtime } = site;
  const row = companyOf(request);
  const [visit, list] = await Promise.all([site.visit(request), views.imports(row, after)]);
  const view = { ...list, most: runtime.config.maxCsvBytes, problem, isFirst: after === null };
  const still = problem !== null;
  return site.send(reply, ImportsPage({ visit, company: views.company(row), view, still }));
}

function uploadPage(app: FastifyInstance, site: CompanySite): void {
  // Where the form is answered, so a browser reloads it there.
  app.get('/dashboard/:company_id/upload', hidden, async (request, reply) =>
    showImports(site, request, reply),
  );
}

/** In a scope of its own, because its bodies are streams. */
function uploads(site: CompanySite): FastifyPluginAsync {
  const { runtime, views } = site;
  return async (app) => {
    await acceptFiles(app);
    app.post(
      '/dashboard/:company_id/upload',
      { ...hidden, config: { streamed: true } },
      async (request, reply) => {
        const company = companyOf(request);
        try {
          const { row } = await dropRefused(runtime, async (stored) => {
            const owner = quotaOwnerOf(request, company.organizationId);
            const take = async (file: { name: string; bytes: AsyncIterable<Uint8Array> }) =>
              stored(await receiveCounted(runtime, owner, { company, ...file }));
            return (await withUploadedFile(request, runtime.config, take)).taken;
          });
          views.changed();
          const location = placeOf(company, row);
          return wantsJson(request) ? reply.status(201).send({ location }) : reply.redirect(location, 303);
        } catch (error) {
          // The page's script shows the problem beside the file; without the script the page does.
          if (wantsJson(request) || !(error instanceof RefusedError)) throw error;
          const { status, detail } = failureOf(error);
          noteFailure(runtime.log, error, status, request);
          return showImports(site, request, reply.status(status), { problem: detail });
        }
      },
    );
  };
}

async function importOf(site: CompanySite, request: FastifyRequest): Promise<Import> {
  const id = uuid.safeParse((request.params as { import_id: string }).import_id);
  const row = id.success ? await site.views.findImport(companyOf(request), id.data) : null;
  if (!row) throw notFound('import');
  return row;
}

function resultPages(app: FastifyInstance, site: CompanySite): void {
  const { views, runtime } = site;
  app.get<{ Querystring: { after?: string } }>(
    '/dashboard/:company_id/imports',
    hidden,
    async (request, reply) => {
      const cursor = /^(\d{1,17})\.([0-9a-f-]{36})$/.exec(request.query.after ?? '');
      const after =
        cursor && uuid.safeParse(cursor[2]).success ? { micros: cursor[1]!, id: cursor[2]! } : null;
      return showImports(site, request, reply, { after });
    },
  );
  app.get('/dashboard/:company_id/imports/:import_id', hidden, async (request, reply) => {
    const row = companyOf(request);
    const file = await importOf(site, request);
    if (file.status === 'ready') return showPreview(site, request, reply, file, {});
    const [visit, company, view] = await Promise.all([
      site.visit(request),
      views.company(row),
      views.import(file),
    ]);
    return site.send(reply, ImportPage({ visit, company, view }));
  });
  app.get('/dashboard/:company_id/imports/:import_id/rejects.csv', hidden, async (request, reply) => {
    const file = await importOf(site, request);
    const owner = quotaOwnerOf(request, companyOf(request).organizationId);
    return sendCsv(reply, rejectsOf(runtime, file), { quotas: runtime.quotas, owner });
  });
}

/** The company with the fields that its CRM has, and the CRM's own. */
async function placesOf({ views }: CompanySite, request: FastifyRequest) {
  const crm = await views.crmFields(companyOf(request));
  return { row: withKnownFields(companyOf(request), crm), crm };
}

type Shown = { choices?: Choice[]; problem?: string };

/** `choices`: columns as they were just chosen. `problem`: why they were refused; then nothing is checked. */
async function showPreview(
  site: CompanySite,
  request: FastifyRequest,
  reply: FastifyReply,
  file: Import,
  { choices, problem }: Shown,
): Promise<FastifyReply> {
  const { runtime, views } = site;
  const { organizationId } = companyOf(request);
  await runtime.quotas.take('previews', quotaOwnerOf(request, organizationId));
  const { row, crm } = await placesOf(site, request);
  // A field of the CRM gets a name here when the import starts; until then it counts as if it had one.
  const checked = problem ? undefined : choices;
  const { company, mapping } = readChoices(withCrmFields(row, crm), checked ?? [], crm);
  const corrections = checked ? { mapping } : {};
  const { preview, dryRun, sameFile } = await previewImport(runtime, company, file, corrections);
  const before = await rememberedMapping(runtime.db, organizationId, preview.key);
  const given = { sameFile, before, company: row, dialect: file.dialect, crm, dryRun: dryRun ?? null };
  const shown = previewView(preview, given);
  for (const [i, column] of (choices ? shown.columns : []).entries()) {
    const target = choices?.[i] ?? null;
    if (target !== column.target) Object.assign(column, { target, because: target && 'chosen' });
  }
  if (problem) Object.assign(shown, { rows: null, counted: null, problem: null });
  const [visit, view] = await Promise.all([site.visit(request), views.importView(file)]);
  return site.send(
    reply,
    PreviewPage({
      visit,
      company: views.company(row),
      file: view,
      preview: shown,
      problem: problem ?? null,
    }),
  );
}

/** What was chosen for each column. */
function choicesOf(form: Record<string, string>, file: Import): Choice[] {
  return (file.header ?? []).map((_name, i) => form[`column-${i}`] || null);
}

const isRefusedMapping = (error: unknown): error is RefusedError =>
  error instanceof RefusedError &&
  [
    'invalid_mapping',
    'same_file',
    'invalid_csv',
    'not_csv',
    'invalid_input',
    'crm_field_refused',
    'crm_unavailable',
  ].includes(error.code);

function importActions(app: FastifyInstance, site: CompanySite): void {
  const { runtime, views } = site;
  const path = '/dashboard/:company_id/imports/:import_id';
  const back = (request: FastifyRequest, reply: FastifyReply, file: Import) => {
    views.changed();
    return reply.redirect(placeOf(companyOf(request), file), 303);
  };
  // The address of a browser after a form was answered: a bookmark of it leads back.
  for (const step of ['preview', 'start'])
    app.get(`${path}/${step}`, hidden, async (request, reply) =>
      reply.redirect(placeOf(companyOf(request), await importOf(site, request)), 303),
    );
  app.post(`${path}/preview`, hidden, async (request, reply) => {
    const file = await importOf(site, request);
    if (file.status !== 'ready') return back(request, reply, file);
    const form = formOf(request);
    const choices = choicesOf(form, file);
    try {
      const dialect = dialectOf(form);
      // Read differently, the file may have other columns, so the choices no longer apply.
      const readDifferently =
        form.encoding !== undefined && JSON.stringify(dialect) !== JSON.stringify(file.dialect);
      if (readDifferently) {
        await runtime.quotas.take('previews', quotaOwnerOf(request, file.organizationId));
        const { row } = await previewImport(runtime, companyOf(request), file, { dialect });
        return await showPreview(site, request, reply, row, {});
      }
      return await showPreview(site, request, reply, file, { choices });
    } catch (error) {
      if (!isRefusedMapping(error)) throw error;
      return showPreview(site, request, reply, file, { choices, problem: sentenceOf(error) });
    }
  });
  app.post(`${path}/start`, hidden, async (request, reply) => {
    const file = await importOf(site, request);
    if (file.status !== 'ready') return back(request, reply, file);
    const form = formOf(request);
    const choices = choicesOf(form, file);
    try {
      const again = form.confirm === 'yes';
      const { row, crm } = await placesOf(site, request);
      const placed = await placeColumns(runtime, row, readChoices(row, choices, crm), file.header ?? []);
      await startImport(runtime, placed.company, file, {
        mapping: placed.mapping,
        again,
        cause: causeOf(request),
      });
      return back(request, reply, file);
    } catch (error) {
      if (!isRefusedMapping(error)) throw error;
      return showPreview(site, request, reply.status(error.status), file, {
        choices,
        problem: sentenceOf(error),
      });
    }
  });
  app.post(`${path}/cancel`, hidden, async (request, reply) => {
    const file = await importOf(site, request);
    // It may have ended just before; its page says so.
    await cancelImport(runtime, file, callerOf(request).actor).catch(unlessRefused);
    return back(request, reply, file);
  });
  app.post(`${path}/resume`, hidden, async (request, reply) => {
    const file = await importOf(site, request);
    await runtime.quotas.take('import_retries', quotaOwnerOf(request, file.organizationId));
    await sendRest(runtime, companyOf(request), file, callerOf(request).actor).catch(unlessRefused);
    return back(request, reply, file);
  });
  app.post(`${path}/retry`, hidden, async (request, reply) => {
    const file = await importOf(site, request);
    await runtime.quotas.take('import_retries', quotaOwnerOf(request, file.organizationId));
    await retryFailed(runtime, file, causeOf(request)).catch(unlessRefused);
    return back(request, reply, file);
  });
}

/** The page that follows shows the state that caused the refusal. */
function unlessRefused(error: unknown): void {
  if (!(error instanceof RefusedError)) throw error;
}

/** The message of a refusal is meant for the API; on the page there is a box to tick. */
const sentenceOf = (error: RefusedError): string =>
  error.code === 'same_file'
    ? 'This file was imported before. Tick “Import it again” above if that is what you want.'
    : error.message;
