import { connect, createServer, type Server, type Socket } from 'node:net';
import { redisNodes } from '../../src/config.ts';
import { startRedisCluster } from './cluster.ts';

/** The server of a queue, reached through proxies that can break its connections. */
export type ProxiedQueueServer = {
  url: string;
  /** Closes every connection and refuses new ones, as a stopped server does. */
  refuse(): Promise<void>;
  /** Keeps and accepts connections but forwards nothing until `restore`, as a hanging server does. */
  freeze(): Promise<void>;
  restore(): Promise<void>;
  stop(): Promise<void>;
};

export type OutageProxy = Omit<ProxiedQueueServer, 'url'> & { port: number };

/**
 * Puts a proxy before a queue server, Redis or PostgreSQL. For a Redis cluster a new cluster is started, because its
 * nodes tell clients their own addresses, which must be those of the proxies.
 */
export async function startProxiedQueueServer(serverUrl: string): Promise<ProxiedQueueServer> {
  if (redisNodes(serverUrl).length === 1) {
    const target = new URL(serverUrl);
    const proxy = await startOutageProxy(target.hostname, Number(target.port || 6379));
    return { ...proxy, url: Object.assign(target, { host: `127.0.0.1:${proxy.port}` }).href };
  }
  const proxies: OutageProxy[] = [];
  const all = (move: 'refuse' | 'freeze' | 'restore' | 'stop') => async () => {
    await Promise.all(proxies.map((proxy) => proxy[move]()));
  };
  const cluster = await startRedisCluster({
    async proxyTo(port) {
      const proxy = await startOutageProxy('127.0.0.1', port);
      proxies.push(proxy);
      return proxy.port;
    },
  });
  return {
    url: cluster.url,
    refuse: all('refuse'),
    freeze: all('freeze'),
    restore: all('restore'),
    async stop() {
      await all('stop')();
      await cluster.stop();
    },
  };
}

/** A proxy before any server that speaks TCP. */
export async function startOutageProxy(host: string, targetPort: number): Promise<OutageProxy> {
  const sockets = new Set<Socket>();
  let server: Server | undefined;
  let port = 0;
  let frozen = false;
  const restore = async () => {
    if (frozen) {
      frozen = false;
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
        if (frozen) socket.pause();
      }
    });
    const listening = server;
    await new Promise<void>((resolve) => listening.listen(port, '127.0.0.1', resolve));
    port = (listening.address() as { port: number }).port;
  };
  const freeze = async () => {
    frozen = true;
    for (const socket of sockets) socket.pause();
  };
  const refuse = async () => {
    if (!server?.listening) return;
    const ending = server;
    const closed = new Promise((resolve) => ending.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  await restore();
  return { port, restore, freeze, refuse, stop: refuse };
}
