import { defineWorker, eventOnly } from '../engine/define.ts';
import { fetchInbound } from '../usecases/messaging/fetch-inbound.ts';
import type { Runtime } from '../usecases/runtime.ts';

type Deps = Pick<Runtime, 'db' | 'vault' | 'sms' | 'relay'>;

/** Fetches the texts and delivery statuses that unsigned callbacks of the SMS vendor point at. */
export const inbound = defineWorker<'inbound', Deps>({
  name: 'inbound',
  about: eventOnly,
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
