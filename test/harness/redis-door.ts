import { connect, createServer, type Server, type Socket } from 'node:net';
import { redisNodes } from '../../src/config.ts';
import { startRedisCluster } from './cluster.ts';

/** A Redis behind doors that can be shut: nobody gets in, and whoever is in is thrown out. */
export type GuardedRedis = {
  url: string;
  shut(): Promise<void>;
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
  const all = (move: 'shut' | 'open' | 'stop') => async () => {
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
  let server: Server;
  let port = 0;
  const open = async () => {
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
      }
    });
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    port = (server.address() as { port: number }).port;
  };
  const shut = async () => {
    if (!server.listening) return;
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  await open();
  return { port, open, shut, stop: shut };
}
