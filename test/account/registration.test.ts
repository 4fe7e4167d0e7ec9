import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiTest, publicUrl, startApi } from '../harness/api-app.ts';
import { type MadeSeller, makeSeller } from '../harness/market.ts';

let api: ApiTest;
let seller: MadeSeller;
beforeAll(async () => {
  api = await startApi();
  seller = await makeSeller(api, { name: 'Solar Leads Co' });
});
afterAll(() => api?.stop());

let people = 0;
const person = (over: Record<string, unknown> = {}) => {
  people += 1;
  return { email: `p${people}@reg.example`, password: 'password123', name: 'Pat Person', ...over };
};
const asSeller = (over: Record<string, unknown> = {}) => person({ role: 'SELLER', ...over });
const asBuyer = (over: Record<string, unknown> = {}) =>
  person({ role: 'BUYER', inviteCode: seller.inviteCode, ...over });
const register = (body: unknown, on = api, remoteAddress = '198.51.100.1') =>
  on.app.inject({ method: 'POST', url: '/api/auth/register', payload: body as object, remoteAddress });
const tables = [
  'users',
  'accounts',
  'organizations',
  'sellers',
  'buyers',
  'members',
  'account_links',
  'audit_log',
  'events',
  'outbox',
];
const counts = async () =>
  Object.fromEntries(await Promise.all(tables.map(async (t) => [t, await api.count(t)] as const)));

describe('a seller who registers', () => {
  it('has an organization, a code, a trial of 14 days, and signs in', async () => {
    const body = asSeller({ email: ' New@Reg.Example ', companyName: 'Sun & Roof, Inc.' });
    const answer = await register(body);
    expect(answer.statusCode, answer.body).toBe(201);
    expect(answer.json()).toEqual({
      message: 'Seller account created successfully',
      user: {
        id: expect.any(String),
        email: 'new@reg.example',
        name: 'Pat Person',
        role: 'SELLER',
        inviteCode: expect.stringMatching(/^[A-Z0-9]{8}$/),
      },
      warnings: [expect.stringContaining('most common')],
    });
    const [row] = await api.rows(
      `SELECT o.name, o.slug ~ '^sun-roof-inc-' AS slug, m.role, u.email_verified, s.contact_name, s.invite_code,
        round(extract(epoch FROM s.trial_ends_at - now()) / 86400)::int AS days, a.password ~ '^hmac\\$' AS quick
       FROM users u JOIN members m ON m.user_id = u.id JOIN organizations o ON o.id = m.organization_id
       JOIN sellers s ON s.organization_id = o.id JOIN accounts a ON a.user_id = u.id WHERE u.email = 'new@reg.example'`,
    );
    expect(row).toEqual({
      name: 'Sun & Roof, Inc.',
      slug: true,
      role: 'seller',
      email_verified: false,
      contact_name: 'Pat Person',
      invite_code: answer.json().user.inviteCode,
      days: 14,
      quick: true,
    });
  });

  it('of a name that others have, or in another script, is a seller of its own', async () => {
    const answers = await Promise.all(
      ['Same', 'Same', '太陽', '太陽'].map((name) => register(asSeller({ name }))),
    );
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([201, 201, 201, 201]);
  });
});

