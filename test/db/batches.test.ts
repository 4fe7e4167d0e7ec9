import { sql } from 'drizzle-orm';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createDatabase, type Database, type Queryable } from '../../src/db/client.ts';
import { commitChange } from '../../src/db/commit.ts';
import { type Receipt, takeReceipt } from '../../src/db/messaging/receipts.ts';
import { openRuns, postpone } from '../../src/db/transport/outbox.ts';
import { committedRows } from '../harness/backlog.ts';
import { atServer, clientOf, createTestDatabase, type TestDatabase } from '../harness/database.ts';

/** Work that arrives while the same kind of work is under way shares a statement, and each keeps its own outcome. */
let test: TestDatabase;
let db: Database;
beforeAll(async () => {
  test = await createTestDatabase();
  db = createDatabase(clientOf(test));
});
afterAll(async () => {
  await db.close();
  await test.drop();
});

let statements = 0;
beforeEach(() => {
  statements = 0;
});
const counted: Queryable = {
  query: (text, values, name) => {
    statements += 1;
    return db.query(text, values, name);
  },
};

/** The fences of outbox rows, each of its own event. */
const rows = async (count: number) =>
  (await committedRows(db, count)).map(({ id, epoch }) => ({ outboxId: id, epoch }));

describe('openings of runs', () => {
  const open = openRuns();

  it('share a statement, and each run gets its own row', async () => {
    const fences = await rows(40);
    const opened = await Promise.all(fences.map((fence) => open(counted, fence)));
    const ids = await db.query<{ id: string }>(
      'SELECT event_id AS id FROM outbox WHERE id = ANY($1) ORDER BY array_position($1, id)',
      [fences.map(({ outboxId }) => outboxId)],
    );
    expect(opened.map((run) => run!.event.id)).toEqual(ids.map(({ id }) => id));
    expect(statements).toBe(1);
  });

  it('one that lost its fence, was finished or is parked does not open, and the others do', async () => {
    const [kept, reissued, finished, parked, last] = await rows(5);
    await postpone(db, reissued!, 0, {
      burn: false,
      error: null,
      attempt: {
        id: uuidv7(),
        ...reissued!,
        eventId: uuidv7(),
        worker: 'distributor',
        subject: 'lead:none',
        effectKey: null,
        startedAt: new Date(),
        durationMs: 1,
        outcome: 'snoozed',
        detail: null,
      },
    });
    await commitChange(db, {}, { fence: finished!, visibilityMs: 0 });
    await db.query('UPDATE outbox SET parked_at = now(), queued = false WHERE id = $1', [parked!.outboxId]);
    const fences = [kept!, reissued!, finished!, parked!, last!];
    const opened = await Promise.all(fences.map((fence) => open(counted, fence)));
    expect(opened.map((run) => run !== null)).toEqual([true, false, false, false, true]);
    expect(statements).toBe(1);
  });

  it('one whose statement the database refuses does not fail the others', async () => {
    const broken = openRuns({
      columns: sql`(e.data->>'leadId')::uuid AS lead`,
      join: sql``,
      read: ({ lead }) => lead,
    });
    const [first, spoilt, last] = await rows(3);
    await db.query(
      `INSERT INTO events (id, occurred_at, type, version, subject, correlation_id, data)
        SELECT $2, event_at, 'lead.received', 1, 'lead:none', $2, '{"leadId":"none"}' FROM outbox WHERE id = $1`,
      [spoilt!.outboxId, uuidv7()],
    );
    const [event] = await db.query<{ id: string }>("SELECT id FROM events WHERE subject = 'lead:none'");
    await db.query('UPDATE outbox SET event_id = $2 WHERE id = $1', [spoilt!.outboxId, event!.id]);
    const opened = await Promise.allSettled([first!, spoilt!, last!].map((fence) => broken(db, fence)));
    expect(opened.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });

  it('are at most fifty of a statement', async () => {
    const fences = await rows(120);
    const opened = await Promise.all(fences.map((fence) => open(counted, fence)));
    expect(opened.every((run) => run !== null)).toBe(true);
    expect(statements).toBe(3);
  });
});

/** A message that was posted, and its effect. */
async function message(purpose = 'teaser', status = 'queued'): Promise<string> {
  const id = uuidv7();
  await db.query(
    `INSERT INTO effects (key, id, vendor, kind, subject, state, fence, lease_until)
      VALUES ($1::text, $1::uuid, 'twilio', 'sms', 'unlock:none', $2, $1::uuid, now())`,
    [id, status === 'posting' ? 'unknown' : 'accepted'],
  );
  await db.query(
    `INSERT INTO messages (id, created_at, subject, recipient_kind, recipient_id, channel, purpose, status)
      VALUES ($1, now(), 'unlock:none', 'buyer', $1, 'sms', $2, $3)`,
    [id, purpose, status],
  );
  return id;
}

const receipt = (effectId: string, status: Receipt['status']): Receipt => ({
  vendor: 'twilio',
  effectId,
  vendorId: `SM${effectId.slice(0, 8)}`,
  status,
  code: status === 'failed' ? 'bad_number' : null,
  vendorCode: null,
});

const statusOf = async (id: string) => {
  const [row] = await db.query<{ status: string; state: string }>(
    'SELECT m.status, e.state FROM messages m JOIN effects e ON e.id = m.id WHERE m.id = $1',
    [id],
  );
  return [row!.status, row!.state];
};

describe('receipts', () => {
  it('share a statement: each message gets its own status, and what has further effects is returned', async () => {
    const [sent, delivered, lost, details, failed, early] = [
      await message(),
      await message('teaser', 'sent'),
      await message('teaser', 'posting'),
      await message('reveal', 'sent'),
      await message(),
      await message('teaser', 'posting'),
    ];
    const taken = await Promise.all([
      takeReceipt(counted, receipt(sent, 'sent')),
      takeReceipt(counted, receipt(delivered, 'delivered')),
      takeReceipt(counted, receipt(lost, 'delivered')),
      takeReceipt(counted, receipt(details, 'delivered')),
      takeReceipt(counted, receipt(failed, 'failed')),
      takeReceipt(counted, receipt(early, 'queued')),
    ]);
    expect(statements).toBe(1);
    expect(taken.map((found) => found?.id ?? null)).toEqual([null, null, null, details, failed, early]);
    expect(await statusOf(sent)).toEqual(['sent', 'accepted']);
    expect(await statusOf(delivered)).toEqual(['delivered', 'accepted']);
    expect(await statusOf(lost), 'a receipt proves acceptance').toEqual(['delivered', 'accepted']);
    expect(await statusOf(details), 'recorded with the delivery of the details').toEqual([
      'sent',
      'accepted',
    ]);
    expect(await statusOf(failed)).toEqual(['queued', 'accepted']);
    expect(await statusOf(early)).toEqual(['posting', 'unknown']);
  });

  it('of one message are recorded one after the other, and never backward', async () => {
    const [id, other] = [await message(), await message()];
    const statuses = ['sent', 'delivered', 'sent', 'queued'] as const;
    const taken = await Promise.all([
      ...statuses.map((status) => takeReceipt(counted, receipt(id, status))),
      takeReceipt(counted, receipt(other, 'sent')),
    ]);
    expect(taken).toEqual([null, null, null, null, null]);
    expect(await statusOf(id)).toEqual(['delivered', 'accepted']);
    expect(await statusOf(other)).toEqual(['sent', 'accepted']);
  });

  it('one whose effect is locked waits alone: the others are recorded while it does', async () => {
    const [locked, free] = [await message('teaser', 'posting'), await message()];
    await atServer(test.directUrl, async (holder) => {
      await holder.query('BEGIN');
      await holder.query('SELECT 1 FROM effects WHERE id = $1 FOR UPDATE', [locked]);
      const taken = await Promise.all([
        takeReceipt(counted, receipt(locked, 'sent')),
        takeReceipt(counted, receipt(free, 'sent')),
      ]);
      expect(taken.map((found) => found?.id ?? null)).toEqual([locked, null]);
      expect(await statusOf(free)).toEqual(['sent', 'accepted']);
      await holder.query('ROLLBACK');
    });
    const target = await takeReceipt(counted, receipt(locked, 'sent'));
    expect(target, 'recorded once the lock is gone').toBeNull();
    expect(await statusOf(locked)).toEqual(['sent', 'accepted']);
  });

  it('of an unknown message change nothing of the others', async () => {
    const id = await message();
    const taken = await Promise.all([
      takeReceipt(counted, receipt(uuidv7(), 'sent')),
      takeReceipt(counted, receipt('ffffffff-ffff-7fff-bfff-ffffffffffff', 'delivered')),
      takeReceipt(counted, receipt(id, 'sent')),
    ]);
    expect(taken).toEqual([null, null, null]);
    expect(await statusOf(id)).toEqual(['sent', 'accepted']);
  });
});
