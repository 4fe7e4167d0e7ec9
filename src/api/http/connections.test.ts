import { once } from 'node:events';
import { type AddressInfo, connect, Socket } from 'node:net';
import fastify, { type FastifyInstance } from 'fastify';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type ConnectionLimits, keepConnection, limitConnections } from './connections.ts';

let app: FastifyInstance | undefined;
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await app?.close();
});

async function appWith(limits: ConnectionLimits) {
  app = fastify();
  limitConnections(app, limits);
  app.get('/', async () => 'here');
  let letGo: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  let waiting = 0;
  app.get('/slow', async () => {
    waiting += 1;
    await held;
    return 'late';
  });
  app.addHook('onRequest', async (request) => {
    if (request.headers.from === 'known') keepConnection(request);
  });
  app.post('/', async () => 'stored');
  app.get('/large', async () => 'x'.repeat(50 * 1024 * 1024));
  await app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = app.server.address() as AddressInfo;
  const open = async (text = '') => {
    const accepted = once(app!.server, 'connection');
    const socket = connect(port, '127.0.0.1');
    sockets.push(socket);
    socket.on('error', () => undefined);
    const closed = new Promise<'closed'>((resolve) => socket.once('close', () => resolve('closed')));
    const heard = new Promise<string>((resolve) =>
      socket.once('data', (bytes) => resolve(String(bytes).split('\r\n')[0]!)),
    );
    const [served] = (await accepted) as [Socket];
    socket.write(text);
    return { socket, served, closed, answer: Promise.race([heard, closed]) };
  };
  const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;
  return { open, get, letGo, waiting: () => waiting };
}

describe('[S35] connections of one address', () => {
  it('beyond the limit the oldest that sent nothing is closed, and a new request is served', async () => {
    const { open, get } = await appWith({ most: 100, mostEach: 3 });
    const idle = [await open(), await open(), await open()];
    const served = await open(get('/'));
    expect(await idle[0]!.closed).toBe('closed');
    expect(await served.answer).toBe('HTTP/1.1 200 OK');
    expect(await (await open(get('/'))).answer).toBe('HTTP/1.1 200 OK');
    expect(await idle[1]!.closed).toBe('closed');
  });

  it('a request whose body does not arrive is displaced, one that is being answered is not', async () => {
    const { open, get, letGo, waiting } = await appWith({ most: 100, mostEach: 2 });
    const answered = await open(get('/slow'));
    await vi.waitFor(() => expect(waiting()).toBe(1));
    const unfinished = await open(
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{',
    );
    expect(await (await open(get('/'))).answer).toBe('HTTP/1.1 200 OK');
    expect(await unfinished.closed).toBe('closed');
    letGo();
    expect(await answered.answer).toBe('HTTP/1.1 200 OK');
  });

  const unfinished = (from = '') =>
    `POST / HTTP/1.1\r\nHost: x\r\n${from}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{`;

  it('connections without a request are displaced first, those of known callers last', async () => {
    const { open, get } = await appWith({ most: 100, mostEach: 3 });
    const arrived = async (text: string) => {
      const request = once(app!.server, 'request');
      const connection = await open(text);
      await request;
      return connection;
    };
    const ofKnown = await arrived(unfinished('From: known\r\n'));
    const ofStranger = await arrived(unfinished());
    const idle = await open();
    const next = await open(get('/'));
    expect(
      await Promise.race([idle, ofKnown, ofStranger].map(async (each) => (await each.closed) && each)),
    ).toBe(idle);
    expect(await next.answer).toBe('HTTP/1.1 200 OK');
    const busy = await arrived(unfinished());
    expect(await next.closed).toBe('closed');
    await arrived(unfinished());
    expect(await ofStranger.closed).toBe('closed');
    await arrived(unfinished());
    expect(await busy.closed).toBe('closed');
    expect(ofKnown.socket.destroyed).toBe(false);
  });

  it('a burst displaces as many as it brings', async () => {
    await appWith({ most: 100, mostEach: 3 });
    const burst = Array.from({ length: 5 }, () => new Socket());
    sockets.push(...burst);
    // All are accepted before a close event of those that they displace.
    for (const socket of burst) app!.server.emit('connection', socket);
    expect(burst.map(({ destroyed }) => destroyed)).toEqual([true, true, false, false, false]);
  });

  it('one address leaves room for others, also when its own limit is that of all', async () => {
    const { open, get } = await appWith({ most: 10, mostEach: 10 });
    const idle = [];
    for (let n = 0; n < 9; n += 1) idle.push(await open());
    expect(await (await open(get('/'))).answer).toBe('HTTP/1.1 200 OK');
    expect(await idle[0]!.closed).toBe('closed');
  });

  it('an answer that is not read is cut', async () => {
    const { open, get } = await appWith({ most: 100, mostEach: 100, stallMs: 300 });
    const reading = await open(get('/large'));
    expect(await reading.answer).toBe('HTTP/1.1 200 OK');
    reading.socket.pause();
    await vi.waitFor(() => expect(reading.served.destroyed).toBe(true), { timeout: 5_000 });
  });

  it('when all are being answered a new one is refused', async () => {
    const { open, get, letGo, waiting } = await appWith({ most: 100, mostEach: 1 });
    const answered = await open(get('/slow'));
    await vi.waitFor(() => expect(waiting()).toBe(1));
    expect(await (await open(get('/'))).answer).toBe('closed');
    letGo();
    expect(await answered.answer).toBe('HTTP/1.1 200 OK');
  });

  it('of all addresses together are limited too', async () => {
    const { open, get } = await appWith({ most: 1, mostEach: 100 });
    await open();
    const socket = connect((app!.server.address() as AddressInfo).port, '127.0.0.1');
    sockets.push(socket);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.on('error', () => undefined);
    socket.write(get('/'));
    await closed;
  });
});
