import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import type { LedgerEntry, WebhookView } from '../../src/sandbox/server.ts';
import { sampleLead } from './sample-lead.ts';
import type { Stage } from './system.ts';

export type Buyer = { externalId: string; name: string; phone: string; email: string | null };

/** A lead offered to buyers. `secret` is the client's name, which only a buyer who paid may see. */
export type Offer = { leadId: string; secret: string };

/** One buyer with one offer, to be led from teaser to details. */
export type Deal = Offer & { buyer: Buyer; unlockId: string; phone: string; email: string | null };

export type DealOptions = {
  /** Null: the buyer has none. */
  email?: string | null;
  lead?: Record<string, unknown>;
  /** Between the buyer and its offer: faults for this phone go here. */
  before?: (phone: string, email: string | null) => void;
};

export type UnlockRow = {
  id: string;
  status: string;
  reason: string | null;
  paid_late: boolean;
  phone_id: string;
  opted_out_at: Date | null;
};

/** `session`: where the button led. `back`: the page it led back to instead. */
export type Pressed = { status: number; session: string | null; back: string | null };

export type Story = ReturnType<typeof createStory>;

/** The steps of a sale, made over real HTTP and by acts of the sandbox's phones and cards: `system.story`. */
export function createStory(system: Stage) {
  const { sandbox } = system;
  let made = 0;

  const story = {
    /** A new provider with its own phone, so that tests do not read each other's texts. */
    async buyer(given: { email?: string | null; phone?: string } = {}): Promise<Buyer> {
      made += 1;
      const area = ['310', '212', '415', '512'][Math.floor(made / 100)];
      const name = `Buyer${made}`;
      const phone = given.phone ?? `+1${area}55501${String(made % 100).padStart(2, '0')}`;
      const email = given.email === undefined ? `buyer${made}@gold-touch.example` : given.email;
      const buyer = { externalId: `story${made}`, name, phone, email };
      const { status } = await system.api('POST', '/api/providers', {
        external_id: buyer.externalId,
        name,
        phone,
        email,
      });
      expect(status).toBe(201);
      return buyer;
    },

    buyers: (count: number): Promise<Buyer[]> =>
      Promise.all(Array.from({ length: count }, () => story.buyer())),

    /** Stores a lead for these buyers without waiting for anything. */
    async lead(
      buyers: Buyer[],
      config: Record<string, unknown> = {},
      fields: Record<string, unknown> = {},
    ): Promise<Offer> {
      const secret = `Sarah ${randomUUID().slice(0, 8)}`;
      const provider_ids = buyers.map((buyer) => buyer.externalId);
      const lead = {
        ...sampleLead,
        client_name: secret,
        ...fields,
        provider_ids,
        config: { ...sampleLead.config, ...config },
      };
      const { status, body } = await system.api('POST', '/api/leads', lead);
      expect(status).toBe(201);
      return { leadId: body.lead_id, secret };
    },

    /** A lead whose teaser each of these buyers has received, with the unlock waiting for the reply. */
    async offer(buyers: Buyer[], config: Record<string, unknown> = {}): Promise<Offer> {
      const offer = await story.lead(buyers, config);
      for (const buyer of buyers) await story.reaches(offer, buyer, 'AWAIT_CONFIRM');
      return offer;
    },

    /** A lead for a buyer of its own, without waiting for anything. */
    async deal(options: DealOptions = {}): Promise<Deal> {
      const buyer = await story.buyer({ email: options.email });
      options.before?.(buyer.phone, buyer.email);
      const offer = await story.lead([buyer], {}, options.lead);
      const { id: unlockId } = await story.unlock(offer, buyer);
      return { ...offer, buyer, unlockId, phone: buyer.phone, email: buyer.email };
    },

    says: (buyer: Buyer, text: string, messageSid?: string) =>
      sandbox.act.reply(buyer.phone, { text, ...(messageSid ? { messageSid } : {}) }),

    /** Says STOP and returns once the opt-out is committed. */
    async stops(buyer: Buyer): Promise<void> {
      story.says(buyer, 'STOP');
      const query = 'SELECT opted_out_at FROM phones WHERE number = $1';
      const committed = (row?: { opted_out_at: Date | null }) => !!row?.opted_out_at;
      await system.until('the opt-out', query, [buyer.phone], committed);
    },

    /** Replies Y and returns the pay page of the text that follows. */
    async link(offer: Offer, buyer: Buyer): Promise<string> {
      story.says(buyer, `Y ${offer.leadId}`);
      const text =
        (await system.text(buyer.phone, `to unlock client details: \n${system.publicUrl}/p/`)).text ?? '';
      await story.reaches(offer, buyer, 'AWAITING_PAYMENT');
      const links = story.texts(buyer).filter((entry) => entry.text?.includes(`(Lead ${offer.leadId})`));
      return pageIn(links[0]?.text ?? text);
    },

    /** The same for a deal, once its teaser is booked. */
    async accept(deal: Deal): Promise<string> {
      await story.reaches(deal, deal.buyer, 'AWAIT_CONFIRM');
      return story.link(deal, deal.buyer);
    },

    /** The button on the pay page: the Checkout Session it leads to, or the page it leads back to. */
    async press(page: string): Promise<Pressed> {
      const answer = await fetch(page, { method: 'POST', redirect: 'manual' });
      await answer.text();
      const location = answer.headers.get('location');
      const ahead = location?.startsWith(sandbox.url) ?? false;
      const session = ahead ? location!.split('/').pop()! : null;
      return { status: answer.status, session, back: ahead ? null : location };
    },

    /** Y, pay page, button: an open Checkout Session. */
    async checkout(offer: Offer, buyer: Buyer): Promise<{ page: string; session: string }> {
      const page = await story.link(offer, buyer);
      return { page, session: await story.session(page) };
    },

    async session(page: string): Promise<string> {
      const { status, session, back } = await story.press(page);
      expect(status).toBe(303);
      if (session === null) throw new Error(`no checkout, but back to ${back}`);
      return session;
    },

    /** From the offer, or from its pay page, to a payment that Stripe has taken. */
    async pay(deal: Deal, at?: string): Promise<{ page: string; session: string }> {
      const page = at ?? (await story.accept(deal));
      const session = await story.session(page);
      sandbox.act.pay(session);
      return { page, session };
    },

    /** A payment for a lead that may not be sold any more; `before` it reaches the product. */
    async unwantedPayment(
      before: (intent: string) => void = () => undefined,
    ): Promise<{ deal: Deal; intent: string }> {
      const deal = await story.deal();
      const session = await story.session(await story.accept(deal));
      await system.rows('UPDATE leads SET contact = NULL WHERE public_id = $1', [deal.leadId]);
      const intent = sandbox.act.pay(session).paymentIntent.id;
      before(intent);
      return { deal, intent };
    },

    /** The whole sale: Y, pay page, card, details, delivery receipt. */
    async buy(offer: Offer, buyer: Buyer): Promise<{ page: string; session: string; intent: string }> {
      const { page, session } = await story.checkout(offer, buyer);
      const { paymentIntent } = sandbox.act.pay(session);
      await story.reaches(offer, buyer, 'DONE');
      return { page, session, intent: paymentIntent.id };
    },

    async unlock(offer: Offer, buyer: Buyer): Promise<UnlockRow> {
      const [row] = await system.rows<UnlockRow>(unlockQuery, [offer.leadId, buyer.externalId]);
      return row!;
    },

    async reaches(
      offer: Offer,
      buyer: Buyer,
      status: string,
      reason?: string,
      timeoutMs?: number,
    ): Promise<UnlockRow> {
      const wanted = (row?: UnlockRow) =>
        row?.status === status && (reason === undefined || row.reason === reason);
      const what = `${buyer.name} to reach ${status}`;
      const [row] = await system.until<UnlockRow>(
        what,
        unlockQuery,
        [offer.leadId, buyer.externalId],
        wanted,
        timeoutMs,
      );
      return row!;
    },

    /** The moves of one unlock, in order. */
    async moves(offer: Offer, buyer: Buyer): Promise<string[]> {
      const { id } = await story.unlock(offer, buyer);
      const rows = await system.rows<{ to: string }>(
        'SELECT to_status AS "to" FROM unlock_history WHERE unlock_id = $1 ORDER BY event_id',
        [`unlock:${id}`],
      );
      return rows.map((row) => row.to);
    },

    /** Every text the carrier accepted for this buyer. */
    texts: (buyer: Buyer): LedgerEntry[] =>
      sandbox.ledger.list({ operation: 'message.create', to: buyer.phone, accepted: true }),

    /** Texts and mails that contain this lead's secret. */
    reveals: (offer: Offer): LedgerEntry[] =>
      sandbox.ledger
        .list({ contains: offer.secret, accepted: true })
        .filter((entry) => entry.operation === 'message.create' || entry.operation === 'mail.send'),

    mails: (buyer: Buyer): LedgerEntry[] =>
      sandbox.ledger.list({ operation: 'mail.send', to: buyer.email ?? 'no-address', accepted: true }),

    /** The pay page as the buyer reads it. */
    async reads(page: string): Promise<string> {
      return (await fetch(page)).text();
    },

    /** Presses the details button of a paid page. Returns the page. */
    async details(page: string): Promise<string> {
      return (await fetch(`${page}/details`, { method: 'POST' })).text();
    },

    alerts: (unlockId: string) =>
      system.rows<{ kind: string; text: string }>(
        'SELECT kind, text FROM alerts WHERE subject = $1 ORDER BY created_at, key',
        [`unlock:${unlockId}`],
      ),

    /** Parked work on this unlock. */
    parked: (unlockId: string) =>
      system.rows<{ worker: string; last_error: string }>(
        `SELECT o.worker, o.last_error FROM outbox o JOIN events e ON e.id = o.event_id AND e.occurred_at = o.event_at
          WHERE o.parked_at IS NOT NULL AND e.subject = $1`,
        [`unlock:${unlockId}`],
      ),

    /**
     * Resolves when nothing is in progress: no webhook is being delivered and no work is due within 20 s, except the
     * reconciliation of open sessions, which repeats as long as they are open. Afterwards a test may assert absence.
     */
    async settled(): Promise<void> {
      let quiet = 0;
      const done = (row?: unknown) => {
        const busy = row !== undefined || sandbox.webhooks.list().some(isUnderWay);
        quiet = busy ? 0 : quiet + 1;
        return quiet >= 3;
      };
      await system.until('everything to settle', dueWork, [], done);
    },
  };
  return story;
}

