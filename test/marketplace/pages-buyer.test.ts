import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiTest, publicUrl, startApi } from '../harness/api-app.ts';
import { type MadeBuyer, type MadeSeller, makeBuyer, makePerson, makeSeller } from '../harness/market.ts';

let api: ApiTest;
let seller: MadeSeller;
let buyer: MadeBuyer;
let categoryId: string;
beforeAll(async () => {
  api = await startApi({ pages: true });
  seller = await makeSeller(api);
  buyer = await makeBuyer(api, seller);
  categoryId = await newCategory(seller);
});
afterAll(() => api?.stop());

async function newCategory({ organizationId }: MadeSeller) {
  const [row] = await api.rows<{ id: string }>(
    `INSERT INTO categories (id, organization_id, name, fields) VALUES (gen_random_uuid(), $1, 'Solar', '[]') RETURNING id`,
    [organizationId],
  );
  return row!.id;
}

async function newCampaign(
  name: string,
  { status = 'ACTIVE', chooses = true, of = seller, category = categoryId } = {},
) {
  const [row] = await api.rows<{ id: string }>(
    `INSERT INTO campaigns (id, organization_id, category_id, name, price_minor, distribution_logic, allow_state_selection, status, lead_ttl_hours)
     VALUES (gen_random_uuid(), $1, $2, $3, 2750, 'WATERFALL', $4, $5, 72) RETURNING id`,
    [of.organizationId, category, name, chooses, status],
  );
  return { id: row!.id, url: `/market/subscriptions/${row!.id}` };
}

type Who = { cookie: string };
const page = (url: string, who: Who = buyer) =>
  api.app.inject({ url, headers: { accept: 'text/html', cookie: who.cookie } });
const post = (url: string, form: Record<string, string> = {}, who: Who = buyer, origin = publicUrl) =>
  api.app.inject({
    method: 'POST',
    url,
    headers: {
      accept: 'text/html',
      cookie: who.cookie,
      origin,
      'content-type': 'application/x-www-form-urlencoded',
    },
    payload: new URLSearchParams(form).toString(),
  });
const subscriptionOf = async (campaignId: string, who = buyer) => {
  const [row] = await api.rows(
    'SELECT daily_cap, states, waterfall_priority, on_short_wallet, status FROM subscriptions WHERE campaign_id = $1 AND buyer_id = $2 AND ended_at IS NULL',
    [campaignId, who.buyerId],
  );
  return row ?? null;
};

describe('where people land', () => {
  it('sellers and buyers on /market, which is a buyer’s home and leads a seller to his campaigns', async () => {
    for (const who of [seller, buyer]) expect((await page('/', who)).headers.location).toBe('/market');
    expect((await page('/market', seller)).headers.location).toBe('/market/campaigns');
    const home = await page('/market');
    expect(home.statusCode).toBe(200);
    expect(home.body).toContain('Your subscriptions');
  });

  it('members of a company stay with its pages, and cannot open the marketplace', async () => {
    const member = await makePerson(api, { name: 'Mia', email: 'mia@company.example' });
    const joins = `INSERT INTO members (organization_id, user_id, role) VALUES ($1, $2, 'company')`;
    await api.rows(joins, [seller.organizationId, member.userId]);
    expect((await page('/', member)).headers.location).not.toBe('/market');
    expect((await page('/market', member)).statusCode).toBe(403);
  });

  it('a buyer’s pages are refused to sellers, and a form of another site is refused', async () => {
    const { url } = await newCampaign('Roles');
    for (const path of ['/market/profile', url]) {
      expect((await page(path, seller)).statusCode).toBe(403);
      expect((await post(path, {}, seller)).statusCode).toBe(403);
      expect((await post(path, {}, buyer, 'https://evil.example')).statusCode).toBe(403);
    }
  });
});

