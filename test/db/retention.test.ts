import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config.ts';
import { createDatabase, type Database } from '../../src/db/client.ts';
import { maintain } from '../../src/db/transport/retention.ts';
import { unlockTimeline } from '../../src/db/unlock/timeline.ts';
import { ensureDemo } from '../../src/demo/seed.ts';
import { retention } from '../../src/workers/retention.ts';
import { compiledProgram } from '../harness/compiled.ts';
import {
  atServer,
  clientOf,
  createTestDatabase,
  directUrlOf,
  type TestDatabase,
} from '../harness/database.ts';

import { startSystem, type TestSystem } from '../harness/system.ts';

/** The first instant of the month that many months ago. */
const monthAgo = (months: number) => {
  const now = new Date();
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - months, 1));
};
const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000);
const monthName = (at: Date) => `${at.getUTCFullYear()}_${String(at.getUTCMonth() + 1).padStart(2, '0')}`;
const partition = (parent: 'events' | 'messages', months: number) =>
  `${parent}_${monthName(monthAgo(months))}`;

async function partitionsOf(db: Database, parent: string): Promise<string[]> {
  const rows = await db.query<{ name: string }>(
    'SELECT relname AS name FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid WHERE inhparent = $1::regclass ORDER BY 1',
    [parent],
  );
  return rows.map(({ name }) => name);
}

const openMonth = (db: Database, months: number) =>
  db.query('SELECT ensure_partitions($1::date, 0)', [monthAgo(months).toISOString().slice(0, 10)]);

async function addEvent(db: Database, at: Date, subject = 'unlock:none', data: object = {}): Promise<string> {
  const id = uuidv7();
  await db.query(
    `INSERT INTO events (id, occurred_at, type, version, subject, correlation_id, data)
     VALUES ($1, $2, 'unlock.moved', 1, $3, $1, $4)`,
    [id, at, subject, JSON.stringify(data)],
  );
  return id;
}

const addMessage = (db: Database, at: Date, unlockId: string = uuidv7()) =>
  db.query(
    `INSERT INTO messages (id, created_at, subject, recipient_kind, channel, purpose, status)
     VALUES ($1, $2, 'unlock:' || $3::text, 'address', 'sms', 'teaser', 'delivered')`,
    [uuidv7(), at, unlockId],
  );

/** An unfinished outbox row for an event of that time, as a parked row is. */
const addOutbox = (db: Database, eventId: string, at: Date) =>
  db.query(
    `INSERT INTO outbox (event_id, event_at, worker, due_at, queued, parked_at, created_at)
     VALUES ($1, $2, 'notifier', $2, false, $2, $2)`,
    [eventId, at],
  );

