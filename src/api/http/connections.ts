import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { networkOf } from './limits.ts';

/**
 * New connections that wait while the process is busy. Those beyond are dropped unanswered, and their clients try again only
 * after one second, then after three. The system may allow fewer (net.core.somaxconn).
 */
export const backlog = 4_096;

export type ConnectionLimits = {
  most: number;
  mostEach: number;
  /** A connection that transfers nothing for this long is closed: its client does not read the answer. */
  stallMs?: number;
};

/** Event streams send something every 15 seconds, statements and calls of vendors end earlier. */
const usualStallMs = 120_000;
/** Kept free of any one address, a proxy's included: beyond the limit of all, nothing gives way to a new connection. */
const mostOthers = 100;

type Connections = Map<Socket, IncomingMessage | null>;

/** Requests whose caller is known. */
const known = new WeakSet<IncomingMessage>();

/** Its connection gives way after those of unknown callers. */
export const keepConnection = ({ raw }: FastifyRequest): void => void known.add(raw);

/**
 * Bounds the open connections, in all and from one address. An address at its limit loses a connection that is not being
 * answered: the oldest without a request, else the oldest whose request still arrives, those of known callers last. So a
 * client that opens connections and sends nothing displaces itself, and a new request from its address is served.
 */
export function limitConnections(
  { server }: FastifyInstance,
  { most, mostEach, stallMs = usualStallMs }: ConnectionLimits,
): void {
  const connections = new Map<string, Connections>();
  const ofOneAddress = Math.min(mostEach, Math.max(1, most - Math.min(mostOthers, Math.ceil(most / 10))));
  server.maxConnections = most;
  server.setTimeout(stallMs);
  server.on('connection', (socket: Socket) => {
    const address = networkOf(socket.remoteAddress);
    const own: Connections = connections.get(address) ?? new Map();
    connections.set(address, own);
    if (own.size >= ofOneAddress && !dropOne(own)) return socket.destroy();
    own.set(socket, null);
    socket.once('close', () => {
      own.delete(socket);
      if (own.size === 0 && connections.get(address) === own) connections.delete(address);
    });
  });
  noteRequests(server, connections);
}

/** Keeps for each connection the request that is being received or answered. */
function noteRequests(server: Server, connections: ReadonlyMap<string, Connections>): void {
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request;
    const own = connections.get(networkOf(socket.remoteAddress));
    if (!own?.has(socket)) return;
    own.set(socket, request);
    response.once('close', () => own.has(socket) && own.set(socket, null));
  });
}

function dropOne(own: Connections): boolean {
  const found = oldestOf(own);
  if (!found) return false;
  // Its close event comes later: until then it would be found again.
  own.delete(found);
  found.destroy();
  return true;
}

/** Returns null when all are being answered. */
function oldestOf(own: Connections): Socket | null {
  let arriving: Socket | null = null;
  let ofKnown: Socket | null = null;
  for (const [socket, request] of own) {
    if (!request) return socket;
    if (request.complete) continue;
    if (known.has(request)) ofKnown ??= socket;
    else arriving ??= socket;
  }
  return arriving ?? ofKnown;
}
