import type { Logger } from '../adapters/logger.ts';
import type { Config } from '../config.ts';
import type { Database } from '../db/client.ts';
import type { Queues } from './queues.ts';
import type { Relay } from './relay.ts';

/** The deps needed to run workers. A composition root adds the deps of the handlers. */
export type EngineRuntime = {
  config: Pick<Config, 'timings' | 'workerCount' | 'retention'>;
  log: Logger;
  db: Database;
  queues: Queues;
  relay: Relay;
};
