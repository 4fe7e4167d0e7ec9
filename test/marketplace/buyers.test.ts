import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiTest, startApi } from '../harness/api-app.ts';
import { type MadeBuyer, type MadeSeller, makeBuyer, makeSeller } from '../harness/market.ts';
import { makeCampaign, marketClient } from '../harness/market-client.ts';
import { sellMarketLead, storeMarketLead } from '../harness/market-leads.ts';

let api: ApiTest;
let seller: MadeSeller;
let other: MadeSeller;
let buyer: MadeBuyer;
let send: ReturnType<typeof marketClient>;

beforeAll(async () => {
  api = await startApi();
  send = marketClient(api);
  seller = await makeSeller(api);
  other = await makeSeller(api, { name: 'Other Leads' });
  buyer = await makeBuyer(api, seller);
});
afterAll(() => api?.stop());

const bo = { email: 'Bo@New.example', password: 'password123', name: 'Bo New' };
const refusedAs = (status: number, error: string) => ({ status, error });
const outcome = (response: { statusCode: number; json(): { error?: string } }) => ({
  status: response.statusCode,
  error: response.json().error,
});
const auditOf = (subject: string) =>
  api.rows<{ action: string; actor: string; before: unknown; after: Record<string, unknown> | null }>(
    'SELECT action, actor, before, after FROM audit_log WHERE subject = $1 ORDER BY id',
    [subject],
  );

describe('POST /api/buyers', () => {
  it('makes a buyer who can sign in, with the name as company and the usual priority', async () => {
    const made = await send(seller, 'POST', '/api/buyers', bo);
    expect(made.statusCode).toBe(201);
    const { id, userId } = made.json().buyer;
    expect(made.json()).toEqual({
      message: 'Buyer created successfully',
      buyer: { id, userId, email: 'bo@new.example', name: 'Bo New', companyName: 'Bo New', priority: 5 },
      warnings: [expect.stringContaining('one of the most common ones')],
    });
    const [account] = await api.rows<{ password: string }>(
      `SELECT password FROM accounts WHERE user_id = $1 AND provider_id = 'credential'`,
      [userId],
    );
    expect(account!.password).toMatch(/^[0-9a-f]+:[0-9a-f]+$/);
    const [member] = await api.rows('SELECT role, buyer_id FROM members WHERE user_id = $1', [userId]);
    expect(member).toEqual({ role: 'buyer', buyer_id: id });
    const [noted] = await auditOf(`buyer:${id}`);
    expect(noted).toMatchObject({ action: 'buyer.created', actor: seller.userId, before: null });
    expect(JSON.stringify(noted)).not.toContain(account!.password);
  });

  it.each([
    ['common', 'PassWord123', 1],
    ['uncommon', 'correct horse battery', 0],
  ])(
    'a password that is %s is accepted, and named in the warnings or not',
    async (kind, password, warned) => {
      const made = await send(seller, 'POST', '/api/buyers', {
        ...bo,
        email: `${kind}@new.example`,
        password,
      });
      expect([made.statusCode, made.json().warnings.length]).toEqual([201, warned]);
      expect(made.body).not.toContain(password);
    },
  );

  it.each([
    [{}, 'Email, password, and name are required'],
    [{ ...bo, name: ' ' }, 'Email, password, and name are required'],
    [{ ...bo, email: 'bo' }, 'Invalid email'],
    [{ ...bo, password: '1234567' }, 'Invalid password'],
    [{ ...bo, name: 'x'.repeat(300) }, 'Invalid name'],
    [{ ...bo, name: 'a\0b' }, 'Invalid name'],
    [{ ...bo, priority: 11 }, 'Invalid priority'],
    [{ ...bo, priority: 0 }, 'Invalid priority'],
    [{ ...bo, phoneNumber: '12' }, 'Invalid phoneNumber'],
    [{ ...bo, email: 'BO@new.EXAMPLE' }, 'User with this email already exists'],
  ])('%j is refused: %s', async (body, error) => {
    const before = await api.count('users');
    expect(outcome(await send(seller, 'POST', '/api/buyers', body))).toEqual(refusedAs(400, error));
    expect(await api.count('users')).toBe(before);
  });

  it('[S24] takes no role, balance, status or organization from the body', async () => {
    const more = { role: 'operator', walletBalance: 900, status: 'INACTIVE', sellerId: other.organizationId };
    const body = { ...bo, email: 's24@new.example', organizationId: other.organizationId, id: 'x', ...more };
    const { buyer } = (await send(seller, 'POST', '/api/buyers', body)).json();
    const read = (await send(seller, 'GET', `/api/buyers/${buyer.id}`)).json().buyer;
    expect(read).toMatchObject({ walletBalance: 0, status: 'ACTIVE', sellerId: seller.organizationId });
    const [user] = await api.rows('SELECT role FROM users WHERE id = $1', [buyer.userId]);
    expect(user).toEqual({ role: 'member' });
  });

  it('of two requests with one address at once, one makes the buyer', async () => {
    const body = { ...bo, email: 'twice@new.example' };
    const both = await Promise.all([1, 2].map(() => send(seller, 'POST', '/api/buyers', body)));
    expect(both.map(({ statusCode }) => statusCode).sort()).toEqual([201, 400]);
  });
});

