import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { posts } from '../harness/evidence.ts';
import { type MadeSeller, makeBuyer, makeSeller } from '../harness/market.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

let system: TestSystem;
let seller: MadeSeller;
beforeAll(async () => {
  system = await startSystem({ workers: ['account-keeper'] });
  seller = await makeSeller(system, { name: 'Solar Leads Co' });
});
afterAll(() => system?.stop());

const call = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
  fetch(system.publicUrl + path, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
const errorOf = async (answer: Response) => [
  answer.status,
  ((await answer.json()) as { error?: string }).error,
];

let people = 0;
const newEmail = () => {
  people += 1;
  return `link${people}-${randomBytes(3).toString('hex')}@people.example`;
};
const signIn = (email: string, password: string) =>
  call('POST', '/api/auth/sign-in/email', { email, password }, { origin: new URL(system.publicUrl).origin });

async function registered(over: Record<string, unknown> = {}): Promise<{ id: string; email: string }> {
  const email = newEmail();
  const answer = await call('POST', '/api/auth/register', {
    email,
    password: 'password123',
    name: 'Pat Person',
    role: 'BUYER',
    inviteCode: seller.inviteCode,
    ...over,
  });
  expect(answer.status, await answer.clone().text()).toBe(201);
  return ((await answer.json()) as { user: { id: string; email: string } }).user;
}

/** Waits until an e-mail with this word in its link was accepted, and resolves with the token of the link. */
async function mailed(
  email: string,
  kind: 'verify-email' | 'reset-password' | 'invitation',
  n = 1,
): Promise<string> {
  let seen = 0;
  const entry = await system.sandbox.waitFor((each) => {
    if (each.operation !== 'mail.send' || each.to !== email || !(each.text ?? '').includes(`/${kind}/`))
      return false;
    seen += 1;
    return seen >= n;
  });
  return new RegExp(`${system.publicUrl}/${kind}/([\\w-]{43})`).exec(entry.text!)![1]!;
}
const idle = () =>
  system.until<{ n: number }>(
    'open work',
    'SELECT count(*)::int AS n FROM outbox',
    [],
    (row) => row!.n === 0,
  );

describe('an account that was registered', () => {
  it('is verified with a new password, and a common one is named in the warnings', async () => {
    const { email } = await registered();
    const token = await mailed(email, 'verify-email');
    const answer = await call('POST', '/api/auth/verify-email', { token, newPassword: 'Password1234' });
    expect(await answer.json()).toEqual({
      message: 'Email verified successfully',
      warnings: [expect.stringContaining('one of the most common ones')],
    });
    expect((await signIn(email, 'Password1234')).status).toBe(200);
  });

  it('has a strengthened password with which it signs in, and one mail that verifies its address', async () => {
    const { id, email } = await registered();
    expect((await signIn(email, 'password123')).status).toBe(200);
    await system.until<{ password: string }>(
      'the password is strengthened',
      'SELECT password FROM accounts WHERE user_id = $1',
      [id],
      (row) => row!.password.startsWith('scrypt$'),
    );
    expect((await signIn(email, 'password123')).status).toBe(200);
    expect((await signIn(email, 'password124')).status).toBe(401);

    const token = await mailed(email, 'verify-email');
    await idle();
    expect(posts(system, email, '/verify-email/')).toHaveLength(1);
    const verify = (over: object) => call('POST', '/api/auth/verify-email', { token, ...over });
    for (const over of [{}, { password: 'password124' }])
      expect(await errorOf(await verify(over))).toEqual([400, 'Password is required']);
    expect((await verify({ password: 'password123' })).status).toBe(200);
    const [user] = await system.rows('SELECT email_verified FROM users WHERE id = $1', [id]);
    expect(user).toEqual({ email_verified: true });
    expect(await errorOf(await verify({ password: 'password123' }))).toEqual([
      400,
      'Invalid or expired link',
    ]);
  });

  it('keeps its strengthened password when the work runs again, and gets no second mail', async () => {
    const { id, email } = await registered();
    const [account] = await system.rows<{ password: string }>(
      'SELECT password FROM accounts WHERE user_id = $1',
      [id],
    );
    await system.until<{ password: string }>(
      'the password is strengthened',
      'SELECT password FROM accounts WHERE user_id = $1',
      [id],
      (row) => row!.password.startsWith('scrypt$'),
    );
    expect(account!.password).toMatch(/^hmac\$|^scrypt\$/);
    await idle();
    // The same work again: what is stored is no quick hash any more.
    const [before] = await system.rows('SELECT password FROM accounts WHERE user_id = $1', [id]);
    const linkId = (
      await system.rows<{ id: string }>('SELECT id FROM account_links WHERE user_id = $1', [id])
    )[0]!.id;
    await system.runtime.relay.commit({
      events: [
        {
          type: 'account.registered',
          organizationId: null,
          subject: `user:${id}`,
          data: { userId: id, linkId },
        },
      ],
    });
    await idle();
    expect((await system.rows('SELECT password FROM accounts WHERE user_id = $1', [id]))[0]).toEqual(before);
    expect(posts(system, email, '/verify-email/')).toHaveLength(1);
  });

  it('is mailed the link again on request, and not once it is verified', async () => {
    const { email } = await registered();
    await mailed(email, 'verify-email');
    const ask = () => call('POST', '/api/auth/resend-verification', { email });
    expect((await ask()).status).toBe(200);
    const token = await mailed(email, 'verify-email', 2);
    const verified = await call('POST', '/api/auth/verify-email', { token, password: 'password123' });
    expect(verified.status).toBe(200);
    expect((await ask()).status).toBe(200);
    await idle();
    expect(posts(system, email, '/verify-email/')).toHaveLength(2);
  });
});

describe('a forgotten password', () => {
  it('is reset once by the mailed link, which ends all sessions and other links', async () => {
    const { id, email } = await registered();
    const session = await signIn(email, 'password123');
    const cookie = session.headers
      .getSetCookie()
      .map((each) => each.split(';')[0])
      .join('; ');
    const ask = (address: string) => call('POST', '/api/auth/forgot-password', { email: address });
    const [known, unknown] = [await ask(` ${email.toUpperCase()} `), await ask(newEmail())];
    expect([known.status, await known.text()]).toEqual([unknown.status, await unknown.text()]);
    const first = await mailed(email, 'reset-password');
    expect((await ask(email)).status).toBe(200);
    const second = await mailed(email, 'reset-password', 2);
    expect(second).not.toBe(first);

    const reset = (token: string, password: unknown) =>
      call('POST', '/api/auth/reset-password', { token, password });
    expect(await errorOf(await reset(second, '1234567'))).toEqual([400, 'Invalid password']);
    const done = await reset(second, 'password1');
    expect([done.status, await done.json()]).toEqual([
      200,
      { message: 'Password reset successfully', warnings: [expect.stringContaining('most common')] },
    ]);
    for (const token of [second, first]) {
      expect(await errorOf(await reset(token, 'another one'))).toEqual([400, 'Invalid or expired link']);
    }
    expect((await system.rows('SELECT 1 FROM sessions WHERE user_id = $1', [id])).length).toBe(0);
    const gone = await call('GET', '/api/auth/get-session', undefined, { cookie });
    expect(await gone.json()).toBeNull();
    expect((await signIn(email, 'password123')).status).toBe(401);
    expect((await signIn(email, 'password1')).status).toBe(200);
  });

  it('of an expired link, another kind of link or a made-up token is not reset', async () => {
    const { id, email } = await registered();
    const verify = await mailed(email, 'verify-email');
    await call('POST', '/api/auth/forgot-password', { email });
    const token = await mailed(email, 'reset-password');
    await system.rows(
      `UPDATE account_links SET expires_at = now() WHERE user_id = $1 AND purpose = 'reset_password'`,
      [id],
    );
    for (const given of [token, verify, 'A'.repeat(43), 'x', token.toLowerCase()])
      expect(
        await errorOf(
          await call('POST', '/api/auth/reset-password', { token: given, password: 'password9' }),
        ),
      ).toEqual([400, 'Invalid or expired link']);
    expect(await errorOf(await call('POST', '/api/auth/reset-password', { token }))).toEqual([
      400,
      'Token and password are required',
    ]);
  });

  it('is asked for three times in 15 minutes, also for an address without an account', async () => {
    for (const email of [(await registered()).email, newEmail()]) {
      const statuses = [];
      for (let n = 0; n < 4; n += 1) {
        const answer = await call('POST', '/api/auth/forgot-password', { email });
        statuses.push(answer.status);
        if (n === 3) expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(60);
      }
      expect(statuses).toEqual([200, 200, 200, 429]);
    }
  });

  it('of an operator is not reset by mail', async () => {
    const { email } = system.operator;
    expect((await call('POST', '/api/auth/forgot-password', { email })).status).toBe(200);
    await idle();
    expect(posts(system, email, '/reset-password/')).toHaveLength(0);
  });
});

describe('an invitation', () => {
  const invite = (by: { as: { authorization: string } }, body: unknown) =>
    call('POST', '/api/members/invitations', body, by.as);

  it('is mailed, listed, mailed again and revoked by sellers alone', async () => {
    const email = newEmail();
    const made = await invite(seller, { email: email.toUpperCase(), role: 'SELLER', name: 'New Colleague' });
    expect(made.status).toBe(201);
    const { id } = (await made.json()) as { id: string };
    const token = await mailed(email, 'invitation');
    expect((await (await invite(seller, { email, role: 'COMPANY' })).json()) as object).toMatchObject({ id });
    expect(await mailed(email, 'invitation', 2)).toBe(token);

    const list = (await (await call('GET', '/api/members/invitations', undefined, seller.as)).json()) as {
      invitations: object[];
    };
    expect(list.invitations).toContainEqual({
      id,
      email,
      name: '',
      role: 'COMPANY',
      buyerId: null,
      supplierId: null,
      createdAt: expect.any(String),
      expiresAt: expect.any(String),
    });
    const buyer = await makeBuyer(system, seller);
    const stranger = await makeSeller(system);
    expect(await errorOf(await invite(buyer, { email, role: 'SELLER' }))).toEqual([403, 'Forbidden']);
    const path = `/api/members/invitations/${id}`;
    expect(await errorOf(await call('DELETE', path, undefined, stranger.as))).toEqual([
      404,
      'Invitation not found',
    ]);
    expect((await call('DELETE', path, undefined, seller.as)).status).toBe(200);
    expect(await errorOf(await call('DELETE', path, undefined, seller.as))).toEqual([
      404,
      'Invitation not found',
    ]);
  });

  it.each<[string, Record<string, unknown>, number, string]>([
    ['no address', { role: 'SELLER' }, 400, 'Email and role are required'],
    ['no role', { email: 'x@people.example' }, 400, 'Email and role are required'],
    ['a broken address', { email: 'x', role: 'SELLER' }, 400, 'Invalid email format'],
    ['an unknown role', { email: 'x@people.example', role: 'OPERATOR' }, 400, 'Invalid role'],
    ['a role that is a number', { email: 'x@people.example', role: 1 }, 400, 'Invalid role'],
    [
      'a name of 300',
      { email: 'x@people.example', role: 'SELLER', name: 'x'.repeat(300) },
      400,
      'Invalid name',
    ],
    ['a buyer without id', { email: 'x@people.example', role: 'BUYER' }, 400, 'Buyer ID is required'],
    ['an unknown buyer', { email: 'x@people.example', role: 'BUYER', buyerId: 'x' }, 404, 'Buyer not found'],
    [
      'an unknown supplier',
      { email: 'x@people.example', role: 'SUPPLIER', supplierId: 'x' },
      404,
      'Supplier not found',
    ],
  ])('of %s is refused', async (_case, body, status, error) => {
    expect(await errorOf(await invite(seller, body))).toEqual([status, error]);
  });

  it('for a buyer of another organization, or of a member, is refused', async () => {
    const foreign = await makeBuyer(system, await makeSeller(system));
    const body = { email: newEmail(), role: 'BUYER', buyerId: foreign.buyerId };
    expect(await errorOf(await invite(seller, body))).toEqual([404, 'Buyer not found']);
    const member = { email: seller.email, role: 'COMPANY' };
    expect(await errorOf(await invite(seller, member))).toEqual([400, 'User is already a member']);
  });
});

describe('the people of an organization', () => {
  it('are listed and removed by sellers; the last seller stays', async () => {
    const own = await makeSeller(system);
    const buyer = await makeBuyer(system, own);
    const list = (await (await call('GET', '/api/members', undefined, own.as)).json()) as {
      members: { userId: string; role: string }[];
    };
    expect(list.members.map(({ userId, role }) => [userId, role])).toEqual([
      [own.userId, 'SELLER'],
      [buyer.userId, 'BUYER'],
    ]);
    const remove = (id: string, by: { as: Record<string, string> }) =>
      call('DELETE', `/api/members/${id}`, undefined, by.as);
    expect(await errorOf(await remove(own.userId, buyer))).toEqual([403, 'Forbidden']);
    expect(await errorOf(await remove(own.userId, own))).toEqual([400, 'The last seller cannot be removed']);
    expect(await errorOf(await remove(buyer.userId, seller))).toEqual([404, 'Member not found']);
    expect(await errorOf(await remove('x', own))).toEqual([404, 'Member not found']);
    expect((await remove(buyer.userId, own)).status).toBe(200);
    expect(await errorOf(await call('GET', '/api/members', undefined, buyer.as))).toEqual([403, 'Forbidden']);
    const audited = await system.rows(
      `SELECT action, actor, subject, before->>'role' AS role FROM audit_log WHERE organization_id = $1`,
      [own.organizationId],
    );
    expect(audited).toEqual([
      { action: 'member.removed', actor: own.userId, subject: `user:${buyer.userId}`, role: 'buyer' },
    ]);
  });
});
