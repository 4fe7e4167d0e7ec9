import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeLink } from '../../src/db/account/links.ts';
import { inviteByMail } from '../../src/usecases/account/invitations.ts';
import { accountLinksOf } from '../../src/usecases/account/links.ts';
import { visit } from '../harness/console-client.ts';
import { type MadeSeller, makeBuyer, makeSeller } from '../harness/market.ts';
import { givePassword } from '../harness/passwords.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

let system: TestSystem;
let seller: MadeSeller;
beforeAll(async () => {
  system = await startSystem({ workers: [] });
  seller = await makeSeller(system, { name: 'Solar Leads Co' });
});
afterAll(() => system?.stop());

const pathOf = (kind: 'verify_email' | 'reset_password' | 'invitation', id: string) =>
  accountLinksOf(system.runtime.config).url(kind, id).slice(system.publicUrl.length);
const textOf = async (answer: Response) => [answer.status, await answer.text()] as const;
const password = 'password123';

describe('the registration pages', () => {
  it('register a seller, who signs in', async () => {
    const visitor = visit(system);
    expect((await textOf(await visitor.get('/login')))[1]).toContain('href="/register"');
    expect((await visitor.get('/register')).status).toBe(200);
    const fields = { companyName: 'Sun Inc', name: 'Sue', email: 'sue@pages.example', password };
    const [status, html] = await textOf(await visitor.post('/register', fields));
    expect(status).toBe(201);
    expect(html).toContain('sue@pages.example');
    expect(html).toContain('most common');
    expect((await visitor.signIn(fields.email, password)).status).toBe(303);
  });

  it('show the seller of a code, and register its buyer', async () => {
    const visitor = visit(system);
    const [, html] = await textOf(
      await visitor.get(`/register/buyer?code=${seller.inviteCode.toLowerCase()}`),
    );
    expect(html).toContain('You will buy leads from Solar Leads Co.');
    const fields = {
      inviteCode: seller.inviteCode,
      name: 'Bo',
      email: 'bo@pages.example',
      password,
      companyName: '',
      phoneNumber: '',
    };
    expect((await visitor.post('/register/buyer', fields)).status).toBe(201);
    const [row] = await system.rows(
      `SELECT m.role, b.company_name FROM members m JOIN users u ON u.id = m.user_id JOIN buyers b ON b.id = m.buyer_id
       WHERE u.email = $1 AND m.organization_id = $2`,
      [fields.email, seller.organizationId],
    );
    expect(row).toEqual({ role: 'buyer', company_name: 'Bo' });
  });

  it('keep what was typed, but the password, beside what is wrong', async () => {
    const fields = { companyName: 'Sun <b>', name: 'Sue', email: 'sue2@pages.example', password: 'seven77' };
    const [status, html] = await textOf(await visit(system).post('/register', fields));
    expect(status).toBe(400);
    expect(html).toContain('The password needs at least 8 characters.');
    expect(html).toContain('value="Sun &lt;b&gt;"');
    expect(html).not.toContain('seven77');
    const buyer = { ...fields, password, inviteCode: 'AAAAAAAA' };
    expect((await textOf(await visit(system).post('/register/buyer', buyer)))[1]).toContain(
      'Invalid invite code.',
    );
  });

  it('of another site register no person', async () => {
    const foreign = { origin: 'https://evil.example' };
    const fields = { companyName: 'Sun', name: 'Sue', email: 'sue3@pages.example', password };
    expect((await visit(system).post('/register', fields, foreign)).status).toBe(403);
    expect(await system.rows('SELECT 1 FROM users WHERE email = $1', [fields.email])).toEqual([]);
  });
});

describe('the pages of links', () => {
  const link = (purpose: 'verify_email' | 'reset_password', userId: string) =>
    makeLink(system.runtime.db, userId, purpose, 1);

  it('reset a password once', async () => {
    const { userId, email } = await makeBuyer(system, seller);
    const path = pathOf('reset_password', await link('reset_password', userId));
    const visitor = visit(system);
    expect((await textOf(await visitor.get(path)))[1]).toContain(email);
    const differ = await textOf(await visitor.post(path, { password, again: 'password124' }));
    expect([differ[0], differ[1].includes('do not match')]).toEqual([400, true]);
    expect((await visitor.post(path, { password, again: password })).status).toBe(200);
    expect((await visitor.post(path, { password, again: password })).status).toBe(404);
    expect((await visitor.get(path)).status).toBe(404);
    expect((await visitor.signIn(email, password)).status).toBe(303);
  });

  it('answer every address alike when a password is forgotten', async () => {
    const { email } = await makeBuyer(system, seller);
    const answers = [];
    for (const asked of [email, 'unknown@pages.example'])
      answers.push(await textOf(await visit(system).post('/forgot-password', { email: asked })));
    expect(answers[0]).toEqual(answers[1]);
    expect(answers[0]![0]).toBe(200);
    const requested = await system.rows(
      `SELECT 1 FROM account_links l JOIN users u ON u.id = l.user_id WHERE l.purpose = 'reset_password' AND u.email = $1`,
      [email],
    );
    expect(requested).toHaveLength(1);
  });

  describe('verify an address', () => {
    const unverified = async () => {
      const { userId, email, cookie } = await makeBuyer(system, seller);
      await system.rows('UPDATE users SET email_verified = false WHERE id = $1', [userId]);
      await givePassword(system, userId, password);
      return { userId, email, cookie, path: pathOf('verify_email', await link('verify_email', userId)) };
    };
    const isVerified = async (userId: string) =>
      (await system.rows('SELECT 1 FROM users WHERE id = $1 AND email_verified', [userId])).length === 1;

    it('by a button, for the person who is signed in: opening the page changes nothing', async () => {
      const { userId, cookie, path } = await unverified();
      const visitor = visit(system, cookie);
      expect((await textOf(await visitor.get(path)))[1]).not.toContain('type="password"');
      expect(await isVerified(userId)).toBe(false);
      expect((await visitor.post(path, {})).status).toBe(200);
      expect(await isVerified(userId)).toBe(true);
      expect((await visitor.post(path, {})).status).toBe(404);
    });

    it('by the password of the account, for anyone else', async () => {
      const { userId, path } = await unverified();
      const other = visit(system, seller.cookie);
      for (const form of [{}, { password: 'password124' }] as Record<string, string>[]) {
        const [status, html] = await textOf(await other.post(path, form));
        expect([status, html.includes('This is not the password of this account.')]).toEqual([400, true]);
      }
      expect(await isVerified(userId)).toBe(false);
      expect((await other.post(path, { password })).status).toBe(200);
      expect(await isVerified(userId)).toBe(true);
    });

    it('by a new password, which ends sessions and the password of before', async () => {
      const { userId, email, path } = await unverified();
      const visitor = visit(system);
      const form = { password: 'mynewsecret', again: 'mynewsecret' };
      expect((await visitor.get(`${path}?password=new`)).status).toBe(200);
      expect((await visitor.post(`${path}?password=new`, { ...form, again: 'x' })).status).toBe(400);
      expect((await visitor.post(`${path}?password=new`, form)).status).toBe(200);
      expect(await isVerified(userId)).toBe(true);
      expect(await system.rows('SELECT 1 FROM sessions WHERE user_id = $1', [userId])).toEqual([]);
      expect((await visitor.signIn(email, password)).status).toBe(401);
      expect((await visitor.signIn(email, 'mynewsecret')).status).toBe(303);
    });
  });
});

