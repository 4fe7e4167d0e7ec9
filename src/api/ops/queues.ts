import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance, FastifyPluginAsync } from 'fastify';
import type { Runtime } from '../../engine/runtime.ts';
import { createAuth } from '../auth/better-auth.ts';
import { operatorsOnly } from '../auth/operator.ts';
import { trustedOrigins } from '../auth/origin.ts';
import { sendPage } from '../http/forms.ts';
import { assetUrl } from '../web/assets.ts';
import { type BoardParts, boardParts } from './queues-board.ts';

const path = '/queues';

/** The one style sheet its script writes into the page (9.10.1); any other stays forbidden. */
const boardStyle = 'sha256-r2N1TB/gHbBtBZFKg7ejmq1acVSREzucTAEw6ga4hoU=';

type Deps = Pick<Runtime, 'config' | 'db' | 'log' | 'queues'>;

/**
 * Bull Board for operators, on either backend. Only its reading routes exist here: the outbox decides what runs, so a
 * retry clicked in the board would do nothing or mislead. Parked work is resumed in the console.
 */
export function queuesPlugin(runtime: Deps): FastifyPluginAsync {
  return async (app) => {
    const auth = createAuth(runtime);
    const { adapter, parts } = boardParts();
    createBullBoard({
      queues: runtime.queues.boards().map((queue) => new BullMQAdapter(queue, { readOnlyMode: true })),
      serverAdapter: adapter,
      options: {
        uiConfig: {
          boardTitle: 'leadgate queues',
          boardLogo: { path: assetUrl('favicon.svg'), width: 24, height: 24 },
          miscLinks: [{ text: 'Console', url: '/console' }],
          favIcon: { default: assetUrl('favicon.svg'), alternative: assetUrl('favicon.svg') },
          hideDocsLink: true,
          showWorkers: false,
        },
      },
    });
    const { statics, ...rest } = parts();
    const page = await readFile(join(rest.views, 'index.ejs'), 'utf8');
    await app.register(
      async (board) => {
        board.addHook('onRequest', operatorsOnly(auth, trustedOrigins(runtime.config.publicUrl)));
        await board.register(fastifyStatic, {
          root: statics.path,
          prefix: statics.route,
          decorateReply: false,
        });
        readingRoutes(board, rest);
        for (const url of [rest.entry.route].flat()) {
          board.get(url, { schema: { hide: true } }, async (_request, reply) => {
            const { params } = rest.entry.handler({ basePath: path, uiConfig: rest.uiConfig });
            return sendPage(reply, runtime.config, fill(underOurPolicy(page), params), [boardStyle]);
          });
        }
      },
      { prefix: path },
    );
  };
}

function readingRoutes(
  board: FastifyInstance,
  { routes, queues, uiConfig }: Omit<BoardParts, 'statics'>,
): void {
  for (const route of routes) {
    if (![route.method].flat().includes('get')) continue;
    for (const url of [route.route].flat()) {
      board.get(url, { schema: { hide: true } }, async (request, reply) => {
        const { params, query, headers } = request;
        const answer = await route.handler({
          ...{ queues, uiConfig, body: {} },
          ...{
            params: params as Record<string, string>,
            query: query as Record<string, string>,
            headers: headers as Record<string, string>,
          },
        });
        return reply.status(answer.status ?? 200).send(answer.body);
      });
    }
  }
}

/** Its page fetches fonts from Google and styles its loading dots inline; the policy allows neither. */
function underOurPolicy(page: string): string {
  return page
    .replace(/<link[^>]*fonts\.googleapis\.com[^>]*>/g, '')
    .replace(/<style>[\s\S]*?<\/style>/g, '')
    .replace(/ style="[^"]*"/g, '');
}

/** The few values of its template; all are ours, none is typed by anybody. */
function fill(template: string, values: Record<string, unknown>): string {
  return template.replace(/<%[=-] (\w+) %>/g, (_all, name: string) => String(values[name] ?? ''));
}