describe('a buyer who registers', () => {
  it('belongs to the seller of the code, typed in lower case and with blanks', async () => {
    const body = asBuyer({
      inviteCode: ` ${seller.inviteCode.toLowerCase()}\n`,
      companyName: 'Buyer Inc',
      phoneNumber: '(305) 213-4567',
    });
    const answer = await register(body);
    expect(answer.statusCode, answer.body).toBe(201);
    const { id } = answer.json().user;
    expect(answer.json()).toMatchObject({
      message: 'Buyer account created successfully',
      user: { email: body.email, name: 'Pat Person', role: 'BUYER', sellerId: seller.organizationId },
    });
    const [row] = await api.rows(
      `SELECT b.external_id = b.id::text AS own_id, b.name, b.company_name, b.phone, b.email, m.role, m.organization_id
       FROM buyers b JOIN members m ON m.buyer_id = b.id AND m.user_id = b.user_id WHERE b.user_id = $1`,
      [id],
    );
    expect(row).toEqual({
      own_id: true,
      name: 'Pat Person',
      company_name: 'Buyer Inc',
      phone: '+13052134567',
      email: body.email,
      role: 'buyer',
      organization_id: seller.organizationId,
    });
  });

  it('with a number that is not in use is accepted without it, and told', async () => {
    const answer = await register(asBuyer({ phoneNumber: '+15551234567' }));
    expect(answer.statusCode).toBe(201);
    expect(answer.json().warnings).toHaveLength(2);
    const [row] = await api.rows('SELECT phone FROM buyers WHERE user_id = $1', [answer.json().user.id]);
    expect(row).toEqual({ phone: null });
  });
});

describe('[S24] what a body may not decide', () => {
  it('is ignored: role, ids, verified address, balance, code of a seller', async () => {
    const answer = await register(
      asSeller({
        id: seller.userId,
        userId: seller.userId,
        organizationId: seller.organizationId,
        emailVerified: true,
        email_verified: true,
        inviteCode: 'MINEMINE',
        walletBalance: 1_000,
        priority: 10,
        status: 'ACTIVE',
        __v: 1,
      }),
    );
    expect(answer.statusCode).toBe(201);
    const [row] = await api.rows<{ role: string; email_verified: boolean; organization_id: string }>(
      'SELECT u.role, u.email_verified, m.organization_id FROM users u JOIN members m ON m.user_id = u.id WHERE u.id = $1',
      [answer.json().user.id],
    );
    expect(row).toMatchObject({ role: 'member', email_verified: false });
    expect(row!.organization_id).not.toBe(seller.organizationId);
    expect(answer.json().user.inviteCode).not.toBe('MINEMINE');
  });
});

describe('bad input', () => {
  const missing = 'Missing required fields';
  it.each<[string, unknown, number, string]>([
    ['no body', undefined, 400, missing],
    ['an array', [], 400, 'Invalid request body'],
    ['no e-mail', person({ email: undefined, role: 'SELLER' }), 400, missing],
    ['a blank name', person({ name: '  ', role: 'SELLER' }), 400, missing],
    ['no password', person({ password: null, role: 'SELLER' }), 400, missing],
    ['no role', person(), 400, missing],
    ['an e-mail without a domain', asSeller({ email: 'x@y' }), 400, 'Invalid email format'],
    ['an e-mail that is a number', asSeller({ email: 5 }), 400, 'Invalid email format'],
    [
      'an e-mail of 300 characters',
      asSeller({ email: `${'x'.repeat(290)}@reg.example` }),
      400,
      'Invalid email format',
    ],
    ['an e-mail with NUL', asSeller({ email: 'a\0b@reg.example' }), 400, 'Invalid email format'],
    ['a name of 300 characters', asSeller({ name: 'x'.repeat(300) }), 400, 'Invalid name'],
    ['a name that is an object', asSeller({ name: {} }), 400, 'Invalid name'],
    ['a name with a lone surrogate', asSeller({ name: 'x\ud800' }), 400, 'Invalid name'],
    ['a company of 300 characters', asSeller({ companyName: 'x'.repeat(300) }), 400, 'Invalid companyName'],
    ['a password of 7', asSeller({ password: '1234567' }), 400, 'Invalid password'],
    ['a password of 129', asSeller({ password: 'x'.repeat(129) }), 400, 'Invalid password'],
    ['a password that is a number', asSeller({ password: 12345678 }), 400, 'Invalid password'],
    ['another role', person({ role: 'OPERATOR' }), 400, 'Invalid role specified'],
    ['a role in lower case', person({ role: 'seller' }), 400, 'Invalid role specified'],
    [
      'a buyer without a code',
      person({ role: 'BUYER' }),
      400,
      'Invite code is required for buyer registration',
    ],
    [
      'a buyer with a blank code',
      person({ role: 'BUYER', inviteCode: ' ' }),
      400,
      'Invite code is required for buyer registration',
    ],
    ['an unknown code', person({ role: 'BUYER', inviteCode: 'AAAAAAAA' }), 400, 'Invalid invite code'],
    ['a code of another form', person({ role: 'BUYER', inviteCode: "' OR 1=1" }), 400, 'Invalid invite code'],
    ['a code that is a list', person({ role: 'BUYER', inviteCode: ['AAAAAAAA'] }), 400, 'Invalid inviteCode'],
    ['what is no phone', asSeller({ phoneNumber: 'call me' }), 400, 'Invalid phoneNumber'],
  ])('%s is refused, and nothing is stored', async (_case, body, status, error) => {
    const before = await counts();
    const answer = await register(body, api, '198.51.100.2');
    expect([answer.statusCode, answer.json().error]).toEqual([status, error]);
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(await counts()).toEqual(before);
  });

  it('an address that is taken, in any case, is refused for sellers and buyers', async () => {
    const first = asSeller({ email: 'taken@reg.example' });
    expect((await register(first)).statusCode).toBe(201);
    const before = await counts();
    for (const again of [asSeller({ email: 'TAKEN@reg.example' }), asBuyer({ email: 'Taken@Reg.example' })]) {
      const answer = await register(again);
      expect([answer.statusCode, answer.json().error]).toEqual([400, 'User with this email already exists']);
    }
    expect(await counts()).toEqual(before);
  });

  it('an empty body with a JSON content type is no body', async () => {
    const answer = await api.app.inject({
      method: 'POST',
      url: '/api/auth/register',
      headers: { 'content-type': 'application/json' },
    });
    expect([answer.statusCode, answer.json().error]).toEqual([400, missing]);
  });
});

