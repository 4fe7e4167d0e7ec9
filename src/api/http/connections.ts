import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { networkOf } from './limits.ts';

export type ConnectionLimits = { most: number; mostEach: number };

/**
 * Bounds the open connections, in all and from one address. An address at its limit loses its oldest connection that is
 * not being answered: one without a request, or whose request is still arriving. So a client that opens connections and
 * sends nothing displaces itself, and a new request from its address is served.
 */
export function limitConnections({ server }: FastifyInstance, { most, mostEach }: ConnectionLimits): void {
  const connections = new Map<string, Map<Socket, IncomingMessage | null>>();
  server.maxConnections = most;
  server.on('connection', (socket: Socket) => {
    const address = networkOf(socket.remoteAddress);
    const own = connections.get(address) ?? new Map<Socket, IncomingMessage | null>();
    connections.set(address, own);
    if (own.size >= mostEach && !dropOldest(own)) return socket.destroy();
    own.set(socket, null);
    socket.once('close', () => {
      own.delete(socket);
      if (own.size === 0 && connections.get(address) === own) connections.delete(address);
    });
  });
  noteRequests(server, connections);
}

/** Keeps for each connection the request that is being received or answered. */
function noteRequests(
  server: Server,
  connections: ReadonlyMap<string, Map<Socket, IncomingMessage | null>>,
): void {
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request;
    const own = connections.get(networkOf(socket.remoteAddress));
    if (!own?.has(socket)) return;
    own.set(socket, request);
    response.once('close', () => own.has(socket) && own.set(socket, null));
  });
}

function dropOldest(own: ReadonlyMap<Socket, IncomingMessage | null>): boolean {
  for (const [socket, request] of own) {
    if (request?.complete) continue;
    socket.destroy();
    return true;
  }
  return false;
}
