import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeSeller } from '../../harness/market.ts';
import { makeCampaign, makeCategory } from '../../harness/market-client.ts';
import { fields, type IngestPlace, makeIngestPlace, makeSupplier, sendLead } from './place.ts';

let place: IngestPlace;
beforeAll(async () => {
  place = await makeIngestPlace();
});
afterAll(() => place?.api.stop());

const outcome = (answer: { statusCode: number; json(): { error?: string } }) => [
  answer.statusCode,
  answer.json().error,
];
const asyncly = { prefer: 'respond-async' };

describe('[S21] a supplier’s key', () => {
  it('sends the categories that its seller gave it, and those alone', async () => {
    const { api, ask, seller, categoryId } = place;
    const roofs = await makeCategory(ask, seller, { fields });
    const ofRoofs = { campaignId: await makeCampaign(ask, seller, { categoryId: roofs }), categoryId: roofs };
    const supplier = await makeSupplier(ask, seller, [categoryId]);
    const send = (more = {}) => sendLead(api, supplier, place.lead(more), asyncly);
    expect((await send()).statusCode).toBe(201);
    const refused = [403, 'Supplier is not authorized to submit leads for this category'];
    expect(outcome(await send(ofRoofs))).toEqual(refused);
    await ask(seller, 'PUT', `/api/suppliers/${supplier.id}`, { categories: [roofs] });
    expect((await send(ofRoofs)).statusCode).toBe(201);
    expect(outcome(await send())).toEqual(refused);
    await ask(seller, 'PUT', `/api/suppliers/${supplier.id}`, { status: 'INACTIVE' });
    expect(outcome(await send(ofRoofs))).toEqual([403, 'Supplier account is not active']);
  });

  it('lists its own leads of its categories, and nothing of other suppliers', async () => {
    const { api, ask, seller, categoryId } = place;
    const [own, rival] = await Promise.all([
      makeSupplier(ask, seller, [categoryId]),
      makeSupplier(ask, seller, [categoryId]),
    ]);
    const { leadId } = (await sendLead(api, own, place.lead(), asyncly)).json();
    const other = (await sendLead(api, rival, place.lead(), asyncly)).json();
    const list = async () =>
      ask({ as: { 'x-api-key': own.apiKey } }, 'GET', '/api/leads/ingest?page=undefined');
    const answer = await list();
    expect(answer.json()).toMatchObject({
      leads: [{ id: leadId, campaignId: place.campaignId, status: 'PENDING', distributedAt: null }],
      pagination: { total: 1 },
    });
    expect(answer.body).not.toContain(other.leadId);
    await ask(seller, 'PUT', `/api/suppliers/${own.id}`, { categories: [] });
    expect((await list()).json()).toMatchObject({ leads: [], pagination: { total: 0 } });
  });

  it('sends to campaigns of its own seller, whatever its lead says', async () => {
    const { api, ask } = place;
    const other = await makeSeller(api, { name: 'Other' });
    const categoryId = await makeCategory(ask, other, { fields });
    const campaignId = await makeCampaign(ask, other, { categoryId });
    const before = await api.count('leads');
    const lead = place.lead({ campaignId, categoryId, organizationId: other.organizationId });
    expect(outcome(await place.send(lead))).toEqual([403, 'Campaign does not belong to your seller']);
    expect(await api.count('leads')).toBe(before);
  });

  it('an Idempotency-Key of another supplier leads to no lead of it', async () => {
    const { api, ask, seller, categoryId } = place;
    const other = await makeSupplier(ask, seller, [categoryId]);
    const key = { ...asyncly, 'idempotency-key': 'one' };
    const lead = place.lead();
    const [own, others] = [await place.send(lead, key), await sendLead(api, other, lead, key)];
    expect([own.statusCode, others.statusCode]).toEqual([201, 201]);
    expect(others.json().leadId).not.toBe(own.json().leadId);
  });

  it('nothing of its lead takes effect that it does not decide', async () => {
    const lead = place.lead({
      status: 'DISTRIBUTED',
      supplierId: place.seller.userId,
      organizationId: place.seller.userId,
      expiresAt: '2099-01-01T00:00:00Z',
      price: 0,
      leadId: 'lead_mine',
    });
    const { leadId } = (await place.send(lead, asyncly)).json();
    const [row] = await place.api.rows<Record<string, unknown>>(
      `SELECT l.supplier_id, l.price_minor, d.status, d.expires_at < now() + interval '73 hours' AS soon
       FROM leads l JOIN distributions d ON d.lead_id = l.id WHERE public_id = $1`,
      [leadId],
    );
    expect(row).toEqual({
      supplier_id: place.supplier.id,
      price_minor: null,
      status: 'PENDING',
      soon: true,
    });
  });

  it.each(['not json', '[]', '"lead"', 'null', '{"data":{"__proto__":{"x":1}}}'])(
    'the body %s is a 400',
    async (payload) => {
      const answer = await place.api.app.inject({
        method: 'POST',
        url: '/api/leads/ingest',
        headers: { 'content-type': 'application/json', 'x-api-key': place.supplier.apiKey },
        payload,
      });
      expect(answer.statusCode).toBe(400);
      expect(answer.json().error).toEqual(expect.any(String));
    },
  );

  it.each([
    ['200 unknown keys', Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`k${n}`, n])), 400],
    ['a value of 3,000 characters', { note: 'x'.repeat(3_000) }, 400],
    ['an object as a value', { firstName: { a: 1 } }, 400],
    ['NUL in a value', { firstName: 'A\0nn' }, 400],
    ['1 MB', { note: 'x'.repeat(1024 * 1024) }, 413],
  ])('%s is refused, and nothing is stored', async (_, more, status) => {
    const before = await place.api.count('leads');
    const lead = place.lead();
    const answer = await place.send({ ...lead, data: { ...lead.data, ...more } });
    expect([answer.statusCode, typeof answer.json().error]).toEqual([status, 'string']);
    expect(await place.api.count('leads')).toBe(before);
  });
});