describe('at the same time', () => {
  it('200 buyers: none is lost, none is there twice', async () => {
    const bodies = Array.from({ length: 200 }, () => asBuyer());
    const answers = await Promise.all(bodies.map((body) => register(body)));
    expect(new Set(answers.map(({ statusCode }) => statusCode))).toEqual(new Set([201]));
    const emails = bodies.map(({ email }) => email);
    const [row] = await api.rows(
      `SELECT count(*)::int AS users, count(DISTINCT u.id)::int AS people, count(a.id)::int AS accounts, count(b.id)::int AS buyers,
         count(m.user_id)::int AS members, count(l.id)::int AS links, count(e.id)::int AS events, count(t.id)::int AS work,
         count(g.id)::int AS audited
       FROM users u LEFT JOIN accounts a ON a.user_id = u.id LEFT JOIN buyers b ON b.user_id = u.id LEFT JOIN members m ON m.user_id = u.id
       LEFT JOIN account_links l ON l.user_id = u.id LEFT JOIN events e ON e.subject = 'user:' || u.id LEFT JOIN outbox t ON t.event_id = e.id
       LEFT JOIN audit_log g ON g.subject = 'buyer:' || b.id
       WHERE u.email = ANY($1)`,
      [emails],
    );
    expect(new Set(Object.values(row as object))).toEqual(new Set([200]));
    const waits = await api.rows<{ seconds: number; n: number }>(
      `SELECT CASE WHEN t.queued THEN 0 ELSE round(extract(epoch FROM t.due_at - t.created_at))::int END AS seconds, count(*)::int AS n
       FROM users u JOIN events e ON e.subject = 'user:' || u.id JOIN outbox t ON t.event_id = e.id WHERE u.email = ANY($1) GROUP BY 1 ORDER BY 1`,
      [emails],
    );
    // While others wait, mails and hashes begin when the rush is answered. Not so for those of the last 24 that find places
    // free, nor, on a machine that reads requests slowly, for those of the first 24 that are stored before the others arrive.
    const later = waits.find(({ seconds }) => seconds === 3)?.n ?? 0;
    expect(waits.map(({ seconds }) => seconds).filter((seconds) => seconds !== 0 && seconds !== 3)).toEqual(
      [],
    );
    expect(later).toBeGreaterThan(200 - 2 * 24);
  });

  it('one alone has its mail at once', async () => {
    const body = asBuyer();
    await register(body);
    const [row] = await api.rows(
      `SELECT t.queued FROM users u JOIN events e ON e.subject = 'user:' || u.id JOIN outbox t ON t.event_id = e.id WHERE u.email = $1`,
      [body.email],
    );
    expect(row).toEqual({ queued: true });
  });

  it('one address 50 times: exactly one is registered, and nothing is left of the others', async () => {
    const before = await counts();
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, n) =>
        register(
          n % 2 === 0 ? asSeller({ email: 'once@reg.example' }) : asBuyer({ email: 'once@reg.example' }),
        ),
      ),
    );
    expect(answers.filter(({ statusCode }) => statusCode === 201)).toHaveLength(1);
    for (const refused of answers.filter(({ statusCode }) => statusCode !== 201))
      expect([refused.statusCode, refused.json().error]).toEqual([
        400,
        'User with this email already exists',
      ]);
    const after = await counts();
    const one = answers.find(({ statusCode }) => statusCode === 201)!.json().user.role === 'SELLER' ? 1 : 0;
    expect(Object.fromEntries(tables.map((t) => [t, after[t]! - before[t]!]))).toEqual({
      ...Object.fromEntries(tables.map((t) => [t, 1])),
      organizations: one,
      sellers: one,
      buyers: 1 - one,
    });
  });
});

