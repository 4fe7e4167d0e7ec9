import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { publicUrl } from '../../harness/api-app.ts';
import { makeBuyer, makeSeller } from '../../harness/market.ts';
import { makeCampaign, makeSubscription } from '../../harness/market-client.ts';
import {
  offerMarketLead,
  recordDecision,
  sellMarketLead,
  storeMarketLead,
} from '../../harness/market-leads.ts';
import { type IngestPlace, makeIngestPlace } from './place.ts';

let place: IngestPlace;
beforeAll(async () => {
  place = await makeIngestPlace({ pages: true, env: { INGEST_WAIT_MS: '0' } });
});
afterAll(() => place?.api.stop());

type Who = { cookie: string };
const page = (url: string, who: Who = place.seller) =>
  place.api.app.inject({ url, headers: { accept: 'text/html', cookie: who.cookie } });
const post = (url: string, form: Record<string, string>, who: Who = place.seller) =>
  place.api.app.inject({
    method: 'POST',
    url,
    headers: {
      accept: 'text/html',
      cookie: who.cookie,
      origin: publicUrl,
      'content-type': 'application/x-www-form-urlencoded',
    },
    payload: new URLSearchParams(form).toString(),
  });

const lead = (more: Partial<Parameters<typeof storeMarketLead>[1]> = {}) =>
  storeMarketLead(place.api, {
    organizationId: place.seller.organizationId,
    campaignId: place.campaignId,
    locked: { firstName: 'Ann <b>', email: 'ann@example.com' },
    ...more,
  });

describe('the leads of a seller', () => {
  it('are listed by status, without locked values', async () => {
    const [waiting, test] = [await lead(), await lead({ status: 'TEST' })];
    const all = (await page('/market/leads')).body;
    expect(all).toContain(waiting.publicId);
    expect(all).toContain('tile');
    expect(all).not.toContain('ann@example.com');
    const tests = (await page('/market/leads?status=TEST&category=&from=&to=')).body;
    expect(tests).toContain(test.publicId);
    expect(tests).not.toContain(waiting.publicId);
    expect((await page('/market/leads?from=2020-01-01&to=2020-01-02')).body).toContain('No lead here.');
  });

  it('one of them has its values, its sales, and why others did not get it', async () => {
    const { publicId } = await lead();
    const { buyerId } = await makeBuyer(place.api, place.seller, { companyName: 'Rival LLC' });
    await recordDecision(place.api, publicId, [
      { buyerId, subscriptionId: buyerId, rule: 'daily_cap', seen: { sold: 3, cap: 3 } },
      { buyerId: place.buyer.buyerId, subscriptionId: buyerId, rule: null, seen: {} },
    ]);
    await sellMarketLead(place.api, publicId, place.buyer);
    const { statusCode, body } = await page(`/market/leads/${publicId}`);
    expect(statusCode).toBe(200);
    for (const text of [
      'Ann &lt;b&gt;',
      'ann@example.com',
      'Got the lead',
      'Daily cap reached: 3 of 3',
      '$25.00',
    ])
      expect(body).toContain(text);
    const noted = await place.api.rows(
      `SELECT after FROM audit_log WHERE action = 'leads.contacts_read' AND organization_id = $1`,
      [place.seller.organizationId],
    );
    expect(noted.length).toBeGreaterThan(0);
    const other = await makeSeller(place.api);
    expect((await page(`/market/leads/${publicId}`, other)).statusCode).toBe(404);
    expect((await page(`/market/leads/${publicId}`, place.buyer)).statusCode).toBe(403);
  });
});

describe('a lead that is offered by text', () => {
  const seen = { balanceMinor: 500, priceMinor: 2_500 };

  it('is reserved while the offer is open, and its decision is not a refusal', async () => {
    const { publicId } = await lead();
    const { buyerId } = place.buyer;
    await recordDecision(place.api, publicId, [{ buyerId, subscriptionId: buyerId, rule: 'offered', seen }]);
    await offerMarketLead(place.api, publicId, place.buyer, { until: '2040-05-06T07:08:00Z' });
    const offered = (await page(`/market/leads/${publicId}`)).body;
    expect(offered).toContain('Offered by text, reserved until <time datetime="2040-05-06T07:08:00.000Z"');
    expect(offered).toMatch(
      /tone-busy">Offered by text<\/span>.*Balance of \$5\.00 below the price of \$25\.00/,
    );
    const answer = await place.ask(place.seller, 'GET', `/api/leads/${publicId}/decisions`);
    expect(answer.json().decisions).toMatchObject([
      { buyerId, outcome: 'OFFERED', rule: 'offered', seen: { balance: 5, price: 25 } },
    ]);
    await place.api.rows(
      `WITH closed AS (UPDATE lead_unlocks SET status = 'EXPIRED', reason = 'ttl', closed_at = now() WHERE lead_id = (SELECT id FROM leads WHERE public_id = $1))
       UPDATE distributions SET open_offers = 0 WHERE lead_id = (SELECT id FROM leads WHERE public_id = $1)`,
      [publicId],
    );
    expect((await page(`/market/leads/${publicId}`)).body).not.toContain('reserved until');
  });
});

