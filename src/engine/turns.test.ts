import { describe, expect, it } from 'vitest';
import { createTurns, ownPlaces, quantum } from './turns.ts';

const window = 100;
const none = { queued: [], weights: new Map<string, number>() };
const turnsOf = (turns: ReturnType<typeof createTurns>, organization: string | null, jobs: number) =>
  Array.from({ length: jobs }, () => turns.next('distributor', organization));
const queued = (jobs: Record<string, number>, weights: Record<string, number> = {}) => ({
  queued: Object.entries(jobs).map(([organizationId, count]) => ({
    worker: 'distributor' as const,
    organizationId,
    jobs: count,
  })),
  weights: new Map(Object.entries(weights)),
});

describe('turns', () => {
  it('five jobs of an organization share a turn, and the next five get the turn after it', () => {
    const given = turnsOf(createTurns(window), 'a', 3 * quantum);
    expect(given).toEqual([0, 1, 2].flatMap((turn) => Array.from({ length: quantum }, () => turn)));
  });

  it('each organization begins with the turn being served, rows of no organization included', () => {
    const turns = createTurns(window);
    turnsOf(turns, 'a', 500);
    expect(turnsOf(turns, 'b', 1)).toEqual([0]);
    expect(turnsOf(turns, null, 1)).toEqual([0]);
    turns.refresh(queued({ a: 300 }), new Map([['distributor', 20]]));
    expect(turnsOf(turns, 'b', 1)).toEqual([20]);
    expect(turnsOf(turns, 'a', 1)).toEqual([20 + 300 / quantum]);
  });

  it('turns begin again when no job waits', () => {
    const turns = createTurns(window);
    turns.refresh(queued({ a: 300 }), new Map([['distributor', 20]]));
    turns.refresh(none, new Map());
    expect(turnsOf(turns, 'a', 1)).toEqual([0]);
  });

  it('a weight of 3 puts three times the jobs into a turn, also into those that are queued already', () => {
    const turns = createTurns(window);
    turns.refresh(queued({ a: 60 }, { a: 3 }), new Map([['distributor', 5]]));
    const first = 5 + 60 / (3 * quantum);
    const given = turnsOf(turns, 'a', 3 * quantum + 1);
    expect(given).toEqual([...Array(3 * quantum).fill(first), first + 1]);
  });

  it('turns end at the highest priority of the queue', () => {
    const turns = createTurns(window);
    turns.refresh(queued({ a: 1_000 }), new Map([['distributor', 2_097_150]]));
    expect(turnsOf(turns, 'a', 1)).toEqual([2_097_151]);
  });

  it('jobs that may be queued still are counted within their list only', () => {
    const turns = createTurns(window);
    turns.refresh(queued({ a: 50 }), new Map([['distributor', 5]]));
    expect(turns.again('distributor', [...Array(quantum).fill('a'), 'a', 'b'])).toEqual([
      ...Array(quantum).fill(5),
      6,
      5,
    ]);
    expect(turnsOf(turns, 'a', 1)).toEqual([5 + 50 / quantum]);
  });
});

describe('room in a queue', () => {
  const cases = [
    { jobs: { a: 50 }, organization: 'a', more: 0, full: false, why: 'the queue has room' },
    { jobs: { a: 100 }, organization: 'a', more: 0, full: true, why: 'the window is full' },
    { jobs: { a: 50 }, organization: 'a', more: 50, full: true, why: 'this commit fills the window' },
    { jobs: { a: 150 }, organization: 'b', more: 0, full: false, why: 'b has places of its own' },
    { jobs: { a: 100, b: ownPlaces }, organization: 'b', more: 0, full: true, why: 'b has used them' },
    { jobs: { a: 100 }, organization: 'b', more: ownPlaces, full: true, why: 'this commit uses them' },
    {
      jobs: { a: 200 },
      organization: 'b',
      more: 0,
      full: true,
      why: 'the places beyond the window are used',
    },
  ];
  it.each(cases)('$jobs, a row of $organization after $more: full is $full, because $why', (given) => {
    const turns = createTurns(window);
    turns.refresh(queued(given.jobs as Record<string, number>), new Map());
    expect(turns.isFull('distributor', given.organization, given.more)).toBe(given.full);
  });

  it('a sweep may fill the window; when it is nearly full, each organization gets its own places', () => {
    const turns = createTurns(2_000);
    const roomWith = (jobs: number) => {
      turns.refresh(queued({ a: jobs }), new Map());
      return turns.room('distributor');
    };
    expect(roomWith(0)).toEqual({ rows: 2_000, perOrganization: null });
    expect(roomWith(1_900)).toEqual({ rows: 200, perOrganization: ownPlaces });
    expect(roomWith(3_950)).toEqual({ rows: 50, perOrganization: ownPlaces });
    expect(roomWith(4_000)).toEqual({ rows: 0, perOrganization: ownPlaces });
  });
});
