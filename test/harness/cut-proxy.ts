import { connect, createServer, type Socket } from 'node:net';

/** before: the request never reaches the server. after: the server executes it and its response is lost. */
export type Cut = { on: string; when: 'before' | 'after' };

/** A proxy that cuts the connection when a chunk with the given text passes. */
export async function startCutProxy(targetUrl: string): Promise<{
  url: string;
  cut: Cut | null;
  cuts: number;
  stop(): Promise<void>;
}> {
  const target = new URL(targetUrl);
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(Number(target.port || 5432), target.hostname);
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      open.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        open.delete(socket);
        other.destroy();
      });
    }
    let dropResponses = false;
    client.on('data', (chunk) => {
      const hit = proxy.cut !== null && chunk.includes(proxy.cut.on);
      if (hit) proxy.cuts += 1;
      if (hit && proxy.cut?.when === 'before') {
        client.destroy();
        return;
      }
      dropResponses ||= hit;
      upstream.write(chunk);
    });
    upstream.on('data', (chunk) => (dropResponses ? client.destroy() : client.write(chunk)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const url = new URL(targetUrl);
  url.hostname = '127.0.0.1';
  url.port = String(address && typeof address === 'object' ? address.port : 0);
  const proxy = {
    url: url.href,
    cut: null as Cut | null,
    cuts: 0,
    async stop() {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return proxy;
}
