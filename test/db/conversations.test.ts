import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createDatabase, type Database } from '../../src/db/client.ts';
import { findConversationOwner } from '../../src/db/messaging/conversations.ts';
import { ensureDemo } from '../../src/demo/seed.ts';
import { timeOfId } from '../../src/events/envelope.ts';
import { clientOf, createTestDatabase, type TestDatabase } from '../harness/database.ts';

let database: TestDatabase;
let db: Database;
const demo = { id: '' };
const other = uuidv7();
beforeAll(async () => {
  database = await createTestDatabase();
  db = createDatabase(clientOf(database));
  demo.id = (await ensureDemo(db)).organizationId;
  await db.query(
    "INSERT INTO organizations (id, name, slug, footer, support_contact) VALUES ($1, 'Other', 'other', '', 'help@other.example')",
    [other],
  );
});
afterAll(async () => {
  await db.close();
  await database.drop();
});

let minute = 0;
async function phone(): Promise<string> {
  const id = uuidv7();
  await db.query("INSERT INTO phones (id, our_number, number) VALUES ($1, '+15005550006', $2)", [
    id,
    `+1305556${2_000 + minute++}`,
  ]);
  return id;
}

type Recipient = { kind: string; id: string | null };
async function text(phoneId: string, organizationId: string | null, subject: string, to: Recipient) {
  const id = uuidv7({ msecs: Date.now() - 3_600_000 + minute++ * 60_000 });
  await db.query(
    `INSERT INTO messages (id, created_at, organization_id, subject, recipient_kind, recipient_id, phone_id, channel, purpose, status)
     VALUES ($1, $2, $3, $4, $5, $6, $7, 'sms', 'teaser', 'sent')`,
    [id, timeOfId(id), organizationId, subject, to.kind, to.id, phoneId],
  );
}

it('the organization that sent the last message answers, to the same recipient and about the same', async () => {
  const line = await phone();
  const consumer = { kind: 'consumer', id: uuidv7() };
  await text(line, demo.id, 'unlock:first', { kind: 'buyer', id: uuidv7() });
  await text(line, other, `lead:${consumer.id}`, consumer);
  expect(await findConversationOwner(db, line)).toMatchObject({
    organization: 'Other',
    supportContact: 'help@other.example',
    language: 'en',
    line: { organizationId: other, subject: `lead:${consumer.id}`, recipient: consumer, phoneId: line },
  });
  await text(line, demo.id, 'unlock:second', { kind: 'buyer', id: uuidv7() });
  expect((await findConversationOwner(db, line))?.line.subject).toBe('unlock:second');
});

it('a buyer is answered in its own language, a bare address in that of the organization', async () => {
  const line = await phone();
  const [buyer] = await db.query<{ id: string }>(
    "UPDATE buyers SET language = 'es' WHERE id = (SELECT id FROM buyers LIMIT 1) RETURNING id",
  );
  await text(line, demo.id, 'unlock:first', { kind: 'buyer', id: buyer!.id });
  expect((await findConversationOwner(db, line))?.language).toBe('es');
  await text(line, demo.id, 'phone:first', { kind: 'address', id: null });
  expect(await findConversationOwner(db, line)).toMatchObject({
    language: 'en',
    line: { recipient: { kind: 'address' } },
  });
});

it('a phone that was never texted, or by no organization, has no owner', async () => {
  const line = await phone();
  expect(await findConversationOwner(db, line)).toBeNull();
  await text(line, null, 'alert:x', { kind: 'operator', id: null });
  expect(await findConversationOwner(db, line)).toBeNull();
});

it('without messages, after their retention, the newest offer to the phone decides', async () => {
  const line = await phone();
  expect(await findConversationOwner(db, line)).toBeNull();
  const [conversation] = await db.query<{ our: string; number: string }>(
    'SELECT our_number AS our, number FROM phones WHERE id = $1',
    [line],
  );
  const [buyer] = await db.query<{ id: string }>('SELECT id FROM buyers LIMIT 1');
  const unlocks = [uuidv7(), uuidv7()] as const;
  for (const [n, unlock] of unlocks.entries()) {
    const lead = uuidv7();
    await db.query(
      `INSERT INTO leads (id, organization_id, public_id, channel, public, phone_valid, price_minor, currency, ttl_ms)
       VALUES ($1, $2, $3, 'pay_per_unlock', '{}', true, 2000, 'usd', 60000)`,
      [lead, demo.id, `lead_old${n}`],
    );
    await db.query(
      `INSERT INTO lead_unlocks (id, lead_id, organization_id, buyer_id, status, reason, closed_at, price_minor, currency, ttl_expires_at, our_number, phone, created_at)
       VALUES ($1, $2, $3, $4, 'EXPIRED', 'ttl', now(), 2000, 'usd', now(), $5, $6, now() - make_interval(months => 20 - $7::integer))`,
      [unlock, lead, demo.id, buyer!.id, conversation!.our, conversation!.number, n],
    );
  }
  expect((await findConversationOwner(db, line))?.line).toMatchObject({
    organizationId: demo.id,
    subject: `unlock:${unlocks[1]}`,
    recipient: { kind: 'buyer', id: buyer!.id },
  });
});