describe('a buyer subscribes', () => {
  it('to a campaign that is offered, changes it, pauses, resumes and ends it', async () => {
    const { id, url } = await newCampaign('Florida roofs');
    expect((await page('/market')).body).toContain('Florida roofs');
    expect((await post(url, { dailyCap: '20', states: 'fl, TX', waterfallPriority: '' })).statusCode).toBe(
      303,
    );
    const first = {
      ...{ daily_cap: 20, states: ['FL', 'TX'], waterfall_priority: null },
      ...{ on_short_wallet: 'skip', status: 'ACTIVE' },
    };
    expect(await subscriptionOf(id)).toEqual(first);
    expect((await page(url)).body).toContain('value="FL, TX"');
    await post(url, { dailyCap: '', states: '', waterfallPriority: '2' });
    expect(await subscriptionOf(id)).toEqual({
      ...first,
      daily_cap: null,
      states: [],
      waterfall_priority: 2,
    });
    expect((await post(`${url}/pause`)).headers.location).toBe('/market');
    expect(await subscriptionOf(id)).toMatchObject({ status: 'PAUSED', waterfall_priority: 2 });
    await post(`${url}/resume`);
    expect(await subscriptionOf(id)).toMatchObject({ status: 'ACTIVE' });
    expect((await post(`${url}/end`)).statusCode).toBe(303);
    expect(await subscriptionOf(id)).toBeNull();
    for (const action of ['pause', 'resume', 'end'])
      expect((await post(`${url}/${action}`)).statusCode).toBe(404);
  });

  it.each([
    [{ dailyCap: 'x' }, 'id="dailyCap-error"', 'value="x"'],
    [{ dailyCap: '-1' }, 'id="dailyCap-error"', 'value="-1"'],
    [{ states: 'FL, Mars' }, 'id="states-error"', 'value="FL, Mars"'],
    [{ onShortWallet: 'never' }, 'id="onShortWallet-error"', 'name="onShortWallet"'],
    [{ waterfallPriority: '1.5' }, 'id="waterfallPriority-error"', 'value="1.5"'],
  ])('%j is refused at its field, which keeps what was typed', async (form, error, kept) => {
    const { id, url } = await newCampaign('Refused');
    const refused = await post(url, form);
    expect(refused.statusCode).toBe(400);
    expect(refused.body).toContain(error);
    expect(refused.body).toContain(kept);
    expect(await subscriptionOf(id)).toBeNull();
  });

  it('with or without offers by text, which the form and both pages say', async () => {
    const { id, url } = await newCampaign('Short wallets');
    const takes = 'Offered by text when your wallet is short.';
    expect((await page(url)).body).toContain('<option value="skip" selected');
    expect((await post(url, { onShortWallet: 'offer' })).statusCode).toBe(303);
    expect(await subscriptionOf(id)).toMatchObject({ on_short_wallet: 'offer' });
    const shown = (await page(url)).body;
    expect(shown).toContain('<option value="offer" selected');
    expect(shown).toContain('reserves the lead for you for 10 minutes');
    expect(shown).toContain(takes);
    expect((await page('/market')).body).toContain(takes);
    await post(`${url}/pause`);
    await post(url, { dailyCap: '3' });
    expect(await subscriptionOf(id)).toMatchObject({ on_short_wallet: 'offer', daily_cap: 3 });
    await post(url, { onShortWallet: 'skip' });
    expect((await page(url)).body).not.toContain(takes);
  });

  it('and reads what an offer by text lacks: a phone number, or a price that a card can be charged', async () => {
    const { id, url } = await newCampaign('Lacks');
    const silent = await makeBuyer(api, seller);
    const lacksPhone = 'It needs a phone number';
    expect((await page(url, silent)).body).toContain(lacksPhone);
    await api.rows(`UPDATE buyers SET phone = '+13055550142' WHERE id = $1`, [silent.buyerId]);
    const textable = (await page(url, silent)).body;
    expect(textable).not.toContain(lacksPhone);
    expect(textable).not.toContain('cannot be paid by card');
    await api.rows('UPDATE campaigns SET price_minor = 49 WHERE id = $1', [id]);
    expect((await page(url, silent)).body).toContain('Leads below $0.50 cannot be paid by card');
  });

  it('not to states where the campaign has no choice of them, which its form does not ask for', async () => {
    const { id, url } = await newCampaign('All states', { chooses: false });
    expect((await page(url)).body).not.toContain('name="states"');
    const refused = await post(url, { states: 'FL' });
    expect(refused.statusCode).toBe(400);
    expect(refused.body).toContain('State selection is not allowed for this campaign');
    expect(await subscriptionOf(id)).toBeNull();
  });

  it('not to a campaign that is paused or another seller’s', async () => {
    const stranger = await makeSeller(api);
    const category = await newCategory(stranger);
    const hidden = await newCampaign('Hidden one', { status: 'PAUSED' });
    const foreign = await newCampaign('Foreign one', { of: stranger, category });
    for (const { id, url } of [hidden, foreign]) {
      expect((await page(url)).statusCode).toBe(404);
      expect((await post(url)).statusCode).toBe(404);
      expect(await subscriptionOf(id)).toBeNull();
    }
    expect((await page('/market')).body).not.toMatch(/Hidden one|Foreign one/);
  });

  it('and sees neither other buyers nor their subscriptions', async () => {
    const { id, url } = await newCampaign('Shared');
    const rival = await makeBuyer(api, seller, { name: 'Rita Rival', companyName: 'Rival Inc' });
    await post(url, { dailyCap: '777333' }, rival);
    expect((await page(url)).body + (await page('/market')).body).not.toMatch(/Rival|777,?333/);
    expect((await post(`${url}/end`)).statusCode).toBe(404);
    expect(await subscriptionOf(id, rival)).toMatchObject({ daily_cap: 777_333 });
  });

  it('an own subscription stays in reach when its campaign is paused', async () => {
    const { id, url } = await newCampaign('Soon paused');
    await post(url);
    await api.rows("UPDATE campaigns SET status = 'PAUSED' WHERE id = $1", [id]);
    expect((await page('/market')).body).toContain('Your seller has paused this campaign.');
    expect((await page(url)).statusCode).toBe(200);
  });

  it('an inactive buyer can read, and change nothing', async () => {
    const idle = await makeBuyer(api, seller);
    const { id, url } = await newCampaign('For the active');
    await api.rows("UPDATE buyers SET active = 'inactive' WHERE id = $1", [idle.buyerId]);
    for (const path of ['/market', url]) {
      const shown = await page(path, idle);
      expect(shown.statusCode).toBe(200);
      expect(shown.body).toContain('Your account is not active.');
      expect(shown.body).not.toContain(`action="${url}"`);
    }
    expect((await post(url, {}, idle)).statusCode).toBe(403);
    expect((await post('/market/profile', {}, idle)).statusCode).toBe(403);
    expect(await subscriptionOf(id, idle)).toBeNull();
  });
});

