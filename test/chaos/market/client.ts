import { setTimeout as delay } from 'node:timers/promises';

const pauseMs = 300;

export type Answer = { status: number; body: Record<string, unknown> };
export type Ask = (
  headers: Record<string, string>,
  method: string,
  path: string,
  body?: unknown,
) => Promise<Answer>;

/**
 * Asks as the programs of sellers, buyers and suppliers do, which repeat a request that had no answer, a 429 or a 5xx. A
 * request is given up once `isOver`.
 */
export const askAt =
  (url: string, isOver: () => boolean): Ask =>
  async (headers, method, path, body) => {
    for (;;) {
      const answer = await fetch(url + path, {
        method,
        headers: { 'content-type': 'application/json', ...headers },
        body: body === undefined ? undefined : JSON.stringify(body),
        signal: AbortSignal.timeout(12_000),
      }).catch(() => null);
      const text = await answer?.text().catch(() => null);
      if (answer && typeof text === 'string' && answer.status < 500 && answer.status !== 429)
        return { status: answer.status, body: JSON.parse(text) as Record<string, unknown> };
      if (isOver()) throw new Error(`timed out: ${method} ${path}`);
      await delay(pauseMs);
    }
  };

/** The body of an answer that must be a success. */
export async function taken(answer: Promise<Answer>): Promise<Record<string, unknown>> {
  const { status, body } = await answer;
  if (status >= 300) throw new Error(`answered ${status}: ${JSON.stringify(body)}`);
  return body;
}
