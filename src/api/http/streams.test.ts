import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { fastifySSE } from '@fastify/sse';
import fastify, { type FastifyInstance } from 'fastify';
import { afterEach, expect, it, vi } from 'vitest';
import type { RefusedError } from '../../domain/errors.ts';
import { createStreams, type Stream, type StreamLimits } from './streams.ts';

let app: FastifyInstance | undefined;
afterEach(() => app?.close());

/** An app with two plugins, each with a route that opens a stream for the given owner. */
async function streamsOf(limits: Partial<StreamLimits>, before: () => Promise<void> = async () => undefined) {
  const opened: { stream: Stream; unsent: () => number; gone: () => boolean; closed: Promise<void> }[] = [];
  app = fastify();
  app.setErrorHandler((error, _request, reply) => {
    const { status, retryAfterSeconds } = error as RefusedError;
    return reply.status(status).header('retry-after', retryAfterSeconds).send();
  });
  const plugin = (prefix: string) => async (scope: FastifyInstance) => {
    await scope.register(fastifySSE);
    const streams = createStreams(scope, {
      most: 100,
      mostEach: 100,
      longestMs: 60_000,
      lingerMs: 60_000,
      ...limits,
    });
    scope.get<{ Params: { owner: string } }>(`${prefix}/:owner`, { sse: 'only' }, async (request, reply) => {
      await before();
      const stream = streams.open(reply, request.params.owner);
      const closed = new Promise<void>((resolve) => stream.onClose(resolve));
      opened.push({
        stream,
        closed,
        unsent: () => reply.raw.writableLength,
        gone: () => reply.raw.destroyed,
      });
      stream.send({ event: 'hello', data: 1 });
    });
  };
  await app.register(plugin(''));
  await app.register(plugin('/other'));
  await app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = app.server.address() as AddressInfo;
  const ask = (owner: string) =>
    fetch(`http://127.0.0.1:${port}/${owner}`, { headers: { accept: 'text/event-stream' } });
  return { ask, port, opened };
}

it('limits the streams of one owner and of all owners', async () => {
  const { ask } = await streamsOf({ most: 3, mostEach: 2 });
  const answers = [await ask('a'), await ask('a'), await ask('a'), await ask('b'), await ask('c')];
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 429, 200, 503]);
  expect(answers[2]!.headers.get('retry-after')).toBe('60');
  for (const { body } of answers) await body?.cancel();
});

it('[S11] counts the streams of one owner across plugins', async () => {
  const { ask } = await streamsOf({ mostEach: 2 });
  const answers = [await ask('a'), await ask('other/a'), await ask('other/a'), await ask('other/b')];
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 429, 200]);
  for (const { body } of answers) await body?.cancel();
});

it('a stream ends after its maximum age, so that the client authenticates again', async () => {
  const { ask, opened } = await streamsOf({ longestMs: 50, mostEach: 1 });
  const first = await ask('a');
  expect(await first.text()).toContain('hello');
  await opened[0]!.closed;
  const second = await ask('a');
  expect(second.status).toBe(200);
  await second.body?.cancel();
});

it('a client that does not read costs no memory and gets the newest event when it reads again', async () => {
  const { port, opened } = await streamsOf({});
  const socket = connect(port, '127.0.0.1');
  socket.write('GET /a HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n');
  await once(socket, 'readable');
  const { stream, unsent } = opened[0]!;
  const filler = 'x'.repeat(1_000_000);
  for (let n = 1; n <= 300; n += 1) {
    stream.send({ event: 'progress', data: { n, filler } });
    await new Promise((resolve) => setImmediate(resolve));
  }
  // One event is being sent, however many were queued.
  expect(unsent()).toBeLessThan(3_000_000);
  let received = '';
  for await (const piece of socket) {
    received = (received + piece).slice(-2_000_000);
    if (received.includes('"n":300')) break;
  }
  expect(received).toContain('"n":300');
});

it('a client that disconnects before its stream opens keeps no place and gets no events', async () => {
  let letGo: () => void = () => undefined;
  const asked = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  let waits = true;
  const { ask, port, opened } = await streamsOf({ mostEach: 1 }, async () => {
    if (waits) await asked;
  });
  const socket = connect(port, '127.0.0.1');
  socket.write('GET /a HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n');
  const [request] = (await once(app!.server, 'request')) as [IncomingMessage];
  const gone = once(request.socket, 'close');
  socket.destroy();
  await gone;
  waits = false;
  letGo();
  await vi.waitFor(() => expect(opened).toHaveLength(1));
  await opened[0]!.closed;
  const next = await ask('a');
  expect(next.status).toBe(200);
  await next.body?.cancel();
});

it('closes a stream at its maximum age even if the client does not read', async () => {
  const { port, opened } = await streamsOf({ longestMs: 50, lingerMs: 50 });
  const socket = connect(port, '127.0.0.1');
  socket.write('GET /a HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n');
  await once(socket, 'readable');
  opened[0]!.stream.send({ event: 'progress', data: 'x'.repeat(20_000_000) });
  const cut = once(socket, 'close');
  await opened[0]!.closed;
  socket.on('error', () => undefined);
  await vi.waitFor(() => expect(opened[0]!.gone()).toBe(true));
  socket.resume();
  await cut;
});