describe('a buyer’s profile', () => {
  const settingsOf = async () => {
    const [row] = await api.rows(
      `SELECT company_name, phone, priority, monthly_spending_limit_minor AS "limit", auto_recharge_enabled AS on,
        auto_recharge_threshold_minor AS threshold, auto_recharge_amount_minor AS amount FROM buyers WHERE id = $1`,
      [buyer.buyerId],
    );
    return row;
  };

  it('takes what a buyer sets himself, and nothing that his seller sets', async () => {
    const before = await settingsOf();
    const form = {
      companyName: 'Bo & Sons',
      phoneNumber: '(305) 555-0123',
    };
    const saved = await post('/market/profile', {
      ...form,
      priority: '10',
      monthlySpendingLimit: '1',
      status: 'INACTIVE',
    });
    expect([saved.statusCode, saved.headers.location]).toEqual([303, '/market/profile']);
    expect(await settingsOf()).toEqual({
      ...(before as object),
      company_name: 'Bo & Sons',
      phone: '+13055550123',
    });
  });

  it('a refused form keeps what was typed, with each message at its field', async () => {
    const before = await settingsOf();
    const refused = await post('/market/profile', {
      companyName: 'Typed <b>',
      phoneNumber: '123',
    });
    expect(refused.statusCode).toBe(400);
    for (const shown of ['value="Typed &lt;b&gt;"', 'id="phoneNumber-error"'])
      expect(refused.body).toContain(shown);
    expect(await settingsOf()).toEqual(before);
  });
});
