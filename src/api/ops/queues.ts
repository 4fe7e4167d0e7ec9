import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance, FastifyPluginAsync } from 'fastify';
import { RefusedError } from '../../domain/errors.ts';
import type { Runtime } from '../../usecases/runtime.ts';
import type { Access } from '../auth/access.ts';
import { operatorsOnly } from '../auth/caller.ts';
import { isDecodable } from '../http/decodable.ts';
import { sendPage } from '../http/forms.ts';
import { assetUrl } from '../web/assets.ts';
import { type BoardParts, boardParts } from './queues-board.ts';

const path = '/queues';

/** Hash of the style sheet that the board's script (9.10.1) adds to the page; the policy allows no other. */
const boardStyle = 'sha256-r2N1TB/gHbBtBZFKg7ejmq1acVSREzucTAEw6ga4hoU=';

type Deps = Pick<Runtime, 'config' | 'queues'>;

/**
 * Bull Board for operators, on either backend. Only its read routes exist here: the outbox decides what runs, so a retry
 * in the board would have no effect. Parked work is resumed in the console.
 */
export function queuePages(runtime: Deps, access: Access): FastifyPluginAsync {
  return async (app) => {
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
        board.addHook('onRequest', access.signedIn);
        board.addHook('onRequest', operatorsOnly);
        await board.register(fastifyStatic, {
          root: statics.path,
          prefix: statics.route,
          decorateReply: false,
        });
        readRoutes(board, rest);
        for (const url of [rest.entry.route].flat()) {
          board.get(url, { schema: { hide: true } }, async (_request, reply) => {
            const { params } = rest.entry.handler({ basePath: path, uiConfig: rest.uiConfig });
            return sendPage(reply, runtime.config, fill(withoutExternals(page), params), [boardStyle]);
          });
        }
      },
      { prefix: path },
    );
  };
}

function readRoutes(board: FastifyInstance, { routes, queues, uiConfig }: Omit<BoardParts, 'statics'>): void {
  for (const route of routes) {
    if (![route.method].flat().includes('get')) continue;
    for (const url of [route.route].flat()) {
      board.get(url, { schema: { hide: true } }, async (request, reply) => {
        const { params, query, headers } = request;
        refuseUndecodable(query as Record<string, unknown>);
        const answer = await route.handler({
          queues,
          uiConfig,
          body: {},
          params: params as Record<string, string>,
          query: query as Record<string, string>,
          headers: headers as Record<string, string>,
        });
        return reply.status(answer.status ?? 200).send(answer.body);
      });
    }
  }
}

/** The board decodes the values of the query once more, and fails on what cannot be decoded. */
function refuseUndecodable(query: Record<string, unknown>): void {
  const broken = Object.entries(query).find(([, value]) => !isDecodable(String(value)));
  if (!broken) return;
  throw new RefusedError(
    400,
    'invalid_input',
    `The value of ${broken[0]} is not encoded as the board's own addresses are. Open the board again at ${path}.`,
  );
}

/**
 * The page loads fonts from Google and has inline styles; our policy allows neither. It has no way back to our pages, so
 * one stands above it.
 */
function withoutExternals(page: string): string {
  return page
    .replace('</head>', `<link rel="stylesheet" href="/static/way-back.css"></head>`)
    .replace(
      /<body([^>]*)>/,
      '<body$1><nav class="way-back" aria-label="leadgate"><a href="/console">← Go to console</a></nav>',
    )
    .replace(/<link[^>]*fonts\.googleapis\.com[^>]*>/g, '')
    .replace(/<style>[\s\S]*?<\/style>/g, '')
    .replace(/ style="[^"]*"/g, '');
}

/** Fills the template's placeholders. The values are our own, none is user input. */
function fill(template: string, values: Record<string, unknown>): string {
  return template.replace(/<%[=-] (\w+) %>/g, (_all, name: string) => String(values[name] ?? ''));
}
