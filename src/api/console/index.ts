import { fastifySSE } from '@fastify/sse';
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { markHandled, pulse, resolveAlert } from '../../db/transport/attention.ts';
import { recordContactRead } from '../../usecases/lead/contact-read.ts';
import { requestRepeat } from '../../usecases/payment/refund.ts';
import type { Runtime } from '../../usecases/runtime.ts';
import type { Access } from '../auth/access.ts';
import { operatorsOnly, personOf } from '../auth/caller.ts';
import { localPath } from '../auth/local-path.ts';
import { causeOf } from '../http/cause.ts';
import { readForms, sendPage } from '../http/forms.ts';
import { createHeartbeat } from '../http/heartbeat.ts';
import { notFound } from '../http/problem.ts';
import { createStreams, eventStream } from '../http/streams.ts';
import { createTtlCache } from '../http/ttl-cache.ts';
import { pageErrors } from '../web/error-page.ts';
import { type Chrome, render } from '../web/layout.tsx';
import { resumeCause } from './actions.ts';
import { InboxPage, ParkedPage } from './pages/attention-page.tsx';
import { OverviewPage } from './pages/overview-page.tsx';
import { UnlockPage } from './pages/unlock-page.tsx';
import { createViews } from './views.ts';

type ConsoleRuntime = Pick<Runtime, 'config' | 'db' | 'log' | 'vault' | 'queues' | 'relay'>;

const uuid = z.uuid();
const stripeId = z.string().regex(/^\w{1,255}$/);
const listQuery = z.object({
  status: z.string().max(40).catch(''),
  q: z
    .string()
    .max(100)
    .transform((typed) => typed.replace(/\p{Cc}/gu, '').trim())
    .catch(''),
  before: uuid.nullable().catch(null),
});
const hidden = { schema: { hide: true } };

/** The operators' console. */
export function consolePages(runtime: ConsoleRuntime, access: Access): FastifyPluginAsync {
  return async (root) => {
    await root.register(async (app) => {
      readForms(app);
      app.addHook('onRequest', access.signedIn);
      app.addHook('onRequest', operatorsOnly);
      app.setErrorHandler(pageErrors(runtime));
      const cache = createTtlCache();
      const views = createViews(runtime, cache);
      pages(app, runtime, views);
      actions(app, runtime, views, () => cache.clear());
      await live(app, runtime);
    });
  };
}

type Views = ReturnType<typeof createViews>;

async function chromeOf(request: FastifyRequest, views: Views, tab?: Chrome['tab']): Promise<Chrome> {
  const { parked, inbox } = await views.counts();
  return { person: personOf(request), tab, parked, inbox };
}

function pages(app: FastifyInstance, { config }: ConsoleRuntime, views: Views): void {
  app.get('/console', hidden, async (request, reply) => {
    const { status, q, before } = listQuery.parse(request.query);
    const view = await views.overview({ status, search: q, before });
    const chrome = await chromeOf(request, views, 'overview');
    return sendPage(reply, config, await render(OverviewPage({ chrome, view })));
  });
  app.get<{ Querystring: { before?: string } }>('/console/parked', hidden, async (request, reply) => {
    const before = z.coerce
      .number()
      .int()
      .positive()
      .nullable()
      .catch(null)
      .parse(request.query.before ?? null);
    const view = await views.parked(before);
    const chrome = await chromeOf(request, views, 'parked');
    return sendPage(reply, config, await render(ParkedPage({ chrome, ...view, now: new Date() })));
  });
  app.get<{ Querystring: { after?: string } }>('/console/inbox', hidden, async (request, reply) => {
    const view = await views.inbox(
      uuid
        .nullable()
        .catch(null)
        .parse(request.query.after ?? null),
    );
    const chrome = await chromeOf(request, views, 'inbox');
    return sendPage(reply, config, await render(InboxPage({ chrome, ...view, now: new Date() })));
  });
  app.get<{ Params: { id: string } }>('/console/unlocks/:id', hidden, async (request, reply) => {
    const view = await views.unlock(idOf(request, 'unlock'), false);
    if (!view) throw notFound('unlock');
    return sendPage(
      reply,
      config,
      await render(UnlockPage({ chrome: await chromeOf(request, views), view })),
    );
  });
  // The address of a browser that shows the texts: a bookmark of it leads back and shows nothing by itself.
  app.get<{ Params: { id: string } }>('/console/unlocks/:id/texts', hidden, async (request, reply) =>
    reply.redirect(`/console/unlocks/${idOf(request, 'unlock')}`, 303),
  );
}

function actions(app: FastifyInstance, runtime: ConsoleRuntime, views: Views, changed: () => void): void {
  const back = (request: FastifyRequest, reply: FastifyReply) => {
    changed();
    return reply.redirect(localPath((request.body as { back?: unknown } | null)?.back), 303);
  };
  app.post<{ Params: { id: string } }>('/console/parked/:id/resume', hidden, async (request, reply) => {
    const id = z.coerce.number().int().positive().safeParse(request.params.id);
    if (!id.success) throw notFound('parked work');
    await resumeCause(runtime, id.data, personOf(request).id);
    return back(request, reply);
  });
  app.post<{ Params: { id: string } }>('/console/inbox/:id/handled', hidden, async (request, reply) => {
    await markHandled(runtime.db, null, idOf(request, 'text'));
    return back(request, reply);
  });
  app.post<{ Params: { id: string } }>('/console/alerts/:id/resolve', hidden, async (request, reply) => {
    await resolveAlert(runtime.db, null, idOf(request, 'alert'));
    return back(request, reply);
  });
  app.post<{ Params: { refund_id: string } }>(
    '/console/refunds/:refund_id/repeat',
    hidden,
    async (request, reply) => {
      const refundId = stripeId.safeParse(request.params.refund_id);
      if (!refundId.success) throw notFound('refund');
      await requestRepeat(runtime, refundId.data, causeOf(request));
      return back(request, reply);
    },
  );
  app.post<{ Params: { id: string } }>('/console/unlocks/:id/texts', hidden, async (request, reply) => {
    const view = await views.unlock(idOf(request, 'unlock'), true);
    if (!view) throw notFound('unlock');
    const { leadUuid: leadId, organizationId } = view.unlock;
    await recordContactRead(runtime, { leadId, organizationId }, personOf(request).id, causeOf(request));
    return sendPage(
      reply,
      runtime.config,
      await render(UnlockPage({ chrome: await chromeOf(request, views), view })),
    );
  });
}

/** Announces that something changed, not what: the page fetches itself with its own session. */
async function live(app: FastifyInstance, { db, log }: ConsoleRuntime): Promise<void> {
  await app.register(fastifySSE, { heartbeatInterval: 15_000 });
  const heartbeat = createHeartbeat({ pulse: () => pulse(db.reader), log });
  app.addHook('preClose', async () => heartbeat.close());
  const streams = createStreams(app);
  app.get('/console/live', { ...hidden, ...eventStream }, async (request, reply) => {
    const stream = streams.open(reply, personOf(request).id);
    stream.send({ event: 'hello', data: 1, retry: 2_000 });
    stream.onClose(heartbeat.watch(() => stream.send({ event: 'changed', data: 1 })));
  });
}

function idOf(request: FastifyRequest<{ Params: { id: string } }>, what: string): string {
  const id = uuid.safeParse(request.params.id);
  if (!id.success) throw notFound(what);
  return id.data;
}
