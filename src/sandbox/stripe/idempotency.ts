import { createHash } from 'node:crypto';
import { type Answer, Refusal, type VendorRequest } from '../vendor.ts';

type Kept = { fingerprint: string; answer: Answer | null; refusal: Refusal | null; at: number };

export type KeySnapshot = [key: string, kept: Pick<Kept, 'fingerprint' | 'answer' | 'at'>][];

const keepForMs = 24 * 3600 * 1000;
const maxKeys = 50_000;
/** Refusals by the state of an object. They are stored as results are; validation errors are not. */
const stored = new Set<Refusal['code']>(['charge_already_refunded', 'charge_disputed']);

/** Stripe's idempotency keys: the first result is replayed for 24 h. */
export class IdempotencyKeys {
  #kept = new Map<string, Kept>();

  async once(request: VendorRequest, run: () => Promise<Answer>): Promise<Answer> {
    const key = keyOf(request);
    if (key === null) return run();
    if (key.length > 255)
      throw new Refusal(400, null, 'Idempotency keys can be at most 255 characters long.');
    const fingerprint = createHash('sha256')
      .update(`${request.method} ${request.path}\n${request.rawBody}`)
      .digest('base64');
    const known = this.#fresh(key);
    if (known) return replay(known, key, fingerprint);
    const kept: Kept = { fingerprint, answer: null, refusal: null, at: Date.now() };
    this.#kept.set(key, kept);
    this.#trim();
    try {
      const answer = await run();
      kept.answer = answer;
      return { ...answer, headers: { ...answer.headers, 'idempotency-key': key } };
    } catch (error) {
      if (error instanceof Refusal && stored.has(error.code)) kept.refusal = error;
      else this.#kept.delete(key);
      throw error;
    }
  }

  reset(): void {
    this.#kept.clear();
  }

  /** The keys with an answer, as JSON can hold them. */
  snapshot(): KeySnapshot {
    return [...this.#kept].flatMap(([key, { fingerprint, answer, at }]) => {
      if (!answer) return [];
      const { status, headers, body } = answer;
      return [[key, { fingerprint, at, answer: { status, headers, body } }]] satisfies KeySnapshot;
    });
  }

  restore(snapshot: KeySnapshot): void {
    for (const [key, kept] of snapshot) this.#kept.set(key, { ...kept, refusal: null });
  }

  #fresh(key: string): Kept | null {
    const known = this.#kept.get(key);
    if (known && Date.now() - known.at < keepForMs) return known;
    this.#kept.delete(key);
    return null;
  }

  #trim(): void {
    if (this.#kept.size <= maxKeys) return;
    const oldest = this.#kept.keys().next().value;
    if (oldest !== undefined) this.#kept.delete(oldest);
  }
}

export function keyOf(request: VendorRequest): string | null {
  const given = request.headers['idempotency-key'];
  return request.method === 'POST' && typeof given === 'string' && given !== '' ? given : null;
}

function replay(known: Kept, key: string, fingerprint: string): Answer {
  if (known.fingerprint !== fingerprint) {
    throw new Refusal(
      400,
      null,
      `Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '${key}' if you meant to execute a different request.`,
      undefined,
      'idempotency_error',
    );
  }
  if (known.refusal) throw known.refusal;
  if (!known.answer) {
    throw new Refusal(
      409,
      'idempotency_key_in_use',
      `There is currently another in-progress request using this Idempotent Key: ${key}. Please try again later.`,
      undefined,
      'idempotency_error',
    );
  }
  const { after: _once, ...answer } = known.answer;
  return {
    ...answer,
    headers: { ...answer.headers, 'idempotency-key': key, 'idempotent-replayed': 'true' },
    replayed: true,
  };
}
