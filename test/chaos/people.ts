import { setTimeout as delay } from 'node:timers/promises';
import type { Machine } from './machine.ts';

/** A buyer in one story. */
export type Listener = { leadId: string; provider: string; phone: string };
type Text = { to: string; text: string };
/** Where one unlock stands; `parked`: its work was given up with an alert, and nobody need wait for it. */
export type Standing = { status: string; parked: boolean };

const lookAgainMs = 300;
const ended = ['DONE', 'EXPIRED', 'OPTED_OUT'];

/** The story ended while somebody waited: the offer closed, or its work was given up and an operator knows. */
export class Over extends Error {}

export type People = ReturnType<typeof createPeople>;

/** Sellers, buyers and Stripe's customers: each acts over HTTP and the sandbox's phones, and repeats until it had its effect. */
export function createPeople({ publicUrl, apiKey, db, vendors }: Machine) {
  const texts = new Map<string, string[]>();
  const standings = new Map<string, Standing>();
  /** Leads with a buyer whose work was given up: whoever waited for him broke off, and the story with him. */
  const givenUp = new Set<string>();
  /** Ids of texts that arrived. */
  const inbox = new Set<string>();
  let looks = 0;
  let seq = 0;
  let over = false;

  const { control } = vendors;
  let giveUpAt = Number.POSITIVE_INFINITY;
  /** Repeats an act until it gives something; a process that is dead is back in a moment. */
  const insist = async <T>(what: string, act: () => Promise<T | null | undefined>): Promise<T> => {
    for (;;) {
      const done = await act().catch((error: unknown) => {
        if (error instanceof Over) throw error;
        return null;
      });
      if (done !== null && done !== undefined) return done;
      if (Date.now() > giveUpAt) throw new Error(`waited in vain: ${what}`);
      await delay(lookAgainMs);
    }
  };
  const listen = async () => {
    while (!over) {
      const path = `ledger?operation=message.create&accepted=true&since=${seq}&limit=5000`;
      // A failed look is followed by the next.
      const { entries } = await control<{ entries: (Text & { seq: number })[] }>('GET', path).catch(() => ({
        entries: [],
      }));
      for (const { to, text, ...entry } of entries) {
        seq = Math.max(seq, entry.seq);
        const heard = texts.get(to) ?? [];
        heard.push(text ?? '');
        texts.set(to, heard);
      }
      await delay(60);
    }
  };
  /** One look at the tables for everybody who waits on them. A failed look is followed by the next. */
  const look = async () => {
    while (!over) {
      const [unlocks, messages] = await Promise.all([
        db.query<Standing & { unlock: string }>(unlocksNow),
        db.query<{ id: string }>(inboxNow),
      ]).catch(() => [[], []]);
      for (const { unlock, ...standing } of unlocks) {
        standings.set(unlock, standing);
        if (standing.parked) givenUp.add(unlock.split(' ')[0]!);
      }
      for (const { id } of messages) inbox.add(id);
      looks += 1;
      await delay(300);
    }
  };
  const running = [listen(), look()];
  const nextLook = async () => {
    const seen = looks;
    // The one under way may have begun before what is looked for.
    while (!over && looks < seen + 2) await delay(50);
  };

  return {
    control,
    /** A request of the seller's own program, which repeats on 5xx, 429 and on a broken connection. */
    request: (method: string, path: string, body: unknown, headers: Record<string, string> = {}) =>
      insist(`${method} ${path}`, async () => {
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

    hears: (to: Listener, words: string): Promise<string> =>
      insist(`a text to ${to.phone} with "${words}"`, async () => {
        const heard = texts.get(to.phone)?.find((each) => each.includes(words));
        const standing = standings.get(`${to.leadId} ${to.provider}`);
        if (heard === undefined && standing && (standing.parked || ended.includes(standing.status)))
          throw new Over();
        return heard;
      }),

    /** Carriers repeat a text our side could not take once at most; a person whose text had no effect sends it again. */
    async says(phone: string, text: string): Promise<void> {
      // By its id: an earlier text of this person may be on its slow way still.
      const sent: string[] = [];
      let looksEach = 3;
      await insist(`"${text}" of ${phone} to arrive`, async () => {
        sent.push(await vendors.reply(phone, text));
        // Ever more patient: what is slow does not become faster by more of it.
        looksEach = Math.min(60, looksEach * 2);
        for (let tries = 0; tries < looksEach; tries += 1) {
          await nextLook();
          if (sent.some((id) => inbox.has(id))) return true;
        }
        return null;
      });
    },

    phone: (phone: string, state: { refuse?: number | null; fail?: number | null }) =>
      control('POST', `phones/${encodeURIComponent(phone)}`, state),

    /** The button of the pay page: the session. Null: the offer ended, the page has no button any more. */
    async press(page: string): Promise<string | null> {
      const { to } = await insist(`a checkout from ${page}`, async () => {
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

    /** The second button, once it is paid. */
    reads: (page: string): Promise<boolean> =>
      insist(`the details behind ${page}`, async () => {
        const answer = await fetch(`${page}/details`, {
          method: 'POST',
          redirect: 'manual',
          signal: AbortSignal.timeout(15_000),
        });
        await answer.text();
        return answer.status === 200 ? true : null;
      }),

    /** Pays at Stripe; the payment, or null where the session is over. */
    pay: (session: string, how: Record<string, unknown> = {}): Promise<string | null> =>
      control<{ paymentIntent: { id: string } }>('POST', `checkout/${session}/pay`, how).then(
        ({ paymentIntent }) => paymentIntent.id,
        () => null,
      ),

    /** Resolves once the unlock stands in one of these states. */
    reaches: (leadId: string, provider: string, states: readonly string[]): Promise<string> =>
      insist(`${leadId} ${provider} to reach ${states.join(' or ')}`, async () => {
        const standing = standings.get(`${leadId} ${provider}`);
        if (standing && states.includes(standing.status)) return standing.status;
        if (givenUp.has(leadId)) throw new Over();
        return null;
      }),

    /** From now on nobody waits longer than this: nothing is harmed any more. */
    hurry(ms: number): void {
      giveUpAt = Date.now() + ms;
    },

    async leave(): Promise<void> {
      over = true;
      await Promise.all(running);
    },
  };
}

const unlocksNow = `SELECT l.public_id || ' ' || b.external_id AS unlock, u.status, p.subject IS NOT NULL AS parked
  FROM lead_unlocks u JOIN leads l ON l.id = u.lead_id JOIN buyers b ON b.id = u.buyer_id
  LEFT JOIN (SELECT DISTINCT e.subject FROM outbox o JOIN events e ON e.id = o.event_id AND e.occurred_at = o.event_at
    WHERE o.parked_at IS NOT NULL AND o.worker <> 'notifier') p ON p.subject = 'unlock:' || u.id`;
const inboxNow =
  "SELECT external_id AS id FROM inbox WHERE phone_id IS NOT NULL AND received_at > now() - interval '1 min'";

export function pageIn(text: string): string {
  return /https?:\/\/\S+\/p\/[\w-]+/.exec(text)![0];
}
