import { describe, expect, it } from 'vitest';
import type { RefusedError } from '../../domain/errors.ts';
import { createTurns, shareOf } from './turns.ts';

/** Two at once for one owner, and for each of several. */
const limits = { connections: 3, mostWaiting: 2, patienceMs: 60_000 };

const owner = (name: string, part: string | null = null) => ({ name, part });

/** Requests of owners, and the log of what became of them. */
function start(more: Partial<typeof limits> = {}) {
  const turns = createTurns({ ...limits, ...more });
  const log: string[] = [];
  const enter = (of: string, name: string, part?: string) =>
    turns.enter(owner(of, part), (refusal?: RefusedError) =>
      log.push(refusal ? `${name} ${refusal.status}` : name),
    );
  return { turns, log, enter };
}

describe('[S32] turns', () => {
  it.each([
    [20, 1, 16],
    [20, 2, 8],
    [20, 3, 5],
    [20, 100, 2],
    [10, 1, 8],
    [1, 1, 2],
  ])('of %i connections and with %i organizations active, each may use %i', (connections, owners, share) => {
    expect(shareOf(connections, owners)).toBe(share);
  });

  it('an owner that was alone gives way to another as its requests end, and takes its share back', () => {
    const { turns, log, enter } = start({ connections: 5 });
    for (const name of ['1', '2', '3', '4', '5', '6']) enter('a', name);
    enter('b', 'other');
    expect(log).toEqual(['1', '2', '3', '4', 'other']);
    for (let n = 0; n < 2; n += 1) turns.leave(owner('a'));
    expect(log).toHaveLength(5);
    turns.leave(owner('a'));
    expect(log.slice(5)).toEqual(['5']);
    turns.leave(owner('b'));
    turns.leave(owner('a'));
    expect(log.slice(6)).toEqual(['6']);
  });

  it('resumes at once while the owner has a free turn, then in the order of arrival', () => {
    const { turns, log, enter } = start();
    for (const name of ['1', '2', '3', '4']) enter('a', name);
    expect(log).toEqual(['1', '2']);
    turns.leave(owner('a'));
    expect(log).toEqual(['1', '2', '3']);
    turns.leave(owner('a'));
    expect(log).toEqual(['1', '2', '3', '4']);
  });

  it('another owner does not wait', () => {
    const { log, enter } = start();
    for (const name of ['1', '2', '3']) enter('a', name);
    enter('b', 'other');
    expect(log).toEqual(['1', '2', 'other']);
  });

  it('refuses at once when too many wait, naming the limit', () => {
    const { turns, log } = start();
    const refusals: RefusedError[] = [];
    for (let n = 0; n < 5; n += 1) turns.enter(owner('a'), (refusal) => refusal && refusals.push(refusal));
    expect(refusals.map(({ status, code, retryAfterSeconds }) => [status, code, retryAfterSeconds])).toEqual([
      [429, 'too_many_at_once', 1],
    ]);
    expect(refusals[0]?.message).toContain('Your share is 2 requests in progress at once, and 2 that wait');
    expect(log).toEqual([]);
  });

  it('refuses a request whose turn does not come in time', async () => {
    const { turns } = start({ patienceMs: 5 });
    for (let n = 0; n < 2; n += 1) turns.enter(owner('a'), () => undefined);
    const refusal = await new Promise<RefusedError | undefined>((resolve) =>
      turns.enter(owner('a'), resolve),
    );
    expect(refusal?.status).toBe(429);
  });

  it('a request that gives up loses its place, and holds no turn', () => {
    const { turns, log, enter } = start();
    enter('a', '1');
    enter('a', '2');
    const giveUp = enter('a', '3');
    enter('a', '4');
    giveUp();
    giveUp();
    turns.leave(owner('a'));
    expect(log).toEqual(['1', '2', '3 429', '4']);
  });

  it('a supplier uses half of its organization’s turns and places in the line, and the others pass it', () => {
    const { turns, log, enter } = start({ connections: 5, mostWaiting: 4 });
    for (const name of ['1', '2', '3', '4', '5']) enter('a', name, 'supplier');
    expect(log).toEqual(['1', '2', '5 429']);
    for (const name of ['own 1', 'own 2', 'own 3', 'own 4', 'own 5']) enter('a', name);
    expect(log.slice(3)).toEqual(['own 1', 'own 2', 'own 5 429']);
    turns.leave(owner('a'));
    expect(log.slice(6)).toEqual(['own 3']);
    turns.leave(owner('a', 'supplier'));
    expect(log.slice(7)).toEqual(['3']);
    for (const part of ['supplier', 'supplier', null]) turns.leave(owner('a', part));
    expect(log.slice(8)).toEqual(['4', 'own 4']);
  });

  it('every turn is free again after all have left', () => {
    const { turns, log, enter } = start();
    for (let round = 0; round < 3; round += 1) {
      for (const name of ['1', '2', '3', '4']) enter('a', name);
      for (let n = 0; n < 4; n += 1) turns.leave(owner('a'));
    }
    expect(log).toEqual([...'123412341234']);
  });
});
