import type { FastifyInstance, FastifyRequest } from 'fastify';
import { RefusedError } from '../../domain/errors.ts';

/** `connections`: of the pool that is shared. Of one owner, `mostWaiting` more requests may wait, each for `patienceMs`. */
export type TurnLimits = { connections: number; mostWaiting: number; patienceMs: number };

/**
 * How many requests of one owner may use a pool at once: 80 % of its connections, divided by the owners that have
 * requests now, and at least two. What is left over serves the next owner without a wait.
 */
export const shareOf = (connections: number, owners: number): number =>
  Math.max(2, Math.floor((connections * 0.8) / owners));

const mostWaiting = 500;
const patienceMs = 5_000;
/** Time left to a request whose client has gone: its statements end by their timeouts. */
const abandonedMs = 10_000;

/** `part`: who of the owner makes the request, when it may use half of the owner's turns at most: a supplier, or the buyers. */
export type TurnOwner = { name: string; part: string | null };

type Waiter = { resume(refusal?: RefusedError): void; timer: NodeJS.Timeout; part: string | null };
type Line = { inside: number; waiting: Waiter[]; insideOf: Map<string, number> };

/**
 * Turns per owner, first come, first served; a part that has its half lets others pass. `enter` calls `resume` in the same
 * tick while the owner's share is not used up; otherwise when one is free, or with a RefusedError 429 when too many wait or
 * none was free in time. Each resumption without a refusal must be followed by one `leave`. The returned function gives up
 * the wait.
 */
export type Turns = {
  enter(owner: TurnOwner, resume: (refusal?: RefusedError) => void): () => void;
  leave(owner: TurnOwner): void;
};

const half = (most: number) => Math.max(1, Math.floor(most / 2));

function count(line: Line, part: string | null, change: 1 | -1): void {
  line.inside += change;
  if (part === null) return;
  const now = (line.insideOf.get(part) ?? 0) + change;
  if (now === 0) line.insideOf.delete(part);
  else line.insideOf.set(part, now);
}

export function createTurns({ connections, mostWaiting, patienceMs }: TurnLimits): Turns {
  // Owners without a request have no entry, so the map does not grow with their number.
  const lines = new Map<string, Line>();
  const width = () => shareOf(connections, lines.size);
  const widthOf = (part: string | null) => (part === null ? width() : half(width()));
  const waitingOf = (part: string | null) => (part === null ? mostWaiting : half(mostWaiting));
  const refusal = (why: string, part: string | null) =>
    new RefusedError(
      429,
      'too_many_at_once',
      `${why} Your share is ${widthOf(part)} requests in progress at once, and ${waitingOf(part)} that wait for up to ${patienceMs / 1_000} seconds. Nothing was stored: send fewer at once, and retry.`,
      { retryAfterSeconds: 1 },
    );
  const mayEnter = ({ inside, insideOf }: Line, part: string | null) =>
    inside < width() && (part === null || (insideOf.get(part) ?? 0) < widthOf(part));
  return {
    enter({ name, part }, resume) {
      const line = lines.get(name) ?? { inside: 0, waiting: [], insideOf: new Map<string, number>() };
      lines.set(name, line);
      if (mayEnter(line, part)) {
        count(line, part, 1);
        resume();
        return () => undefined;
      }
      const before = part === null ? line.waiting : line.waiting.filter((other) => other.part === part);
      if (line.waiting.length >= mostWaiting || before.length >= waitingOf(part)) {
        resume(refusal('Too many of your requests are waiting.', part));
        return () => undefined;
      }
      const { waiting } = line;
      const giveUp = () => {
        const place = waiting.indexOf(waiter);
        if (place === -1) return;
        waiting.splice(place, 1);
        clearTimeout(waiter.timer);
        waiter.resume(refusal('Your other requests took too long.', part));
      };
      const waiter = { resume, part, timer: setTimeout(giveUp, patienceMs).unref() };
      waiting.push(waiter);
      return giveUp;
    },
    leave({ name, part }) {
      const line = lines.get(name);
      if (!line) return;
      count(line, part, -1);
      // More than one when the share has grown, none when it has shrunk.
      while (line.waiting.length > 0 && line.inside < width()) {
        const place = line.waiting.findIndex((waiter) => mayEnter(line, waiter.part));
        if (place === -1) break;
        const [next] = line.waiting.splice(place, 1);
        clearTimeout(next!.timer);
        count(line, next!.part, 1);
        next!.resume();
      }
      if (line.inside === 0) lines.delete(name);
    },
  };
}

