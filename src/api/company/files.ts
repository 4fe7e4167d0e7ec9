import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Company } from '../../db/account/companies.ts';
import { type Import, rememberedMapping } from '../../db/imports/imports.ts';
import { RefusedError } from '../../domain/errors.ts';
import { dialectOf, previewImport } from '../../usecases/imports/preview.ts';
import { receiveFile } from '../../usecases/imports/receive.ts';
import { cancelImport, retryFailed, startImport } from '../../usecases/imports/start.ts';
import { failureOf, noteFailure } from '../http/errors.ts';
import { notFound } from '../http/problem.ts';
import { acceptFiles, withUploadedFile } from '../upload/body.ts';
import { sendRejects, undoing } from '../upload/imports.ts';
import { ImportPage } from './pages/import-page.tsx';
import { PreviewPage } from './pages/preview-page.tsx';
import { ImportsPage, UploadPage } from './pages/upload-page.tsx';
import { type CompanySite, companyOf, formOf } from './site.ts';
import { previewView } from './views.ts';

const hidden = { schema: { hide: true } };
const uuid = z.uuid();
const wantsJson = (request: FastifyRequest) => !(request.headers.accept ?? '').includes('text/html');
const placeOf = (company: Company, row?: { id: string }) =>
  `/dashboard/${company.number}/${row ? `imports/${row.id}` : 'imports'}`;

/** A company's files in the browser: brought, looked at, corrected, started, watched. */
export function companyFiles(site: CompanySite): FastifyPluginAsync {
  return async (app) => {
    uploadPage(app, site);
    await app.register(uploads(site));
    importPages(app, site);
    importActions(app, site);
  };
}

async function showUpload(
  site: CompanySite,
  request: FastifyRequest,
  reply: FastifyReply,
  problem: string | null,
) {
  const { views, runtime } = site;
  const row = companyOf(request);
  const [visit, company, files] = await Promise.all([
    site.visit(request),
    views.company(row),
    views.files(row.organizationId, 5),
  ]);
  const view = { most: runtime.config.maxCsvBytes, problem, imports: files, now: new Date() };
  return site.send(reply, UploadPage({ visit, company, view }));
}

function uploadPage(app: FastifyInstance, site: CompanySite): void {
  app.get('/dashboard/:company_id/upload', hidden, async (request, reply) =>
    showUpload(site, request, reply, null),
  );
}

/** In a scope of its own: here a body is a stream. */
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
          const { row } = await undoing(runtime, async (made) => {
            const take = async (file: { name: string; bytes: AsyncIterable<Uint8Array> }) =>
              made(await receiveFile(runtime, { company, ...file }));
            return (await withUploadedFile(request, runtime.config, take)).taken;
          });
          views.changed();
          const location = placeOf(company, row);
          return wantsJson(request) ? reply.status(201).send({ location }) : reply.redirect(location, 303);
        } catch (error) {
          // The script shows the sentence beside the file; without it the page does.
          if (wantsJson(request) || !(error instanceof RefusedError)) throw error;
          const { status, detail } = failureOf(error);
          noteFailure(runtime.log, error, status, request);
          return showUpload(site, request, reply.status(status), detail);
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

function importPages(app: FastifyInstance, site: CompanySite): void {
  const { views, runtime } = site;
  app.get<{ Querystring: { after?: string } }>(
    '/dashboard/:company_id/imports',
    hidden,
    async (request, reply) => {
      const row = companyOf(request);
      const cursor = /^(\d{1,17})\.([0-9a-f-]{36})$/.exec(request.query.after ?? '');
      const after =
        cursor && uuid.safeParse(cursor[2]).success ? { micros: cursor[1]!, id: cursor[2]! } : null;
      const [visit, company, list] = await Promise.all([
        site.visit(request),
        views.company(row),
        views.imports(row, after),
      ]);
      return site.send(reply, ImportsPage({ visit, company, ...list }));
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
  app.get('/dashboard/:company_id/imports/:import_id/rejects.csv', hidden, async (request, reply) =>
    sendRejects(runtime, reply, await importOf(site, request)),
  );
}

type Shown = { choices?: (string | null)[]; problem?: string };

/** `choices`: a mapping that does not do, shown as it was chosen beside what is wrong with it. */
async function showPreview(
  site: CompanySite,
  request: FastifyRequest,
  reply: FastifyReply,
  file: Import,
  { choices, problem }: Shown,
): Promise<FastifyReply> {
  const row = companyOf(request);
  const { preview, sameFile } = await previewImport(site.runtime, row, file);
  const before = await rememberedMapping(site.runtime.db, row.organizationId, preview.key);
  const shown = previewView(preview, { sameFile, before, company: row, dialect: file.dialect });
  if (choices) {
    for (const [i, column] of shown.columns.entries()) {
      const target = choices[i] ?? null;
      if (target !== column.target) Object.assign(column, { target, because: target && 'chosen' });
    }
    Object.assign(shown, { rows: null, problem: null });
  }
  const [visit, company, view] = await Promise.all([
    site.visit(request),
    site.views.company(row),
    site.views.importView(file),
  ]);
  return site.send(
    reply,
    PreviewPage({ visit, company, file: view, preview: shown, problem: problem ?? null }),
  );
}

/** One choice for each column, as the selects of the page send them. */
function choicesOf(form: Record<string, string>, file: Import): (string | null)[] {
  return (file.header ?? []).map((_name, i) => form[`column-${i}`] || null);
}

const isRefusedMapping = (error: unknown): error is RefusedError =>
  error instanceof RefusedError &&
  ['invalid_mapping', 'same_file', 'invalid_csv', 'not_csv', 'invalid_input'].includes(error.code);

function importActions(app: FastifyInstance, site: CompanySite): void {
  const { runtime, views } = site;
  const path = '/dashboard/:company_id/imports/:import_id';
  const back = (request: FastifyRequest, reply: FastifyReply, file: Import) => {
    views.changed();
    return reply.redirect(placeOf(companyOf(request), file), 303);
  };
  // Where a browser is after a form was answered: a bookmark of it leads back.
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
      // Read otherwise, it may have other columns: what was chosen for these counts no more.
      const otherwise =
        form.encoding !== undefined && JSON.stringify(dialect) !== JSON.stringify(file.dialect);
      const corrections = otherwise ? { dialect } : { mapping: choices };
      const corrected = await previewImport(runtime, companyOf(request), file, corrections);
      return showPreview(site, request, reply, corrected.row, {});
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
      const cause = { correlationId: request.id, causationId: null };
      const again = form.confirm === 'yes';
      await startImport(runtime, companyOf(request), file, { mapping: choices, again, cause });
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
    // Pressed when it had just ended: its page says so.
    await cancelImport(runtime, file).catch((error: unknown) => {
      if (!(error instanceof RefusedError)) throw error;
    });
    return back(request, reply, file);
  });
  app.post(`${path}/retry`, hidden, async (request, reply) => {
    const file = await importOf(site, request);
    await retryFailed(runtime, file, { correlationId: request.id, causationId: null });
    return back(request, reply, file);
  });
}

/** A refusal speaks of the API; on the page the box to tick stands above. */
const sentenceOf = (error: RefusedError): string =>
  error.code === 'same_file'
    ? 'This file was imported before. Tick “Import it again” above if that is what you want.'
    : error.message;
