import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiTest, publicUrl, startApi } from '../harness/api-app.ts';

/**
 * A front end's client, written from docs/contracts-marketplace.md alone: it says that it sends JSON with every call, sends
 * `undefined` for absent values of a query, and keeps the cookies it is given. It walks every route over HTTP.
 */

// biome-ignore lint/suspicious/noExplicitAny: what a client reads of an answer is judged by the expectations
type Json = any;
type Answer = { status: number; body: Json };

class Client {
  readonly #cookies = new Map<string, string>();
  constructor(
    readonly base: string,
    readonly bearer: string | null = null,
  ) {}

  get cookie(): string {
    return [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  }

  /** The session as a Bearer token: the same string as the cookie. */
  get session(): string {
    const [, value] = [...this.#cookies].find(([name]) => name.includes('session_token'))!;
    return decodeURIComponent(value);
  }

  async send(method: string, path: string, body?: string, type = 'application/json'): Promise<Response> {
    const answer = await fetch(`${this.base}${path}`, {
      method,
      redirect: 'manual',
      headers: {
        'content-type': type,
        ...(this.bearer ? { authorization: `Bearer ${this.bearer}` } : { origin: publicUrl }),
        ...(this.#cookies.size > 0 && !this.bearer ? { cookie: this.cookie } : {}),
      },
      ...(body === undefined ? {} : { body }),
    });
    for (const cookie of answer.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie)!;
      if (value === '' || /max-age=0/i.test(cookie)) this.#cookies.delete(name!);
      else this.#cookies.set(name!, value!);
    }
    return answer;
  }

  async call(method: string, path: string, body?: unknown): Promise<Answer> {
    const answer = await this.send(method, path, body === undefined ? undefined : JSON.stringify(body));
    const text = await answer.text();
    expect(text, `${method} ${path} answers JSON`).not.toBe('');
    return { status: answer.status, body: JSON.parse(text) };
  }

  async signIn(email: string, password: string): Promise<Answer> {
    const { body } = await this.call('GET', '/api/auth/csrf');
    const form = new URLSearchParams({
      email,
      password,
      csrfToken: body.csrfToken,
      callbackUrl: publicUrl,
      json: 'true',
    });
    const answer = await this.send(
      'POST',
      '/api/auth/callback/credentials',
      form.toString(),
      'application/x-www-form-urlencoded',
    );
    return { status: answer.status, body: (await answer.json()) as Answer['body'] };
  }
}

let api: ApiTest;
let base: string;
beforeAll(async () => {
  api = await startApi();
  base = await api.app.listen({ port: 0, host: '127.0.0.1' });
});
afterAll(() => api?.stop());

const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
const id = expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
const ok = (answer: Answer, status = 200) => {
  expect(answer, JSON.stringify(answer.body)).toMatchObject({ status });
  return answer.body;
};
const refusal = (answer: Answer, status: number, error: string) =>
  expect(answer).toMatchObject({ status, body: { error } });

describe('a client of the marketplace', () => {
  const password = 'password123';
  let seller: Client;
  let buyer: Client;
  let inviteCode: string;
  let sellerId: string;
  let categoryId: string;
  let campaignId: string;
  let subscriptionId: string;
  let buyerId: string;
  let madeBuyerId: string;
  let supplierId: string;

  it('registers a seller, who is not signed in by it', async () => {
    const anyone = new Client(base);
    const body = ok(
      await anyone.call('POST', '/api/auth/register', {
        email: 'Seller@Example.com',
        password,
        name: 'Sally Seller',
        role: 'SELLER',
        companyName: 'Acme Leads',
      }),
      201,
    );
    expect(body).toMatchObject({
      message: 'Seller account created successfully',
      user: {
        id,
        email: 'seller@example.com',
        name: 'Sally Seller',
        role: 'SELLER',
        inviteCode: expect.stringMatching(/^[A-Z0-9]{8}$/),
      },
    });
    inviteCode = body.user.inviteCode;
    expect(ok(await anyone.call('GET', '/api/auth/session'))).toEqual({});
    refusal(await anyone.call('GET', '/api/categories'), 401, 'Unauthorized');
  });

  it('refuses wrong registrations with the wordings', async () => {
    const anyone = new Client(base);
    const register = (body: unknown) => anyone.call('POST', '/api/auth/register', body);
    const person = { email: 'x@example.com', password, name: 'X', role: 'BUYER' };
    refusal(await register({ ...person, name: '' }), 400, 'Missing required fields');
    refusal(await register({ ...person, email: 'nonsense' }), 400, 'Invalid email format');
    refusal(
      await register({ ...person, email: 'SELLER@example.com', role: 'SELLER' }),
      400,
      'User with this email already exists',
    );
    refusal(await register(person), 400, 'Invite code is required for buyer registration');
    refusal(await register({ ...person, inviteCode: 'ZZZZZZZZ' }), 400, 'Invalid invite code');
    refusal(await register({ ...person, role: 'ADMIN' }), 400, 'Invalid role specified');
    refusal(await anyone.call('GET', '/api/auth/verify-invite'), 400, 'Invite code is required');
    expect(await anyone.call('GET', '/api/auth/verify-invite?code=ZZZZZZZZ')).toMatchObject({
      status: 404,
      body: { valid: false, error: 'Invalid invite code' },
    });
  });

  it('verifies the code and registers a buyer with it', async () => {
    const anyone = new Client(base);
    expect(ok(await anyone.call('GET', `/api/auth/verify-invite?code=${inviteCode}`))).toEqual({
      valid: true,
      seller: { companyName: 'Acme Leads', contactName: 'Sally Seller' },
    });
    const body = ok(
      await anyone.call('POST', '/api/auth/register', {
        email: 'buyer@example.com',
        password,
        name: 'Bob Buyer',
        role: 'BUYER',
        inviteCode,
        phoneNumber: '(305) 555-0147',
      }),
      201,
    );
    expect(body).toMatchObject({
      message: 'Buyer account created successfully',
      user: { id, email: 'buyer@example.com', name: 'Bob Buyer', role: 'BUYER', sellerId: id },
    });
    sellerId = body.user.sellerId;
  });

  it('signs both in, and shows their sessions', async () => {
    seller = new Client(base);
    expect(ok(await seller.signIn('seller@example.com', password))).toEqual({ url: expect.any(String) });
    expect(ok(await seller.call('GET', '/api/auth/session'))).toMatchObject({
      user: { id, email: 'seller@example.com', name: 'Sally Seller', role: 'SELLER' },
      expires: time,
    });
    buyer = new Client(base);
    ok(await buyer.signIn('buyer@example.com', password));
    expect(ok(await buyer.call('GET', '/api/auth/session'))).toMatchObject({ user: { role: 'BUYER' } });
  });

  it('makes, lists, reads and changes categories', async () => {
    const fields = [
      { name: 'firstName', type: 'text', required: true },
      { name: 'phone', type: 'phone', required: true },
      { name: 'zip', type: 'zip', required: false },
      { name: 'roof', type: 'select', required: false, options: ['tile', 'metal'], locked: false },
    ];
    refusal(
      await seller.call('POST', '/api/categories', { name: 'Roofing' }),
      400,
      'Name and fields are required',
    );
    const made = ok(
      await seller.call('POST', '/api/categories', { name: 'Roofing', fields, description: 'New roofs' }),
      201,
    );
    expect(made).toMatchObject({
      message: 'Category created successfully',
      category: {
        id,
        name: 'Roofing',
        description: 'New roofs',
        isActive: true,
        createdAt: time,
        updatedAt: time,
      },
    });
    expect(made.category.fields.map(({ name, locked }: Json) => [name, locked])).toEqual([
      ['firstName', true],
      ['phone', true],
      ['zip', false],
      ['roof', false],
    ]);
    categoryId = made.category.id;
    refusal(
      await seller.call('POST', '/api/categories', { name: 'roofing', fields }),
      400,
      'Category with this name already exists',
    );
    expect(ok(await seller.call('GET', '/api/categories')).categories).toHaveLength(1);
    expect(ok(await buyer.call('GET', '/api/categories')).categories).toEqual([
      { id: categoryId, name: 'Roofing', description: 'New roofs' },
    ]);
    refusal(await buyer.call('POST', '/api/categories', { name: 'Mine', fields }), 403, 'Forbidden');
    expect(
      ok(await seller.call('PUT', `/api/categories/${categoryId}`, { description: 'Roofs' })),
    ).toMatchObject({
      message: 'Category updated successfully',
      category: { name: 'Roofing', description: 'Roofs' },
    });
    expect(ok(await seller.call('GET', `/api/categories/${categoryId}`)).category.description).toBe('Roofs');
    const other = ok(await seller.call('POST', '/api/categories', { name: 'Solar', fields }), 201).category
      .id;
    expect(ok(await seller.call('DELETE', `/api/categories/${other}`))).toEqual({
      message: 'Category deleted successfully',
    });
    expect(ok(await seller.call('GET', '/api/categories')).categories).toHaveLength(1);
  });

  it('makes, lists, reads, changes and archives campaigns', async () => {
    const campaign = {
      categoryId,
      name: 'Florida roofs',
      pricePerLead: '25.50',
      distributionLogic: 'ROUND_ROBIN',
    };
    refusal(await seller.call('POST', '/api/campaigns', { name: 'x' }), 400, 'Missing required fields');
    refusal(
      await seller.call('POST', '/api/campaigns', {
        ...campaign,
        categoryId: '00000000-0000-4000-8000-000000000000',
      }),
      404,
      'Category not found or does not belong to this seller',
    );
    refusal(
      await seller.call('POST', '/api/campaigns', { ...campaign, distributionLogic: 'LOTTERY' }),
      400,
      'Invalid distributionLogic',
    );
    refusal(
      await seller.call('POST', '/api/campaigns', { ...campaign, pricePerLead: 12.345 }),
      400,
      'Invalid pricePerLead',
    );
    const made = ok(await seller.call('POST', '/api/campaigns', campaign), 201);
    expect(made).toMatchObject({
      message: 'Campaign created successfully',
      campaign: {
        id,
        categoryId,
        name: 'Florida roofs',
        pricePerLead: 25.5,
        distributionLogic: 'ROUND_ROBIN',
        allowStateSelection: true,
        status: 'ACTIVE',
        maxSales: null,
        leadTtlHours: 72,
        category: { id: categoryId, name: 'Roofing' },
        _count: { subscriptions: 0, leads: 0 },
      },
    });
    campaignId = made.campaign.id;
    refusal(
      await seller.call('DELETE', `/api/categories/${categoryId}`),
      400,
      'Cannot delete category that is used in active campaigns',
    );
    expect(ok(await seller.call('GET', '/api/campaigns?status=undefined')).campaigns).toHaveLength(1);
    expect(ok(await seller.call('GET', '/api/campaigns?status=PAUSED')).campaigns).toEqual([]);
    refusal(await seller.call('GET', '/api/campaigns?status=SLEEPING'), 400, 'Invalid status');
    expect(
      ok(
        await seller.call('PUT', `/api/campaigns/${campaignId}`, {
          pricePerLead: 30,
          price: 1,
          organizationId: id,
        }),
      ),
    ).toMatchObject({
      message: 'Campaign updated successfully',
      campaign: { pricePerLead: 30, name: 'Florida roofs' },
    });
    expect(
      ok(await seller.call('PATCH', `/api/campaigns/${campaignId}`, { maxSales: 3 })).campaign.maxSales,
    ).toBe(3);
    expect(
      ok(await seller.call('PATCH', `/api/campaigns/${campaignId}`, { maxSales: '' })).campaign.maxSales,
    ).toBeNull();
    const old = ok(await seller.call('POST', '/api/campaigns', { ...campaign, name: 'Old' }), 201).campaign
      .id;
    expect(ok(await seller.call('DELETE', `/api/campaigns/${old}`))).toEqual({
      message: 'Campaign archived successfully',
    });
    refusal(
      await seller.call('GET', '/api/campaigns/00000000-0000-4000-8000-000000000000'),
      404,
      'Campaign not found',
    );
    refusal(await seller.call('GET', '/api/campaigns/nonsense'), 404, 'Campaign not found');
  });

  it('subscribes a buyer, changes and ends the subscription', async () => {
    const subscribe = (body?: unknown) => buyer.call('POST', '/api/campaigns/subscribe', body);
    refusal(await subscribe(), 400, 'Campaign ID is required');
    refusal(
      await subscribe({ campaignId: '00000000-0000-4000-8000-000000000000' }),
      404,
      'Campaign not found',
    );
    const made = ok(await subscribe({ campaignId, dailyCap: 10, states: ['fl', 'GA'] }), 201);
    expect(made).toMatchObject({
      message: 'Subscribed to campaign successfully',
      subscription: {
        id,
        campaignId,
        buyerId: id,
        dailyCap: 10,
        states: ['FL', 'GA'],
        status: 'ACTIVE',
        lastDistributedAt: null,
        waterfallPriority: null,
        onShortWallet: 'skip',
        campaign: { id: campaignId, category: { id: categoryId } },
      },
    });
    subscriptionId = made.subscription.id;
    buyerId = made.subscription.buyerId;
    refusal(await subscribe({ campaignId }), 400, 'Already subscribed to this campaign');
    const change = (body: unknown) => buyer.call('PUT', '/api/campaigns/subscribe', body);
    refusal(await change({ dailyCap: 5 }), 400, 'Subscription ID is required');
    refusal(
      await change({ subscriptionId: '00000000-0000-4000-8000-000000000000' }),
      404,
      'Subscription not found',
    );
    refusal(await change({ subscriptionId, states: ['Calif.'] }), 400, 'Invalid states');
    expect(ok(await change({ subscriptionId, dailyCap: 0, status: 'PAUSED' }))).toMatchObject({
      message: 'Subscription updated successfully',
      subscription: { dailyCap: null, status: 'PAUSED', states: ['FL', 'GA'] },
    });
    const [seen] = ok(await buyer.call('GET', '/api/campaigns')).campaigns;
    expect(seen).toMatchObject({
      id: campaignId,
      category: { id: categoryId },
      _count: { subscriptions: 1 },
    });
    expect(seen.subscriptions.map((each: Json) => each.id)).toEqual([subscriptionId]);
    const [sold] = ok(await seller.call('GET', '/api/campaigns?status=ACTIVE')).campaigns;
    expect(sold.subscriptions[0]).toMatchObject({
      id: subscriptionId,
      buyer: { id: buyerId, user: { name: 'Bob Buyer', email: 'buyer@example.com' } },
    });
    expect(ok(await buyer.call('DELETE', `/api/campaigns/subscribe?id=${subscriptionId}`))).toEqual({
      message: 'Unsubscribed from campaign successfully',
    });
    ok(await subscribe({ campaignId }), 201);
    refusal(await seller.call('POST', '/api/campaigns/subscribe', { campaignId }), 403, 'Forbidden');
  });

  it('lists, makes, changes and deactivates buyers', async () => {
    const { buyers, pagination } = ok(
      await seller.call('GET', '/api/buyers?status=&page=undefined&limit=10'),
    );
    expect(pagination).toEqual({ page: 1, limit: 10, total: 1, pages: 1 });
    expect(buyers[0]).toMatchObject({
      id: buyerId,
      userId: id,
      sellerId,
      companyName: 'Bob Buyer',
      priority: 5,
      walletBalance: 0,
      status: 'ACTIVE',
      autoRechargeEnabled: false,
      monthlySpendingLimit: null,
      weeklySpendingLimit: null,
      phoneNumber: '+13055550147',
      user: { name: 'Bob Buyer', email: 'buyer@example.com' },
      leadAssignments: [],
      _count: { leadAssignments: 0, transactions: 0 },
      totalPurchases: 0,
      totalSpent: 0,
      lastPurchase: null,
      createdAt: time,
      updatedAt: time,
    });
    expect(buyers[0].campaignSubscriptions).toHaveLength(1);
    const person = { email: 'made@example.com', password, name: 'Mary Made', companyName: 'Made LLC' };
    refusal(
      await seller.call('POST', '/api/buyers', { name: 'x' }),
      400,
      'Email, password, and name are required',
    );
    refusal(
      await seller.call('POST', '/api/buyers', { ...person, email: 'Buyer@example.com' }),
      400,
      'User with this email already exists',
    );
    refusal(await seller.call('POST', '/api/buyers', { ...person, priority: 11 }), 400, 'Invalid priority');
    const made = ok(await seller.call('POST', '/api/buyers', person), 201);
    expect(made).toEqual({
      message: 'Buyer created successfully',
      buyer: {
        id,
        userId: id,
        email: 'made@example.com',
        name: 'Mary Made',
        companyName: 'Made LLC',
        priority: 5,
      },
      warnings: [expect.any(String)],
    });
    madeBuyerId = made.buyer.id;
    ok(await new Client(base).signIn('made@example.com', password));
    expect(
      ok(
        await seller.call('PUT', `/api/buyers/${madeBuyerId}`, {
          priority: 9,
          monthlySpendingLimit: '500',
          autoRechargeEnabled: true,
        }),
      ),
    ).toMatchObject({
      message: 'Buyer updated successfully',
      buyer: {
        priority: 9,
        monthlySpendingLimit: 500,
        weeklySpendingLimit: null,
        autoRechargeEnabled: false,
      },
    });
    expect(
      ok(
        await buyer.call('PUT', `/api/buyers/${buyerId}`, {
          autoRechargeEnabled: true,
          autoRechargeThreshold: 50,
          autoRechargeAmount: 100,
          priority: 10,
          walletBalance: 9,
        }),
      ),
    ).toMatchObject({
      message: 'Settings updated successfully',
      buyer: {
        priority: 5,
        walletBalance: 0,
        autoRechargeEnabled: true,
        autoRechargeThreshold: 50,
        autoRechargeAmount: 100,
      },
    });
    expect(ok(await buyer.call('GET', `/api/buyers/${buyerId}`)).buyer).toMatchObject({
      id: buyerId,
      seller: { id: sellerId, companyName: 'Acme Leads' },
      notificationPreference: null,
    });
    refusal(await buyer.call('GET', `/api/buyers/${madeBuyerId}`), 404, 'Buyer not found');
    refusal(await buyer.call('GET', '/api/buyers'), 403, 'Forbidden');
    expect(ok(await seller.call('DELETE', `/api/buyers/${madeBuyerId}`))).toEqual({
      message: 'Buyer deactivated successfully',
    });
    expect(ok(await seller.call('GET', '/api/buyers?status=INACTIVE')).buyers).toHaveLength(1);
  });

  it('lists, makes, changes and deactivates suppliers, and rotates a key', async () => {
    refusal(await seller.call('POST', '/api/suppliers', { name: 'x' }), 400, 'Name and email are required');
    const supplier = { name: 'Feeds Inc', email: 'feeds@example.com', categories: [categoryId] };
    const made = ok(await seller.call('POST', '/api/suppliers', supplier), 201);
    expect(made).toMatchObject({
      message: 'Supplier created successfully',
      supplier: {
        id,
        name: 'Feeds Inc',
        email: 'feeds@example.com',
        status: 'ACTIVE',
        categories: [categoryId],
        leadsDelivered: 0,
        lastDeliveryAt: null,
        testMode: true,
        apiKey: expect.stringMatching(/^sk_[A-Za-z0-9]{32}$/),
      },
    });
    supplierId = made.supplier.id;
    refusal(
      await seller.call('POST', '/api/suppliers', supplier),
      400,
      'Supplier with this email already exists',
    );
    const listed = ok(await seller.call('GET', '/api/suppliers')).suppliers;
    expect(listed[0]).toMatchObject({ id: supplierId, apiKeyPreview: expect.stringMatching(/^sk_/) });
    expect(JSON.stringify(listed)).not.toContain(made.supplier.apiKey);
    expect(ok(await seller.call('PUT', `/api/suppliers/${supplierId}`, { testMode: false }))).toMatchObject({
      message: 'Supplier updated successfully',
      supplier: { testMode: false, name: 'Feeds Inc' },
    });
    expect(ok(await seller.call('GET', `/api/suppliers/${supplierId}`)).supplier.testMode).toBe(false);
    const rotated = ok(await seller.call('POST', `/api/suppliers/${supplierId}/rotate-key`));
    expect(rotated).toEqual({
      message: 'API key rotated successfully',
      apiKey: expect.stringMatching(/^sk_[A-Za-z0-9]{32}$/),
    });
    expect(rotated.apiKey).not.toBe(made.supplier.apiKey);
    expect(ok(await seller.call('DELETE', `/api/suppliers/${supplierId}`))).toEqual({
      message: 'Supplier deactivated successfully',
    });
  });

  it('reads and changes the settings of the seller, and rotates the invite code', async () => {
    expect(ok(await seller.call('GET', '/api/sellers/me')).seller).toMatchObject({
      id: sellerId,
      companyName: 'Acme Leads',
      inviteCode,
      inviteUrl: expect.stringContaining(inviteCode),
      trialEndsAt: time,
      subscriptionStatus: expect.any(String),
    });
    expect(ok(await seller.call('GET', '/api/sellers/settings')).settings).toMatchObject({
      smsMarkup: 20,
      emailMarkup: 15,
      platformFeePercent: 5,
    });
    expect(
      ok(await seller.call('PUT', '/api/sellers/settings', { smsMarkup: 25.5, platformFeePercent: 0 }))
        .settings,
    ).toMatchObject({
      smsMarkup: 25.5,
      emailMarkup: 15,
      platformFeePercent: 5,
    });
    const rotated = ok(await seller.call('POST', '/api/sellers/invite-code'));
    expect(JSON.stringify(rotated)).toMatch(/[A-Z0-9]{8}/);
    expect((await new Client(base).call('GET', `/api/auth/verify-invite?code=${inviteCode}`)).status).toBe(
      404,
    );
    refusal(await buyer.call('GET', '/api/sellers/settings'), 403, 'Forbidden');
  });

  it('lists leads by the session, as a cookie or as Bearer', async () => {
    const empty = { leads: [], pagination: { page: 1, limit: 50, total: 0, pages: 0 } };
    expect(ok(await seller.call('GET', '/api/leads?status=&startDate=undefined'))).toEqual(empty);
    expect(ok(await buyer.call('GET', '/api/leads'))).toEqual(empty);
    const program = new Client(base, seller.session);
    expect(ok(await program.call('GET', '/api/leads?page=1&limit=50'))).toEqual(empty);
    ok(await program.call('PUT', `/api/campaigns/${campaignId}`, { description: 'by Bearer' }));
    const byKey = await fetch(`${base}/api/leads`, { headers: { 'x-api-key': api.key } });
    expect(await byKey.json()).toHaveProperty('next_cursor');
  });

  it('signs out, and the session is over', async () => {
    const { csrfToken } = ok(await buyer.call('GET', '/api/auth/csrf'));
    const bearer = buyer.session;
    const form = new URLSearchParams({ csrfToken, callbackUrl: publicUrl, json: 'true' });
    const answer = await buyer.send(
      'POST',
      '/api/auth/signout',
      form.toString(),
      'application/x-www-form-urlencoded',
    );
    expect(await answer.json()).toEqual({ url: expect.any(String) });
    expect(ok(await buyer.call('GET', '/api/auth/session'))).toEqual({});
    refusal(await new Client(base, bearer).call('GET', '/api/campaigns'), 401, 'Unauthorized');
  });
});
