import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { FastifyAdapter } from '@bull-board/fastify';
import type { FastifyPluginAsync } from 'fastify';
import type { Runtime } from '../../workers/kit/runtime.ts';
import { createAuth } from '../auth.ts';
import { operatorsOnly } from '../operator.ts';
import { trustedOrigins } from '../origin.ts';
import { pageHeaders } from '../pages/headers.ts';

const path = '/queues';

type Deps = Pick<Runtime, 'config' | 'db' | 'log' | 'queues'>;

/**
 * Bull Board for operators, on either backend. Read-only: the outbox decides what runs, so a retry clicked here would
 * do nothing or mislead; parked work is resumed in the console.
 */
export function queuesPlugin(runtime: Deps): FastifyPluginAsync {
  return async (app) => {
    const auth = createAuth(runtime);
    const serverAdapter = new FastifyAdapter().setBasePath(path);
    createBullBoard({
      queues: runtime.queues.boards().map((queue) => new BullMQAdapter(queue, { readOnlyMode: true })),
      serverAdapter,
      options: {
        uiConfig: {
          boardTitle: 'leadgate queues',
          boardLogo: { path: '/static/favicon.svg', width: 24, height: 24 },
          miscLinks: [{ text: 'Console', url: '/console' }],
          favIcon: { default: '/static/favicon.svg', alternative: '/static/favicon.svg' },
          hideDocsLink: true,
          showWorkers: false,
        },
      },
    });
    await app.register(async (board) => {
      board.addHook('onRequest', operatorsOnly(auth, trustedOrigins(runtime.config.publicUrl)));
      board.addHook('onSend', async (_request, reply, payload) => {
        if (!String(reply.getHeader('content-type')).startsWith('text/html')) return payload;
        reply.headers(pageHeaders(runtime.config));
        return typeof payload === 'string' ? underOurPolicy(payload) : payload;
      });
      await board.register(serverAdapter.registerPlugin(), { prefix: path });
    });
  };
}

/** Its page fetches fonts from Google and styles its loading dots inline; the policy allows neither. */
function underOurPolicy(page: string): string {
  return page
    .replace(/<link[^>]*fonts\.googleapis\.com[^>]*>/g, '')
    .replace(/<style>[\s\S]*?<\/style>/g, '')
    .replace(/ style="[^"]*"/g, '');
}
