import type { Logger } from '../adapters/logger.ts';
import type { Timings } from '../config.ts';
import type { Queryable } from '../db/client.ts';
import {
  type Change,
  type CommitOptions,
  type CommitResult,
  commitChange,
  type PublishRow,
} from '../db/commit.ts';
import { retryOnConflict } from '../db/retry.ts';
import type { WorkerName } from '../events/routes.ts';
import type { Queues } from './queues.ts';

type Options = Pick<CommitOptions, 'fence' | 'keep' | 'cause' | 'attempt' | 'apart'>;

type CommitChoices = {
  visibilityMs: number;
  isFull: (worker: WorkerName, organizationId: string | null) => boolean;
};

/**
 * Commits a change with its events and publishes the jobs right after COMMIT, without waiting for the result. If
 * publishing fails, the sweeper publishes the jobs from the outbox rows.
 */
export type Relay = {
  commit(change: Change, options?: Options): Promise<CommitResult>;
  /** Publishes rows that were committed elsewhere, such as in a transaction. Never throws. */
  publish(rows: PublishRow[]): void;
  /** Options for one commitChange inside the caller's own transaction. */
  commitOptions(): CommitChoices;
};

export function createRelay(deps: { db: Queryable; queues: Queues; timings: Timings; log: Logger }): Relay {
  const { db, queues, timings } = deps;
  const commitOptions = (): CommitChoices => {
    // Rows of this commit that will be published; the queue counts them only then.
    const chosen = new Map<WorkerName, number>();
    return {
      visibilityMs: timings.outboxVisibilityMs,
      isFull(worker, organizationId) {
        const rows = chosen.get(worker) ?? 0;
        const full = queues.isFull(worker, organizationId, rows);
        if (!full) chosen.set(worker, rows + 1);
        return full;
      },
    };
  };
  const publish = (rows: PublishRow[]) => {
    if (rows.length > 0) queues.publish(rows);
  };
  return {
    commitOptions,
    publish,
    async commit(change, options = {}) {
      const result = await retryOnConflict(() =>
        commitChange(db, change, { ...commitOptions(), ...options }),
      );
      publish(result.publish);
      return result;
    },
  };
}