type TurnOptions = {
  /** Connections of the pools for writing and for reading. */
  connections: { write: number; read: number };
  /** Whose turn a request takes. Null for a request without a known caller, which takes none. */
  ownerOf(request: FastifyRequest): TurnOwner | null;
  limits?: Partial<TurnLimits>;
};

const later = new WeakSet<FastifyRequest>();

/**
 * For requests whose handler calls `inTurn` itself: they hold no turn while their body arrives at the pace of the client, or
 * while a lookup that they share with others is under way.
 */
export const takesTurnInHandler = (request: FastifyRequest): void => void later.add(request);

/** Where such a request takes its turns. */
const ownTurns = new WeakMap<FastifyRequest, { turns: Turns; shared: Turns; owner: TurnOwner }>();

/** Runs what a request does on a connection, in a turn of its owner. Throws RefusedError 429 without a free turn. */
export async function inTurn<T>(request: FastifyRequest, work: () => Promise<T>): Promise<T> {
  const own = ownTurns.get(request);
  return own ? during(own.turns, own.owner, work) : work();
}

/** The same for requests that share their statements with others of the owner. */
export async function inSharedTurn<T>(request: FastifyRequest, work: () => Promise<T>): Promise<T> {
  const own = ownTurns.get(request);
  return own ? during(own.shared, own.owner, work) : work();
}

/** Requests that share the room of one connection. */
const sharing = 10;

async function during<T>(turns: Turns, owner: TurnOwner, work: () => Promise<T>): Promise<T> {
  await new Promise<void>((resolve, reject) =>
    turns.enter(owner, (refusal) => (refusal ? reject(refusal) : resolve())),
  );
  try {
    return await work();
  } finally {
    turns.leave(owner);
  }
}

/**
 * Lets at most a share of one organization's requests use the database at once, so that the others find free connections.
 * A turn begins when the body has arrived and ends when the answer is known, not when the client has read it.
 */
export function takeTurns(app: FastifyInstance, { connections, ownerOf, limits }: TurnOptions): void {
  const turnsFor = (pool: number, requestsEach = 1) =>
    createTurns({
      mostWaiting,
      patienceMs,
      ...limits,
      connections: (limits?.connections ?? pool) * requestsEach,
    });
  const [writing, reading] = [turnsFor(connections.write), turnsFor(connections.read)];
  const shared = turnsFor(connections.write, sharing);
  const leaving = new WeakMap<FastifyRequest, () => void>();

  app.addHook('preHandler', (request, reply, done) => {
    const owner = ownerOf(request);
    const live = 'sse' in request.routeOptions && request.routeOptions.sse !== undefined;
    if (owner === null || live) return done();
    const turns = request.method === 'GET' || request.method === 'HEAD' ? reading : writing;
    if (later.has(request)) {
      ownTurns.set(request, { turns, shared, owner });
      return done();
    }
    let held = false;
    const leave = () => {
      if (!held) return;
      held = false;
      turns.leave(owner);
    };
    const giveUp = turns.enter(owner, (refusal) => {
      held = refusal === undefined;
      if (held) leaving.set(request, leave);
      done(refusal);
    });
    reply.raw.once('close', () => {
      giveUp();
      // The answer is known, and the turn ended, unless the client has gone before.
      if (held) setTimeout(leave, abandonedMs).unref();
    });
  });
  app.addHook('onSend', (request, _reply, _payload, done) => {
    leaving.get(request)?.();
    done();
  });
}
