import { describe, expect, it } from 'vitest';
import { type WorkerName, workerNames } from '../../events/routes.ts';
import { type WorkSigns, workerState, workHealth } from './work-health.ts';

const now = new Date('2026-01-05T12:00:00Z');
const none = { queued: 0, waiting: 0, held: 0, paused: 0, parked: 0, lagSeconds: 0 };
type Given = { figures?: Partial<typeof none>; ranSecondsAgo?: number | null; processes?: number };

/** All workers idle, except one. */
function signs(worker: WorkerName, { figures = {}, ranSecondsAgo = null, processes = 1 }: Given): WorkSigns {
  return {
    figures: workerNames.map((name) => ({ ...none, ...(name === worker ? figures : {}), worker: name })),
    presence: workerNames.map((name) => ({
      worker: name,
      processes: name === worker ? processes : 1,
      seenAt: now,
      lastRunAt:
        name === worker && ranSecondsAgo !== null ? new Date(now.getTime() - ranSecondsAgo * 1000) : null,
    })),
    now,
  };
}

describe('the state of work', () => {
  it.each<[string, Given, string, string, string]>([
    ['nothing to do', {}, 'idle', 'good', 'No backlog'],
    ['ran a moment ago', { ranSecondsAgo: 3 }, 'busy', 'good', 'No backlog'],
    ['no process', { processes: 0 }, 'gone', 'bad', 'Not running: ghl-syncer'],
    [
      'due for minutes and not taken',
      { figures: { waiting: 4, lagSeconds: 300 }, ranSecondsAgo: 290 },
      'stuck',
      'bad',
      'Workers aren’t processing jobs',
    ],
    [
      'due for minutes and never ran',
      { figures: { waiting: 4, lagSeconds: 300 } },
      'stuck',
      'bad',
      'Workers aren’t processing jobs',
    ],
    [
      'a large upload that is being worked through',
      { figures: { waiting: 29_000, lagSeconds: 2_000 }, ranSecondsAgo: 2 },
      'busy',
      'good',
      'Working through 29,000',
    ],
    ['a paused CRM', { figures: { paused: 1_200 } }, 'idle', 'good', 'No backlog · 1,200 paused'],
    [
      'a CRM that limits calls',
      { figures: { held: 7 } },
      'idle',
      'good',
      'No backlog · 7 waiting for the CRM',
    ],
  ])('%s', (_what, given, state, tone, note) => {
    const all = signs('ghl-syncer', given);
    expect(workerState('ghl-syncer', all)).toBe(state);
    expect(workHealth(all)).toMatchObject({ tone, note });
  });
});
