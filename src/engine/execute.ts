import type { Logger } from '../adapters/logger.ts';
import { sqlState } from '../db/client.ts';
import type { AttemptRow, Change, Fence } from '../db/commit.ts';
import { within } from '../db/deadline.ts';
import { retryWhileDisconnected } from '../db/retry.ts';
import { bookEffect } from '../db/transport/effects.ts';
import { type OpenRun, parkRow, postpone } from '../db/transport/outbox.ts';
import { PermanentError, TransientError, VendorError } from '../domain/errors.ts';
import { type Cause, type DomainEvent, type EventDraft, parseEvent } from '../events/envelope.ts';
import { newId } from '../events/new-id.ts';
import { type Answers, createAnswers } from './answers.ts';
import type { AnyWorker, OpenedRun, Run } from './define.ts';
import { type Outcome, type Snooze, snooze } from './outcome.ts';
import type { JobData } from './queues.ts';
import type { EngineRuntime } from './runtime.ts';

/** The result of one job, without personal data; BullMQ stores it as the job's return value. */
export type JobReport = 'finished' | 'skipped' | 'snoozed' | 'retrying' | 'parked' | 'gone';

/** Number of races a guarded change may lose in one run before the row is rescheduled. */
const rerunsOnLostRace = 5;
const afterLostRacesMs = 1_000;
/** The finishing statement is retried for this long on broken connections; the sweeper must not run earlier. */
const finishPatienceMs = 8_000;

/** Runs one job: open, handle, settle. Throws only when the database is unavailable; the sweeper retries the row. */
export async function execute<R extends EngineRuntime>(
  worker: AnyWorker<R>,
  runtime: R,
  job: JobData,
): Promise<JobReport> {
  const gate = worker.gate?.(runtime);
  if (!gate) return perform(worker, runtime, job);
  await gate.enter();
  try {
    return await perform(worker, runtime, job);
  } finally {
    gate.leave();
  }
}

async function perform<R extends EngineRuntime>(
  worker: AnyWorker<R>,
  runtime: R,
  job: JobData,
): Promise<JobReport> {
  const started = performance.now();
  const fence: Fence = { outboxId: job.outboxId, epoch: job.epoch };
  const opened = await worker.open(fence, runtime);
  if (!opened) return 'gone';
  const { open } = opened;
  const log = runtime.log.child({
    worker: worker.name,
    event: open.event.type,
    subject: open.event.subject,
    outbox: fence.outboxId,
  });
  const context = createContext(worker, runtime, opened, fence);

  let settled: Settled;
  try {
    settled = await handleAndSettle(context);
  } catch (error) {
    settled = await settleFailure(context, error);
    log.debug({ error }, 'run failed');
  }
  logRun(log, settled.report, settled.note, performance.now() - started, open);
  return settled.report;
}

/** A run in progress, with everything needed to settle it. */
type Context = {
  worker: Pick<AnyWorker<never>, 'name' | 'attempts' | 'timeoutMs' | 'handles'>;
  runtime: EngineRuntime;
  opened: OpenedRun;
  fence: Fence;
  cause: Cause;
  run: Omit<Run, 'subject'>;
  answers: Answers;
  attempt(outcome: string, detail: string | null): AttemptRow;
};

function createContext(
  worker: Context['worker'],
  runtime: EngineRuntime,
  opened: OpenedRun,
  fence: Fence,
): Context {
  const { open } = opened;
  const startedAt = new Date();
  const started = performance.now();
  const base = {
    outboxId: fence.outboxId,
    eventId: open.event.id,
    worker: worker.name,
    subject: open.event.subject,
  };
  const runId = newId();
  const cause = { correlationId: open.event.correlationId, causationId: open.event.id };
  const answers = createAnswers((booking) => bookEffect(runtime.db, booking));
  const context: Context = {
    worker,
    runtime,
    opened,
    fence,
    cause,
    answers,
    attempt: (outcome, detail) => ({
      ...base,
      id: runId,
      effectKey: null,
      startedAt,
      durationMs: performance.now() - started,
      outcome,
      detail: detail?.slice(0, 500).toWellFormed() ?? null,
    }),
    run: {
      now: open.now,
      since: open.createdAt,
      attempts: open.attempts,
      ending: { fence, cause, attempt: (note) => context.attempt('finished', note) },
      effect: {
        fence,
        cause,
        answers,
        attempt: (effectKey) => ({
          ...base,
          id: newId(),
          effectKey,
          startedAt: new Date(),
          durationMs: null,
          outcome: null,
          detail: null,
        }),
      },
      advance: async (change) => {
        const result = await answers.with((apart) =>
          runtime.relay.commit(change, { fence, keep: true, cause, apart }),
        );
        return result.held && result.moved;
      },
    },
  };
  return context;
}

type Settled = { report: JobReport; note: string };

