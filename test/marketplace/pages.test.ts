import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiTest, publicUrl, startApi } from '../harness/api-app.ts';
import { type MadeBuyer, type MadeSeller, makeBuyer, makeSeller } from '../harness/market.ts';
import { storeMarketLead } from '../harness/market-leads.ts';

let api: ApiTest;
let seller: MadeSeller;
let buyer: MadeBuyer;
let categoryId: string;

beforeAll(async () => {
  api = await startApi({ pages: true });
  seller = await makeSeller(api);
  buyer = await makeBuyer(api, seller);
  const [row] = await api.rows<{ id: string }>(
    `INSERT INTO categories (id, organization_id, name, fields) VALUES (gen_random_uuid(), $1, 'Solar', '[]') RETURNING id`,
    [seller.organizationId],
  );
  categoryId = row!.id;
});
afterAll(() => api?.stop());

const page = (url: string, who: { cookie: string } | null = seller) =>
  api.app.inject({
    url,
    headers: { accept: 'text/html', ...(who ? { cookie: who.cookie } : {}) },
  });
const post = (url: string, form: Record<string, string>, origin = publicUrl) =>
  api.app.inject({
    method: 'POST',
    url,
    headers: {
      accept: 'text/html',
      cookie: seller.cookie,
      origin,
      'content-type': 'application/x-www-form-urlencoded',
    },
    payload: new URLSearchParams(form).toString(),
  });

