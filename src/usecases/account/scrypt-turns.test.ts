import { describe, expect, it } from 'vitest';
import { createTurns } from './scrypt-turns.ts';

/** Work that ends when it is told to. */
function held() {
  let end = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  return { work: () => ended, end };
}

describe('turns', () => {
  it('run as many as allowed, requests before the background', async () => {
    const turns = createTurns({ atOnce: 1, mostWaiting: 10, restShare: 0 });
    const first = held();
    const order: string[] = [];
    const running = [
      turns.take('request', first.work),
      turns.take('background', async () => order.push('background')),
      turns.take('request', async () => order.push('request')),
    ];
    expect(order).toEqual([]);
    first.end();
    await Promise.all(running);
    expect(order).toEqual(['request', 'background']);
  });

  it('refuse a request beyond the queue with 503, and never the background', async () => {
    const turns = createTurns({ atOnce: 1, mostWaiting: 1, restShare: 0 });
    const first = held();
    const running = [turns.take('request', first.work), turns.take('request', async () => {})];
    await expect(turns.take('request', async () => {})).rejects.toMatchObject({
      status: 503,
      code: 'overloaded',
      retryAfterSeconds: 5,
    });
    running.push(turns.take('background', async () => {}));
    first.end();
    await Promise.all(running);
  });

  it('go on after work that failed', async () => {
    const turns = createTurns({ atOnce: 1, mostWaiting: 1, restShare: 0 });
    await expect(turns.take('request', () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    expect(await turns.take('request', async () => 1)).toBe(1);
  });
});
