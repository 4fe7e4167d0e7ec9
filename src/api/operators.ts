import type { FastifyPluginAsync } from 'fastify';
import type { Runtime } from '../workers/kit/runtime.ts';
import { queuesPlugin } from './routes/queues.ts';

/** What operators use: sign-in, console, queues, metrics. */
export function operatorPlugins(runtime: Runtime): FastifyPluginAsync[] {
  return [queuesPlugin(runtime)];
}
