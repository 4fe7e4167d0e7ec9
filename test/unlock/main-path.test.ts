import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sampleLead } from '../harness/sample-lead.ts';
import { providers, startSystem, type TestSystem } from '../harness/system.ts';

const [amy, ben, carla] = providers as [Provider, Provider, Provider];
type Provider = (typeof providers)[number];

describe('from a lead to revealed details', () => {
  let system: TestSystem;
  beforeAll(async () => {
    system = await startSystem();
  });
  afterAll(() => system.stop());

  it('sends the teaser, the link on Y and the details after payment, and is DONE on the delivery receipt; each message once', async () => {
    const { status, body } = await system.api('POST', '/api/leads', sampleLead);
    expect(status).toBe(201);
    const teaser = await system.text(amy.phone, body.lead_id);
    expect(teaser.text).toBe(
      'Amy, new client inquiry in Miami. Type: 60 min Mobile Massage. \n' +
        'Time window: Evening (6-9 PM). Budget: $150-200. \n' +
        `Reply Y to unlock contact details for $20. Reply N to skip. Lead ${body.lead_id}.`,
    );
    await system.sandbox.act.reply(amy.phone, { text: 'Y' });
    const link = (await system.text(amy.phone, '/p/')).text ?? '';
    const page = /https?:\/\/\S+\/p\/[\w-]+/.exec(link)![0];
    const checkout = await fetch(page, { method: 'POST', redirect: 'manual' });
    expect(checkout.status).toBe(303);
    const session = checkout.headers.get('location')!.split('/').pop()!;
    await system.sandbox.act.pay(session, {});
    const reveal = await system.text(amy.phone, 'here are the client details');
    expect(reveal.text).toContain('Name: Sarah Johnson\nPhone: +1234567890\nEmail: sarah.johnson@email.com');

    await system.until<{ status: string }>(
      'DONE',
      'SELECT status FROM lead_unlocks',
      [],
      (row) => row?.status === 'DONE',
    );
    const sent = system.sandbox.ledger.list({ operation: 'message.create', accepted: true });
    expect(sent.map((entry) => entry.to)).toEqual([amy.phone, amy.phone, amy.phone]);
    const history = await system.rows<{ to: string }>(
      'SELECT to_status AS "to" FROM unlock_history ORDER BY event_id',
    );
    expect(history.map((h) => h.to)).toEqual([
      'TEASER_SENT',
      'AWAIT_CONFIRM',
      'CHECK_EXISTING_PAYMENT',
      'CREATE_PAYMENT_LINK',
      'PAYMENT_LINK_SENT',
      'AWAITING_PAYMENT',
      'PAID',
      'REVEAL_DETAILS_SENT',
      'DONE',
    ]);
  });

  it('offers to known active providers only and reports a result for each provider', async () => {
    await system.rows("UPDATE buyers SET active = 'inactive' WHERE external_id = $1", [carla.externalId]);
    const { body } = await system.api('POST', '/api/leads', {
      ...sampleLead,
      provider_ids: [ben.externalId, 'unknown-provider', carla.externalId],
    });
    expect(body.provider_results.map((r: { success: boolean }) => r.success)).toEqual([true, false, false]);
    await system.text(ben.phone, body.lead_id);
    const texts = system.sandbox.ledger.list({ operation: 'message.create', contains: body.lead_id });
    expect(texts.map((t) => t.to)).toEqual([ben.phone]);
  });
});
