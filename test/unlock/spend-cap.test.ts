import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createKey } from '../../src/db/account/api-keys.ts';
import { posts } from '../harness/evidence.ts';
import { sampleLead } from '../harness/sample-lead.ts';
import type { Deal } from '../harness/story.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

let system: TestSystem;
beforeAll(async () => {
  system = await startSystem();
});
afterAll(() => system?.stop());

const setCaps = (perDay: number, perNumberHour: number) =>
  system.rows('UPDATE organizations SET sms_per_day = $1, sms_per_number_hour = $2', [perDay, perNumberHour]);
const sentToday = async () => {
  const [row] = await system.rows<{ n: number }>('SELECT coalesce(sum(sent), 0)::int AS n FROM sms_counters');
  return row!.n;
};

/** The work is snoozed with a reason on the timeline, and its row waits without counting an attempt. */
async function waitsForCap(deal: Deal, worker: string) {
  await system.until<{ detail: string }>(
    'the reason on the timeline',
    "SELECT detail FROM attempts WHERE subject = $1 AND worker = $2 AND outcome = 'snoozed' ORDER BY started_at DESC",
    [`unlock:${deal.unlockId}`, worker],
    (row) => row?.detail === 'the SMS spend cap is reached',
  );
  const [row] = await system.until<{ attempts: number; parked: boolean; waits: number }>(
    'the waiting row',
    `SELECT o.attempts, o.parked_at IS NOT NULL AS parked, extract(epoch FROM o.due_at - now())::float8 AS waits
     FROM outbox o JOIN events e ON e.id = o.event_id WHERE e.subject = $1 AND o.worker = $2 AND NOT o.queued`,
    [`unlock:${deal.unlockId}`, worker],
    (found) => found !== undefined,
  );
  expect(row).toMatchObject({ attempts: 0, parked: false });
  expect(row!.waits).toBeGreaterThan(60);
}

/** Skips the wait of the deal's snoozed work. */
const skipWait = (deal: Deal) =>
  system.rows(
    'UPDATE outbox SET due_at = now() WHERE event_id IN (SELECT id FROM events WHERE subject = $1)',
    [`unlock:${deal.unlockId}`],
  );

describe('spend caps', () => {
  beforeEach(async () => {
    await setCaps(10_000, 20);
    await system.rows('DELETE FROM sms_counters');
  });

  it('[S11] over the daily cap of an organization a teaser waits with a visible reason, and is sent when there is room', async () => {
    await setCaps(2, 20);
    const [first, second] = [await system.story.deal(), await system.story.deal()];
    for (const deal of [first, second]) await system.story.reaches(deal, deal.buyer, 'AWAIT_CONFIRM');
    const third = await system.story.deal();
    await waitsForCap(third, 'teaser-sender');
    expect(posts(system, third.phone, '')).toEqual([]);
    expect(await sentToday()).toBe(2);
    const [unlock] = await system.rows<{ status: string }>('SELECT status FROM lead_unlocks WHERE id = $1', [
      third.unlockId,
    ]);
    expect(unlock!.status).toBe('NEW_LEAD');

    await setCaps(3, 20);
    await skipWait(third);
    await system.story.reaches(third, third.buyer, 'AWAIT_CONFIRM');
    expect(posts(system, third.phone, 'Reply Y')).toHaveLength(1);
  });

  it('[S11] the daily count starts again at midnight UTC', async () => {
    await setCaps(1, 20);
    const sent = await system.story.deal();
    await system.story.reaches(sent, sent.buyer, 'AWAIT_CONFIRM');
    const deal = await system.story.deal();
    await waitsForCap(deal, 'teaser-sender');
    await system.rows(
      "UPDATE sms_counters SET day = to_char(now() AT TIME ZONE 'UTC' - interval '1 day', 'YYYY-MM-DD')",
    );
    await skipWait(deal);
    await system.story.reaches(deal, deal.buyer, 'AWAIT_CONFIRM');
  });

  it('[S11] over the hourly cap of a number the link waits an hour, other numbers do not', async () => {
    await setCaps(10_000, 1);
    const deal = await system.story.deal();
    await system.story.reaches(deal, deal.buyer, 'AWAIT_CONFIRM');
    system.sandbox.act.reply(deal.phone, { text: 'Y' });
    await waitsForCap(deal, 'payment-linker');
    expect(posts(system, deal.phone, '/p/')).toEqual([]);
    const other = await system.story.deal();
    await system.story.reaches(other, other.buyer, 'AWAIT_CONFIRM');

    await system.rows(
      "UPDATE messages SET created_at = created_at - interval '61 minutes' WHERE subject = 'unlock:' || $1::text",
      [deal.unlockId],
    );
    await skipWait(deal);
    await system.story.reaches(deal, deal.buyer, 'AWAITING_PAYMENT');
    expect(posts(system, deal.phone, '/p/')).toHaveLength(1);
  });

  it('[S11] paid details are revealed regardless of the caps', async () => {
    const deal = await system.story.deal();
    const page = await system.story.accept(deal);
    await setCaps(1, 1);
    await system.story.pay(deal, page);
    await system.story.reaches(deal, deal.buyer, 'DONE');
    expect(posts(system, deal.phone, 'here are the client details')).toHaveLength(1);
  });

  it('[S11] a cap applies to its organization only', async () => {
    await setCaps(0, 20);
    const mine = await system.story.deal();
    await waitsForCap(mine, 'teaser-sender');
    await system.rows(
      `INSERT INTO organizations (id, name, slug, footer, support_contact) VALUES (gen_random_uuid(), 'Other', 'other', '', 'help@other.example')`,
    );
    const { phone, externalId } = await system.story.buyer({ email: null });
    await system.rows(
      "UPDATE buyers SET organization_id = (SELECT id FROM organizations WHERE slug = 'other') WHERE external_id = $1",
      [externalId],
    );
    const theirs = await makeKeyOf('other');
    const { status } = await system.api(
      'POST',
      '/api/leads',
      { ...sampleLead, provider_ids: [externalId] },
      { authorization: `Bearer ${theirs}` },
    );
    expect(status).toBe(201);
    await system.text(phone, 'Reply Y');
  });

  it('[S11] a text retried after 429 counts once', async () => {
    const deal = await system.story.deal({
      before: (phone) =>
        void system.sandbox.fault({
          vendor: 'twilio',
          kind: 'rate_limit',
          retryAfter: 0,
          contains: phone,
          count: 6,
        }),
    });
    await system.story.reaches(deal, deal.buyer, 'AWAIT_CONFIRM');
    expect(await sentToday()).toBe(1);
  });

  it('[S11] a second post after an unknown outcome counts as a second text', async () => {
    const deal = await system.story.deal({
      before: (phone) =>
        void system.sandbox.fault({
          vendor: 'twilio',
          kind: 'error',
          method: 'POST',
          contains: phone,
          count: 1,
        }),
    });
    await system.story.reaches(deal, deal.buyer, 'AWAIT_CONFIRM');
    expect(await sentToday()).toBe(2);
  });
});

async function makeKeyOf(slug: string): Promise<string> {
  const [organization] = await system.rows<{ id: string }>('SELECT id FROM organizations WHERE slug = $1', [
    slug,
  ]);
  const { key } = await createKey(system.runtime.db, {
    organizationId: organization!.id,
    owner: 'organization',
    name: 'spend',
    scopes: ['leads:write', 'leads:read'],
  });
  return key;
}
