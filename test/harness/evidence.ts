import type { Fault, LedgerEntry } from '../../src/sandbox/server.ts';
import type { TestSystem } from './system.ts';

/** What the vendors' ledger and our tables recorded of calls and effects. */

/** Every time the vendor was asked to send this, done or not, but for answers that say it was not even looked at. */
export function posts(system: TestSystem, to: string, contains: string): LedgerEntry[] {
  return (
    system.sandbox.ledger
      .list({ to })
      .filter(
        ({ operation, status }) =>
          (operation === 'message.create' || operation === 'mail.send') && status !== 429,
      )
      // A mail that was never looked at has its text among the parameters only.
      .filter(({ text, params }) => (text ?? JSON.stringify(params)).includes(contains))
  );
}

export const wasDone = ({ outcome }: LedgerEntry) =>
  outcome === 'accepted' || outcome === 'accepted_answer_lost';

/** Counts without harm how often the vendor's listing is read for this phone or effect. */
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

/** What the timeline says of one effect's calls, oldest first. */
export async function callsOf(system: TestSystem, key: string): Promise<string[]> {
  const calls = await system.rows<{ outcome: string }>(
    'SELECT outcome FROM attempts WHERE effect_key = $1 AND outcome IS NOT NULL ORDER BY started_at',
    [key],
  );
  return calls.map(({ outcome }) => outcome);
}

export const refundCalls = (system: TestSystem, intent: string): LedgerEntry[] =>
  system.sandbox.ledger
    .list({ operation: 'refund.create' })
    .filter(({ params }) => JSON.stringify(params).includes(intent));