describe('GET /api/buyers', () => {
  it('lists the buyers of the seller, newest first, and those without a person', async () => {
    const alone = await makeSeller(api);
    const made = await makeBuyer(api, alone);
    await api.rows(
      `INSERT INTO buyers (id, organization_id, external_id, name, phone, active) VALUES (gen_random_uuid(), $1, 'p1', 'Pia', '+13055550188', 'inactive')`,
      [alone.organizationId],
    );
    const list = (await send(alone, 'GET', '/api/buyers?status=undefined&page=&limit=')).json();
    expect(list.pagination).toEqual({ page: 1, limit: 50, total: 2, pages: 1 });
    expect(list.buyers.map((each: { user: unknown }) => each.user)).toEqual([
      null,
      { id: made.userId, name: 'Bo Buyer', email: made.email },
    ]);
    expect(list.buyers[0]).toMatchObject({ companyName: 'Pia', phoneNumber: '+13055550188' });
    const inactive = (await send(alone, 'GET', '/api/buyers?status=INACTIVE&limit=1')).json();
    expect(inactive.pagination.total).toBe(1);
    const second = (await send(alone, 'GET', '/api/buyers?page=2&limit=1')).json();
    expect(second.buyers.map((each: { id: string }) => each.id)).toEqual([made.buyerId]);
    expect(outcome(await send(alone, 'GET', '/api/buyers?status=ASLEEP'))).toEqual(
      refusedAs(400, 'Invalid status'),
    );
  });

  it('sums up what a buyer has paid', async () => {
    const alone = await makeSeller(api);
    const made = await makeBuyer(api, alone);
    const campaignId = await makeCampaign(send, alone);
    const leads = await Promise.all(
      [1, 2, 3].map(() => storeMarketLead(api, { organizationId: alone.organizationId, campaignId })),
    );
    for (const { publicId } of leads.slice(0, 2))
      await sellMarketLead(api, publicId, made, { priceMinor: 1_250 });
    await api.rows(
      `INSERT INTO lead_unlocks (id, lead_id, organization_id, buyer_id, status, price_minor, currency, ttl_expires_at)
       VALUES (gen_random_uuid(), $1, $2, $3, 'NEW_LEAD', 1250, 'usd', now())`,
      [leads[2]!.id, alone.organizationId, made.buyerId],
    );
    const [row] = (await send(alone, 'GET', '/api/buyers')).json().buyers;
    expect(row).toMatchObject({
      totalPurchases: 2,
      totalSpent: 25,
      _count: { leadAssignments: 2, transactions: 0 },
    });
    expect(row.leadAssignments).toHaveLength(1);
    expect(row.leadAssignments[0]).toMatchObject({ price: 12.5, status: 'DELIVERED' });
  });

  it('counts the transactions of each buyer’s wallet, in the list and of one', async () => {
    const alone = await makeSeller(api);
    const buyers = [await makeBuyer(api, alone), await makeBuyer(api, alone), await makeBuyer(api, alone)];
    const topUps = [[50, 60], [], [70]];
    for (const [index, amounts] of topUps.entries())
      for (const amount of amounts) {
        await send(buyers[index]!, 'POST', '/api/payments/methods', { paymentMethodId: 'pm_card_visa' });
        const added = await send(buyers[index]!, 'POST', '/api/payments/wallet', { amount });
        expect(added.json().message).toBe('Funds added successfully');
      }
    const listed = (await send(alone, 'GET', '/api/buyers')).json().buyers;
    const counted = (row: { _count: { transactions: number } }) => row._count.transactions;
    expect(listed.map(counted)).toEqual([1, 0, 2]);
    expect(listed[2].walletBalance).toBe(110);
    const [first, second] = buyers as [MadeBuyer, MadeBuyer];
    for (const [reader, { buyerId }, transactions] of [
      [alone, first, 2],
      [first, first, 2],
      [alone, second, 0],
    ] as const)
      expect((await send(reader, 'GET', `/api/buyers/${buyerId}`)).json().buyer._count).toEqual({
        leadAssignments: 0,
        transactions,
      });
  });
});

