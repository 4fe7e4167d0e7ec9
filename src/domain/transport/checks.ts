/**
 * What a running installation watches about itself, and when it is in trouble. Health, metrics and alerts all show
 * these findings.
 */

export const checkNames = ['clock', 'disk', 'queue_memory', 'queue_policy', 'queue_disk', 'ledger'] as const;
export type CheckName = (typeof checkNames)[number];

export type Volume = { path: string; freeBytes: number };
/** One Redis server, as it describes itself. */
export type QueueServer = {
  server: string;
  usedBytes: number;
  /** Null when it has no limit. */
  limitBytes: number | null;
  evictionPolicy: string;
  /** Whether it could write its last snapshot and append-only file. */
  persists: boolean;
};

export type Measured = {
  /** The database's clock minus ours, and how far that may be off. Null when the database did not answer. */
  clock: { skewMs: number; accuracyMs: number } | null;
  /** Folders of data on this machine. */
  volumes: readonly Volume[];
  /** Whether the database refused a write for lack of space and has not accepted one since. */
  databaseFull: boolean;
  /** Empty without Redis, null when it did not answer. */
  servers: readonly QueueServer[] | null;
};

export type CheckLimits = { skewMs: number; freeBytes: number; memoryShare: number };

/** `reason`: null when all is well; otherwise what happens and what to do, for health, logs and alerts. */
export type Finding = { check: CheckName; reason: string | null };

export const defaultCheckLimits: CheckLimits = Object.freeze({
  // Signatures of vendors are valid for 300 s; a clock that is kept by NTP is off by milliseconds.
  skewMs: 5_000,
  freeBytes: 512 * 1024 * 1024,
  memoryShare: 0.9,
});

/** Checks without an answer are left out: the database's and the queue's own checks report that. */
export function judge(measured: Measured, limits: CheckLimits = defaultCheckLimits): Finding[] {
  const { clock, volumes, databaseFull, servers } = measured;
  return [
    ...(clock ? [{ check: 'clock' as const, reason: clockTrouble(clock, limits) }] : []),
    { check: 'disk', reason: diskTrouble(volumes, databaseFull, limits) },
    ...(servers && servers.length > 0
      ? [
          { check: 'queue_memory' as const, reason: first(servers, (each) => memoryTrouble(each, limits)) },
          { check: 'queue_policy' as const, reason: first(servers, policyTrouble) },
          { check: 'queue_disk' as const, reason: first(servers, persistenceTrouble) },
        ]
      : []),
  ];
}

function clockTrouble({ skewMs, accuracyMs }: { skewMs: number; accuracyMs: number }, limits: CheckLimits) {
  if (Math.abs(skewMs) - accuracyMs <= limits.skewMs) return null;
  const seconds = Math.round(Math.abs(skewMs) / 100) / 10;
  return `The clock of this machine is ${seconds} s ${skewMs > 0 ? 'behind' : 'ahead of'} the database’s. Signatures are judged by the database’s clock. Synchronize both clocks (NTP).`;
}

function diskTrouble(volumes: readonly Volume[], databaseFull: boolean, { freeBytes }: CheckLimits) {
  if (databaseFull)
    return 'The database refuses writes: its disk is full. What was accepted is kept. Free or add space on its volume.';
  const low = volumes.find((volume) => volume.freeBytes < freeBytes);
  return low
    ? `Only ${megabytes(low.freeBytes)} MB are free for ${low.path}; at least ${megabytes(freeBytes)} MB are needed. Free or add space.`
    : null;
}

function memoryTrouble({ server, usedBytes, limitBytes }: QueueServer, { memoryShare }: CheckLimits) {
  if (limitBytes === null || usedBytes < limitBytes * memoryShare) return null;
  return `${server} uses ${megabytes(usedBytes)} of ${megabytes(limitBytes)} MB (maxmemory). When it is full, new work waits in the database. Raise maxmemory, or find out what fills it.`;
}

const policyTrouble = ({ server, evictionPolicy }: QueueServer) =>
  evictionPolicy === 'noeviction'
    ? null
    : `${server} evicts keys (maxmemory-policy ${evictionPolicy}), which loses jobs until the sweeper finds them. Set it to noeviction.`;

const persistenceTrouble = ({ server, persists }: QueueServer) =>
  persists
    ? null
    : `${server} cannot write to its disk and may refuse new work, which then waits in the database. Free or add space on its volume.`;

function first<T>(all: readonly T[], trouble: (each: T) => string | null): string | null {
  return all.map(trouble).find((reason) => reason !== null) ?? null;
}

const megabytes = (bytes: number) => Math.round(bytes / (1024 * 1024));