describe('the page of an invitation', () => {
  const invite = async (
    email: string,
    role: 'seller' | 'company' | 'buyer' = 'seller',
    buyerId: string | null = null,
  ) => {
    const by = { organizationId: seller.organizationId, actor: seller.userId };
    const id = await inviteByMail(system.runtime, by, { email, name: '', role, buyerId, supplierId: null });
    return { id, path: pathOf('invitation', id) };
  };
  const rolesOf = (email: string) =>
    system.rows(
      `SELECT m.role, m.organization_id = $2 AS here FROM members m JOIN users u ON u.id = m.user_id WHERE u.email = $1`,
      [email, seller.organizationId],
    );

  it('makes the account of a new person, who is signed in, and works once', async () => {
    const { path } = await invite('colleague@pages.example');
    const visitor = visit(system);
    const [, html] = await textOf(await visitor.get(path));
    expect(html).toContain('Sue Seller invites colleague@pages.example as a seller.');
    const fields = { name: 'Cole League', password, again: password };
    expect((await visitor.post(path, { ...fields, name: 'x'.repeat(300) })).status).toBe(400);
    expect(
      (await visitor.post(path, { ...fields, email: 'other@pages.example', role: 'operator' })).status,
    ).toBe(303);
    expect(await rolesOf('colleague@pages.example')).toEqual([{ role: 'seller', here: true }]);
    expect((await visitor.get('/account')).status).toBe(200);
    expect((await visit(system).post(path, fields)).status).toBe(404);
  });

  it('of a person with an account asks for the sign-in, and is accepted by no other person', async () => {
    const other = await makeSeller(system);
    const stranger = await makeSeller(system);
    const { path } = await invite(other.email, 'company');
    expect((await textOf(await visit(system).get(path)))[1]).toContain(
      'has an account. Sign in with it to accept.',
    );
    const as = (cookie: string, method = 'POST') =>
      fetch(system.publicUrl + path, {
        method,
        redirect: 'manual',
        headers: {
          cookie,
          origin: new URL(system.publicUrl).origin,
          'content-type': 'application/x-www-form-urlencoded',
        },
        ...(method === 'POST' ? { body: `name=x&password=${password}&again=${password}` } : {}),
      });
    expect((await textOf(await as(stranger.cookie)))[1]).toContain('you are signed in as');
    expect((await as('')).status).toBe(200);
    expect(await rolesOf(other.email)).toEqual([{ role: 'seller', here: false }]);
    expect((await as(other.cookie)).status).toBe(303);
    expect(await rolesOf(other.email)).toEqual([
      { role: 'seller', here: false },
      { role: 'company', here: true },
    ]);
    expect((await as(other.cookie)).status).toBe(404);
  });

  it('accepted at the same time by two is accepted once', async () => {
    const { path } = await invite('twice@pages.example');
    const fields = { name: 'Twice', password, again: password };
    const answers = await Promise.all([1, 2, 3].map(() => visit(system).post(path, fields)));
    expect(answers.map(({ status }) => status).filter((status) => status === 303)).toHaveLength(1);
    expect(await rolesOf('twice@pages.example')).toHaveLength(1);
  });

  it('that was revoked, has expired or is made up leads nowhere', async () => {
    const revoked = await invite('revoked@pages.example');
    await system.rows('UPDATE invitations SET revoked_at = now() WHERE id = $1', [revoked.id]);
    const expired = await invite('expired@pages.example');
    await system.rows('UPDATE invitations SET expires_at = now() WHERE id = $1', [expired.id]);
    for (const path of [revoked.path, expired.path, `/invitation/${'x'.repeat(43)}`, '/invitation/x']) {
      expect((await visit(system).get(path)).status).toBe(404);
      expect((await visit(system).post(path, { name: 'X', password, again: password })).status).toBe(404);
    }
  });
});
