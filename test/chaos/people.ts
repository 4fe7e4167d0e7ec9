import { setTimeout as delay } from 'node:timers/promises';
import type { Machine } from './machine.ts';

/** A buyer in one story. */
export type BuyerRef = { leadId: string; provider: string; phone: string };
type Text = { to: string; text: string };
/** The state of one unlock. `parked`: its work was parked with an alert, so a story need not wait for it. */
export type UnlockView = { status: string; parked: boolean };

const pollMs = 300;
const ended = ['DONE', 'EXPIRED', 'OPTED_OUT'];

/** The story ended during a wait: the offer closed, or its work was parked with an alert. */
export class StoryEnded extends Error {}

export type People = ReturnType<typeof createPeople>;

/** Simulates sellers and buyers. They act over HTTP and the sandbox's phones, and retry until an act took effect. */
export function createPeople({ publicUrl, apiKey, db, vendors }: Machine) {
  const texts = new Map<string, string[]>();
  const views = new Map<string, UnlockView>();
  /** Leads with parked work: a story that waits for their progress ends. */
  const parkedLeads = new Set<string>();
  /** Ids of texts stored by the product. */
  const storedTexts = new Set<string>();
  let polls = 0;
  let seq = 0;
  let stopped = false;

  const { control } = vendors;
  let deadline = Number.POSITIVE_INFINITY;
  /** Retries an act until it returns a value: a killed process is soon restarted. */
  const retryUntil = async <T>(what: string, act: () => Promise<T | null | undefined>): Promise<T> => {
    for (;;) {
      const done = await act().catch((error: unknown) => {
        if (error instanceof StoryEnded) throw error;
        return null;
      });
      if (done !== null && done !== undefined) return done;
      if (Date.now() > deadline) throw new Error(`timed out: ${what}`);
      await delay(pollMs);
    }
  };
  const pollTexts = async () => {
    while (!stopped) {
      const path = `ledger?operation=message.create&accepted=true&since=${seq}&limit=5000`;
      // A failed poll is followed by the next one.
      const { entries } = await control<{ entries: (Text & { seq: number })[] }>('GET', path).catch(() => ({
        entries: [],
      }));
      for (const { to, text, ...entry } of entries) {
        seq = Math.max(seq, entry.seq);
        const received = texts.get(to) ?? [];
        received.push(text ?? '');
        texts.set(to, received);
      }
      await delay(60);
    }
  };
  /** One poll of the tables serves all waiting stories. A failed poll is followed by the next one. */
  const pollTables = async () => {
    while (!stopped) {
      const [rows, messages] = await Promise.all([
        db.query<UnlockView & { unlock: string }>(unlocksNow),
        db.query<{ id: string }>(inboxNow),
      ]).catch(() => [[], []]);
      for (const { unlock, ...view } of rows) {
        views.set(unlock, view);
        if (view.parked) parkedLeads.add(unlock.split(' ')[0]!);
      }
      for (const { id } of messages) storedTexts.add(id);
      polls += 1;
      await delay(300);
    }
  };
  const running = [pollTexts(), pollTables()];
  const nextPoll = async () => {
    const seen = polls;
    // The poll in progress may have started before the change it is meant to see, so two are awaited.
    while (!stopped && polls < seen + 2) await delay(50);
  };

  return {
    control,
    /** A request of a seller's program, which retries on 5xx, 429 and broken connections. */
    request: (method: string, path: string, body: unknown, headers: Record<string, string> = {}) =>
      retryUntil(`${method} ${path}`, async () => {
        const answer = await fetch(publicUrl + path, {
          method,
          headers: {
            authorization: `Bearer ${apiKey}`,
            'content-type': 'application/json',
            ...headers,
          },
          body: JSON.stringify(body),
          signal: AbortSignal.timeout(10_000),
        });
        const text = await answer.text();
        return answer.status >= 500 || answer.status === 429 ? null : { status: answer.status, text };
      }),

    receivesText: (to: BuyerRef, words: string): Promise<string> =>
      retryUntil(`a text to ${to.phone} with "${words}"`, async () => {
        const received = texts.get(to.phone)?.find((each) => each.includes(words));
        const view = views.get(`${to.leadId} ${to.provider}`);
        if (received === undefined && view && (view.parked || ended.includes(view.status)))
          throw new StoryEnded();
        return received;
      }),

    /** Sends a text until the product stored it: carriers retry a failed delivery at most once, people send again. */
    async repliesUntilStored(phone: string, text: string): Promise<void> {
      // Matched by id, because an earlier text of this person may still be in delivery.
      const sent: string[] = [];
      let pollsEach = 3;
      await retryUntil(`"${text}" of ${phone} to arrive`, async () => {
        sent.push(await vendors.reply(phone, text));
        // Waits longer each time, because more texts would slow a busy system further.
        pollsEach = Math.min(60, pollsEach * 2);
        for (let tries = 0; tries < pollsEach; tries += 1) {
          await nextPoll();
          if (sent.some((id) => storedTexts.has(id))) return true;
        }
        return null;
      });
    },

    phone: (phone: string, state: { refuse?: number | null; fail?: number | null }) =>
      control('POST', `phones/${encodeURIComponent(phone)}`, state),

    /** Presses the pay page's button. Returns the session, or null when the offer has ended. */
    async openCheckout(page: string): Promise<string | null> {
      const { to } = await retryUntil(`a checkout session from ${page}`, async () => {
        const answer = await fetch(page, {
          method: 'POST',
          redirect: 'manual',
          signal: AbortSignal.timeout(15_000),
        });
        await answer.text();
        return answer.status === 303 ? { to: answer.headers.get('location') ?? '' } : null;
      });
      return /cs_\w+/.exec(to)?.[0] ?? null;
    },

    /** Presses the button that shows the details of a paid lead. */
    viewsDetails: (page: string): Promise<boolean> =>
      retryUntil(`the details on ${page}`, async () => {
        const answer = await fetch(`${page}/details`, {
          method: 'POST',
          redirect: 'manual',
          signal: AbortSignal.timeout(15_000),
        });
        await answer.text();
        return answer.status === 200 ? true : null;
      }),

    /** Pays at Stripe. Returns the payment intent, or null when the session is no longer open. */
    pay: (session: string, how: Record<string, unknown> = {}): Promise<string | null> =>
      control<{ paymentIntent: { id: string } }>('POST', `checkout/${session}/pay`, how).then(
        ({ paymentIntent }) => paymentIntent.id,
        () => null,
      ),

    /** Resolves once the unlock is in one of these states. */
    reaches: (leadId: string, provider: string, states: readonly string[]): Promise<string> =>
      retryUntil(`${leadId} ${provider} to reach ${states.join(' or ')}`, async () => {
        const view = views.get(`${leadId} ${provider}`);
        if (view && states.includes(view.status)) return view.status;
        if (parkedLeads.has(leadId)) throw new StoryEnded();
        return null;
      }),

    /** Sets a deadline for all waits, once no more faults are injected. */
    setDeadline(ms: number): void {
      deadline = Date.now() + ms;
    },

    async stop(): Promise<void> {
      stopped = true;
      await Promise.all(running);
    },
  };
}

const unlocksNow = `SELECT l.public_id || ' ' || b.external_id AS unlock, u.status, p.subject IS NOT NULL AS parked
  FROM lead_unlocks u JOIN leads l ON l.id = u.lead_id JOIN buyers b ON b.id = u.buyer_id
  LEFT JOIN (SELECT DISTINCT e.subject FROM outbox o JOIN events e ON e.id = o.event_id AND e.occurred_at = o.event_at
    WHERE o.parked_at IS NOT NULL AND o.worker <> 'notifier') p ON p.subject = 'unlock:' || u.id
  WHERE u.campaign_id IS NULL`;
const inboxNow =
  "SELECT external_id AS id FROM inbox WHERE phone_id IS NOT NULL AND received_at > now() - interval '1 min'";

export function pageIn(text: string): string {
  return /https?:\/\/\S+\/p\/[\w-]+/.exec(text)![0];
}
