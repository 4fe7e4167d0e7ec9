import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createKey } from '../../src/db/account/api-keys.ts';
import { accept, addBuyer, buy, type Deal, freshPhone, offer, posts, reaches } from '../harness/deals.ts';
import { sampleLead, startSystem, type TestSystem } from '../harness/system.ts';

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

/** The work stands still with its reason on the timeline, and its row is kept, unburned, for later. */
async function waitsForCap(deal: Deal, worker: string) {
  await system.until<{ detail: string }>(
    'the reason on the timeline',
    "SELECT detail FROM attempts WHERE subject = $1 AND worker = $2 AND outcome = 'snoozed' ORDER BY started_at DESC",
    [`unlock:${deal.unlockId}`, worker],
    (row) => row?.detail === 'the SMS spend cap is reached',
  );
  const [row] = await system.until<{ attempts: number; parked: boolean; waits: number }>(
    'the row put back',
    `SELECT o.attempts, o.parked_at IS NOT NULL AS parked, extract(epoch FROM o.due_at - now())::float8 AS waits
     FROM outbox o JOIN events e ON e.id = o.event_id WHERE e.subject = $1 AND o.worker = $2 AND NOT o.queued`,
    [`unlock:${deal.unlockId}`, worker],
    (found) => found !== undefined,
  );
  expect(row).toMatchObject({ attempts: 0, parked: false });
  expect(row!.waits).toBeGreaterThan(60);
}

/** Its wait is over. */
const expedite = (deal: Deal) =>
  system.rows(
    'UPDATE outbox SET due_at = now() WHERE event_id IN (SELECT id FROM events WHERE subject = $1)',
    [`unlock:${deal.unlockId}`],
  );

describe('spend caps', () => {
  beforeEach(async () => {
    await setCaps(10_000, 20);
    await system.rows('DELETE FROM sms_counters');
  });

  it('[S11] per organization and day: what is over waits with a visible reason, and goes out when there is room', async () => {
    await setCaps(2, 20);
    const [first, second] = [await offer(system), await offer(system)];
    for (const deal of [first, second]) await reaches(system, deal, 'AWAIT_CONFIRM');
    const third = await offer(system);
    await waitsForCap(third, 'teaser-sender');
    expect(posts(system, third.phone, '')).toEqual([]);
    expect(await sentToday()).toBe(2);
    const [unlock] = await system.rows<{ status: string }>('SELECT status FROM lead_unlocks WHERE id = $1', [
      third.unlockId,
    ]);
    expect(unlock!.status).toBe('NEW_LEAD');

    await setCaps(3, 20);
    await expedite(third);
    await reaches(system, third, 'AWAIT_CONFIRM');
    expect(posts(system, third.phone, 'Reply Y')).toHaveLength(1);
  });

  it('[S11] the day begins anew by UTC', async () => {
    await setCaps(1, 20);
    await reaches(system, await offer(system), 'AWAIT_CONFIRM');
    const deal = await offer(system);
    await waitsForCap(deal, 'teaser-sender');
    await system.rows(
      "UPDATE sms_counters SET day = to_char(now() AT TIME ZONE 'UTC' - interval '1 day', 'YYYY-MM-DD')",
    );
    await expedite(deal);
    await reaches(system, deal, 'AWAIT_CONFIRM');
  });

  it('[S11] per number and hour: the payment link waits, other numbers do not, an hour later it goes', async () => {
    await setCaps(10_000, 1);
    const deal = await offer(system);
    await reaches(system, deal, 'AWAIT_CONFIRM');
    system.sandbox.act.reply(deal.phone, { text: 'Y' });
    await waitsForCap(deal, 'payment-linker');
    expect(posts(system, deal.phone, '/p/')).toEqual([]);
    await reaches(system, await offer(system), 'AWAIT_CONFIRM');

    await system.rows(
      "UPDATE messages SET created_at = created_at - interval '61 minutes' WHERE subject = 'unlock:' || $1::text",
      [deal.unlockId],
    );
    await expedite(deal);
    await reaches(system, deal, 'AWAITING_PAYMENT');
    expect(posts(system, deal.phone, '/p/')).toHaveLength(1);
  });

  it('[S11] what was paid for is revealed whatever the caps say', async () => {
    const deal = await offer(system);
    const page = await accept(system, deal);
    await setCaps(1, 1);
    await buy(system, deal, page);
    await reaches(system, deal, 'DONE');
    expect(posts(system, deal.phone, 'here are the client details')).toHaveLength(1);
  });

  it('[S11] caps are per organization: another tenant texts on', async () => {
    await setCaps(0, 20);
    const mine = await offer(system);
    await waitsForCap(mine, 'teaser-sender');
    await system.rows(
      `INSERT INTO organizations (id, name, slug, footer, support_contact) VALUES (gen_random_uuid(), 'Other', 'other', '', 'help@other.example')`,
    );
    const phone = freshPhone();
    const providerId = await addBuyer(system, phone, null);
    await system.rows(
      "UPDATE buyers SET organization_id = (SELECT id FROM organizations WHERE slug = 'other') WHERE external_id = $1",
      [providerId],
    );
    const theirs = await makeKeyOf('other');
    const { status } = await system.api(
      'POST',
      '/api/leads',
      { ...sampleLead, provider_ids: [providerId] },
      { authorization: `Bearer ${theirs}` },
    );
    expect(status).toBe(201);
    await system.text(phone, 'Reply Y');
  });

  it('[S11] a text the vendor asked to send later counts once, however often it was tried', async () => {
    const deal = await offer(system, {
      before: (phone) =>
        void system.sandbox.fault({
          vendor: 'twilio',
          kind: 'rate_limit',
          retryAfter: 0,
          contains: phone,
          count: 6,
        }),
    });
    await reaches(system, deal, 'AWAIT_CONFIRM');
    expect(await sentToday()).toBe(1);
  });

  it('[S11] a second post after an unclear first counts as a second', async () => {
    const deal = await offer(system, {
      before: (phone) =>
        void system.sandbox.fault({
          vendor: 'twilio',
          kind: 'error',
          method: 'POST',
          contains: phone,
          count: 1,
        }),
    });
    await reaches(system, deal, 'AWAIT_CONFIRM');
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
