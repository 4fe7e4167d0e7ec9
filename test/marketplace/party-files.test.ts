import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiTest, startApi } from '../harness/api-app.ts';
import { type MadeBuyer, type MadeSeller, makeBuyer, makeSeller } from '../harness/market.ts';

let api: ApiTest;
let seller: MadeSeller;
let other: MadeSeller;
let buyer: MadeBuyer;
let campaignId: string;
let closed: string;

beforeAll(async () => {
  api = await startApi();
  seller = await makeSeller(api);
  other = await makeSeller(api, { name: 'Other Leads' });
  buyer = await makeBuyer(api, seller);
  campaignId = await campaign(seller, true);
  closed = await campaign(seller, false);
});
afterAll(() => api?.stop());

async function campaign({ organizationId }: MadeSeller, allowStates: boolean): Promise<string> {
  const [row] = await api.rows<{ id: string }>(
    `WITH c AS (INSERT INTO categories (id, organization_id, name, fields) VALUES (gen_random_uuid(), $1, gen_random_uuid()::text, '[]') RETURNING id)
     INSERT INTO campaigns (id, organization_id, category_id, name, price_minor, distribution_logic, allow_state_selection)
     SELECT gen_random_uuid(), $1, id, 'Solar', 2500, 'BROADCAST', $2 FROM c RETURNING id`,
    [organizationId, allowStates],
  );
  return row!.id;
}

const upload = async (who: MadeSeller, path: string, csv: string) => {
  const headers = { ...who.as, 'content-type': 'text/csv' };
  const answer = await api.app.inject({ method: 'POST', url: `${path}/import`, headers, payload: csv });
  return { status: answer.statusCode, ...answer.json() };
};
const download = (who: MadeSeller, path: string) =>
  api.app.inject({ method: 'GET', url: `${path}/export.csv`, headers: who.as });
const lines = (...rows: string[]) => `${rows.join('\n')}\n`;

describe('buyers as a file', () => {
  const file = () =>
    lines(
      'E-mail,Company Name,name,Priority,phone number,status,monthlySpendingLimit',
      'Ann@csv.example,Ann Inc,Ann,7,(305) 555-0123,active,"500.5"',
      `${buyer.email},Renamed LLC,,9,,,`,
      'bea@csv.example,,Bea,11,,,',
      'not an address,,Cid,,,,',
      'dan@csv.example,,,,,,',
      'ann@csv.example,,Ann again,,,,',
      `${other.email},,Otto,,,,`,
    ).replace('E-mail', 'email');

  it('stores the good rows, reports the bad ones by line, and changes nothing when repeated', async () => {
    const first = await upload(seller, '/api/buyers', file());
    expect(first).toMatchObject({
      status: 200,
      message: 'Import finished',
      summary: { rows: 7, created: 1, updated: 1, unchanged: 0, rejected: 5 },
      rejectedRows: [
        { row: 4, errors: [expect.stringMatching(/^priority: /)] },
        { row: 5, errors: ['email: not an e-mail address'] },
        { row: 6, errors: ['name: must be given for a new buyer'] },
        { row: 7, errors: ['row: repeated in this file'] },
        { row: 8, errors: ['email: User with this email already exists'] },
      ],
    });
    const [ann] = await api.rows(
      `SELECT b.company_name, b.priority, b.phone, b.monthly_spending_limit_minor, m.role, (SELECT count(*)::int FROM accounts a WHERE a.user_id = u.id) AS accounts
       FROM users u JOIN buyers b ON b.user_id = u.id JOIN members m ON m.buyer_id = b.id WHERE u.email = 'ann@csv.example'`,
    );
    expect(ann).toEqual({
      company_name: 'Ann Inc',
      priority: 7,
      phone: '+13055550123',
      monthly_spending_limit_minor: 50_050,
      role: 'buyer',
      accounts: 0,
    });
    const audited = await api.count('audit_log');
    const second = await upload(seller, '/api/buyers', file());
    expect(second.summary).toEqual({ rows: 7, created: 0, updated: 0, unchanged: 2, rejected: 5 });
    expect(await api.count('audit_log')).toBe(audited);
  });

  it('comes out as a file that, uploaded again, changes nothing; formulas are neutralized', async () => {
    await api.rows(`UPDATE buyers SET company_name = '=HYPERLINK("http://x")' WHERE id = $1`, [
      buyer.buyerId,
    ]);
    const csv = await download(seller, '/api/buyers');
    expect(csv.headers['content-disposition']).toContain('filename="buyers.csv"');
    expect(csv.body).toContain(`"'=HYPERLINK(""http://x"")"`);
    expect(csv.body).toContain(`'+13055550123`);
    expect((await upload(seller, '/api/buyers', csv.body)).summary).toMatchObject({
      updated: 0,
      unchanged: 2,
      rejected: 0,
    });
    const [row] = await api.rows('SELECT company_name FROM buyers WHERE id = $1', [buyer.buyerId]);
    expect(row).toEqual({ company_name: '=HYPERLINK("http://x")' });
  });

  it('is the seller’s own: another seller sees and changes none of them', async () => {
    expect((await download(other, '/api/buyers')).body.trim().split('\r\n')).toHaveLength(1);
    const stolen = await upload(other, '/api/buyers', lines('email,name,priority', `${buyer.email},Mine,1`));
    expect(stolen.rejectedRows).toEqual([{ row: 2, errors: ['email: User with this email already exists'] }]);
    const headers = buyer.as;
    const asBuyer = await api.app.inject({ method: 'GET', url: '/api/buyers/export.csv', headers });
    expect(asBuyer.json()).toMatchObject({ status: 403, error: 'Forbidden' });
  });

  it.each([
    ['name\nAnn\n', 400, 'missing: email'],
    [lines('email', ...Array.from({ length: 10_001 }, (_, i) => `b${i}@many.example`)), 413, '10000 rows'],
  ])('refuses a file as a whole', async (csv, status, words) => {
    const before = await api.count('buyers');
    const refused = await upload(seller, '/api/buyers', csv);
    expect(refused).toMatchObject({ status, error: expect.stringContaining(words) });
    expect(await api.count('buyers')).toBe(before);
  });
});

