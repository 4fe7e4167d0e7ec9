import { Agent, type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from 'node:http';

/** `status` is 0 when no response came: the connection was closed, or the time was up. */
export type Reply = { status: number; headers: IncomingHttpHeaders; text: string; ms: number };

export type Sending = {
  json?: unknown;
  body?: string | Buffer;
  headers?: OutgoingHttpHeaders;
  timeoutMs?: number;
};

export type Client = {
  send(method: string, path: string, sending?: Sending): Promise<Reply>;
  close(): void;
};

/** Another address than the attacker's, because requests are also limited per address. */
export const otherAddress = process.platform === 'linux' ? '127.0.0.2' : '127.0.0.1';

/** Requests with an API key over kept-alive connections. Plain node:http keeps the load generator cheap. */
export function clientOf(
  url: string,
  { key, from = '127.0.0.1', connections = 64 }: { key?: string; from?: string; connections?: number } = {},
): Client {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  return {
    send: (method, path, { json, body, headers = {}, timeoutMs = 10_000 } = {}) =>
      new Promise((resolve) => {
        const began = performance.now();
        const payload = json === undefined ? body : JSON.stringify(json);
        const done = (status: number, replied: IncomingHttpHeaders, text: string) => {
          clearTimeout(timer);
          resolve({ status, headers: replied, text, ms: performance.now() - began });
        };
        const outgoing = request(
          url + path,
          {
            method,
            agent,
            localAddress: from,
            headers: {
              ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
              ...(json === undefined ? {} : { 'content-type': 'application/json' }),
              ...(payload === undefined ? {} : { 'content-length': Buffer.byteLength(payload) }),
              ...headers,
            },
          },
          (incoming) => {
            const chunks: Buffer[] = [];
            incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
            incoming.on('error', () => done(0, incoming.headers, 'cut off'));
            incoming.on('end', () =>
              done(incoming.statusCode ?? 0, incoming.headers, Buffer.concat(chunks).toString('utf8')),
            );
          },
        );
        const timer = setTimeout(() => outgoing.destroy(new Error('timed out')), timeoutMs);
        outgoing.on('error', (error) => done(0, {}, error.message));
        outgoing.end(payload);
      }),
    close: () => agent.destroy(),
  };
}

/** Counts responses by status. */
export class Tally {
  readonly counts = new Map<number, number>();

  add({ status }: Pick<Reply, 'status'>): void {
    this.counts.set(status, (this.counts.get(status) ?? 0) + 1);
  }

  of(...statuses: number[]): number {
    return statuses.reduce((sum, status) => sum + (this.counts.get(status) ?? 0), 0);
  }

  get total(): number {
    return [...this.counts.values()].reduce((sum, count) => sum + count, 0);
  }

  toString(): string {
    const sorted = [...this.counts].sort(([a], [b]) => a - b);
    return sorted.map(([status, count]) => `${count} × ${status || 'none'}`).join(', ') || 'none';
  }
}

/** Runs `act` in `parallel` loops until the time is up or it returns false. Resolves with the responses by status. */
export async function flood(
  seconds: number,
  parallel: number,
  act: (turn: number) => Promise<Reply | false>,
): Promise<Tally> {
  const until = performance.now() + seconds * 1_000;
  const tally = new Tally();
  let turn = 0;
  const loop = async () => {
    while (performance.now() < until) {
      turn += 1;
      const reply = await act(turn);
      if (reply === false) return;
      tally.add(reply);
    }
  };
  await Promise.all(Array.from({ length: parallel }, loop));
  return tally;
}
