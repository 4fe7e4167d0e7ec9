import type { FastifyPluginAsync } from 'fastify';
import type { Runtime } from '../workers/kit/runtime.ts';
import { companyPages } from './routes/company-pages.ts';
import { consolePlugin } from './routes/console.ts';
import { assetsPlugin } from './routes/console-assets.ts';
import { signInPlugin } from './routes/console-sign-in.ts';
import { metricsPlugin } from './routes/metrics.ts';
import { queuesPlugin } from './routes/queues.ts';

/** What people use: metrics, sign-in, console, companies, queues. Metrics come first: they time the routes added after them. */
export function operatorPlugins(runtime: Runtime): FastifyPluginAsync[] {
  return [
    metricsPlugin(runtime),
    assetsPlugin(),
    signInPlugin(runtime),
    consolePlugin(runtime),
    companyPages(runtime),
    queuesPlugin(runtime),
  ];
}