describe('PUT /api/buyers/:id', () => {
  it('a phone counts as confirmed when the seller sends it, and not when its buyer changes it', async () => {
    const url = `/api/buyers/${buyer.buyerId}`;
    const confirmed = async () =>
      (
        await api.rows<{ ok: boolean }>('SELECT phone_confirmed AS ok FROM buyers WHERE id = $1', [
          buyer.buyerId,
        ])
      )[0]!.ok;
    await send(buyer, 'PUT', url, { phoneNumber: '(305) 555-0124' });
    expect(await confirmed()).toBe(false);
    await send(seller, 'PUT', url, { phoneNumber: '(305) 555-0124' });
    expect(await confirmed()).toBe(true);
    // A form that sends the same number changes nothing.
    await send(buyer, 'PUT', url, { phoneNumber: '(305) 555-0124' });
    expect(await confirmed()).toBe(true);
    await send(buyer, 'PUT', url, { phoneNumber: '(305) 555-0125' });
    expect(await confirmed()).toBe(false);
  });

  it('the seller changes only the keys that were sent, and clears limits', async () => {
    const url = `/api/buyers/${buyer.buyerId}`;
    const first = await send(seller, 'PUT', url, {
      monthlySpendingLimit: '500.50',
      weeklySpendingLimit: 100,
      priority: '8',
      phoneNumber: '(305) 555-0123',
    });
    expect(first.json()).toMatchObject({
      message: 'Buyer updated successfully',
      buyer: { monthlySpendingLimit: 500.5, weeklySpendingLimit: 100, priority: 8, companyName: 'Buyer Inc' },
    });
    const second = await send(seller, 'PATCH', url, { monthlySpendingLimit: 0, phoneNumber: '' });
    expect(second.json().buyer).toMatchObject({
      monthlySpendingLimit: null,
      weeklySpendingLimit: 100,
      phoneNumber: null,
      priority: 8,
      seller: { id: seller.organizationId, companyName: 'Solar Leads Co' },
      notificationPreference: null,
    });
    const noted = await auditOf(`buyer:${buyer.buyerId}`);
    expect(noted.at(-1)).toMatchObject({
      action: 'buyer.updated',
      before: { monthly_spending_limit_minor: 50_050 },
      after: { monthly_spending_limit_minor: null },
    });
    expect((await send(seller, 'PUT', url, {})).statusCode).toBe(200);
    expect(await auditOf(`buyer:${buyer.buyerId}`)).toHaveLength(noted.length);
  });

  it.each([
    [{ priority: 11 }, 'Invalid priority'],
    [{ priority: null }, 'Invalid priority'],
    [{ status: 'GONE' }, 'Invalid status'],
    [{ monthlySpendingLimit: -5 }, 'Invalid monthlySpendingLimit'],
    [{ weeklySpendingLimit: 12.345 }, 'Invalid weeklySpendingLimit'],
    [{ phoneNumber: 'call me' }, 'Invalid phoneNumber'],
  ])('%j is refused: %s', async (body, error) => {
    const answer = await send(seller, 'PUT', `/api/buyers/${buyer.buyerId}`, body);
    expect(outcome(answer)).toEqual(refusedAs(400, error));
  });

  it('[S24] the buyer changes his own settings, and none of his seller’s', async () => {
    const url = `/api/buyers/${buyer.buyerId}`;
    const before = (await send(seller, 'GET', url)).json().buyer;
    const changed = await send(buyer, 'PUT', url, {
      companyName: 'Bo & Sons',
      autoRechargeEnabled: true,
      autoRechargeThreshold: 25,
      autoRechargeAmount: '100',
      priority: 10,
      status: 'INACTIVE',
      weeklySpendingLimit: 999_999,
      walletBalance: 1_000_000,
      sellerId: other.organizationId,
    });
    expect(changed.json().message).toBe('Settings updated successfully');
    expect(changed.json().buyer).toEqual({
      ...before,
      companyName: 'Bo & Sons',
      autoRechargeEnabled: true,
      autoRechargeThreshold: 25,
      autoRechargeAmount: 100,
      updatedAt: changed.json().buyer.updatedAt,
    });
  });

  it.each([
    [{ autoRechargeAmount: 0.1 }, 'Invalid autoRechargeAmount'],
    [{ autoRechargeAmount: 9_999_999 }, 'Invalid autoRechargeAmount'],
    [{ autoRechargeThreshold: 9_999_999 }, 'Invalid autoRechargeThreshold'],
  ])('a recharge beyond what a card can be charged is refused as in the wallet: %j', async (given, error) => {
    for (const url of [`/api/buyers/${buyer.buyerId}`, '/api/payments/wallet'])
      expect((await send(buyer, 'PUT', url, given)).json()).toMatchObject({ error });
  });

  it('the keys of the buyer are ignored when the seller sends them', async () => {
    const answer = await send(seller, 'PUT', `/api/buyers/${buyer.buyerId}`, { autoRechargeAmount: 7 });
    expect(answer.json().buyer.autoRechargeAmount).toBe(100);
  });

  it('[S22] a buyer reads and changes no other buyer, and lists none', async () => {
    const neighbor = await makeBuyer(api, seller);
    for (const [method, url] of [
      ['GET', `/api/buyers/${neighbor.buyerId}`],
      ['PUT', `/api/buyers/${neighbor.buyerId}`],
    ] as const)
      expect(
        outcome(await send(buyer, method, url, method === 'PUT' ? { companyName: 'x' } : undefined)),
      ).toEqual(refusedAs(404, 'Buyer not found'));
    expect(outcome(await send(buyer, 'GET', '/api/buyers'))).toEqual(refusedAs(403, 'Forbidden'));
    expect(outcome(await send(buyer, 'DELETE', `/api/buyers/${buyer.buyerId}`))).toEqual(
      refusedAs(403, 'Forbidden'),
    );
  });

  it('the buyer of another seller is a 404, and the body is judged before', async () => {
    const url = `/api/buyers/${buyer.buyerId}`;
    expect(outcome(await send(other, 'GET', url))).toEqual(refusedAs(404, 'Buyer not found'));
    expect(outcome(await send(other, 'PUT', url, { priority: 3 }))).toEqual(
      refusedAs(404, 'Buyer not found'),
    );
    expect(outcome(await send(other, 'PUT', url, { priority: 11 }))).toEqual(
      refusedAs(400, 'Invalid priority'),
    );
    expect(outcome(await send(other, 'DELETE', url))).toEqual(refusedAs(404, 'Buyer not found'));
    expect(outcome(await send(seller, 'GET', '/api/buyers/1'))).toEqual(refusedAs(404, 'Buyer not found'));
    expect((await send(seller, 'GET', url)).json().buyer.priority).not.toBe(3);
  });
});

describe('DELETE /api/buyers/:id', () => {
  it('deactivates the buyer, who can read and do nothing else until activated', async () => {
    const gone = await makeBuyer(api, seller);
    const url = `/api/buyers/${gone.buyerId}`;
    expect((await send(seller, 'DELETE', url)).json()).toEqual({ message: 'Buyer deactivated successfully' });
    expect((await send(gone, 'GET', url)).json().buyer.status).toBe('INACTIVE');
    expect(outcome(await send(gone, 'PUT', url, { companyName: 'Back' }))).toEqual(
      refusedAs(403, 'Forbidden'),
    );
    expect((await send(seller, 'PUT', url, { status: 'ACTIVE' })).json().buyer.status).toBe('ACTIVE');
    expect((await send(gone, 'PUT', url, { companyName: 'Back' })).statusCode).toBe(200);
    expect((await auditOf(`buyer:${gone.buyerId}`)).map(({ action }) => action)).toEqual([
      'buyer.deactivated',
      'buyer.updated',
      'buyer.updated',
    ]);
  });
});