export function pageIn(text: string): string {
  const page = /https?:\/\/\S+\/p\/[\w-]+/.exec(text)?.[0];
  if (!page) throw new Error(`no pay link in: ${text}`);
  return page;
}

const unlockQuery = `SELECT u.id, u.status, u.reason, u.paid_late, p.id AS phone_id, p.opted_out_at
  FROM lead_unlocks u JOIN leads l ON l.id = u.lead_id JOIN buyers b ON b.id = u.buyer_id
  JOIN phones p ON p.our_number = u.our_number AND p.number = u.phone
  WHERE l.public_id = $1 AND b.external_id = $2`;

const dueWork = `SELECT e.type, o.worker, o.last_error, o.due_at FROM outbox o
  JOIN events e ON e.id = o.event_id AND e.occurred_at = o.event_at
  WHERE o.parked_at IS NULL AND e.type <> 'checkout.opened' AND (o.queued OR o.due_at < now() + interval '20 seconds')`;

const isUnderWay = ({ state }: WebhookView) =>
  ['scheduled', 'delivering', 'retrying', 'held'].includes(state);

type Held = { intent: string; held: number };

/**
 * Compares the journals with the vendors' ledger: every journal sums to zero, each payment's 'stripe' account is what
 * Stripe captured less what it refunded and withdrew for disputes, plus what came back, only quarantined payments are unbooked, and the details of a lead went only to
 * buyers who had paid.
 */
