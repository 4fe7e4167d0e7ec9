import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { setQuotaLimit } from '../../src/db/account/quotas.ts';
import { type Visitor, visit } from '../harness/console-client.ts';
import { posts } from '../harness/evidence.ts';
import { type Picked, pick } from '../harness/google.ts';
import { type MadeSeller, makeSeller } from '../harness/market.ts';
import { openNextAuth } from '../harness/next-auth-client.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

let system: TestSystem;
let seller: MadeSeller;
/** No more buyers may register with it today. */
let busy: MadeSeller;
beforeAll(async () => {
  system = await startSystem({ workers: ['account-keeper'] });
  busy = await makeSeller(system, { name: 'Busy Leads Co' });
  await setQuotaLimit(system.runtime.db, busy.slug, 'registrations', 0);
  seller = await makeSeller(system, { name: 'Solar Leads Co' });
});
afterAll(() => system?.stop());

type Form = Record<string, string>;
const newEmail = () => `google-${randomUUID()}@people.example`;
const pathOf = (address: string) => {
  const { pathname, search } = new URL(address, system.publicUrl);
  return pathname + search;
};

/** Begins at the form, and returns from Google in the same browser. */
async function leave(form: Form, picked: Picked, visitor = visit(system)) {
  const begun = await visitor.post('/login/google', form);
  expect(begun.status, await begun.clone().text()).toBe(303);
  return { visitor, back: pathOf(await pick(begun.headers.get('location')!, picked)) };
}
async function register(form: Form, picked: Picked, visitor = visit(system)) {
  const { back } = await leave(form, picked, visitor);
  const landed = (await visitor.get(back)).headers.get('location') ?? '';
  return { visitor, landed };
}
const sessionOf = async (visitor: Visitor) =>
  (await (await visitor.get('/api/auth/session')).json()) as { user?: Record<string, unknown> };
const pageAt = async (visitor: Visitor, landed: string) => (await visitor.get(pathOf(landed))).text();
const asBuyer = (over: Form = {}) => ({ role: 'BUYER', inviteCode: seller.inviteCode, ...over });

const stored = async (email: string) =>
  system.rows<Record<string, unknown>>(
    `SELECT u.email_verified, u.role, a.provider_id, a.account_id = $2 AS own_id, a.password, m.role AS member, m.organization_id,
        b.company_name, b.email AS buyer_email, g.action, g.after->>'signsInWith' AS signs_in_with,
        (SELECT count(*)::int FROM account_links l WHERE l.user_id = u.id) AS links,
        (SELECT count(*)::int FROM accounts x WHERE x.user_id = u.id) AS accounts,
        (SELECT count(*)::int FROM sellers s WHERE s.organization_id = m.organization_id AND s.trial_ends_at > now()) AS sellers
      FROM users u LEFT JOIN accounts a ON a.user_id = u.id LEFT JOIN members m ON m.user_id = u.id
      LEFT JOIN buyers b ON b.user_id = u.id LEFT JOIN audit_log g ON g.actor = u.id::text WHERE u.email = $1`,
    [email, await googleIdOf(email)],
  );
/** As the account was linked. */
const googleIdOf = async (email: string) => {
  const [row] = await system.rows<{ id: string }>(
    `SELECT a.account_id AS id FROM accounts a JOIN users u ON u.id = a.user_id WHERE u.email = $1 AND a.provider_id = 'google'`,
    [email],
  );
  return row?.id ?? '';
};
const tables = [
  'users',
  'accounts',
  'members',
  'buyers',
  'organizations',
  'sellers',
  'sessions',
  'audit_log',
];
const counts = () =>
  system.rows(`SELECT ${tables.map((name) => `(SELECT count(*) FROM ${name}) AS ${name}`).join(', ')}`);

