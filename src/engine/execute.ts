import { v7 as uuidv7 } from 'uuid';
import type { Logger } from '../adapters/logger.ts';
import { isConnectionError, sqlState } from '../db/client.ts';
import type { AttemptRow, Fence } from '../db/commit.ts';
import { type OpenRun, openRun, parkRow, postpone } from '../db/transport/outbox.ts';
import { findUnlock } from '../db/unlock/unlocks.ts';
import { PermanentError, TransientError, VendorError } from '../domain/errors.ts';
import { type DomainEvent, parseEvent } from '../events/envelope.ts';
import { within } from './deadline.ts';
import type { AnyWorker, OwnOpen, Run } from './define.ts';
import type { Outcome } from './outcome.ts';
import type { JobData } from './queues.ts';
import type { Runtime } from './runtime.ts';

/** What one job came to; BullMQ keeps it as the job's return value, free of personal data. */
export type JobReport = 'finished' | 'skipped' | 'snoozed' | 'retrying' | 'parked' | 'gone';

/** A guarded change may lose a race this often in one run before it is put back for later. */
const rerunsOnLostRace = 5;
const afterLostRacesMs = 1_000;
/** The finishing statement is repeated on broken connections for this long: the sweeper must not be earlier. */
const finishPatienceMs = 8_000;

/** Runs one job to its report: open, handle, settle. Throws only when the database is away; the sweeper comes again. */
export async function execute(worker: AnyWorker, runtime: Runtime, job: JobData): Promise<JobReport> {
  const gate = worker.gate?.(runtime);
  if (!gate) return perform(worker, runtime, job);
  await gate.enter();
  try {
    return await perform(worker, runtime, job);
  } finally {
    gate.leave();
  }
}

async function perform(worker: AnyWorker, runtime: Runtime, job: JobData): Promise<JobReport> {
  const started = performance.now();
  const fence: Fence = { outboxId: job.outboxId, epoch: job.epoch };
  const opened = await openedRun(worker, runtime, fence);
  if (!opened) return 'gone';
  const { open } = opened;
  const log = runtime.log.child({
    worker: worker.name,
    event: open.event.type,
    subject: open.event.subject,
    outbox: fence.outboxId,
  });
  const context = createContext(worker, runtime, opened, fence);

  let report: JobReport = 'retrying';
  let note = '';
  try {
    const settled = await handleAndSettle(worker, runtime, open, context);
    report = settled.report;
    note = settled.note;
  } catch (error) {
    const settled = await settleFailure(worker, runtime, open, context, error);
    report = settled.report;
    note = settled.note;
    log.debug({ error }, 'run failed');
  }
  logRun(log, report, note, performance.now() - started, open);
  return report;
}

async function openedRun(worker: AnyWorker, runtime: Runtime, fence: Fence): Promise<OwnOpen | null> {
  if (worker.open) return worker.open(fence, runtime);
  const open = await openRun(runtime.db, fence);
  return open && { open, found: null };
}

type Context = {
  fence: Fence;
  run: Run;
  attempt(outcome: string, detail: string | null): AttemptRow;
};

function createContext(worker: AnyWorker, runtime: Runtime, { open, found }: OwnOpen, fence: Fence): Context {
  const startedAt = new Date();
  const started = performance.now();
  const base = {
    outboxId: fence.outboxId,
    eventId: open.event.id,
    worker: worker.name,
    subject: open.event.subject,
  };
  const runId = uuidv7();
  const cause = { correlationId: open.event.correlationId, causationId: open.event.id };
  let seen = open.unlock;
  return {
    fence,
    attempt: (outcome, detail) => ({
      ...base,
      id: runId,
      effectKey: null,
      startedAt,
      durationMs: performance.now() - started,
      outcome,
      detail: detail?.slice(0, 500) ?? null,
    }),
    run: {
      now: open.now,
      since: open.createdAt,
      attempts: open.attempts,
      found,
      unlock: async (id) => {
        const first = seen;
        seen = null;
        return first?.id === id ? first : findUnlock(runtime.db, id);
      },
      effect: {
        fence,
        attempt: (effectKey) => ({
          ...base,
          id: uuidv7(),
          effectKey,
          startedAt: new Date(),
          durationMs: null,
          outcome: null,
          detail: null,
        }),
      },
      advance: async (change) => {
        const result = await runtime.relay.commit(change, { fence, keep: true, cause });
        return result.held && result.moved;
      },
    },
  };
}

type Settled = { report: JobReport; note: string };

async function handleAndSettle(
  worker: AnyWorker,
  runtime: Runtime,
  open: OpenRun,
  context: Context,
): Promise<Settled> {
  const event = knownEvent(worker, open);
  if (!event) {
    const because = `no handler here for ${open.event.type} of version ${open.event.version}: a newer leadgate wrote it, or its event is gone`;
    return parkWork(worker, runtime, open, context, because, false);
  }
  for (let race = 0; race <= rerunsOnLostRace; race++) {
    const outcome = await within(worker.timeoutMs, 'no outcome', worker.run(event, runtime, context.run));
    const settled = await settle(worker, runtime, open, context, outcome);
    if (settled) return settled;
  }
  return (await settle(worker, runtime, open, context, {
    kind: 'snooze',
    ms: afterLostRacesMs,
    because: 'the state kept changing',
  }))!;
}

