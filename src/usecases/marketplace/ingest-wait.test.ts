import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Decided } from '../../db/marketplace/distributions.ts';
import { createDecisionWatch } from './ingest-wait.ts';

const never = () => new AbortController().signal;
const decided = (leadId: string): Decided => ({
  leadId,
  status: 'DISTRIBUTED',
  assigned: 1,
  considered: null,
});

/** A watch whose lookups find the leads in `known`. `pause`: between two lookups, unless it is to be the usual one. */
function watched(pause?: () => Promise<void>) {
  const known = new Set<string>();
  const lookups: string[][] = [];
  const watch = createDecisionWatch(async (leadIds) => {
    lookups.push(leadIds);
    return leadIds.filter((id) => known.has(id)).map(decided);
  }, pause);
  return { known, lookups, watch };
}

describe('createDecisionWatch', () => {
  it('looks up all waiting leads in one query, and none when none waits', async () => {
    const pauses: (() => void)[] = [];
    const { known, lookups, watch } = watched(() => new Promise((resolve) => pauses.push(resolve)));
    const endPause = async () => {
      await turn();
      expect(pauses).toHaveLength(1);
      pauses.pop()!();
      await turn();
    };
    const ids = Array.from({ length: 200 }, (_, n) => `lead${n}`);
    const all = Promise.all(ids.map((id) => watch.wait(id, 60_000, never())));
    for (const id of ids) known.add(id);
    await endPause();
    expect((await all).map((each) => each?.leadId)).toEqual(ids);
    await endPause();
    // The first one begins the lookup at once; the others share the next.
    expect(lookups.map(({ length }) => length)).toEqual([1, 200]);
    expect(pauses).toEqual([]);
    expect(watch.waiting()).toBe(0);
  });

  it('several who wait for one lead are all answered', async () => {
    const { known, watch } = watched();
    const both = Promise.all([watch.wait('one', 60_000, never()), watch.wait('one', 60_000, never())]);
    known.add('one');
    expect(await both).toEqual([decided('one'), decided('one')]);
  });

  it('returns null when time is over, and at once when none is given', async () => {
    const { watch } = watched();
    expect(await watch.wait('late', 20, never())).toBeNull();
    expect(await watch.wait('async', 0, never())).toBeNull();
    expect(watch.waiting()).toBe(0);
  });

  it('a client that has gone frees its place', async () => {
    const { watch } = watched();
    const gone = new AbortController();
    const waits = [watch.wait('gone', 60_000, gone.signal), watch.wait('gone', 60_000, gone.signal)];
    expect(watch.waiting()).toBe(1);
    gone.abort();
    expect(await Promise.all(waits)).toEqual([null, null]);
    expect(await watch.wait('gone', 60_000, gone.signal)).toBeNull();
    expect(watch.waiting()).toBe(0);
  });

  it('a lookup that fails is made again', async () => {
    let calls = 0;
    const watch = createDecisionWatch(async (leadIds) => {
      calls += 1;
      if (calls === 1) throw new Error('away');
      return leadIds.map(decided);
    });
    expect(await watch.wait('one', 60_000, never())).toEqual(decided('one'));
  });
});
