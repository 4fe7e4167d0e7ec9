import { defineWorker } from '../engine/define.ts';
import type { Runtime } from '../engine/runtime.ts';
import { fetchInbound } from '../usecases/messaging/fetch-inbound.ts';

type Deps = Pick<Runtime, 'db' | 'vault' | 'sms' | 'relay'>;

/** Fetches the texts and delivery statuses that unsigned callbacks of the SMS vendor point at. */
export const inbound = defineWorker<'inbound', Deps>({
  name: 'inbound',
  concurrency: 20,
  timeoutMs: 25_000,
  attempts: 12,
  handle: {
    'reply.notified': (event, deps, run) =>
      fetchInbound(event.data.inboxId, deps, run, {
        correlationId: event.correlationId,
        causationId: event.id,
      }),
  },
});