export async function expectBooksToMatch(system: Stage): Promise<void> {
  const { ledger } = system.sandbox;
  expect(ledger.dropped).toBe(0);
  const unbalanced = await system.rows(
    'SELECT journal_id FROM journal_entries GROUP BY journal_id, currency HAVING sum(amount_minor) <> 0',
  );
  expect(unbalanced).toEqual([]);
  const [books] = await system.rows<{ sum: number; stripe: number }>(
    `SELECT coalesce(sum(amount_minor), 0)::int AS sum,
      coalesce(sum(amount_minor) FILTER (WHERE account = 'stripe'), 0)::int AS stripe FROM journal_entries`,
  );
  expect(books!.sum).toBe(0);

  const booked = await system.rows<Held>(
    `SELECT p.payment_intent AS intent, coalesce(sum(e.amount_minor), 0)::int AS held FROM payments p
      LEFT JOIN journals j ON j.key = 'capture-' || p.id OR j.key LIKE 'refund-' || p.id || '-%' OR j.key LIKE 'dispute-' || p.id || '-%'
      LEFT JOIN journal_entries e ON e.journal_id = j.id AND e.account = 'stripe'
      GROUP BY p.payment_intent`,
  );
  const quarantined = await system.rows<{ session: string }>(
    `SELECT DISTINCT data->>'sessionId' AS session FROM events WHERE type = 'payment.quarantined'`,
  );
  const quarantinedSessions = new Set(quarantined.map((row) => row.session));
  expect(sorted(booked)).toEqual(
    sorted(heldAtStripe(ledger.list({ vendor: 'stripe', accepted: true }), quarantinedSessions)),
  );
  expect(books!.stripe).toBe(booked.reduce((sum, one) => sum + one.held, 0));
  await expectRevealsPaid(system);
}

