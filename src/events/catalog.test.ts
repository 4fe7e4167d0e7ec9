import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { catalog, type EventType, eventTypes } from './catalog.ts';
import { completeEvent, type EventDraft, parseEvent, timeOfId } from './envelope.ts';
import { recipients, routes, workerNames } from './routes.ts';
import { subjects } from './subjects.ts';

const id = '019a0000-0000-7000-8000-000000000001';
const other = '019a0000-0000-7000-8000-000000000002';

/** All allowed names of event fields: ids and constants, none of which can hold personal data. */
const harmless = new Set(
  (
    'leadId campaignId giveBackId paymentMethod topUpId buyerId userId linkId invitationId unlockIds unlockId inboxId phoneId paymentId messageId organizationId outboxId sessionId paymentIntent ' +
    'importId from to reason notice key amount asked purpose code worker error actor status refundId disputeId answeredByCarrier eventType'
  ).split(' '),
);

const fieldsOf = (type: EventType) => Object.keys(catalog[type].shape);

describe('the event catalog', () => {
  it.each(eventTypes)('[S14] %s carries ids and words of ours only', (type) => {
    expect(fieldsOf(type).filter((field) => !harmless.has(field))).toEqual([]);
  });

  it.each(eventTypes)('%s takes no object, and no text that is not checked or ours, as an id', (type) => {
    const shape: Record<string, z.ZodType> = catalog[type].shape;
    for (const [field, schema] of Object.entries(shape)) {
      expect(schema.safeParse({ name: 'Sarah' }).success, field).toBe(false);
      if (
        /^(lead|campaign|unlock|inbox|phone|payment|message|organization|import|topUp|buyer)Id$/.test(field)
      ) {
        expect(schema.safeParse('Sarah Johnson').success, field).toBe(false);
        expect(schema.safeParse(id).success, field).toBe(true);
      }
    }
  });

  it('parses rows of a later version and drops unknown fields', () => {
    const row = { ...completeEvent(moved, null), data: { ...moved.data, later: 'x' } };
    expect(parseEvent(row).data).toEqual(moved.data);
  });

  it('refuses a row of an unknown type or with invalid data', () => {
    const row = completeEvent(moved, null);
    expect(() => parseEvent({ ...row, data: { unlockId: 7 } })).toThrow();
    expect(() => parseEvent({ ...row, type: 'unlock.evaporated' })).toThrow(
      'unknown event type unlock.evaporated',
    );
  });
});

const moved: EventDraft = {
  type: 'unlock.moved',
  organizationId: other,
  subject: subjects.unlock(id),
  data: { unlockId: id, from: 'NEW_LEAD', to: 'TEASER_SENT' },
};

describe('completing an event', () => {
  it('takes occurredAt from the id, and ids sort by creation', () => {
    const made = Array.from({ length: 1_000 }, () => completeEvent(moved, null));
    expect(made.map((event) => event.id)).toEqual(made.map((event) => event.id).toSorted());
    for (const event of made) expect(event.occurredAt).toEqual(timeOfId(event.id));
    expect(Math.abs(Date.now() - made[0]!.occurredAt.getTime())).toBeLessThan(5_000);
  });

  it('starts a correlation without a cause, and continues a given one', () => {
    const first = completeEvent(moved, null);
    expect(first).toMatchObject({ correlationId: first.id, causationId: null, version: 1 });
    const next = completeEvent(moved, { correlationId: first.correlationId, causationId: first.id });
    expect(next).toMatchObject({ correlationId: first.id, causationId: first.id });
  });

  it('refuses data that does not match the event type, before anything is stored', () => {
    expect(() =>
      completeEvent({ ...moved, data: { unlockId: 'x', from: 'a', to: 'b' } } as EventDraft, null),
    ).toThrow();
  });

  it('drops fields unknown to the catalog', () => {
    const draft = { ...moved, data: { ...moved.data, clientName: 'Sarah' } } as EventDraft;
    expect(JSON.stringify(completeEvent(draft, null))).not.toContain('Sarah');
  });
});

describe('routes', () => {
  it('are total: every event of the catalog and no other', () => {
    expect(Object.keys(routes).toSorted()).toEqual(eventTypes.toSorted());
  });

  it('name known workers, each at most once per event, and every worker has a route', () => {
    const routed = new Set<string>();
    for (const type of eventTypes) {
      const workers = recipients(type, 0).map(({ worker }) => worker);
      expect(new Set(workers).size, type).toBe(workers.length);
      for (const worker of workers) {
        expect(workerNames).toContain(worker);
        routed.add(worker);
      }
    }
    expect([...routed].toSorted()).toEqual([...workerNames].toSorted());
  });

  it('of an offer: teaser due immediately, expiry due at the TTL', () => {
    expect(recipients('unlock.offered', 86_400_000)).toEqual([
      { worker: 'teaser-sender', delayMs: null },
      { worker: 'expirer', delayMs: 86_400_000 },
    ]);
  });

  it('without a delay, a later worker is due immediately', () => {
    expect(recipients('unlock.revealed', undefined)).toEqual([{ worker: 'revealer', delayMs: 0 }]);
  });

  it('of a registration: due immediately, or after a delay that is given', () => {
    expect(recipients('account.registered', undefined)).toEqual([
      { worker: 'account-keeper', delayMs: null },
    ]);
    expect(recipients('account.registered', 3_000)).toEqual([{ worker: 'account-keeper', delayMs: 3_000 }]);
  });
});
