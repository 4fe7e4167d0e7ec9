import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSystem, type TestSystem } from '../../harness/system.ts';
import { makePlace, type Place, wrongBooks } from '../distribution/place.ts';

/** Supplier, ingress, queue, distributor and wallets together. */
let system: TestSystem;
let place: Place;
let campaignId: string;
let categoryId: string;
let apiKey: string;

const ask = async (method: string, path: string, body: unknown, headers: Record<string, string>) => {
  const answer = await fetch(system.publicUrl + path, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  // biome-ignore lint/suspicious/noExplicitAny: each test asserts the shape it reads.
  return { status: answer.status, body: (await answer.json()) as any };
};
let sent = 0;
const send = (more: Record<string, unknown> = {}) => {
  sent += 1;
  const lead = { campaignId, categoryId, data: { note: `lead ${sent}` }, ...more };
  return ask('POST', '/api/leads/ingest', lead, { 'x-api-key': apiKey });
};

beforeAll(async () => {
  // A decision that is late on a busy machine is not what is asked here.
  system = await startSystem({ workers: ['distributor'], env: { INGEST_WAIT_MS: '30000' } });
  place = await makePlace(system);
  campaignId = await place.campaign();
  const [row] = await system.rows<{ id: string }>('SELECT category_id AS id FROM campaigns WHERE id = $1', [
    campaignId,
  ]);
  categoryId = row!.id;
  const supplier = { name: 'Acme', email: 'api@acme.example', categories: [categoryId] };
  const made = await ask('POST', '/api/suppliers', supplier, place.seller.as);
  apiKey = made.body.supplier.apiKey;
  await ask('PUT', `/api/suppliers/${made.body.supplier.id}`, { testMode: false }, place.seller.as);
});
afterAll(() => system?.stop());

describe('the answer to a supplier’s lead', () => {
  it('says that no buyer was eligible, then who bought the next one, and why', async () => {
    const { buyerId } = await place.buyer(campaignId, { balanceMinor: 2_000, states: ['CA'] });
    const unsold = await send();
    expect(unsold).toMatchObject({
      status: 201,
      body: {
        distributed: false,
        buyersAssigned: 0,
        message: 'Lead received but not distributed (no eligible buyers)',
      },
    });
    const why = await fetch(`${system.publicUrl}/api/leads/${unsold.body.leadId}/decisions`, {
      headers: place.seller.as,
    });
    expect(await why.json()).toMatchObject({
      decisions: [{ buyerId, outcome: 'REFUSED', rule: 'wallet', seen: { balance: 20, price: 25 } }],
    });
    await place.buyer(campaignId);
    expect((await send()).body).toMatchObject({
      distributed: true,
      buyersAssigned: 1,
      message: 'Lead distributed to 1 buyer(s)',
    });
  });

  it('to a test says who would have got it, and nothing is sold or charged', async () => {
    const before = await system.rows('SELECT balance_minor FROM wallets ORDER BY buyer_id');
    const { body } = await send({ test: true, state: 'TX' });
    expect(body).toMatchObject({
      distributed: false,
      test: true,
      message: 'Test lead: would be distributed to 1 buyer(s)',
    });
    expect(body.decisions).toContainEqual({ buyerId: expect.any(String), outcome: 'ASSIGNED', rule: null });
    expect(await system.rows('SELECT balance_minor FROM wallets ORDER BY buyer_id')).toEqual(before);
  });

  it('to each of 200 leads at once, 40 of them twice: each is sold once', async () => {
    const before = sent;
    const answers = await Promise.all(
      Array.from({ length: 240 }, (_, n) => send({ data: { note: `rush ${before + Math.min(n, 199)}` } })),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    expect(new Set(answers.map(({ body }) => body.leadId)).size).toBe(200);
    expect(answers.filter(({ body }) => body.distributed)).toHaveLength(240);
    expect(await wrongBooks(system)).toEqual([]);
  });
});
