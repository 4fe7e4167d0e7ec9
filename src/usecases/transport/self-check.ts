import { statfs } from 'node:fs/promises';
import type { Database } from '../../db/client.ts';
import { orNull } from '../../db/deadline.ts';
import { hasSpace } from '../../db/transport/disk-probe.ts';
import {
  type CheckLimits,
  defaultCheckLimits,
  type Finding,
  judge,
  type Measured,
  type Volume,
} from '../../domain/transport/checks.ts';
import type { EngineRuntime } from '../../engine/runtime.ts';
import { answerMs, createReporter } from './trouble-alerts.ts';

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
      orNull(answerMs, deps.db.clockSkew(localNow)),
      spaceOf(options.volumes ?? []),
      databaseFull(),
      orNull(answerMs, deps.queues.servers()),
    ]);
    measured = { clock, volumes, databaseFull: full, servers };
    findings = judge(measured, { ...defaultCheckLimits, ...options.limits });
    if (clock) skewMs = clock.skewMs;
    await report(findings, measured);
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

async function spaceOf(folders: readonly string[]): Promise<Volume[]> {
  const found = await Promise.all(
    folders.map((path) =>
      orNull(
        answerMs,
        statfs(path).then(({ bavail, bsize }) => ({ path, freeBytes: bavail * bsize })),
      ),
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
    if (!isQuiet || !(await orNull(answerMs, hasSpace(db)))) return true;
    settledAt = fullAt;
    return false;
  };
}
