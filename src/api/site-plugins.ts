import type { FastifyPluginAsync } from 'fastify';
import type { Runtime } from '../engine/runtime.ts';
import { signInPlugin } from './auth/sign-in.ts';
import { companyPages } from './company/index.ts';
import { consolePlugin } from './console/index.ts';
import { metricsPlugin } from './ops/metrics.ts';
import { queuesPlugin } from './ops/queues.ts';
import { assetsPlugin } from './web/assets-route.ts';

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
