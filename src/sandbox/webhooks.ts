import { Agent, request as httpRequest } from 'node:http';
import { request as httpsRequest, Agent as TlsAgent } from 'node:https';
import type { Faults } from './faults.ts';
import type { Vendor } from './vendor.ts';

export type WebhookState =
  | 'scheduled'
  | 'held'
  | 'withheld'
  | 'delivering'
  | 'delivered'
  | 'retrying'
  | 'failed'
  | 'no_target';

export type Attempt = { at: string; status: number | null; error: string | null; durationMs: number };

/** The product's response. Twilio acts on the TwiML in `body`. */
export type HookAnswer = { status: number; contentType: string; body: string };

export type WebhookDraft = {
  vendor: Vendor;
  /** `checkout.session.completed`, `message.delivered`, `message.inbound`, ... */
  event: string;
  /** Vendor id of the object. */
  objectId: string;
  target: () => string | null;
  /** Called for each attempt, because some signatures contain a timestamp. */
  build: (url: string, attempt: number) => { headers: Record<string, string>; body: string | Buffer };
  /**
   * Returns the delay in ms after attempt n (1-based), or null to stop. `answer` is null when the connection failed.
   */
  retryAfter: (attempt: number, answer: HookAnswer | null, url: string) => number | null;
  onAnswer?: (answer: HookAnswer) => void;
};

type Webhook = WebhookDraft & {
  id: string;
  state: WebhookState;
  createdAt: string;
  attempts: Attempt[];
  url: string | null;
  settled: () => void;
  timer: NodeJS.Timeout | null;
};

export type WebhookView = Pick<
  Webhook,
  'id' | 'vendor' | 'event' | 'objectId' | 'state' | 'createdAt' | 'attempts' | 'url'
>;

export type WebhookQuery = {
  vendor?: string;
  event?: string;
  objectId?: string;
  state?: string;
  limit?: number;
};

const maxFinished = 20_000;
const answerTimeoutMs = 15_000;
const maxAnswerBytes = 64 * 1024;