describe('what is older than its retention period is deleted, and nothing else', () => {
  let database: TestDatabase;
  let db: Database;
  beforeEach(async () => {
    database = await createTestDatabase();
    db = createDatabase(clientOf(database));
  });
  afterEach(async () => {
    await db.close();
    await database.drop();
  });

  async function addUnlock(status: string, createdAt: Date): Promise<{ unlockId: string; leadId: string }> {
    const { organizationId } = await ensureDemo(db);
    const [leadId, unlockId] = [uuidv7(), uuidv7()];
    await db.query(
      `INSERT INTO leads (id, organization_id, public_id, public, phone_valid, channel, price_minor, currency, ttl_ms)
       VALUES ($1::uuid, $2, 'lead_' || $1::text, '{}', true, 'pay_per_unlock', 2000, 'usd', 1000)`,
      [leadId, organizationId],
    );
    await db.query(
      `INSERT INTO lead_unlocks (id, lead_id, organization_id, buyer_id, our_number, phone, status, price_minor, currency,
         ttl_expires_at, created_at, paid_at, paid_by, reason, closed_at)
       SELECT $1, $2, organization_id, id, '+15005550006', phone, $3::text, 2000, 'usd', $4::timestamptz, $4::timestamptz,
         CASE WHEN $3::text IN ('PAID', 'DONE') THEN $4::timestamptz END, CASE WHEN $3::text IN ('PAID', 'DONE') THEN 'stripe' END,
         CASE $3::text WHEN 'EXPIRED' THEN 'ttl' END,
         CASE $3::text WHEN 'EXPIRED' THEN $4::timestamptz END
       FROM buyers LIMIT 1`,
      [unlockId, leadId, status, createdAt],
    );
    return { unlockId, leadId };
  }
  const addReply = async (
    externalId: string,
    receivedAt: Date,
    more: { needsOperator?: boolean; unlockId?: string } = {},
  ) => {
    const id = uuidv7();
    await db.query(
      `INSERT INTO inbox (id, source, external_id, kind, received_at, needs_operator, unlock_id) VALUES ($1, 'twilio', $2, 'reply', $3, $4, $5)`,
      [id, externalId, receivedAt, more.needsOperator ?? false, more.unlockId ?? null],
    );
    return id;
  };
  const replies = async () =>
    (await db.query<{ id: string }>('SELECT external_id AS id FROM inbox ORDER BY 1')).map(({ id }) => id);

  it('drops months of events and messages past their period and keeps later ones', async () => {
    for (const months of [40, 27, 26, 25, 24, 15, 14, 13, 12, 1]) await openMonth(db, months);
    await addEvent(db, monthAgo(27));
    await addEvent(db, monthAgo(24));
    await addMessage(db, monthAgo(15));
    await addMessage(db, monthAgo(12));
    const report = await maintain(db, retention);
    // The period counts from the end of the month: a month is kept until its last day is that old.
    expect(report.dropped.sort()).toEqual(
      [
        ...[40, 27, 26].map((months) => partition('events', months)),
        ...[40, 27, 26, 25, 24, 15, 14].map((months) => partition('messages', months)),
      ].sort(),
    );
    expect(report).toMatchObject({ held: [], failed: [] });
    expect(await partitionsOf(db, 'events')).toEqual(
      expect.arrayContaining([25, 24, 1, 0, -1, -2, -3].map((months) => partition('events', months))),
    );
    expect(await db.query('SELECT count(*)::int AS n FROM events')).toEqual([{ n: 1 }]);
    expect(await db.query('SELECT count(*)::int AS n FROM messages')).toEqual([{ n: 1 }]);
    expect(await maintain(db, retention)).toEqual({ removed: 0, dropped: [], held: [], failed: [] });
  });

  it('keeps a month that an open outbox row refers to', async () => {
    await openMonth(db, 30);
    const id = await addEvent(db, monthAgo(30));
    await addOutbox(db, id, monthAgo(30));
    expect(await maintain(db, retention)).toMatchObject({
      dropped: [],
      held: [partition('events', 30), partition('messages', 30)],
    });
    await db.query('DELETE FROM outbox');
    expect((await maintain(db, retention)).dropped).toEqual([
      partition('events', 30),
      partition('messages', 30),
    ]);
  });

  it.each([
    ['PAID', true],
    ['AWAITING_PAYMENT', true],
    ['DONE', false],
    ['EXPIRED', false],
  ])('an unlock that stands at %s keeps its months: %s', async (status, kept) => {
    for (const months of [31, 30]) await openMonth(db, months);
    const { unlockId, leadId } = await addUnlock(status, monthAgo(31));
    await addEvent(db, monthAgo(31), `lead:${leadId}`);
    await addEvent(db, monthAgo(30), `unlock:${unlockId}`);
    await addMessage(db, monthAgo(30), unlockId);
    const { dropped, held } = await maintain(db, retention);
    const [events31, events30, messages31, messages30] = [
      ...[31, 30].map((months) => partition('events', months)),
      ...[31, 30].map((months) => partition('messages', months)),
    ];
    expect(held).toEqual(kept ? [events31, events30, messages30] : []);
    expect(dropped).toEqual(kept ? [messages31] : [events31, events30, messages31, messages30]);
  });

  it('deletes old replies, except those an operator, an open sale or open work still needs', async () => {
    const open = await addUnlock('PAID', daysAgo(200));
    const closed = await addUnlock('EXPIRED', daysAgo(200));
    await addReply('young', daysAgo(179));
    await addReply('old', daysAgo(181));
    await addReply('old, sold long ago', daysAgo(181), { unlockId: closed.unlockId });
    await addReply('open sale', daysAgo(181), { unlockId: open.unlockId });
    await addReply('unseen', daysAgo(181), { needsOperator: true });
    const inboxId = await addReply('open work', daysAgo(181));
    await openMonth(db, 7);
    const then = daysAgo(181);
    await addOutbox(db, await addEvent(db, then, 'x', { inboxId }), then);
    expect(await maintain(db, retention)).toMatchObject({ removed: 2, failed: [] });
    expect(await replies()).toEqual(['open sale', 'open work', 'unseen', 'young']);
  });

  it('deletes the rejected rows of old imports, and the call slots of disconnected locations', async () => {
    const organizationId = uuidv7();
    await db.query(
      `INSERT INTO organizations (id, name, slug, footer, support_contact) VALUES ($1, 'C', 'c', '', 'x@y.example')`,
      [organizationId],
    );
    for (const [name, ended] of [
      ['young', daysAgo(89)],
      ['old', daysAgo(91)],
      ['open', null],
    ] as const)
      await db.query(
        `WITH made AS (INSERT INTO imports (id, organization_id, status, file_name, ended_at)
           VALUES (gen_random_uuid(), $1, 'done', $2, $3) RETURNING id)
         INSERT INTO import_rejects SELECT id, 2, 'v1.x.y', '{}' FROM made`,
        [organizationId, name, ended],
      );
    await db.query(
      `INSERT INTO crm_connections (organization_id, vendor, account_id) VALUES ($1, 'ghl', 'ours')`,
      [organizationId],
    );
    await db.query(
      `INSERT INTO crm_call_slots (vendor, account_id, slot, taken_at)
       VALUES ('ghl', 'ours', 1, '-infinity'), ('ghl', 'gone', 1, '-infinity'), ('ghl', 'new', 1, now())`,
    );
    expect(await maintain(db, retention)).toMatchObject({ removed: 2, failed: [] });
    const kept = 'SELECT file_name AS name FROM import_rejects JOIN imports ON id = import_id ORDER BY 1';
    expect(await db.query(kept)).toEqual([{ name: 'open' }, { name: 'young' }]);
    const slots = await db.query('SELECT account_id AS name FROM crm_call_slots ORDER BY 1');
    expect(slots).toEqual([{ name: 'new' }, { name: 'ours' }]);
  });

  it('deletes old attempts by the time in their ids', async () => {
    const attempt = (at: Date) =>
      db.query(
        `INSERT INTO attempts (id, outbox_id, event_id, worker, subject, started_at) VALUES ($1, 1, $1, 'notifier', $2, now())`,
        [uuidv7({ msecs: at.getTime() }), at.toISOString()],
      );
    const minute = 60_000;
    const period = 90 * 24 * 60 * minute;
    const [young, old, ancient] = [period - minute, period + minute, 9 * period].map(
      (ms) => new Date(Date.now() - ms),
    );
    for (const at of [young!, old!, ancient!]) await attempt(at);
    expect(await maintain(db, retention)).toMatchObject({ removed: 2, failed: [] });
    expect(await db.query('SELECT subject FROM attempts')).toEqual([{ subject: young!.toISOString() }]);
  });

  it('a webhook repeated within the period is still a duplicate', async () => {
    await addReply('SM1', daysAgo(31));
    await maintain(db, retention);
    await expect(addReply('SM1', new Date())).rejects.toMatchObject({ code: '23505' });
  });

  it('deletes a backlog in batches', async () => {
    await db.query(
      `INSERT INTO inbox (id, source, external_id, kind, received_at)
       SELECT gen_random_uuid(), 'stripe', 'evt_' || n, 'event', now() - interval '1 year' FROM generate_series(1, 12001) n`,
    );
    expect((await maintain(db, retention)).removed).toBe(12_001);
  });

  it('several processes that start together do the work once', async () => {
    await openMonth(db, 40);
    const reports = await Promise.all(Array.from({ length: 6 }, () => maintain(db, retention)));
    // A process whose locks were taken by the others tries again.
    reports.push(await maintain(db, retention));
    expect(reports.flatMap(({ dropped }) => dropped).sort()).toEqual([
      partition('events', 40),
      partition('messages', 40),
    ]);
  });

  it('does not wait for locks: while a reader holds one, writers go on and the next run drops the month', async () => {
    for (const months of [40, 30]) await openMonth(db, months);
    await db.query(`DROP TABLE ${partition('messages', 40)}, ${partition('messages', 30)}`);
    await atServer(database.directUrl, async (reader) => {
      await reader.query('BEGIN');
      await reader.query('SELECT count(*) FROM events');
      const started = performance.now();
      const [report] = await Promise.all([maintain(db, retention), addEvent(db, new Date())]);
      expect(report.failed.map((each) => each.split(':')[0])).toEqual(
        [40, 30].map((m) => partition('events', m)),
      );
      expect(performance.now() - started).toBeLessThan(5_000);
      await reader.query('COMMIT');
    });
    expect((await maintain(db, retention)).dropped).toEqual(
      [40, 30].map((months) => partition('events', months)),
    );
  });

  it("after a long downtime, rows stored before their month's partition existed move into it", async () => {
    await db.query(
      `DROP TABLE ${[0, -1, -2, -3].flatMap((m) => [partition('events', m), partition('messages', m)]).join(', ')}`,
    );
    await addEvent(db, new Date(), 'unlock:early');
    await addMessage(db, new Date());
    expect(await maintain(db, retention)).toMatchObject({ failed: [] });
    expect(await db.query('SELECT tableoid::regclass::text AS at FROM events')).toEqual([
      { at: partition('events', 0) },
    ]);
    expect(await db.query('SELECT tableoid::regclass::text AS at FROM messages')).toEqual([
      { at: partition('messages', 0) },
    ]);
    expect(await partitionsOf(db, 'events')).toEqual(
      ['events_default', ...[0, -1, -2, -3].map((months) => partition('events', months))].sort(),
    );
    await expect(db.query("UPDATE events SET subject = 'x'")).rejects.toMatchObject({ code: '42501' });
    await addEvent(db, new Date('2001-01-01'));
    await expect(db.query("DELETE FROM events WHERE occurred_at < '2002-01-01'")).rejects.toMatchObject({
      code: '42501',
    });
  });

  it('runs in a worker process, with the periods of its environment', async () => {
    for (const months of [8, 2]) await openMonth(db, months);
    const child = spawn(process.execPath, [compiledProgram('src/workers/main.ts')], {
      env: {
        PATH: process.env.PATH,
        DATABASE_URL: database.url,
        DATABASE_DIRECT_URL: directUrlOf(database) ?? '',
        SANDBOX_URL: 'http://127.0.0.1:1',
        RETENTION_EVENTS_MONTHS: '6',
        RETENTION_MESSAGES_MONTHS: '6',
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(child, 'exit');
    try {
      let output = '';
      for await (const part of child.stdout) {
        output += String(part);
        if (output.includes('"maintenance"')) break;
      }
      expect(output).toContain(partition('events', 8));
    } finally {
      child.kill('SIGTERM');
      await ended;
    }
    expect(await partitionsOf(db, 'events')).not.toContain(partition('events', 8));
    expect(await partitionsOf(db, 'events')).toContain(partition('events', 2));
    expect(await partitionsOf(db, 'messages')).not.toContain(partition('messages', 8));
  });

  it('removes the audit log after its period, and invitations that ended, and keeps open and later ones', async () => {
    const { organizationId } = await ensureDemo(db);
    const audit = (subject: string, days: number) =>
      db.query(
        `INSERT INTO audit_log (organization_id, actor, action, subject, at) VALUES ($1, 'cli', 'a.b', $2, $3)`,
        [organizationId, subject, daysAgo(days)],
      );
    for (const days of [500, 401, 399, 0]) await audit(`x:${days}`, days);
    const invite = (email: string, over: Record<string, Date>) =>
      db.query(
        `INSERT INTO invitations (id, organization_id, email, name, role, expires_at, accepted_at, revoked_at)
         VALUES (gen_random_uuid(), $1, $2, '', 'seller', $3, $4, $5)`,
        [organizationId, email, over.expires ?? daysAgo(200), over.accepted, over.revoked],
      );
    await invite('expired', { expires: daysAgo(91) });
    await invite('accepted', { accepted: daysAgo(91) });
    await invite('revoked', { revoked: daysAgo(91) });
    await invite('kept-accepted', { accepted: daysAgo(89) });
    await invite('kept-expired', { expires: daysAgo(89) });
    await invite('kept-open', { expires: new Date(Date.now() + 60_000) });
    await maintain(db, retention, loadConfig({}).retention);
    const left = await db.query<{ name: string }>(
      `SELECT subject AS name FROM audit_log UNION ALL SELECT email FROM invitations ORDER BY 1`,
    );
    expect(left.map(({ name }) => name)).toEqual([
      'kept-accepted',
      'kept-expired',
      'kept-open',
      'x:0',
      'x:399',
    ]);
  });

  it('a period shorter than work can be open, or than a vendor retries, is refused', () => {
    expect(loadConfig({}).retention).toMatchObject({ eventsMonths: 25, messagesMonths: 13, inboxDays: 180 });
    for (const [name, value] of [
      ['RETENTION_EVENTS_MONTHS', '1'],
      ['RETENTION_MESSAGES_MONTHS', '0'],
      ['RETENTION_INBOX_DAYS', '30'],
      ['RETENTION_ATTEMPTS_DAYS', 'x'],
      ['RETENTION_AUDIT_DAYS', '29'],
    ])
      expect(() => loadConfig({ [name!]: value })).toThrow(name);
  });
});

describe('after months were dropped', () => {
  let system: TestSystem;
  beforeAll(async () => {
    system = await startSystem();
  });
  afterAll(() => system.stop());

  it('a timeline shows what is left, and the sale goes on', async () => {
    const { db } = system.runtime;
    const deal = await system.story.deal();
    await system.story.reaches(deal, deal.buyer, 'AWAIT_CONFIRM');
    const [{ leadId }] = (await db.query<{ leadId: string }>(
      'SELECT lead_id AS "leadId" FROM lead_unlocks WHERE id = $1',
      [deal.unlockId],
    )) as [{ leadId: string }];
    await openMonth(db, 30);
    const dropped = await addEvent(db, monthAgo(30), `unlock:${deal.unlockId}`);
    const before = await unlockTimeline(db, deal.unlockId, leadId);
    expect(before.events.map(({ id }) => id)).toContain(dropped);
    // The unlock was made today, so the dropped months cannot hold its history.
    expect((await maintain(db, retention)).dropped).toContain(partition('events', 30));
    const after = await unlockTimeline(db, deal.unlockId, leadId);
    expect(after.events.map(({ id }) => id)).toEqual(
      before.events.map(({ id }) => id).filter((id) => id !== dropped),
    );
    expect(after.messages.length).toBe(before.messages.length);
    await system.story.pay(deal);
    await system.story.reaches(deal, deal.buyer, 'DONE');
  });
});
