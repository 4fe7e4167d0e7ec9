import { hostname } from 'node:os';
import { settledWithin } from '../db/deadline.ts';
import { forgetProcess, reportProcess, type WorkerProcess } from '../db/transport/worker-processes.ts';
import { newId } from '../events/new-id.ts';
import type { EngineRuntime } from './runtime.ts';

const everyMs = 15_000;
const forgetPatienceMs = 500;

/**
 * Reports to the database, every 15 s, that this process runs these workers; `running` names them at that
 * moment, with the time since each last ran. A
 * report that fails is not repeated before the next one. `stop` removes the row.
 */
export function reportPresence(
  { db, log }: Pick<EngineRuntime, 'db' | 'log'>,
  running: () => WorkerProcess['workers'],
): { stop(): Promise<void> } {
  const id = newId();
  let last: Promise<void> = Promise.resolve();
  const report = () => {
    last = reportProcess(db, { id, host: hostname(), workers: running() }).catch((error: Error) =>
      log.debug({ error: error.message }, 'the heartbeat was not stored, will retry'),
    );
  };
  const timer = setInterval(report, everyMs);
  report();
  return {
    async stop() {
      clearInterval(timer);
      const forgotten = last.then(() => forgetProcess(db, id)).catch(() => undefined);
      await settledWithin(forgetPatienceMs, forgotten);
    },
  };
}