describe('the page of a campaign', () => {
  const url = () => `/market/campaigns/${place.campaignId}`;

  it('says how it stands and what stands in the way of each buyer', async () => {
    const subscriptionId = await makeSubscription(place.ask, place.buyer, place.campaignId, { dailyCap: 5 });
    await lead();
    const { body } = await page(url());
    expect(body).toContain('0 of 1');
    expect(body).toContain('Balance of $0.00 below the price of $25.00');
    expect(body).toContain(`data-stream="${url()}/live"`);
    await place.api.rows(
      `INSERT INTO wallets (buyer_id, organization_id, currency, balance_minor) VALUES ($1, $2, 'usd', 5000)`,
      [place.buyer.buyerId, place.seller.organizationId],
    );
    await place.api.rows(`UPDATE subscriptions SET day = current_date + 1, day_count = 2 WHERE id = $1`, [
      subscriptionId,
    ]);
    // The page is kept for a moment.
    for (;;) {
      const { body: next } = await page(url());
      if (!next.includes('1 of 1')) continue;
      expect(next).toContain('Can buy');
      expect(next).toContain('2 of 5');
      break;
    }
  });

  it('says who takes offers by text, and who of them has no phone number', async () => {
    const buyer = await makeBuyer(place.api, place.seller);
    const pageWithOffers = async () => {
      const campaignId = await makeCampaign(place.ask, place.seller);
      await makeSubscription(place.ask, buyer, campaignId, { onShortWallet: 'offer' });
      return (await page(`/market/campaigns/${campaignId}`)).body;
    };
    const short = 'Balance of $0.00 below the price of $25.00';
    const silent = await pageWithOffers();
    for (const text of ['Takes offers by text, but has no phone number', short, '0 of 1'])
      expect(silent).toContain(text);
    await place.api.rows(`UPDATE buyers SET phone = '+13055550177' WHERE id = $1`, [buyer.buyerId]);
    const textable = await pageWithOffers();
    for (const text of ['Takes offers by text, one at a time', 'Wallet short: offered by text', '1 of 1'])
      expect(textable).toContain(text);
    expect(textable).not.toContain(short);
  });

  it('imports a file, once for each form', async () => {
    const boundary = 'xxBOUNDARYxx';
    const file = 'firstName,email\nAnn,ann@form.example\nBob,\n';
    const payload = `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="leads.csv"\r\nContent-Type: text/csv\r\n\r\n${file}\r\n--${boundary}--\r\n`;
    const action = /action="(\/market\/campaigns\/[^"]+\/leads\?key=[^"]+)"/.exec(
      (await page(url())).body,
    )![1]!;
    const send = (to: string, who: Who = place.seller) =>
      place.api.app.inject({
        method: 'POST',
        url: to,
        headers: {
          accept: 'text/html',
          cookie: who.cookie,
          origin: publicUrl,
          'content-type': `multipart/form-data; boundary=${boundary}`,
        },
        payload,
      });
    const before = await place.api.count('distributions');
    const first = await send(action);
    expect(first.statusCode).toBe(200);
    expect(first.body).toContain('1 of 2 rows were stored');
    expect(first.body).toContain('Missing required field: email');
    await send(action);
    expect(await place.api.count('distributions')).toBe(before + 1);
    expect((await send(action, await makeSeller(place.api))).statusCode).toBe(404);
    const empty = await place.api.app.inject({
      method: 'POST',
      url: action,
      headers: {
        accept: 'text/html',
        cookie: place.seller.cookie,
        origin: publicUrl,
        'content-type': 'text/csv',
      },
      payload: 'firstName\nAnn',
    });
    expect([empty.statusCode, empty.body.includes('missing: email')]).toEqual([400, true]);
  });
});

describe('a test lead of a supplier', () => {
  const url = () => `/market/suppliers/${place.supplier.id}/test`;

  it('is sent by a form with the fields of the category, and stays a test', async () => {
    expect((await page(url())).body).toContain(place.campaignId);
    const form = await page(`${url()}?campaign=${place.campaignId}`);
    expect(form.body).toContain('name="data-firstName"');
    const sent = await post(`${url()}?campaign=${place.campaignId}`, {
      'data-firstName': 'Tess',
      'data-email': 'tess@form.example',
      'data-phone': '',
      state: '',
      quality: 'HOT',
      test: 'false',
    });
    expect(sent.statusCode).toBe(200);
    expect(sent.body).toContain('Lead stored, distribution pending');
    const [row] = await place.api.rows(
      `SELECT d.status, l.supplier_id FROM leads l JOIN distributions d ON d.lead_id = l.id WHERE email_hash = $1`,
      [place.api.runtime.vault.index('tess@form.example')],
    );
    expect(row).toEqual({ status: 'TEST', supplier_id: place.supplier.id });
  });

  it('that is refused shows the reason at its field', async () => {
    const sent = await post(`${url()}?campaign=${place.campaignId}`, { 'data-email': 'tess' });
    expect(sent.statusCode).toBe(400);
    expect(sent.body).toContain('Missing required field: firstName');
    expect((await page(url(), await makeSeller(place.api))).statusCode).toBe(404);
  });
});
