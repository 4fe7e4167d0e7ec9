import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { RefusedError } from '../../domain/errors.ts';

const KB = 1024;
const MB = 1024 * KB;

/** Bytes of request bodies that a process holds, from before a body is read until its answer has left. */
export type BodyLimits = {
  /** Received from all known callers. */
  most: number;
  /** Announced by one of them, received or not. */
  mostEach: number;
  /** Bodies of one of them at once: a small body of many values takes several times its bytes once it is parsed. */
  bodiesEach: number;
  /** Received without a known caller, in all and from one address. What they do not send takes nothing. */
  strangers: { most: number; mostEach: number };
};

export const bodyLimits: BodyLimits = {
  most: 64 * MB,
  mostEach: 32 * MB,
  bodiesEach: 16,
  strangers: { most: 16 * MB, mostEach: 8 * MB },
};

/** Fields of a form, which are held until its file begins. The mapping of 500 columns is the largest. */
export const formFields = { fields: 10, fieldSize: 128 * KB };
const mostFieldBytes = formFields.fields * formFields.fieldSize;

/** Smaller bodies are not counted: connections are limited, and so is what these can hold. */
const uncountedBytes = 16 * KB;

export type Payer = { name: string; isKnown: boolean };

type Deps = {
  /** Whose share a body takes. */
  payerOf(request: FastifyRequest): Payer;
  /** Counts the kilobytes of a body that is about to be read. Throws when there were too many. */
  take(request: FastifyRequest, kilobytes: number): Promise<void>;
};

/** Of one body: `receive` throws when its bytes are too many. */
type Counted = { receive(bytes: number): void; release(): void };

const bodies = new WeakMap<FastifyRequest, Counted>();

/** For forms, whose fields are held until the file begins: from then on the body is a stream. */
export const releaseFields = (request: FastifyRequest): void => bodies.get(request)?.release();

/**
 * Refuses bodies that would exceed the bytes which a process may buffer: 429 for the one whose share is used up, 503 when
 * all shares together are. A share counts what is announced, so that its owner is refused before the body is read; the
 * process counts what has arrived, so that those who send slowly do not take the room of others. Bodies that are read as
 * streams (files) are not buffered. A refused body is not read.
 */
export function limitBufferedBodies(
  app: FastifyInstance,
  { payerOf, take }: Deps,
  limits: BodyLimits = bodyLimits,
): void {
  const count = createShares(limits);
  closeOnRefusal(app);
  app.addHook('preParsing', (request, reply, payload, done) => {
    const bytes = bufferedBytes(request);
    if (bytes <= uncountedBytes) return done(null, payload);
    // Nothing would report its end.
    if (isGone(reply)) return done(cutOff());
    try {
      const counted = count(payerOf(request), bytes);
      bodies.set(request, counted);
      releaseWith(reply, counted);
      receiveBy(request.raw, counted);
    } catch (error) {
      return done(error as Error);
    }
    take(request, Math.ceil(bytes / KB)).then(
      () => (isGone(reply) ? done(cutOff()) : done(null, payload)),
      (error: Error) => done(error),
    );
  });
}

/**
 * A large body that is refused before it has arrived is not read: its connection closes after the answer. On a kept one
 * the server would read all of it only to reach the next request.
 */
function closeOnRefusal(app: FastifyInstance): void {
  app.addHook('onError', (request, reply, _error, done) => {
    if (!request.raw.complete && bufferedBytes(request) > uncountedBytes) reply.header('connection', 'close');
    done();
  });
}

type Share = { announced: number; received: number; bodies: number };

function createShares(limits: BodyLimits): (payer: Payer, announced: number) => Counted {
  const shares = new Map<string, Share>();
  const received = { known: 0, strangers: 0 };
  return ({ name, isKnown }, announced) => {
    const share = shares.get(name) ?? { announced: 0, received: 0, bodies: 0 };
    if (isKnown && (share.announced + announced > limits.mostEach || share.bodies >= limits.bodiesEach))
      throw ownTooMuch();
    shares.set(name, share);
    share.announced += announced;
    share.bodies += 1;
    const total = isKnown ? 'known' : 'strangers';
    const { most } = isKnown ? limits : limits.strangers;
    let own = 0;
    let released = false;
    return {
      receive(bytes) {
        // Of a form no more is held than its fields.
        const more = Math.min(bytes, announced - own);
        if (released || more <= 0) return;
        if (!isKnown && share.received + more > limits.strangers.mostEach) throw ownTooMuch();
        if (received[total] + more > most) throw allTooMuch();
        own += more;
        share.received += more;
        received[total] += more;
      },
      release() {
        if (released) return;
        released = true;
        share.announced -= announced;
        share.received -= own;
        share.bodies -= 1;
        received[total] -= own;
        if (share.bodies === 0) shares.delete(name);
      },
    };
  };
}

/** How much of the body will be held at once. Without a Content-Length it may be all that the route accepts. */
function bufferedBytes({ headers, routeOptions }: FastifyRequest): number {
  const type = /^(?:application\/(?:json|x-www-form-urlencoded)|multipart\/(form-data))\b/i.exec(
    headers['content-type'] ?? '',
  );
  if (!type) return 0;
  const limit = type[1] ? mostFieldBytes : (routeOptions.bodyLimit ?? MB);
  const length = headers['content-length'];
  if (length !== undefined) return Math.min(Number(length), limit);
  return headers['transfer-encoding'] === undefined ? 0 : limit;
}

/** Counts the bytes that the parser reads, and ends its reading with an error when they are too many. */
function receiveBy(raw: IncomingMessage, counted: Counted): void {
  const receive = (bytes: Buffer) => {
    try {
      counted.receive(bytes.length);
    } catch (error) {
      raw.off('data', receive);
      raw.emit('error', error);
    }
  };
  // Without it the body would be read from here on, before there is a parser. Parsers resume.
  raw.pause();
  raw.on('data', receive);
  // The parser no longer listens when it has refused the body itself.
  raw.on('error', () => undefined);
}

/** What was parsed from a body lives until the answer is sent or the connection is lost. */
function releaseWith({ raw }: FastifyReply, { release }: Counted): void {
  raw.once('finish', release);
  raw.once('close', release);
}

const isGone = ({ raw }: FastifyReply): boolean => raw.destroyed || raw.closed;

const cutOff = () =>
  new RefusedError(400, 'cut_off', 'The connection was lost before the body arrived. Nothing was stored.');
const ownTooMuch = () =>
  tooMuch(429, 'Too many large requests of yours at once. Nothing was stored. Send them one after another.');
const allTooMuch = () =>
  tooMuch(503, 'Too many large requests at once. Nothing was stored. Please try again in a moment.');
const tooMuch = (status: 429 | 503, message: string) =>
  new RefusedError(status, 'too_many_bytes', message, { retryAfterSeconds: 2 });
