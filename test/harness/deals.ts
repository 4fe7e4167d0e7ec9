import type { Fault, LedgerEntry } from '../../src/sandbox/server.ts';
import { sampleLead, type TestSystem } from './system.ts';

/** One buyer with one offer, taken from teaser to reveal step by step. Each buyer has its own phone. */
export type Deal = {
  phone: string;
  email: string | null;
  providerId: string;
  leadId: string;
  unlockId: string;
};

type DealOptions = {
  email?: string | null;
  lead?: Record<string, unknown>;
  /** Called after the buyer is created and before its offer: the place to set faults for its phone. */
  before?: (phone: string, email: string | null) => void;
};

let made = 0;

/** A number unique in this process, outside the vendors' magic test ranges. */
export const freshPhone = () => `+1305556${String(1_000 + made++)}`;

/** Inserts a buyer directly, because these tests are about leads and not about the providers API. */
export async function addBuyer(system: TestSystem, phone: string, email: string | null): Promise<string> {
  const providerId = `buyer-${phone.slice(-4)}`;
  await system.rows(
    `INSERT INTO buyers (id, organization_id, external_id, name, phone, email)
     SELECT gen_random_uuid(), g.id, $1, 'Buyer', $2, $3 FROM organizations g WHERE g.slug = 'demo'`,
    [providerId, phone, email],
  );
  return providerId;
}

export async function offer(system: TestSystem, options: DealOptions = {}): Promise<Deal> {
  const phone = freshPhone();
  const email = options.email === undefined ? `${phone.slice(1)}@buyers.example` : options.email;
  const providerId = await addBuyer(system, phone, email);
  options.before?.(phone, email);
  const { status, body } = await system.api('POST', '/api/leads', {
    ...sampleLead,
    ...options.lead,
    provider_ids: [providerId],
  });
  if (status !== 201) throw new Error(`the lead was answered ${status}: ${JSON.stringify(body)}`);
  const [unlock] = await system.rows<{ id: string }>(
    'SELECT u.id FROM lead_unlocks u JOIN leads l ON l.id = u.lead_id WHERE l.public_id = $1',
    [body.lead_id],
  );
  return { phone, email, providerId, leadId: body.lead_id, unlockId: unlock!.id };
}

export const reaches = (system: TestSystem, deal: Deal, status: string, timeoutMs = 20_000) =>
  system.until<{ status: string; reason: string | null }>(
    `${deal.leadId} at ${status}`,
    'SELECT status, reason FROM lead_unlocks WHERE id = $1',
    [deal.unlockId],
    (row) => row?.status === status,
    timeoutMs,
  );

/** Answers Y and returns the pay page from the text that follows. */
export async function accept(system: TestSystem, deal: Deal): Promise<string> {
  await reaches(system, deal, 'AWAIT_CONFIRM');
  system.sandbox.act.reply(deal.phone, { text: 'Y' });
  const link = await system.text(deal.phone, '/p/');
  await reaches(system, deal, 'AWAITING_PAYMENT');
  return payPageIn(link.text);
}

export function payPageIn(text: string | null): string {
  return /https?:\/\/\S+\/p\/[\w-]+/.exec(text ?? '')![0];
}

/** Presses the button of the pay page: returns the response status and the session it redirects to. */
export async function openCheckout(page: string): Promise<{ status: number; session: string | null }> {
  const answer = await fetch(page, { method: 'POST', redirect: 'manual' });
  await answer.text();
  const session = answer.headers.get('location')?.split('/').pop() ?? null;
  return { status: answer.status, session };
}

/** From the offer to a payment captured by Stripe. */
export async function buy(
  system: TestSystem,
  deal: Deal,
  page?: string,
): Promise<{ page: string; session: string }> {
  const at = page ?? (await accept(system, deal));
  const { session } = await openCheckout(at);
  system.sandbox.act.pay(session!, {});
  return { page: at, session: session! };
}

/** Every post of this message that the vendor processed, accepted or not; posts answered with 429 are left out. */
export function posts(system: TestSystem, to: string, contains: string): LedgerEntry[] {
  return (
    system.sandbox.ledger
      .list({ to })
      .filter(
        ({ operation, status }) =>
          (operation === 'message.create' || operation === 'mail.send') && status !== 429,
      )
      // A mail that failed before it was processed has its text in the parameters only.
      .filter(({ text, params }) => (text ?? JSON.stringify(params)).includes(contains))
  );
}

export const wasDone = ({ outcome }: LedgerEntry) =>
  outcome === 'accepted' || outcome === 'accepted_answer_lost';

/** Counts how often the vendor's listing is read for this phone or effect, by a fault that adds no latency. */
export function watchListings(
  system: TestSystem,
  vendor: 'twilio' | 'sendgrid',
  contains: string,
): () => Promise<number> {
  const path = vendor === 'twilio' ? '/Messages.json' : '/v3/messages';
  const { id } = system.sandbox.fault({ vendor, kind: 'latency', ms: 0, method: 'GET', path, contains });
  return async () => (await struck(system, id)).struck;
}

export async function struck(system: TestSystem, id: string): Promise<Fault> {
  const answer = await fetch(`${system.sandbox.url}/_sandbox/faults`);
  const { faults } = (await answer.json()) as { faults: Fault[] };
  return faults.find((fault) => fault.id === id)!;
}

export type StoredEffect = {
  state: string;
  posts: number;
  vendorId: string | null;
  errorCode: string | null;
};

export async function effectOf(system: TestSystem, key: string): Promise<StoredEffect | undefined> {
  const [effect] = await system.rows<StoredEffect>(
    'SELECT state, posts, vendor_id AS "vendorId", error_code AS "errorCode" FROM effects WHERE key = $1',
    [key],
  );
  return effect;
}

/** The recorded outcomes of one effect's calls, oldest first. */
export async function callsOf(system: TestSystem, key: string): Promise<string[]> {
  const calls = await system.rows<{ outcome: string }>(
    'SELECT outcome FROM attempts WHERE effect_key = $1 AND outcome IS NOT NULL ORDER BY started_at',
    [key],
  );
  return calls.map(({ outcome }) => outcome);
}

/** A payment for a lead that can no longer be sold. `before` is called before the worker refunds it. */
export async function unwantedPayment(
  system: TestSystem,
  before: (intent: string) => void = () => undefined,
): Promise<{ deal: Deal; intent: string }> {
  const deal = await offer(system);
  const { session } = await openCheckout(await accept(system, deal));
  await system.rows('UPDATE leads SET contact = NULL WHERE public_id = $1', [deal.leadId]);
  const intent = system.sandbox.act.pay(session!, {}).paymentIntent.id;
  before(intent);
  return { deal, intent };
}

export const refundCalls = (system: TestSystem, intent: string): LedgerEntry[] =>
  system.sandbox.ledger
    .list({ operation: 'refund.create' })
    .filter(({ params }) => JSON.stringify(params).includes(intent));
