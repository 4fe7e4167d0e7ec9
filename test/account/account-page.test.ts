import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshCodeFor, wrongCodeFor } from '../harness/authenticator.ts';
import { type Visitor, visit } from '../harness/console-client.ts';
import { type MadeSeller, makeBuyer, makePerson, makeSeller } from '../harness/market.ts';
import { givePassword } from '../harness/passwords.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

let system: TestSystem;
let seller: MadeSeller;
let own: Visitor;
const password = 'password123';
beforeAll(async () => {
  system = await startSystem({ workers: [] });
  seller = await makeSeller(system);
  await givePassword(system, seller.userId, password);
  own = visit(system, seller.cookie);
});
afterAll(() => system?.stop());

const html = async (visitor = own) => (await visitor.get('/account')).text();
const uriIn = (page: string) => /href="(otpauth:[^"]+)"/.exec(page)?.[1]?.replaceAll('&amp;', '&') ?? 'none';
const codesIn = (page: string) =>
  [...page.matchAll(/<li><code>([^<]+)<\/code><\/li>/g)].map(([, code]) => code!);

describe('the second factor on the account page', () => {
  let uri = '';
  it('is set up with the password: key, link, QR code and ten recovery codes, shown once', async () => {
    const wrong = await own.post('/account/second-factor', { password: 'wrong password' });
    expect([wrong.status, await wrong.text()]).toEqual([
      400,
      expect.stringContaining('This is not your password. Nothing was changed.'),
    ]);
    const made = await own.post('/account/second-factor', { password });
    const page = await made.text();
    expect(made.headers.get('cache-control')).toContain('no-store');
    uri = uriIn(page);
    expect(new URL(uri).searchParams.get('issuer')).toBe('leadgate');
    expect(page).toMatch(/<div class="qr"[^>]*><svg/);
    expect(page.replaceAll(' ', '')).toContain(new URL(uri).searchParams.get('secret'));
    expect(codesIn(page)).toHaveLength(10);
    expect(await html()).not.toMatch(/otpauth:|<svg/);
    // Not on before the first code.
    expect((await own.get('/')).headers.get('location')).toBe('/market');
  });

  it('is on after the first right code, and asks the other sessions for one', async () => {
    const other = visit(system);
    await other.signIn(seller.email, password);
    const wrong = await own.post('/account/second-factor/confirm', { code: wrongCodeFor(uri) });
    expect(wrong.status).toBe(400);
    const refused = await wrong.text();
    expect(refused).toContain('This code is wrong.');
    expect(refused).not.toContain('otpauth:');
    const right = await own.post('/account/second-factor/confirm', { code: freshCodeFor(uri) });
    expect(right.headers.get('location')).toBe('/account?done=second-factor');
    expect(await html()).toContain('Make new recovery codes');
    expect((await other.get('/account')).headers.get('location')).toBe(
      '/login/second-factor?next=%2Faccount',
    );
  });

  it('gets new recovery codes, and the old ones stop working', async () => {
    const renewed = codesIn(await (await own.post('/account/second-factor/codes', { password })).text());
    expect(renewed).toHaveLength(10);
    const other = visit(system);
    await other.signIn(seller.email, password);
    expect((await other.post('/login/second-factor', { code: renewed[3]! })).status).toBe(303);
  });

  it('is switched off with the password', async () => {
    expect((await own.post('/account/second-factor/off', { password: 'wrong password' })).status).toBe(400);
    const off = await own.post('/account/second-factor/off', { password });
    expect(off.headers.get('location')).toBe('/account?done=second-factor-off');
    const other = visit(system);
    expect((await other.signIn(seller.email, password)).headers.get('location')).toBe('/');
  });

  it('needs no password of a person who signs in with Google', async () => {
    const person = await makePerson(system, { name: 'G', email: 'g@people.example' });
    const google = visit(system, person.cookie);
    expect(await html(google)).not.toContain('Current password');
    const made = uriIn(await (await google.post('/account/second-factor')).text());
    expect((await google.post('/account/second-factor/confirm', { code: freshCodeFor(made) })).status).toBe(
      303,
    );
  });
});

describe('sessions and organizations on the account page', () => {
  it('one session is signed out, and only one’s own', async () => {
    const other = visit(system);
    await other.signIn(seller.email, password);
    const end = /action="(\/account\/sessions\/[0-9a-f-]{36}\/end)"/.exec(await html())?.[1] ?? '';
    const stranger = await makeSeller(system);
    expect((await visit(system, stranger.cookie).post(end)).status).toBe(404);
    expect((await other.get('/account')).status).toBe(200);
    while ((await other.get('/account')).status === 200) {
      const next = /action="(\/account\/sessions\/[0-9a-f-]{36}\/end)"/.exec(await html())![1]!;
      expect((await own.post(next)).headers.get('location')).toBe('/account?done=session');
    }
    expect((await own.get('/account')).status).toBe(200);
  });

  it('an organization is chosen, and only one’s own', async () => {
    const [second, foreign] = [await makeSeller(system, { name: 'Second & Co' }), await makeSeller(system)];
    const { buyerId } = await makeBuyer(system, second);
    await system.rows(
      `INSERT INTO members (organization_id, user_id, role, buyer_id, created_at) VALUES ($1, $2, 'buyer', $3, now() + interval '1 second')`,
      [second.organizationId, seller.userId, buyerId],
    );
    expect(await html()).toContain('Require a second factor of all members');
    const chosen = await own.post('/account/organization', { organization: second.slug });
    expect(chosen.headers.get('location')).toBe('/account?done=organization');
    // A buyer does not decide what the organization asks of its members.
    expect(await html()).not.toContain('Require a second factor of all members');
    expect((await own.post('/account/organization', { organization: foreign.slug })).status).toBe(404);
    expect((await (await own.get('/api/auth/session')).json()).user.role).toBe('BUYER');
  });

  it('[S26] a demand is switched on by a seller with a factor only', async () => {
    const asked = await makeSeller(system);
    await givePassword(system, asked.userId, password);
    const visitor = visit(system, asked.cookie);
    const form = { requireTwoFactor: 'true' };
    expect((await visitor.post('/account/organization/security', form)).status).toBe(403);
    const uri = uriIn(await (await visitor.post('/account/second-factor', { password })).text());
    await visitor.post('/account/second-factor/confirm', { code: freshCodeFor(uri) });
    const done = await visitor.post('/account/organization/security', form);
    expect(done.headers.get('location')).toBe('/account?done=security');
    expect(await html(visitor)).toContain('Stop requiring a second factor');
  });
});
