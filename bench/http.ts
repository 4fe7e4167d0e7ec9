import { Agent, type IncomingHttpHeaders, request } from 'node:http';

export type Answer = { status: number; headers: IncomingHttpHeaders; body: string };

/** Posts over at most `connections` kept-alive connections, with plain node:http to keep the load generator cheap. */
export function createPoster(connections: number) {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  return {
    post: (url: string, body: string, headers: Record<string, string> = {}): Promise<Answer> =>
      new Promise((resolve, reject) => {
        const length = String(Buffer.byteLength(body));
        const outgoing = request(
          url,
          { method: 'POST', agent, headers: { ...headers, 'content-length': length } },
          (incoming) => {
            const chunks: Buffer[] = [];
            incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
            incoming.on('error', reject);
            incoming.on('end', () =>
              resolve({
                status: incoming.statusCode ?? 0,
                headers: incoming.headers,
                body: Buffer.concat(chunks).toString('utf8'),
              }),
            );
          },
        );
        outgoing.on('error', reject);
        outgoing.end(body);
      }),
    close: () => agent.destroy(),
  };
}
