import { connect, createServer, type Server, type Socket } from 'node:net';
import { redisNodes } from '../../src/config.ts';
import { startRedisCluster } from './cluster.ts';

/** A Redis behind doors. */
export type GuardedRedis = {
  url: string;
  /** Nobody gets in, and whoever is in is thrown out. */
  shut(): Promise<void>;
  /** Connections stay and are taken; nothing comes through, until `open`. */
  hush(): Promise<void>;
  open(): Promise<void>;
  stop(): Promise<void>;
};

type Door = Omit<GuardedRedis, 'url'> & { port: number };

/** Of the kind REDIS_URL names. The nodes of a cluster tell clients their addresses, so these are nodes of our own. */
export async function startGuardedRedis(redisUrl: string): Promise<GuardedRedis> {
  if (redisNodes(redisUrl).length === 1) {
    const target = new URL(redisUrl);
    const door = await openDoor(target.hostname, Number(target.port || 6379));
    return { ...door, url: Object.assign(target, { host: `127.0.0.1:${door.port}` }).href };
  }
  const doors: Door[] = [];
  const all = (move: 'shut' | 'hush' | 'open' | 'stop') => async () => {
    await Promise.all(doors.map((door) => door[move]()));
  };
  const cluster = await startRedisCluster({
    async door(port) {
      const door = await openDoor('127.0.0.1', port);
      doors.push(door);
      return door.port;
    },
  });
  return {
    url: cluster.url,
    shut: all('shut'),
    hush: all('hush'),
    open: all('open'),
    async stop() {
      await all('stop')();
      await cluster.stop();
    },
  };
}

/** A door before any server that speaks TCP. */
export async function openDoor(host: string, targetPort: number): Promise<Door> {
  const sockets = new Set<Socket>();
  let server: Server | undefined;
  let port = 0;
  let hushed = false;
  const open = async () => {
    if (hushed) {
      hushed = false;
      for (const socket of sockets) socket.resume();
    }
    if (server?.listening) return;
    server = createServer((client) => {
      const upstream = connect(targetPort, host);
      for (const [socket, other] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        sockets.add(socket);
        socket
          .on('error', () => other.destroy())
          .on('close', () => sockets.delete(socket) && other.destroy());
        socket.pipe(other);
        if (hushed) socket.pause();
      }
    });
    const listening = server;
    await new Promise<void>((resolve) => listening.listen(port, '127.0.0.1', resolve));
    port = (listening.address() as { port: number }).port;
  };
  const hush = async () => {
    hushed = true;
    for (const socket of sockets) socket.pause();
  };
  const shut = async () => {
    if (!server?.listening) return;
    const ending = server;
    const closed = new Promise((resolve) => ending.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  await open();
  return { port, open, hush, shut, stop: shut };
}
