import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readMissedEvents } from '../../src/usecases/payment/missed-events.ts';
import { type ApiTest, startApi } from '../harness/api-app.ts';

let api: ApiTest;
let intent: string;
beforeAll(async () => {
  api = await startApi();
  intent = (await paid()).intent;
});
afterAll(() => api?.stop());

/** A payment at Stripe. With `isBooked` it is in our books, as the payment-linker leaves it. */
async function paid({ isBooked = true } = {}): Promise<{ intent: string; book: () => Promise<unknown> }> {
  const [unlock] = await api.unlocksOf(await api.lead());
  const token = await api.toAwaitingPayment(unlock!.id);
  const { headers } = await api.app.inject({ method: 'POST', url: `/p/${token}` });
  const session = headers.location!.split('/').pop()!;
  const { id } = api.sandbox.act.pay(session).paymentIntent;
  const book = () =>
    api.rows(
      `INSERT INTO payments (id, organization_id, purpose, subject_id, unlock_id, payment_intent, session_id, amount_minor, currency, kept)
        SELECT id, organization_id, 'unlock', id, id, $2, $3, price_minor, currency, true FROM lead_unlocks WHERE id = $1`,
      [unlock!.id, id, session],
    );
  if (isBooked) await book();
  return { intent: id, book };
}

const minute = 60_000;
const later = (minutes: number) => new Date(Date.now() + minutes * minute);

/** Reads the list as a process whose clock says this. */
const readAt = (now: Date) =>
  readMissedEvents({ ...api.runtime, selfCheck: { ...api.runtime.selfCheck, now: () => now } });

const readUntil = (at: Date | null) =>
  at
    ? api.rows(
        `INSERT INTO event_cursors (vendor, read_until) VALUES ('stripe', $1)
          ON CONFLICT (vendor) DO UPDATE SET read_until = excluded.read_until`,
        [at],
      )
    : api.rows('DELETE FROM event_cursors');

/** Makes a refund that no webhook reports, lets the list be read, and returns whether it was received. */
async function isFound(read: () => Promise<void>, of = intent): Promise<boolean> {
  await api.rows(`DELETE FROM inbox WHERE source = 'stripe'`);
  const { id } = api.sandbox.act.refund(of, { amount: 10 });
  await read();
  const answer = await fetch(`${api.sandbox.url}/v1/events?type=refund.created&limit=1`, {
    headers: { authorization: 'Bearer sk_test_sandbox' },
  });
  const { data } = (await answer.json()) as { data: { id: string; data: { object: { id: string } } }[] };
  expect(data[0]!.data.object.id).toBe(id);
  const rows = await api.rows(`SELECT 1 FROM inbox WHERE source = 'stripe' AND external_id = $1`, [
    data[0]!.id,
  ]);
  return rows.length === 1;
}

describe("[F72] Stripe's list of events", () => {
  it('is read for the last 30 days the first time', async () => {
    await readUntil(null);
    expect(await isFound(() => readAt(later(29 * 24 * 60)))).toBe(true);
  });

  it('is read again from an hour before the last reading', async () => {
    await readUntil(later(50));
    expect(await isFound(() => readAt(later(180)))).toBe(true);
    await readUntil(later(70));
    expect(await isFound(() => readAt(later(180)))).toBe(false);
  });

  it('is not read when another process has just read it', async () => {
    const every = api.config.timings.missedEventsEveryMs / minute;
    await readUntil(later(-0.4 * every));
    expect(await isFound(() => readAt(later(0)))).toBe(false);
    await readUntil(later(-0.6 * every));
    expect(await isFound(() => readAt(later(0)))).toBe(true);
  });

  it('gives a report that came before its payment was booked once more', async () => {
    const { intent: early, book } = await paid({ isBooked: false });
    await readUntil(later(-10));
    expect(await isFound(() => readAt(later(0)), early)).toBe(false);
    await book();
    await readAt(later(60));
    const [event] = await api.rows(
      `SELECT data FROM events WHERE type = 'payment.changed' AND data->>'paymentIntent' = $1`,
      [early],
    );
    expect(event).toEqual({ data: { paymentIntent: early } });
  });

  it('is read again from the same time after a reading that failed', async () => {
    await readUntil(later(-120));
    const fault = api.sandbox.fault({ vendor: 'stripe', kind: 'error' });
    await expect(readAt(later(0))).rejects.toThrow();
    api.sandbox.clearFaults(fault.id);
    expect(await isFound(() => readAt(later(0)))).toBe(true);
  });
});