describe('[S25] invite codes', () => {
  const verify = (code: string | undefined, remoteAddress: string, on = api) =>
    on.app.inject({
      url: `/api/auth/verify-invite${code === undefined ? '' : `?code=${encodeURIComponent(code)}`}`,
      headers: { 'content-type': 'application/json' },
      remoteAddress,
    });

  it('tell the seller by its company and contact alone', async () => {
    for (const code of [seller.inviteCode, seller.inviteCode.toLowerCase(), ` ${seller.inviteCode} `]) {
      const answer = await verify(code, '198.51.100.3');
      expect([answer.statusCode, answer.json()]).toEqual([
        200,
        { valid: true, seller: { companyName: 'Solar Leads Co', contactName: 'Sue Seller' } },
      ]);
    }
  });

  it.each([undefined, '', 'undefined', ' '])('%j is no code', async (code) => {
    const answer = await verify(code, '198.51.100.3');
    expect([answer.statusCode, answer.json().error]).toEqual([400, 'Invite code is required']);
  });

  it('unknown and of a closed seller are answered alike', async () => {
    const closed = await makeSeller(api);
    await api.rows('DELETE FROM members WHERE organization_id = $1', [closed.organizationId]);
    const answers = await Promise.all(
      [closed.inviteCode, 'AAAAAAAA', 'nonsense!'].map((code) => verify(code, '198.51.100.4')),
    );
    for (const answer of answers) {
      expect(answer.statusCode).toBe(404);
      expect(answer.json()).toMatchObject({ valid: false, error: 'Invalid invite code' });
      expect(answer.body).toBe(answers[0]!.body);
    }
    const refused = await register(asBuyer({ inviteCode: closed.inviteCode }), api, '198.51.100.4');
    expect([refused.statusCode, refused.json().error]).toEqual([400, 'Invalid invite code']);
  });

  it('tried by the dozen are refused with 429, a right one too, from this address alone', async () => {
    const guess = (n: number) => `WRONG${String(n).padStart(3, '0')}`;
    const statuses: number[] = [];
    for (let n = 0; n < 32; n += 1)
      statuses.push(
        n % 2 === 0
          ? (await verify(guess(n), '198.51.100.5')).statusCode
          : (await register(asBuyer({ inviteCode: guess(n) }), api, '198.51.100.5')).statusCode,
      );
    expect(new Set(statuses)).toEqual(new Set([404, 400]));
    const refused = await verify(guess(99), '198.51.100.5');
    expect(refused.statusCode).toBe(429);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(60);
    expect((await verify(seller.inviteCode, '198.51.100.5')).statusCode).toBe(429);
    expect((await register(asBuyer(), api, '198.51.100.5')).statusCode).toBe(429);
    expect((await verify(seller.inviteCode, '198.51.100.6')).statusCode).toBe(200);
  });

  it('that are right cost nothing, also many at once', async () => {
    for (let n = 0; n < 40; n += 1)
      expect((await verify(seller.inviteCode, '198.51.100.7')).statusCode).toBe(200);
    const burst = await Promise.all(
      Array.from({ length: 200 }, () => verify(seller.inviteCode, '198.51.100.9')),
    );
    expect(new Set(burst.map(({ statusCode }) => statusCode))).toEqual(new Set([200]));
  });

  it('guessed 500 at once, by all doors, get no more tries than one after the other', async () => {
    const paged = await startApi({ pages: true });
    const from = '198.51.100.10';
    const google = (code: string) =>
      paged.app.inject({
        method: 'POST',
        url: '/login/google',
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          origin: new URL(publicUrl).origin,
        },
        payload: new URLSearchParams({ role: 'BUYER', code }).toString(),
        remoteAddress: from,
      });
    try {
      const { inviteCode } = await makeSeller(paged);
      const guesses = Promise.all(
        Array.from({ length: 500 }, (_, n) => {
          const code = `GUESS${String(n).padStart(3, '0')}`;
          if (n % 3 === 0) return verify(code, from, paged);
          return n % 3 === 1 ? register(asBuyer({ inviteCode: code }), paged, from) : google(code);
        }),
      );
      const right = verify(inviteCode, from, paged);
      const answers = await guesses;
      // Asked last, in the same moment: had the others counted afterwards, it would be answered.
      expect((await right).statusCode).toBe(429);
      const tried = answers.filter(({ statusCode }) => statusCode !== 429);
      for (const { statusCode } of tried) expect([400, 404]).toContain(statusCode);
      expect(tried).toHaveLength(32);
      expect((await verify(inviteCode, from, paged)).statusCode).toBe(429);
    } finally {
      await paged.stop();
    }
  });

  it('of a seller are worth nothing once replaced', async () => {
    const other = await makeSeller(api);
    await api.rows(`UPDATE sellers SET invite_code = 'NEWCODE1' WHERE organization_id = $1`, [
      other.organizationId,
    ]);
    const answer = await register(asBuyer({ inviteCode: other.inviteCode }), api, '198.51.100.8');
    expect(answer.json().error).toBe('Invalid invite code');
  });
});

describe('registrations from one address', () => {
  it('are limited', async () => {
    const limited = await startApi({ limits: { registration: { points: 2, seconds: 60 } } });
    try {
      const answers = [];
      for (let n = 0; n < 3; n += 1) answers.push(await register(asSeller(), limited));
      expect(answers.map(({ statusCode }) => statusCode)).toEqual([201, 201, 429]);
      expect(Number(answers[2]!.headers['retry-after'])).toBeGreaterThan(0);
      expect(answers[2]!.json().error).toBeTruthy();
    } finally {
      await limited.stop();
    }
  });
});

describe('REGISTRATION', () => {
  it.each([
    ['invite', 403, 201],
    ['closed', 403, 403],
  ])('%s answers sellers %d and buyers %d', async (mode, sellers, buyers) => {
    const other = await startApi({ env: { REGISTRATION: mode } });
    try {
      const own = await makeSeller(other);
      const seller = await register(asSeller(), other);
      expect([seller.statusCode, seller.json().error]).toEqual([sellers, 'Registration is closed']);
      const buyer = await register(asBuyer({ inviteCode: own.inviteCode }), other);
      expect(buyer.statusCode, buyer.body).toBe(buyers);
    } finally {
      await other.stop();
    }
  });
});
