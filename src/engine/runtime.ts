import type { Logger } from '../adapters/logger.ts';
import type { Config } from '../config.ts';
import type { Database } from '../db/client.ts';
import type { Queues } from './queues.ts';
import type { Relay } from './relay.ts';

/** What running workers takes. A composition root adds what their handlers use. */
export type EngineRuntime = {
  config: Pick<Config, 'timings' | 'workerCount' | 'retention'>;
  log: Logger;
  db: Database;
  queues: Queues;
  relay: Relay;
};
