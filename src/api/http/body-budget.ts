import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { RefusedError } from '../../domain/errors.ts';

const KB = 1024;
const MB = 1024 * KB;

/** Bytes of request bodies that a process holds, from before a body is read until its answer has left. */
export type BodyLimits = {
  most: number;
  /** Of one organization, or of one address where the organization is not known. */
  mostEach: number;
  /** Bodies of one of them at once: a small body of many values takes several times its bytes once it is parsed. */
  bodiesEach: number;
};

export const bodyLimits: BodyLimits = { most: 64 * MB, mostEach: 32 * MB, bodiesEach: 16 };

/** Smaller bodies are not counted: connections are limited, and so is what these can hold. */
const uncountedBytes = 16 * KB;

type Held = { bytes: number; bodies: number };

type Deps = {
  /** Whose share a body takes. */
  payerOf(request: FastifyRequest): string;
  /** Counts the kilobytes of a body that is about to be read. Throws when there were too many. */
  take(request: FastifyRequest, kilobytes: number): Promise<void>;
};

/**
 * Refuses bodies that would exceed the bytes which a process may buffer, before they are read: 429 for the one whose
 * share is used up, 503 when all shares together are. Bodies that are read as streams (files) are not buffered.
 */
export function limitBufferedBodies(
  app: FastifyInstance,
  { payerOf, take }: Deps,
  limits: BodyLimits = bodyLimits,
): void {
  const shares = new Map<string, Held>();
  let total = 0;

  const reserve = (payer: string, bytes: number): (() => void) => {
    const share = shares.get(payer) ?? { bytes: 0, bodies: 0 };
    if (share.bytes + bytes > limits.mostEach || share.bodies >= limits.bodiesEach)
      throw tooMuch(
        429,
        'Too many large requests of yours at once. Nothing was stored. Send them one after another.',
      );
    if (total + bytes > limits.most)
      throw tooMuch(
        503,
        'Too many large requests at once. Nothing was stored. Please try again in a moment.',
      );
    shares.set(payer, share);
    share.bytes += bytes;
    share.bodies += 1;
    total += bytes;
    return () => {
      share.bytes -= bytes;
      share.bodies -= 1;
      total -= bytes;
      if (share.bodies === 0) shares.delete(payer);
    };
  };

  app.addHook('preParsing', (request, reply, payload, done) => {
    const bytes = bufferedBytes(request);
    if (bytes <= uncountedBytes) return done(null, payload);
    try {
      releaseWith(reply, reserve(payerOf(request), bytes));
    } catch (error) {
      return done(error as Error);
    }
    take(request, Math.ceil(bytes / KB)).then(
      () => done(null, payload),
      (error: Error) => done(error),
    );
  });
}

/** How much of the body will be held at once. Without a Content-Length it may be all that the route accepts. */
function bufferedBytes({ headers, routeOptions }: FastifyRequest): number {
  const type = headers['content-type'];
  if (type === undefined || !/^application\/(?:json|x-www-form-urlencoded)\b/i.test(type)) return 0;
  const limit = routeOptions.bodyLimit ?? MB;
  const length = headers['content-length'];
  if (length !== undefined) return Math.min(Number(length), limit);
  return headers['transfer-encoding'] === undefined ? 0 : limit;
}

/** What was parsed from a body lives until the answer is sent or the connection is lost. */
function releaseWith({ raw }: FastifyReply, release: () => void): void {
  let held = true;
  const once = () => {
    if (held) release();
    held = false;
  };
  raw.once('finish', once);
  raw.once('close', once);
}

const tooMuch = (status: 429 | 503, message: string) =>
  new RefusedError(status, 'too_many_bytes', message, { retryAfterSeconds: 2 });
