import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import fastify, { type FastifyInstance } from 'fastify';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { RefusedError } from '../../domain/errors.ts';
import { readJsonBodies, readRawBodies } from './bodies.ts';
import { type BodyLimits, limitBufferedBodies } from './body-budget.ts';
import { readForms } from './forms.ts';

const KB = 1024;

let app: FastifyInstance | undefined;
afterEach(() => app?.close());

/** An app whose callers name themselves, and requests to it whose bodies are sent in two halves. */
async function appWith(limits: BodyLimits, take = async (_kilobytes: number) => undefined) {
  app = fastify({ forceCloseConnections: true });
  readJsonBodies(app);
  let refused = 0;
  // As a key that is looked up while its client leaves.
  app.addHook('onRequest', async ({ headers, raw }, reply) => {
    if (headers.leaves === undefined) return;
    const gone = once(reply.raw, 'close');
    raw.socket.destroy();
    await gone;
  });
  app.setErrorHandler((error, _request, reply) => {
    if (!(error instanceof RefusedError)) throw error;
    const { status, code, retryAfterSeconds } = error;
    refused += 1;
    return reply.status(status).header('retry-after', retryAfterSeconds).send({ code });
  });
  limitBufferedBodies(
    app,
    {
      payerOf: ({ headers }) => ({ name: String(headers.from), isKnown: headers.from !== 'stranger' }),
      take: (_request, kilobytes) => take(kilobytes),
    },
    limits,
  );
  const arriving: string[] = [];
  app.addHook('preParsing', async ({ headers }) => {
    arriving.push(String(headers.from));
  });
  app.post('/', async () => 'stored');
  app.register(async (scope) => {
    readRawBodies(scope, ['application/json'], 30 * KB);
    scope.post('/raw', async () => 'stored');
  });
  app.register(async (scope) => {
    readForms(scope, 30 * KB);
    scope.post('/form', async () => 'stored');
  });
  await app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = app.server.address() as AddressInfo;

  const begin = async (from: string, bytes: number, { chunked = false, sent = 2, path = '/' } = {}) => {
    const before = arriving.length;
    const size = chunked ? { 'transfer-encoding': 'chunked' } : { 'content-length': bytes };
    const outgoing = request({
      port,
      path,
      method: 'POST',
      headers: { from, 'content-type': 'application/json', ...size },
    });
    outgoing.on('error', () => undefined);
    const answer = answerOf(outgoing);
    outgoing.write(`"${'x'.repeat(sent - 1)}`);
    // Accepted, or refused before more is read.
    const accepted = async () => {
      await vi.waitFor(() => expect(arriving.length).toBe(before + 1));
      return null;
    };
    return {
      refused: await Promise.race([answer, accepted()]),
      finish: () => {
        outgoing.end(`${'x'.repeat(bytes - sent - 1)}"`);
        return answer;
      },
      drop: () => outgoing.destroy(),
    };
  };
  const statusOf = async (from: string, bytes: number, chunked = false) => {
    const body = await begin(from, bytes, { chunked });
    return body.refused ?? body.finish();
  };
  return { port, begin, statusOf, handled: () => arriving.length + refused };
}

async function answerOf(outgoing: ClientRequest): Promise<string> {
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  response.resume();
  const retry = response.headers['retry-after'];
  return `${response.statusCode}${retry ? ` after ${retry} s` : ''}`;
}