describe('subscriptions as a file', () => {
  it('stores, changes and reports them, and comes out as it went in', async () => {
    const foreign = await campaign(other, true);
    const csv = lines(
      'buyerEmail,campaignId,dailyCap,states,waterfallPriority,status',
      `${buyer.email.toUpperCase()},${campaignId},10,fl; TX,1,`,
      `${buyer.email},${closed},,FL,,`,
      `${buyer.email},${foreign},,,,`,
      `zed@csv.example,${campaignId},,,,`,
      `${buyer.email},${campaignId},,Calif.,,`,
    );
    const first = await upload(seller, '/api/campaigns/subscriptions', csv);
    expect(first).toMatchObject({
      summary: { rows: 5, created: 1, updated: 0, unchanged: 0, rejected: 4 },
      rejectedRows: [
        { row: 3, errors: ['states: State selection is not allowed for this campaign'] },
        { row: 4, errors: ['campaignId: Campaign not found'] },
        { row: 5, errors: ['buyerEmail: Buyer not found'] },
        { row: 6, errors: ['states: Calif. is not a state, such as FL'] },
      ],
    });
    expect((await upload(seller, '/api/campaigns/subscriptions', csv)).summary).toMatchObject({
      created: 0,
      updated: 0,
      unchanged: 1,
    });
    const out = await download(seller, '/api/campaigns/subscriptions');
    expect(out.body).toContain(`${buyer.email},${campaignId},ACTIVE,10,FL TX,1,skip,Solar`);
    const changed = out.body.replace('ACTIVE,10', 'PAUSED,0');
    expect((await upload(seller, '/api/campaigns/subscriptions', changed)).summary.updated).toBe(1);
    const [row] = await api.rows('SELECT status, daily_cap, states FROM subscriptions WHERE buyer_id = $1', [
      buyer.buyerId,
    ]);
    expect(row).toEqual({ status: 'PAUSED', daily_cap: null, states: ['FL', 'TX'] });
  });

  it('have the choice of a short wallet: an absent column or a blank cell leaves it, another word is rejected', async () => {
    const path = '/api/campaigns/subscriptions';
    const two = [await makeBuyer(api, seller), await makeBuyer(api, seller)];
    const emails = two.map(({ email }) => email);
    const file = (words: string[]) =>
      lines(
        'buyerEmail,campaignId,onShortWallet',
        ...words.map((word, i) => `${emails[i]},${campaignId},${word}`),
      );
    const choices = () =>
      api.rows('SELECT on_short_wallet AS choice FROM subscriptions WHERE buyer_id = ANY($1) ORDER BY id', [
        two.map(({ buyerId }) => buyerId),
      ]);
    const made = await upload(seller, path, file(['Offer', '']));
    expect(made.summary).toMatchObject({ created: 2, rejected: 0 });
    expect(await choices()).toEqual([{ choice: 'offer' }, { choice: 'skip' }]);
    const without = lines('buyerEmail,campaignId,dailyCap', `${emails[0]},${campaignId},7`);
    expect((await upload(seller, path, without)).summary.updated).toBe(1);
    const changed = await upload(seller, path, file(['', 'offer']));
    expect(changed.summary).toMatchObject({ updated: 1, unchanged: 1 });
    expect(await choices()).toEqual([{ choice: 'offer' }, { choice: 'offer' }]);
    const out = (await download(seller, path)).body;
    expect(out.split('\r\n')[0]).toBe(
      'buyerEmail,campaignId,status,dailyCap,states,waterfallPriority,onShortWallet,campaign',
    );
    expect(out).toContain(`${emails[0]},${campaignId},ACTIVE,7,,,offer,Solar`);
    expect((await upload(seller, path, out)).summary).toMatchObject({ updated: 0, rejected: 0 });
    const wrong = await upload(seller, path, file(['never']));
    expect(wrong.rejectedRows).toEqual([{ row: 2, errors: [expect.stringMatching(/^onShortWallet: /)] }]);
  });
});

it('files of more than one page have each buyer and subscription once', async () => {
  const large = await makeSeller(api, { name: 'Large Leads' });
  const campaigns = [await campaign(large, true), await campaign(large, true)];
  await api.rows(
    `WITH b AS (INSERT INTO buyers (id, organization_id, external_id, name, email)
       SELECT gen_random_uuid(), $1, n::text, 'B' || n, 'b' || n || '@large.example' FROM generate_series(1, 1300) n RETURNING id)
     INSERT INTO subscriptions (id, organization_id, campaign_id, buyer_id)
     SELECT gen_random_uuid(), $1, c, b.id FROM b, unnest($2::uuid[]) c`,
    [large.organizationId, campaigns],
  );
  for (const [path, count] of [
    ['/api/buyers', 1_300],
    ['/api/campaigns/subscriptions', 2_600],
  ] as const) {
    const rows = (await download(large, path)).body.trim().split(/\r?\n/).slice(1);
    expect(rows.length).toBe(count);
    expect(new Set(rows).size).toBe(count);
  }
});