/** Delivers the vendors' webhooks, immediately unless a fault applies, with each vendor's own retries. */
export class Webhooks {
  #hooks = new Map<string, Webhook>();
  /** Ids in the order of finishing, so that the oldest is evicted without a search. */
  #finished = new Set<string>();
  #held: Webhook[] = [];
  #agents = {
    http: new Agent({ keepAlive: true, maxSockets: 64 }),
    https: new TlsAgent({ keepAlive: true }),
  };
  #next = 1;
  #closed = false;
  #faults: Faults;
  #onChange: () => void;
  #watchers = new Set<() => void>();

  constructor(faults: Faults, onChange: () => void) {
    this.#faults = faults;
    this.#onChange = onChange;
  }

  /** Resolves after the first attempt, or when the webhook is held back; the next one of a series may then follow. */
  post(draft: WebhookDraft): Promise<void> {
    if (this.#closed) return Promise.resolve();
    return new Promise((resolve) => {
      const hook: Webhook = {
        ...draft,
        id: `wh_${this.#next}`,
        state: 'scheduled',
        createdAt: new Date().toISOString(),
        attempts: [],
        url: draft.target(),
        settled: resolve,
        timer: null,
      };
      this.#next += 1;
      this.#hooks.set(hook.id, hook);
      if (hook.url === null) this.#holdBack(hook, 'no_target');
      else this.#dispatch(hook);
    });
  }

  list(query: WebhookQuery = {}): WebhookView[] {
    const found = [...this.#hooks.values()].filter(
      (hook) =>
        (query.vendor === undefined || hook.vendor === query.vendor) &&
        (query.event === undefined || hook.event.startsWith(query.event)) &&
        (query.objectId === undefined || hook.objectId === query.objectId) &&
        (query.state === undefined || hook.state === query.state),
    );
    return (query.limit === undefined ? found : found.slice(-query.limit)).map(viewOf);
  }

  /**
   * Sends a webhook now, regardless of its state; a delivered one is sent as a duplicate. Resolves after the response.
   * Returns null when the id is unknown.
   */
  async deliver(id: string): Promise<WebhookView | null> {
    const hook = this.#hooks.get(id);
    if (!hook) return null;
    await this.#attempt(hook);
    return viewOf(hook);
  }

  /** Delivers all webhooks that are withheld, held or without a target, oldest first unless `reversed`. */
  async deliverAll(query: WebhookQuery = {}, reversed = false): Promise<WebhookView[]> {
    const waiting = this.list(query).filter((hook) => ['withheld', 'held', 'no_target'].includes(hook.state));
    const ordered = reversed ? waiting.reverse() : waiting;
    const done: WebhookView[] = [];
    for (const { id } of ordered) {
      const view = await this.deliver(id);
      if (view) done.push(view);
    }
    return done;
  }

  /** Resolves once `count` webhooks match; `state` defaults to delivered. Rejects after `timeoutMs`. */
  wait(query: WebhookQuery, count = 1, timeoutMs = 10_000): Promise<WebhookView[]> {
    const wanted = { state: 'delivered', ...query };
    return new Promise((resolve, reject) => {
      const finish = (act: () => void) => {
        clearTimeout(timer);
        this.#watchers.delete(look);
        act();
      };
      const look = () => {
        const found = this.list(wanted);
        if (found.length >= count) finish(() => resolve(found));
        else if (this.#closed) finish(() => reject(new Error('the sandbox was closed')));
      };
      const timer = setTimeout(() => {
        const problem = `timed out waiting for ${count} webhooks like ${JSON.stringify(wanted)}`;
        finish(() => reject(new Error(problem)));
      }, timeoutMs);
      this.#watchers.add(look);
      look();
    });
  }

  reset(): void {
    for (const hook of this.#hooks.values()) {
      if (hook.timer) clearTimeout(hook.timer);
      hook.settled();
    }
    this.#hooks.clear();
    this.#finished.clear();
    this.#held = [];
  }

  close(): void {
    this.#closed = true;
    this.reset();
    for (const look of this.#watchers) look();
    this.#agents.http.destroy();
    this.#agents.https.destroy();
  }

  #dispatch(hook: Webhook): void {
    const fault = this.#faults.forWebhook(hook.vendor, hook.event);
    if (fault?.kind === 'webhook_withhold') {
      this.#holdBack(hook, 'withheld');
      return;
    }
    if (fault?.kind === 'webhook_delay') {
      this.#schedule(hook, fault.ms ?? 1000);
      hook.settled();
      return;
    }
    if (fault?.kind === 'webhook_reorder') {
      // Held until a later webhook of the same vendor was sent, or until the timeout if there is none.
      this.#holdBack(hook, 'held');
      this.#held.push(hook);
      hook.timer = setTimeout(() => void this.#attempt(hook), fault.ms ?? 1000);
      return;
    }
    void this.#attempt(hook).then(() => this.#releaseHeld(hook.vendor, hook.id));
    if (fault?.kind === 'webhook_duplicate') {
      for (let copy = 0; copy < (fault.copies ?? 1); copy += 1) void this.#attempt(hook);
    }
  }

  /** Releases the newest first, which reverses the order. */
  #releaseHeld(vendor: Vendor, after: string): void {
    const held = this.#held.filter((hook) => hook.vendor === vendor && numberOf(hook.id) < numberOf(after));
    if (held.length === 0) return;
    this.#held = this.#held.filter((hook) => !held.includes(hook));
    for (const hook of held.reverse()) if (hook.state === 'held') void this.#attempt(hook);
  }

  #holdBack(hook: Webhook, state: WebhookState): void {
    hook.state = state;
    if (state === 'no_target') this.#end(hook);
    hook.settled();
    this.#changed();
  }

  #schedule(hook: Webhook, delayMs: number): void {
    hook.timer = setTimeout(() => void this.#attempt(hook), delayMs);
  }

  async #attempt(hook: Webhook): Promise<void> {
    if (hook.timer) clearTimeout(hook.timer);
    hook.timer = null;
    hook.url = hook.target();
    if (hook.url === null) return this.#holdBack(hook, 'no_target');
    const number = hook.attempts.length + 1;
    const attempt: Attempt = { at: new Date().toISOString(), status: null, error: null, durationMs: 0 };
    hook.attempts.push(attempt);
    const alreadyDelivered = hook.state === 'delivered';
    if (!alreadyDelivered) hook.state = 'delivering';
    const started = performance.now();
    const answer = await this.#call(hook.url, hook.build(hook.url, number)).catch((error: Error) => {
      attempt.error = error.message;
      return null;
    });
    attempt.durationMs = Math.round((performance.now() - started) * 10) / 10;
    attempt.status = answer?.status ?? null;
    if (this.#closed || !this.#hooks.has(hook.id)) return;
    this.#conclude(hook, number, answer);
  }

  #conclude(hook: Webhook, number: number, answer: HookAnswer | null): void {
    const ok = answer !== null && answer.status >= 200 && answer.status < 300;
    if (ok) {
      // A failed duplicate may have scheduled a retry, which is no longer needed.
      if (hook.timer) clearTimeout(hook.timer);
      hook.timer = null;
      hook.state = 'delivered';
      this.#end(hook);
      hook.onAnswer?.(answer);
    } else if (hook.state !== 'delivered') {
      const pause = hook.retryAfter(number, answer, hook.url ?? '');
      hook.state = pause === null ? 'failed' : 'retrying';
      if (pause === null) this.#end(hook);
      else this.#schedule(hook, pause);
    }
    hook.settled();
    this.#changed();
  }

  #call(
    url: string,
    message: { headers: Record<string, string>; body: string | Buffer },
  ): Promise<HookAnswer> {
    const secure = url.startsWith('https:');
    const body = Buffer.isBuffer(message.body) ? message.body : Buffer.from(message.body, 'utf8');
    const send = secure ? httpsRequest : httpRequest;
    return new Promise((resolve, reject) => {
      const outgoing = send(
        url.replace(/#.*$/, ''),
        {
          method: 'POST',
          agent: secure ? this.#agents.https : this.#agents.http,
          headers: { ...message.headers, 'content-length': String(body.length) },
          timeout: answerTimeoutMs,
        },
        (incoming) => {
          const chunks: Buffer[] = [];
          let size = 0;
          incoming.on('data', (chunk: Buffer) => {
            size += chunk.length;
            if (size <= maxAnswerBytes) chunks.push(chunk);
          });
          incoming.on('error', reject);
          incoming.on('end', () =>
            resolve({
              status: incoming.statusCode ?? 0,
              contentType: incoming.headers['content-type'] ?? '',
              body: Buffer.concat(chunks).toString('utf8'),
            }),
          );
        },
      );
      outgoing.on('timeout', () =>
        outgoing.destroy(new Error(`no answer within ${answerTimeoutMs / 1000} s`)),
      );
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  }

  /** Evicts the oldest finished webhooks. Withheld ones are kept until they are delivered. */
  #end(hook: Webhook): void {
    this.#finished.add(hook.id);
    for (const id of this.#finished) {
      if (this.#finished.size <= maxFinished) return;
      this.#finished.delete(id);
      this.#hooks.delete(id);
    }
  }

  #changed(): void {
    for (const look of this.#watchers) look();
    this.#onChange();
  }
}

function numberOf(id: string): number {
  return Number(id.slice('wh_'.length));
}

function viewOf({ id, vendor, event, objectId, state, createdAt, attempts, url }: Webhook): WebhookView {
  return { id, vendor, event, objectId, state, createdAt, attempts: [...attempts], url };
}
