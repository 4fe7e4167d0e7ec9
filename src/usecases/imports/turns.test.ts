import { describe, expect, it } from 'vitest';
import { createTurns } from './turns.ts';

/** Steps that all wait until `go`, and the order in which they then run. */
function waitingSteps(width: number, organizations: string[]) {
  const turns = createTurns(width);
  const ran: string[] = [];
  let inside = 0;
  let most = 0;
  let go: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => {
    go = resolve;
  });
  const first = Array.from({ length: width }, () => turns.run('first', () => gate));
  const steps = organizations.map((organization) =>
    turns.run(organization, async () => {
      inside += 1;
      most = Math.max(most, inside);
      ran.push(organization);
      await Promise.resolve();
      inside -= 1;
    }),
  );
  return {
    async run() {
      go();
      await Promise.all([...first, ...steps]);
      return { ran: ran.join(''), most };
    },
  };
}

describe('[S36] organizations take turns', () => {
  it.each([
    ['one organization: in the order of arrival', 1, 'aaa', 'aaa'],
    ['a flood before one step of another', 1, 'aaaaaaaaab', 'abaaaaaaaa'],
    ['three organizations, whatever each of them has waiting', 1, 'aaaabbc', 'abcabaa'],
    ['an organization that comes back is last', 1, 'abca', 'abca'],
    ['two at once', 2, 'aaaab', 'abaaa'],
  ])('%s', async (_what, width, arrived, order) => {
    const { ran, most } = await waitingSteps(width, [...arrived]).run();
    expect(ran).toBe(order);
    expect(most).toBeLessThanOrEqual(width);
  });

  it('a step that fails lets the next one run', async () => {
    const turns = createTurns(1);
    const failed = turns.run('a', () => Promise.reject(new Error('broken')));
    const next = turns.run('b', async () => 'ran');
    await expect(failed).rejects.toThrow('broken');
    expect(await next).toBe('ran');
    expect(await turns.run('a', async () => 'free')).toBe('free');
  });
});