describe('[S35] bytes of bodies that a process holds', () => {
  const strangers = { most: 150 * KB, mostEach: 100 * KB };
  const limits = { most: 300 * KB, mostEach: 200 * KB, bodiesEach: 10, strangers };

  it('a caller at its share gets 429, other callers are served until all shares are used up', async () => {
    const { begin, statusOf } = await appWith(limits);
    const sent = 99 * KB;
    const slow = [await begin('a', 100 * KB, { sent }), await begin('a', 100 * KB, { sent })];
    expect(slow.map(({ refused }) => refused)).toEqual([null, null]);
    expect(await statusOf('a', 100 * KB)).toBe('429 after 2 s');
    expect(await statusOf('b', 100 * KB)).toBe('200');
    const other = await begin('b', 100 * KB, { sent });
    expect(await statusOf('c', 100 * KB)).toBe('503 after 2 s');
    expect(await statusOf('a', 1 * KB)).toBe('200');
    for (const body of [...slow, other]) expect(await body.finish()).toBe('200');
    expect(await statusOf('a', 200 * KB)).toBe('200');
  });

  it('callers that announce much and send little take no room of others', async () => {
    const { begin, statusOf } = await appWith(limits);
    for (const from of ['a', 'b', 'c', 'd']) expect((await begin(from, 200 * KB)).refused).toBe(null);
    expect(await statusOf('e', 200 * KB)).toBe('200');
  });

  it('what arrives without a known caller has a total of its own, and takes nothing before it arrives', async () => {
    const { begin, statusOf } = await appWith(limits);
    for (let n = 0; n < 3; n += 1) expect((await begin('stranger', 90 * KB)).refused).toBe(null);
    expect(await statusOf('stranger', 90 * KB)).toBe('200');
    const held = await begin('stranger', 90 * KB, { sent: 80 * KB });
    await vi.waitFor(async () => expect(await statusOf('stranger', 90 * KB)).toBe('429 after 2 s'));
    for (const from of ['a', 'a', 'b']) expect(await statusOf(from, 200 * KB)).toBe('200');
    expect(await held.finish()).toBe('200');
    expect(await statusOf('stranger', 90 * KB)).toBe('200');
  });

  it('a client that leaves before its body is read takes nothing', async () => {
    const { port, handled, begin, statusOf } = await appWith(limits);
    for (let n = 1; n <= 2; n += 1) {
      const leaving = request({
        port,
        method: 'POST',
        headers: { from: 'a', leaves: 'yes', 'content-type': 'application/json', 'content-length': 200 * KB },
      });
      leaving.on('error', () => undefined);
      leaving.write('"');
      await vi.waitFor(() => expect(handled()).toBe(n));
    }
    expect((await begin('a', 200 * KB)).refused).toBe(null);
    expect(await statusOf('b', 200 * KB)).toBe('200');
  });

  it('a connection that is lost gives its bytes back', async () => {
    const { begin, statusOf } = await appWith(limits);
    const slow = await begin('a', 200 * KB);
    expect(await statusOf('a', 20 * KB)).toBe('429 after 2 s');
    slow.drop();
    await vi.waitFor(async () => expect(await statusOf('a', 20 * KB)).toBe('200'));
  });

  it('a body without a length may be as large as its route accepts, and reserves that much', async () => {
    const { begin, statusOf } = await appWith(limits);
    expect(await statusOf('a', 20 * KB, true)).toBe('429 after 2 s');
    for (const path of ['/raw', '/form'])
      expect((await begin('a', 20 * KB, { chunked: true, path })).refused).toBe(null);
    expect(await statusOf('stranger', 20 * KB, true)).toBe('200');
    expect(await statusOf('stranger', 120 * KB, true)).toBe('429 after 2 s');
  });

  it('a caller has a limited number of bodies at once', async () => {
    const { begin, statusOf } = await appWith({ ...limits, bodiesEach: 2 });
    const slow = [await begin('a', 20 * KB), await begin('a', 20 * KB)];
    expect(await statusOf('a', 20 * KB)).toBe('429 after 2 s');
    for (const body of slow) await body.finish();
    expect(await statusOf('a', 20 * KB)).toBe('200');
  });

  it('the kilobytes of a body are counted before it is read', async () => {
    const counted: number[] = [];
    const { statusOf } = await appWith(limits, async (kilobytes) => {
      counted.push(kilobytes);
      if (counted.length > 1) throw new RefusedError(429, 'quota_exceeded', 'x', { retryAfterSeconds: 9 });
    });
    expect(await statusOf('a', 150 * KB)).toBe('200');
    expect(await statusOf('a', 100 * KB)).toBe('429 after 9 s');
    expect(counted).toEqual([150, 100]);
    expect(await statusOf('a', 10 * KB)).toBe('200');
  });
});
