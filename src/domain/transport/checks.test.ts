import { describe, expect, it } from 'vitest';
import { type CheckName, judge, type Measured, type QueueServer } from './checks.ts';

const gigabyte = 1024 ** 3;
const redis: QueueServer = {
  server: 'Redis',
  usedBytes: gigabyte,
  limitBytes: 2 * gigabyte,
  evictionPolicy: 'noeviction',
  persists: true,
};
const well: Measured = {
  clock: { skewMs: 3, accuracyMs: 1 },
  volumes: [{ path: '/data', freeBytes: gigabyte }],
  databaseFull: false,
  servers: [redis],
};

const troublesOf = (change: Partial<Measured>): CheckName[] =>
  judge({ ...well, ...change })
    .filter(({ reason }) => reason !== null)
    .map(({ check }) => check);

describe('[S18] the checks of a running installation', () => {
  it.each<[string, Partial<Measured>, CheckName[]]>([
    ['all is well', {}, []],
    ['a clock 5 s ahead', { clock: { skewMs: -5_000, accuracyMs: 0 } }, []],
    ['a clock 6 s ahead', { clock: { skewMs: -6_000, accuracyMs: 10 } }, ['clock']],
    ['a clock 6 s behind', { clock: { skewMs: 6_000, accuracyMs: 10 } }, ['clock']],
    ['a slow answer that proves no skew', { clock: { skewMs: 6_000, accuracyMs: 2_000 } }, []],
    ['little space', { volumes: [{ path: '/data', freeBytes: gigabyte / 4 }] }, ['disk']],
    ['a database without space', { databaseFull: true }, ['disk']],
    ['a Redis without a limit', { servers: [{ ...redis, limitBytes: null }] }, []],
    ['a Redis almost full', { servers: [{ ...redis, usedBytes: 1.9 * gigabyte }] }, ['queue_memory']],
    ['a Redis that evicts', { servers: [{ ...redis, evictionPolicy: 'allkeys-lru' }] }, ['queue_policy']],
    ['a Redis that cannot write', { servers: [{ ...redis, persists: false }] }, ['queue_disk']],
    [
      'the last master of a cluster',
      { servers: [redis, { ...redis, usedBytes: 2 * gigabyte }] },
      ['queue_memory'],
    ],
    ['no answer from the database', { clock: null }, []],
    ['no answer from the queue', { servers: null }, []],
  ])('%s', (_what, change, troubles) => expect(troublesOf(change)).toEqual(troubles));

  it('without Redis the checks of the queue are left out', () => {
    expect(judge({ ...well, servers: [] }).map(({ check }) => check)).toEqual(['clock', 'disk']);
  });

  it('every reason says what to do', () => {
    const all = judge({
      clock: { skewMs: -60_000, accuracyMs: 1 },
      volumes: [{ path: '/data', freeBytes: 0 }],
      databaseFull: false,
      servers: [{ ...redis, usedBytes: 2 * gigabyte, evictionPolicy: 'volatile-ttl', persists: false }],
    });
    expect(all).toHaveLength(5);
    for (const { reason } of all) expect(reason).toMatch(/\. (?:Synchronize|Free|Raise|Set) /);
    expect(all[0]!.reason).toContain('60 s ahead');
  });
});
