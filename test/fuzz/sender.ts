import { Agent, request } from 'node:http';
import type { FuzzRequest } from './requests.ts';

/** `status` is 0 when the connection ended without a response, and -1 when none came in time. */
export type Answered = { status: number; ms: number; text: string; location: string };

const patienceMs = 30_000;
const addresses = process.platform === 'linux' ? 200 : 1;

type Sendable = Pick<FuzzRequest, 'index' | 'method' | 'path' | 'headers' | 'body'>;

/** Sends requests from many addresses in turn, because requests are limited per address. */
export function createSender(url: string, parallel: number) {
  const agent = new Agent({ keepAlive: true, maxSockets: parallel });
  const { hostname, port } = new URL(url);
  return {
    send: ({ index, method, path, headers, body }: Sendable): Promise<Answered> =>
      new Promise((resolve) => {
        const began = performance.now();
        let location = '';
        const done = (status: number, text: string) => {
          clearTimeout(timer);
          resolve({ status, text, location, ms: performance.now() - began });
        };
        const outgoing = request(
          {
            hostname,
            port,
            method,
            path,
            agent,
            localAddress: `127.0.${addresses > 1 ? 3 : 0}.${1 + (index % addresses)}`,
            headers: { ...headers, ...(body ? { 'content-length': body.length } : {}) },
          },
          (incoming) => {
            const status = incoming.statusCode ?? 0;
            location = incoming.headers.location ?? '';
            const chunks: Buffer[] = [];
            incoming.on('data', (chunk: Buffer) => {
              if (status >= 500) chunks.push(chunk);
            });
            incoming.on('error', () => done(status, ''));
            incoming.on('end', () => done(status, Buffer.concat(chunks).toString('utf8')));
            // A stream of events does not end.
            if (/event-stream/.test(incoming.headers['content-type'] ?? '')) {
              incoming.destroy();
              done(status, '');
            }
          },
        );
        let late = false;
        const timer = setTimeout(() => {
          late = true;
          outgoing.destroy();
        }, patienceMs);
        outgoing.on('continue', () => undefined);
        outgoing.on('error', (error) => done(late ? -1 : 0, error.message));
        outgoing.end(body ?? undefined);
      }),
    close: () => agent.destroy(),
  };
}
