import type { Logger } from '../adapters/logger.ts';
import type { Queryable } from '../db/client.ts';
import { queueState } from '../db/transport/queue-state.ts';
import type { Queues } from './queues.ts';

type Deps = { db: Queryable; queues: Pick<Queues, 'refresh'>; log: Logger };

/** Reads the counts for windows and turns once. Never throws. */
export async function readDepths({ db, queues, log }: Deps): Promise<void> {
  await queueState(db)
    .then((state) => queues.refresh(state))
    .catch((error: Error) => log.debug({ error: error.message }, 'queue depths not known'));
}
