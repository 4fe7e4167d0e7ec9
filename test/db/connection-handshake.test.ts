import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDatabase, type Database } from '../../src/db/client.ts';

/** A message of PostgreSQL's protocol: type, length, body. */
function message(type: string, body: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length + 4);
  return Buffer.concat([Buffer.from(type), length, body]);
}
const welcome = message('R', Buffer.from([0, 0, 0, 0]));
const ready = message('Z', Buffer.from('I'));
const shutDown = message(
  'E',
  Buffer.from('SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0'),
);

describe('a server that closes a connection during the handshake', () => {
  let server: Server;
  let db: Database;
  const open = new Set<Socket>();
  beforeEach(async () => {
    server = createServer((socket) => {
      open.add(socket);
      socket.on('error', () => undefined);
      // One write, so that both messages arrive together, as they do while the process is busy starting.
      socket.once('data', () => socket.end(Buffer.concat([welcome, ready, shutDown])));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address() as { port: number };
    db = createDatabase({ url: `postgres://leadgate@127.0.0.1:${address.port}/leadgate`, max: 2 });
  });
  afterEach(async () => {
    for (const socket of open) socket.destroy();
    await db.close();
    await new Promise((resolve) => server.close(resolve));
  });

  it('[F12] fails the waiting statement and does not end the process', async () => {
    const ended: unknown[] = [];
    const note = (error: unknown) => ended.push(error);
    process.on('uncaughtException', note);
    try {
      await expect(db.query('SELECT 1')).rejects.toThrow();
      await expect(db.query('SELECT 1')).rejects.toThrow();
    } finally {
      process.off('uncaughtException', note);
    }
    expect(ended).toEqual([]);
  });
});