const sorted = (all: Held[]) => all.toSorted((a, b) => a.intent.localeCompare(b.intent));

/** Captured, less what went back, per payment intent, by the sandbox's ledger alone. */
function heldAtStripe(entries: LedgerEntry[], quarantinedSessions: Set<string>): Held[] {
  const held = new Map<string, number>();
  for (const { operation, vendorId, amount, params, reference } of entries) {
    if (operation === 'payment.capture' && !quarantinedSessions.has(String(params.session))) {
      held.set(vendorId!, (held.get(vendorId!) ?? 0) + amount!);
    }
    const intent = operation === 'payment.refund' ? String(params.payment_intent) : reference;
    if (operation === 'payment.refund' || operation === 'refund.create') {
      held.set(intent!, (held.get(intent!) ?? Number.NaN) - amount!);
    }
    const sign = movements[operation];
    if (sign) held.set(reference!, (held.get(reference!) ?? Number.NaN) + sign * amount!);
  }
  return [...held].map(([intent, amount]) => ({ intent, held: amount }));
}

/** Movements of the balance at Stripe that no call causes. */
const movements: Partial<Record<string, 1 | -1>> = {
  'refund.returned': 1,
  'dispute.withdrawn': -1,
  'dispute.reinstated': 1,
};

/** Every message with a client's name went to a buyer whose session for that lead had been paid before. */
async function expectRevealsPaid(system: Stage): Promise<void> {
  const entries = system.sandbox.ledger.list({ accepted: true });
  const unlockOf = new Map<string, string>();
  for (const entry of entries)
    if (entry.operation === 'checkout.session.create') unlockOf.set(entry.vendorId!, entry.reference!);
  const paidAt = new Map<string, number>();
  for (const { operation, params, seq } of entries) {
    const unlockId = operation === 'payment.capture' ? unlockOf.get(String(params.session)) : undefined;
    if (unlockId && !paidAt.has(unlockId)) paidAt.set(unlockId, seq);
  }
  const unlocks = await system.rows<{ id: string; lead: string; phone: string; email: string | null }>(
    `SELECT u.id, l.public_id AS lead, u.phone, b.email FROM lead_unlocks u
      JOIN leads l ON l.id = u.lead_id JOIN buyers b ON b.id = u.buyer_id`,
  );
  const secrets = entries.filter(
    (entry) =>
      ['message.create', 'mail.send'].includes(entry.operation) && /Sarah [0-9a-f]{8}/.test(entry.text ?? ''),
  );
  const unpaid = secrets.filter(
    (entry) =>
      !unlocks.some(
        (u) =>
          (u.phone === entry.to || u.email === entry.to) &&
          (paidAt.get(u.id) ?? Number.POSITIVE_INFINITY) < entry.seq,
      ),
  );
  expect(unpaid).toEqual([]);
}