describe('registering with Google', () => {
  it('with an invite code makes a buyer of that seller, signed in, with a verified address and no password', async () => {
    const email = newEmail();
    const { visitor, landed } = await register(asBuyer({ companyName: 'Roofs & Sons' }), { email });
    expect(landed).toBe('/');
    expect((await sessionOf(visitor)).user).toMatchObject({ email, role: 'BUYER' });
    expect(await stored(email)).toEqual([
      {
        email_verified: true,
        role: 'member',
        provider_id: 'google',
        own_id: true,
        password: null,
        member: 'buyer',
        organization_id: seller.organizationId,
        company_name: 'Roofs & Sons',
        buyer_email: email,
        action: 'buyer.registered',
        signs_in_with: 'google',
        links: 0,
        accounts: 1,
        sellers: 1,
      },
    ]);
    // Nothing is left to do, and no link is mailed to an address that Google has verified.
    await system.until<{ n: number }>('work', 'SELECT count(*)::int AS n FROM outbox', [], (r) => r!.n === 0);
    expect(posts(system, email, '')).toHaveLength(0);
  });

  it('as a seller makes an organization of its own with an invite code that works', async () => {
    const email = newEmail();
    const { visitor } = await register({ role: 'SELLER', companyName: 'Sun & Co' }, { email });
    expect((await sessionOf(visitor)).user).toMatchObject({ email, role: 'SELLER' });
    const me = (await (await visitor.get('/api/sellers/me', { accept: '*/*' })).json()) as {
      seller: { companyName: string; inviteCode: string };
    };
    expect(me.seller.companyName).toBe('Sun & Co');
    const check = await visitor.get(`/api/auth/verify-invite?code=${me.seller.inviteCode}`);
    expect(check.status).toBe(200);
  });

  it('a second time signs in to the same account, whatever the form asks for', async () => {
    const email = newEmail();
    const first = await register(asBuyer(), { email });
    const before = await stored(email);
    for (const form of [asBuyer(), { role: 'SELLER' }, {}] as Form[]) {
      const again = await register(form, { email });
      expect((await sessionOf(again.visitor)).user?.id).toBe((await sessionOf(first.visitor)).user?.id);
    }
    expect(await stored(email)).toEqual(before);
  });

  it('knows a person by Google’s id, whose address here is another and whose code works no longer', async () => {
    const email = newEmail();
    const other = await makeSeller(system);
    const form = { role: 'BUYER', inviteCode: other.inviteCode };
    const first = await register(form, { email });
    await system.rows('UPDATE users SET email = $2 WHERE email = $1', [email, newEmail()]);
    const { visitor, back } = await leave(form, { email });
    await system.rows(`UPDATE sellers SET invite_code = 'ROTATED2' WHERE organization_id = $1`, [
      other.organizationId,
    ]);
    expect((await visitor.get(back)).headers.get('location')).toBe('/');
    expect((await sessionOf(visitor)).user?.id).toBe((await sessionOf(first.visitor)).user?.id);
  });

  it('does not register an address that has an account with a password', async () => {
    const other = await makeSeller(system);
    const { visitor } = await register(asBuyer(), { email: other.email });
    expect((await sessionOf(visitor)).user).toMatchObject({ id: other.userId, role: 'SELLER' });
    expect(await system.rows('SELECT 1 FROM buyers WHERE user_id = $1', [other.userId])).toEqual([]);
  });

  it('in two windows at once makes one account, which both are signed in to', async () => {
    const email = newEmail();
    const windows = await Promise.all([1, 2].map(() => leave(asBuyer(), { email })));
    await Promise.all(windows.map(({ visitor, back }) => visitor.get(back)));
    const people = await Promise.all(windows.map(({ visitor }) => sessionOf(visitor)));
    expect(new Set(people.map(({ user }) => user?.email))).toEqual(new Set([email]));
    expect(await stored(email)).toHaveLength(1);
  });

  it('of next-auth’s client carries role and code as well, and leads back to its page', async () => {
    const email = newEmail();
    const { client, location, cookie, answers } = openNextAuth(system.publicUrl);
    await client.signIn('google', { role: 'BUYER', code: 'WRONG999' });
    const refused = [answers.at(-1)!.status, location.href];
    const options = { role: 'BUYER', code: seller.inviteCode.toLowerCase() };
    await client.signIn('google', { callbackUrl: '/leads', ...options });
    vi.unstubAllGlobals();
    expect(refused).toEqual([400, expect.stringMatching(/\/error\?error=invite_code_refused$/)]);
    const back = await pick(location.href, { email });
    const answer = await fetch(back, { redirect: 'manual', headers: { cookie: cookie() } });
    expect(answer.headers.get('location')).toBe(`${system.publicUrl}/leads`);
    expect(await stored(email)).toMatchObject([{ member: 'buyer' }]);
  });
});

