import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { findUnlockDetail, listSiblings, listUnlocks } from '../../src/db/unlock/list.ts';
import { unlockTimeline } from '../../src/db/unlock/timeline.ts';
import { findUnlock } from '../../src/db/unlock/unlocks.ts';
import { visit } from '../harness/console-client.ts';
import { sampleLead } from '../harness/sample-lead.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

let system: TestSystem;
beforeAll(async () => {
  system = await startSystem();
});
afterAll(() => system?.stop());

/** As a sale from a wallet stores it: paid at once, by a buyer who is not texted. */
async function sell(leadId: string, email: string) {
  const unlockId = uuidv7();
  const { phone } = await system.story.buyer({ email });
  const [row] = await system.rows<{ organizationId: string; leadUuid: string; buyer: string }>(
    `INSERT INTO lead_unlocks (id, lead_id, organization_id, buyer_id, campaign_id, subscription_id, status, price_minor, currency,
       ttl_expires_at, paid_at, paid_by)
     SELECT $1, l.id, l.organization_id, b.id, $3, $4, 'PAID', 2000, 'usd', now(), now(), 'wallet'
     FROM leads l JOIN buyers b ON b.organization_id = l.organization_id AND b.phone = $5 WHERE l.public_id = $2
     RETURNING organization_id AS "organizationId", lead_id AS "leadUuid", buyer_id AS buyer`,
    [unlockId, leadId, uuidv7(), uuidv7(), phone],
  );
  return { unlockId, phone, ...row! };
}

const offer = async () => {
  const { body } = await system.api('POST', '/api/leads', { ...sampleLead, provider_ids: [] });
  return body.lead_id as string;
};

it('an unlock without a phone is in every list, in its detail and its timeline', async () => {
  const leadId = await offer();
  const { unlockId, leadUuid, organizationId } = await sell(leadId, 'list@buyers.example');
  const { db } = system.runtime;
  expect(await findUnlock(db, unlockId)).toMatchObject({ state: 'PAID', phone: null, phoneId: null });
  for (const whose of [null, organizationId]) {
    const filter = { organizationId: whose, states: [], search: leadId, before: null, limit: 5 };
    expect((await listUnlocks(db, filter)).map((row) => row.id)).toEqual([unlockId]);
    expect(await findUnlockDetail(db, whose, unlockId)).toMatchObject({ phone: null, paidBy: 'wallet' });
  }
  expect(await findUnlockDetail(db, uuidv7(), unlockId)).toBeNull();
  expect((await listSiblings(db, leadUuid, 5)).map((row) => row.id)).toEqual([unlockId]);
  expect((await unlockTimeline(db, unlockId, leadUuid)).events.map((event) => event.type)).toEqual([
    'lead.received',
  ]);
  const { body } = await system.api('GET', `/api/leads/${leadId}`);
  expect(body.lead.unlocks).toHaveLength(1);
});

it('its details are mailed, and no text is sent', async () => {
  const leadId = await offer();
  const { unlockId, phone, organizationId } = await sell(leadId, 'mail@buyers.example');
  await system.runtime.relay.commit({
    events: [
      {
        type: 'payment.captured',
        organizationId,
        subject: `unlock:${unlockId}`,
        data: { unlockId, paymentId: uuidv7() },
      },
    ],
  });
  await system.until<{ status: string }>(
    `${leadId} at DONE`,
    'SELECT status FROM lead_unlocks WHERE id = $1',
    [unlockId],
    (row) => row?.status === 'DONE',
  );
  const messages = await system.rows(
    "SELECT channel, recipient_kind AS kind FROM messages WHERE subject = 'unlock:' || $1::text",
    [unlockId],
  );
  expect(messages).toEqual([{ channel: 'email', kind: 'buyer' }]);
  expect(system.sandbox.ledger.list({ to: phone })).toEqual([]);

  const operator = visit(system);
  await operator.signIn(system.operator.email, system.operator.password);
  expect(await (await operator.get(`/console?q=${leadId}`)).text()).toContain(unlockId);
  const page = await (await operator.get(`/console/unlocks/${unlockId}`)).text();
  expect(page).toContain('Not texted');
  expect(page).toContain('Wallet');
});