/** Null: written by a version this process does not know, or its partition is gone. */
function knownEvent(worker: AnyWorker, open: OpenRun): DomainEvent | null {
  try {
    const event = parseEvent(open.event);
    return worker.handles(event.type) ? event : null;
  } catch {
    return null;
  }
}

/** Null: the guarded change lost a race; look at the state again. */
async function settle(
  worker: AnyWorker,
  runtime: Runtime,
  open: OpenRun,
  context: Context,
  outcome: Outcome,
): Promise<Settled | null> {
  const { fence } = context;
  const cause = { correlationId: open.event.correlationId, causationId: open.event.id };
  switch (outcome.kind) {
    case 'finish': {
      const attempt = context.attempt('finished', outcome.note);
      const result = await patiently(() => runtime.relay.commit(outcome.change, { fence, cause, attempt }));
      if (!result.held) return { report: 'gone', note: 'another run finished it' };
      return result.moved ? { report: 'finished', note: outcome.note } : null;
    }
    case 'skip': {
      const attempt = context.attempt('skipped', outcome.because);
      await patiently(() => runtime.relay.commit({}, { fence, cause, attempt }));
      return { report: 'skipped', note: outcome.because };
    }
    case 'snooze': {
      const attempt = context.attempt('snoozed', outcome.because);
      const ok = await patiently(() =>
        postpone(runtime.db, fence, outcome.ms, {
          ...{ burn: false, error: null, attempt, keepPlace: outcome.keepPlace, afresh: outcome.afresh },
        }),
      );
      return { report: ok ? 'snoozed' : 'gone', note: outcome.because };
    }
    case 'park':
      return parkWork(worker, runtime, open, context, outcome.because, false);
  }
}

async function settleFailure(
  worker: AnyWorker,
  runtime: Runtime,
  open: OpenRun,
  context: Context,
  error: unknown,
): Promise<Settled> {
  const because = describe(error);
  if (error instanceof PermanentError) return parkWork(worker, runtime, open, context, because, true);
  const burn = !(error instanceof TransientError) || error.burnsAttempt;
  if (burn && open.attempts + 1 >= worker.attempts)
    return parkWork(worker, runtime, open, context, because, true);
  const steps = runtime.config.timings.backoffMs;
  const step = steps[Math.min(open.attempts, steps.length - 1)] ?? 60_000;
  const asked = error instanceof TransientError ? (error.retryAfterMs ?? 0) : 0;
  const delay = Math.max(asked, Math.round(step * (0.75 + Math.random() * 0.5)));
  const attempt = context.attempt('failed', because);
  const ok = await patiently(() =>
    postpone(runtime.db, context.fence, delay, { burn, error: because, attempt }),
  );
  return { report: ok ? 'retrying' : 'gone', note: because };
}

async function parkWork(
  worker: AnyWorker,
  runtime: Runtime,
  open: OpenRun,
  context: Context,
  because: string,
  burn: boolean,
): Promise<Settled> {
  const { fence } = context;
  const attempt = context.attempt('parked', because);
  const result = await patiently(() =>
    runtime.relay.commit(
      {
        guard: () => parkRow(fence, because.slice(0, 1_000), burn),
        // The alert of an alert that cannot be sent would park again, and again.
        events:
          open.event.type === 'work.parked'
            ? []
            : [
                {
                  type: 'work.parked',
                  organizationId: open.event.organizationId,
                  subject: open.event.subject,
                  data: { outboxId: fence.outboxId, worker: worker.name, error: because.slice(0, 300) },
                },
              ],
      },
      {
        fence,
        keep: true,
        cause: { correlationId: open.event.correlationId, causationId: open.event.id },
        attempt,
      },
    ),
  );
  return { report: result.moved ? 'parked' : 'gone', note: because };
}

/** Our own sentence: class and code of classified errors; message of others, which come from our code. */
function describe(error: unknown): string {
  if (error instanceof VendorError) return `${error.vendor}: ${error.message}`;
  const code = sqlState(error);
  // Messages of the database driver can quote row values.
  if (code) return `database error ${code}`;
  // JSON.parse quotes what it could not read.
  if (error instanceof SyntaxError) return 'stored data cannot be read';
  return error instanceof Error ? error.message : 'unknown error';
}

/** Repeats a settling statement while the database is away: its fence makes the repetition harmless. */
async function patiently<T>(statement: () => Promise<T>): Promise<T> {
  const until = performance.now() + finishPatienceMs;
  for (;;) {
    try {
      return await statement();
    } catch (error) {
      if (!isConnectionTrouble(error) || performance.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200 + Math.random() * 200));
    }
  }
}

/** Deadlocks and serialization failures too: they wrote nothing. */
function isConnectionTrouble(error: unknown): boolean {
  return isConnectionError(error) || ['40001', '40P01', '53300'].includes(sqlState(error) ?? '');
}

function logRun(log: Logger, report: JobReport, note: string, ms: number, open: OpenRun) {
  const line = {
    report,
    note,
    ms: Math.round(ms * 10) / 10,
    attempts: open.attempts,
    correlation: open.event.correlationId,
  };
  if (report === 'parked') log.error(line, 'job');
  else if (report === 'retrying') log.warn(line, 'job');
  else log.info(line, 'job');
}
