import { statfs } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { Database } from '../../db/client.ts';
import { within } from '../../db/deadline.ts';
import { insertAlertOnce, resolveAlerts } from '../../db/transport/alerts.ts';
import { hasSpace } from '../../db/transport/disk-probe.ts';
import { alert } from '../../domain/messaging/alerts.ts';
import {
  type CheckLimits,
  type CheckName,
  defaultCheckLimits,
  type Finding,
  judge,
  type Measured,
  type Volume,
} from '../../domain/transport/checks.ts';
import type { EngineRuntime } from '../../engine/runtime.ts';
import { subjects } from '../../events/subjects.ts';

/**
 * Watches what goes wrong while a process runs: its clock, the disk of the data, the memory and the settings of Redis.
 * Every process checks; a trouble raises one alert, which is resolved when the trouble has passed.
 */
export type SelfCheck = {
  /** Measures, judges and alerts. Never throws: what does not answer is left out. */
  run(): Promise<readonly Finding[]>;
  /** The findings of the last run. */
  findings(): readonly Finding[];
  measured(): Measured;
  /** The time by the database's clock, which every process shares: for signatures and what expires. */
  now(): Date;
  /** Runs once, then repeatedly. Resolves after the first run. */
  start(): Promise<void>;
  stop(): Promise<void>;
};

export type SelfCheckOptions = {
  limits?: Partial<CheckLimits>;
  /** Folders of data on this machine whose free space is watched. */
  volumes?: readonly string[];
  /** This machine's clock. */
  localNow?: () => number;
  everyMs?: number;
  /** How long no write may have failed for lack of space before a successful probe ends the trouble. */
  quietMs?: number;
};

type Deps = Pick<EngineRuntime, 'db' | 'queues' | 'relay' | 'log'>;

const defaultEveryMs = 15_000;
const defaultQuietMs = 60_000;
const answerMs = 4_000;
/** Clocks and disks belong to a machine, Redis to the installation. */
const ofMachine: ReadonlySet<CheckName> = new Set(['clock', 'disk']);

export function createSelfCheck(deps: Deps, options: SelfCheckOptions = {}): SelfCheck {
  const { localNow = Date.now, everyMs = defaultEveryMs } = options;
  const databaseFull = watchSpace(deps.db, options.quietMs ?? defaultQuietMs);
  const report = createReporter(deps);
  let measured: Measured = { clock: null, volumes: [], databaseFull: false, servers: null };
  let findings: readonly Finding[] = [];
  let skewMs = 0;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<unknown> = Promise.resolve();
  let stopped = false;

  const run = async () => {
    const [clock, volumes, full, servers] = await Promise.all([
      orNull(deps.db.clockSkew(localNow)),
      spaceOf(options.volumes ?? []),
      databaseFull(),
      orNull(deps.queues.servers()),
    ]);
    measured = { clock, volumes, databaseFull: full, servers };
    findings = judge(measured, { ...defaultCheckLimits, ...options.limits });
    if (clock) skewMs = clock.skewMs;
    await report(findings);
    return findings;
  };
  const tick = async () => {
    await run();
    if (!stopped) timer = setTimeout(() => (running = tick()), everyMs);
  };
  return {
    run,
    findings: () => findings,
    measured: () => measured,
    now: () => new Date(localNow() + skewMs),
    async start() {
      running = tick();
      await running;
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}

/** Null when there was an error, or no answer in time: a frozen connection must not end the watch. */
const orNull = <T>(answer: Promise<T>): Promise<T | null> =>
  within(answerMs, 'no answer', answer).catch(() => null);

async function spaceOf(folders: readonly string[]): Promise<Volume[]> {
  const found = await Promise.all(
    folders.map((path) =>
      orNull(statfs(path).then(({ bavail, bsize }) => ({ path, freeBytes: bavail * bsize }))),
    ),
  );
  return found.filter((volume) => volume !== null);
}

/** A full disk is known by writes that failed. Once none fails any more, a write of our own must succeed too. */
function watchSpace(db: Database, quietMs: number): () => Promise<boolean> {
  let settledAt = -Infinity;
  return async () => {
    const fullAt = db.diskFullAt();
    if (fullAt === null || fullAt <= settledAt) return false;
    const isQuiet = performance.now() - fullAt >= quietMs;
    if (!isQuiet || !(await orNull(hasSpace(db)))) return true;
    settledAt = fullAt;
    return false;
  };
}

/** Alerts once when a trouble begins, and resolves the alert when it ends. What cannot be stored is tried again. */
function createReporter({ db, relay, log }: Deps): (findings: readonly Finding[]) => Promise<void> {
  const alerted = new Set<CheckName>();
  /** Checks whose alert may still be open, at first those of an earlier process. */
  const unresolved = new Set<CheckName>(['clock', 'disk', 'queue_memory', 'queue_policy', 'queue_disk']);
  const prefixOf = (check: CheckName) => `unwell-${check}-${ofMachine.has(check) ? `${hostname()}-` : ''}`;

  const raise = async (check: CheckName, reason: string) => {
    const prefix = prefixOf(check);
    const key = `${prefix}${new Date().toISOString().slice(0, 10)}`;
    const subject = subjects.installation(check);
    await relay.commit({
      guard: () =>
        insertAlertOnce(
          { key, organizationId: null, subject, ...alert('installation_unwell', { reason }) },
          prefix,
        ),
      events: [
        { type: 'installation.unwell', organizationId: null, subject, data: { key, code: check, reason } },
      ],
    });
    alerted.add(check);
    unresolved.add(check);
  };
  return async (findings) => {
    for (const { check, reason } of findings) {
      if (reason === null || alerted.has(check)) continue;
      log.error({ event: 'installation_unwell', check, reason }, 'the installation needs attention');
      await within(answerMs, 'no answer', raise(check, reason)).catch((error: Error) =>
        log.warn({ check, error: error.message }, 'the alert was not stored, will retry'),
      );
    }
    const over = findings.filter(({ check, reason }) => reason === null && unresolved.has(check));
    if (over.length === 0) return;
    try {
      const prefixes = over.map(({ check }) => prefixOf(check));
      await within(answerMs, 'no answer', resolveAlerts(db, prefixes));
      for (const { check } of over) {
        unresolved.delete(check);
        if (alerted.delete(check)) log.info({ event: 'installation_well', check }, 'the trouble has passed');
      }
    } catch (error) {
      log.warn({ error: (error as Error).message }, 'the alerts were not resolved, will retry');
    }
  };
}