describe('registering with Google is refused with a sentence, and nothing is stored', () => {
  it.each<[string, Form, RegExp]>([
    ['an unknown role', { role: 'OPERATOR' }, /Invalid role specified/],
    ['a buyer without a code', { role: 'BUYER' }, /Invite code is required for buyer registration/],
    ['a wrong code', { role: 'BUYER', inviteCode: 'WRONG000' }, /Invalid invite code/],
    ['a company name of 300', { role: 'SELLER', companyName: 'x'.repeat(300) }, /Invalid companyName/],
    [
      'no phone number',
      {
        role: 'BUYER',
        get inviteCode() {
          return seller.inviteCode;
        },
        phoneNumber: '12',
      },
      /phoneNumber: must be/,
    ],
  ])('of %s, before Google is asked', async (_name, form, sentence) => {
    const before = await counts();
    const answer = await visit(system).post('/login/google', { ...form });
    expect(answer.status).toBe(400);
    expect(await answer.text()).toMatch(sentence);
    expect(await counts()).toEqual(before);
  });

  it.each<[string, Form, Partial<Picked>, RegExp]>([
    ['a person who asked for no role', {}, {}, /There is no account with this Google address/],
    ['a code without a role', { code: 'ABCDEFGH' }, {}, /There is no account with this Google address/],
    [
      'an address that Google has not verified',
      { role: 'SELLER' },
      { unverified: 'on' },
      /no account was made/,
    ],
    ['a person who cancels', { role: 'SELLER' }, { decision: 'deny' }, /did not allow/],
  ])('of %s', async (_name, form, picked, sentence) => {
    const before = await counts();
    const { visitor, landed } = await register(form, { email: newEmail(), ...picked });
    expect(landed).toMatch(form.role ? /^\/register\?error=/ : /^\/login\?error=/);
    expect(await pageAt(visitor, landed)).toMatch(sentence);
    expect(await sessionOf(visitor)).toEqual({});
    expect(await counts()).toEqual(before);
  });

  it('of a code that was replaced while the person was at Google', async () => {
    const other = await makeSeller(system);
    const { visitor, back } = await leave(
      { role: 'BUYER', inviteCode: other.inviteCode },
      { email: newEmail() },
    );
    await system.rows(`UPDATE sellers SET invite_code = 'ROTATED1' WHERE organization_id = $1`, [
      other.organizationId,
    ]);
    const before = await counts();
    const landed = (await visitor.get(back)).headers.get('location')!;
    expect(landed).toBe(`/register/buyer?code=${other.inviteCode}&error=invite_code_refused`);
    expect(await pageAt(visitor, landed)).toContain(
      'This invite code does not work, and no account was made.',
    );
    expect(await counts()).toEqual(before);
  });

  it('of a mailbox that was given too often today', async () => {
    const mailbox = randomUUID();
    const landings: string[] = [];
    for (let n = 0; n < 11; n += 1)
      landings.push((await register(asBuyer(), { email: `${mailbox}+${n}@people.example` })).landed);
    expect(landings.slice(0, 10)).toEqual(Array(10).fill('/'));
    expect(landings[10]).toContain('error=too_many_accounts');
  });

  it('with a seller with whom too many buyers registered today', async () => {
    const before = await counts();
    const form = { role: 'BUYER', inviteCode: busy.inviteCode };
    const { visitor, landed } = await register(form, { email: newEmail() });
    expect(landed).toBe(`/register/buyer?code=${busy.inviteCode}&error=too_many_buyers`);
    expect(await pageAt(visitor, landed)).toContain('Too many buyers registered with this seller');
    expect(await counts()).toEqual(before);
  });
});

it.each([
  ['invite', /Only buyers with the invite code/, true],
  ['closed', /No new accounts can be made here/, false],
] as const)('REGISTRATION=%s holds for Google as for passwords', async (mode, sentence, buyers) => {
  const other = await startSystem({ workers: [], env: { REGISTRATION: mode } });
  try {
    const own = await makeSeller(other);
    const asks = (form: Form) => visit(other).post('/login/google', form);
    const refused = await asks({ role: 'SELLER' });
    expect([refused.status, await refused.text()]).toEqual([403, expect.stringMatching(sentence)]);
    expect((await asks({ role: 'BUYER', inviteCode: own.inviteCode })).status).toBe(buyers ? 303 : 403);
  } finally {
    await other.stop();
  }
});