describe('the pages of a seller', () => {
  it.each([
    '/market/buyers',
    '/market/buyers/new',
    '/market/suppliers',
    '/market/suppliers/new',
    '/market/settings',
  ])('%s is for sellers: others are refused, and a browser without a session signs in', async (url) => {
    expect((await page(url)).statusCode).toBe(200);
    expect((await page(url, buyer)).statusCode).toBe(403);
    const stranger = await page(url, null);
    expect(stranger.statusCode).toBe(303);
    expect(stranger.headers.location).toBe(`/login?next=${encodeURIComponent(url)}`);
  });

  it('a refused form keeps what was typed, has the message at its field, and shows no password again', async () => {
    const typed = { name: 'Bo <b>', email: 'bo@page.example', password: 'password123', priority: '11' };
    const refused = await post('/market/buyers', typed);
    expect(refused.statusCode).toBe(400);
    expect(refused.body).toContain('value="Bo &lt;b&gt;"');
    expect(refused.body).toContain('id="priority-error"');
    expect(refused.body).not.toContain('password123');
    const taken = await post('/market/buyers', { ...typed, priority: '5', email: buyer.email });
    expect(taken.body).toContain('User with this email already exists');
  });

  it('a buyer is made, listed and changed', async () => {
    const form = {
      name: 'Bo',
      email: 'bo@page.example',
      password: 'password123',
      companyName: '',
      priority: '',
    };
    const made = await post('/market/buyers', form);
    expect(made.statusCode).toBe(303);
    const url = String(made.headers.location);
    expect((await page('/market/buyers')).body).toContain('bo@page.example');
    const changes = { companyName: 'Bo Inc', status: 'ACTIVE', priority: '9', monthlySpendingLimit: '500' };
    expect((await post(url, { ...changes, weeklySpendingLimit: '', phoneNumber: '' })).statusCode).toBe(303);
    const shown = (await page(url)).body;
    expect(shown).toContain('value="Bo Inc"');
    expect(shown).toContain('value="500"');
    const refused = await post(url, { ...changes, monthlySpendingLimit: '1.234' });
    expect(refused.body).toContain('id="monthlySpendingLimit-error"');
    expect(refused.body).toContain('value="1.234"');
    expect((await page(url, buyer)).statusCode).toBe(403);
    expect((await page('/market/buyers/x')).statusCode).toBe(404);
  });

  it('a flag is shown and cleared, recorded, and wakes the campaigns of the buyer', async () => {
    const flagged = await makeBuyer(api, seller);
    const url = `/market/buyers/${flagged.buyerId}`;
    const [campaign] = await api.rows<{ id: string }>(
      `WITH c AS (INSERT INTO campaigns (id, organization_id, category_id, name, price_minor, distribution_logic)
         VALUES (gen_random_uuid(), $1, $2, 'Roofs', 2500, 'ROUND_ROBIN') RETURNING id),
       s AS (INSERT INTO subscriptions (id, organization_id, campaign_id, buyer_id) SELECT gen_random_uuid(), $1, id, $3 FROM c)
       SELECT id FROM c`,
      [seller.organizationId, categoryId, flagged.buyerId],
    );
    const { organizationId } = seller;
    await storeMarketLead(api, { organizationId, campaignId: campaign!.id });
    await api.rows('UPDATE buyers SET flagged_at = now(), flags = 2 WHERE id = $1', [flagged.buyerId]);
    expect((await page(url)).body).toContain('Clear flag');
    const other = await makeSeller(api);
    const foreign = await api.app.inject({
      method: 'POST',
      url: `${url}/unflag`,
      headers: { accept: 'text/html', cookie: other.cookie, origin: publicUrl },
    });
    expect(foreign.statusCode).toBe(404);
    expect((await post(`${url}/unflag`, {})).statusCode).toBe(303);
    expect((await page(url)).body).not.toContain('Clear flag');
    const rows = await api.rows(
      `SELECT b.flags, b.flagged_at AS "flaggedAt", t.due_at <= now() AS due, a.actor, a.action FROM buyers b, campaign_turns t, audit_log a
       WHERE b.id = $1 AND t.campaign_id = $2 AND a.subject = 'buyer:' || b.id`,
      [flagged.buyerId, campaign!.id],
    );
    expect(rows).toEqual([
      { flags: 0, flaggedAt: null, due: true, actor: seller.userId, action: 'buyer.unflagged' },
    ]);
  });

  it('the key of a supplier is shown in the response that makes it, and never again', async () => {
    const form = { name: 'Acme', email: 'api@acme.example', [`category-${categoryId}`]: '1' };
    const made = await post('/market/suppliers', form);
    expect(made.statusCode).toBe(201);
    const [key] = /sk_[A-Za-z0-9]{32}/.exec(made.body)!;
    const [, url] = /action="(\/market\/suppliers\/[0-9a-f-]{36})"/.exec(made.body)!;
    expect((await page(url!)).body).not.toContain(key);
    expect((await page(url!)).body).toMatch(/<input[^>]*checked[^>]*>/);
    const live = { name: 'Acme', email: 'api@acme.example', status: 'ACTIVE', testMode: 'false' };
    expect((await post(url!, live)).statusCode).toBe(303);
    const [row] = await api.rows(
      'SELECT test_mode, (SELECT count(*)::int FROM supplier_categories c WHERE c.supplier_id = s.id) AS categories FROM suppliers s WHERE organization_id = $1',
      [seller.organizationId],
    );
    expect(row).toEqual({ test_mode: false, categories: 0 });
    const rotated = await post(`${url}/rotate-key`, {});
    expect(/sk_[A-Za-z0-9]{32}/.exec(rotated.body)![0]).not.toBe(key);
  });

  it('the settings are changed, and the invite code is replaced', async () => {
    const form = {
      smsMarkup: '25',
      emailMarkup: '15',
      timeZone: 'America/Chicago',
      footer: 'Thanks',
      logoUrl: '',
    };
    expect((await post('/market/settings', form)).statusCode).toBe(303);
    expect((await page('/market/settings')).body).toContain('value="America/Chicago"');
    const refused = await post('/market/settings', {
      ...form,
      logoUrl: 'http://x.example',
      timeZone: 'Mars',
    });
    expect(refused.statusCode).toBe(400);
    expect(refused.body).toContain('id="logoUrl-error"');
    expect(refused.body).toContain('id="timeZone-error"');
    expect((await page('/market/settings')).body).toContain(seller.inviteCode);
    expect((await post('/market/settings/invite-code', {})).statusCode).toBe(303);
    expect((await page('/market/settings')).body).not.toContain(seller.inviteCode);
  });

  it('a form from another site is refused', async () => {
    const refused = await post('/market/settings/invite-code', {}, 'https://evil.example');
    expect(refused.statusCode).toBe(403);
  });
});