async function handleAndSettle(context: Context): Promise<Settled> {
  const { worker, opened, run } = context;
  const { type, version } = opened.open.event;
  const event = knownEvent(context);
  if (!event) {
    const because = `no handler here for ${type} of version ${version}: written by a newer leadgate, or the event was deleted`;
    return parkWork(context, because, false);
  }
  for (let race = 0; race <= rerunsOnLostRace; race++) {
    const outcome = await within(worker.timeoutMs, 'no outcome', opened.handle(event, run));
    const settled = await settle(context, outcome);
    if (settled) return settled;
  }
  return postponed(context, snooze(afterLostRacesMs, 'state changed concurrently in every attempt'));
}

/** Returns null when the event was written by an unknown version, or when its partition was dropped. */
function knownEvent({ worker, opened }: Context): DomainEvent | null {
  try {
    const event = parseEvent(opened.open.event);
    return worker.handles(event.type) ? event : null;
  } catch {
    return null;
  }
}

/** Returns null when the guarded change lost a race: the handler must read the state again. */
async function settle(context: Context, outcome: Outcome): Promise<Settled | null> {
  const { runtime, fence, cause, answers } = context;
  switch (outcome.kind) {
    case 'finish': {
      const attempt = context.attempt('finished', outcome.note);
      const result = await persistently(() =>
        answers.with((apart) => runtime.relay.commit(outcome.change, { fence, cause, attempt, apart })),
      );
      if (!result.held) return { report: 'gone', note: 'another run finished it' };
      return result.moved ? { report: 'finished', note: outcome.note } : null;
    }
    case 'ended':
      return { report: 'finished', note: outcome.note };
    case 'skip': {
      const attempt = context.attempt('skipped', outcome.because);
      await persistently(() =>
        answers.with((apart) => runtime.relay.commit({}, { fence, cause, attempt, apart })),
      );
      return { report: 'skipped', note: outcome.because };
    }
    case 'snooze':
      return postponed(context, outcome);
    case 'park':
      return parkWork(context, outcome.because, false);
  }
}

async function postponed(context: Context, outcome: Snooze): Promise<Settled> {
  const { ms, because, keepPlace, resetAttempts } = outcome;
  await persistently(context.answers.write);
  const attempt = context.attempt('snoozed', because);
  const ok = await persistently(() =>
    postpone(context.runtime.db, context.fence, ms, {
      burn: false,
      error: null,
      attempt,
      keepPlace,
      resetAttempts,
    }),
  );
  return { report: ok ? 'snoozed' : 'gone', note: because };
}

async function settleFailure(context: Context, error: unknown): Promise<Settled> {
  const { worker, runtime, answers } = context;
  // The handler may still be running, and its call be answered after the run was given up.
  answers.end();
  await persistently(answers.write);
  const { attempts } = context.run;
  const because = describe(error);
  if (error instanceof PermanentError) return parkWork(context, because, true);
  const burn = !(error instanceof TransientError) || error.burnsAttempt;
  if (burn && attempts + 1 >= worker.attempts) return parkWork(context, because, true);
  const steps = runtime.config.timings.backoffMs;
  const step = steps[Math.min(attempts, steps.length - 1)] ?? 60_000;
  const asked = error instanceof TransientError ? (error.retryAfterMs ?? 0) : 0;
  const delay = Math.max(asked, Math.round(step * (0.75 + Math.random() * 0.5)));
  const attempt = context.attempt('failed', because);
  const ok = await persistently(() =>
    postpone(runtime.db, context.fence, delay, { burn, error: because, attempt }),
  );
  return { report: ok ? 'retrying' : 'gone', note: because };
}

async function parkWork(context: Context, because: string, burn: boolean): Promise<Settled> {
  const { worker, runtime, fence, cause } = context;
  const { type, organizationId, subject } = context.opened.open.event;
  await persistently(context.answers.write);
  const attempt = context.attempt('parked', because);
  const parked: EventDraft = {
    type: 'work.parked',
    organizationId,
    subject,
    data: {
      outboxId: fence.outboxId,
      worker: worker.name,
      error: because.slice(0, 300).toWellFormed(),
      eventType: type,
    },
  };
  const change: Change = {
    guard: () => parkRow(fence, because.slice(0, 1_000).toWellFormed(), burn),
    // Alerting about a failed alert would park in an endless loop.
    events: type === 'work.parked' ? [] : [parked],
  };
  const result = await persistently(() =>
    runtime.relay.commit(change, { fence, keep: true, cause, attempt }),
  );
  return { report: result.moved ? 'parked' : 'gone', note: because };
}

/** Error text to store: class and code of classified errors, and the message of errors from our own code. */
function describe(error: unknown): string {
  if (error instanceof VendorError) return `${error.vendor}: ${error.message}`;
  const code = sqlState(error);
  // Messages of the database driver can quote row values.
  if (code) return `database error ${code}`;
  // JSON.parse quotes its input.
  if (error instanceof SyntaxError) return 'stored data cannot be read';
  return error instanceof Error ? error.message : 'unknown error';
}

/** Settling statements include the fence, which makes retrying them safe. */
const persistently = <T>(statement: () => Promise<T>) => retryWhileDisconnected(statement, finishPatienceMs);

function logRun(log: Logger, report: JobReport, note: string, ms: number, open: OpenRun<unknown>) {
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
