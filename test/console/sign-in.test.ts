import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureOperator } from '../../src/api/auth/better-auth.ts';
import { type Attempt, createSignInLimits } from '../../src/api/auth/sign-in-limits.ts';
import { visit } from '../harness/console-client.ts';
import { forgetSignIns, sharedCounters } from '../harness/counters.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

let system: TestSystem;
beforeAll(async () => {
  system = await startSystem({ workers: [] });
});
afterAll(() => system.stop());

const signedIn = async () => {
  const visitor = visit(system);
  expect((await visitor.signIn(system.operator.email, system.operator.password)).status).toBe(303);
  return visitor;
};

describe('[S07] operator pages', () => {
  const guarded = [
    '/console',
    '/console/inbox',
    '/console/parked',
    '/console/live',
    '/queues',
    '/queues/api/queues',
  ];

  it.each(guarded)('%s is a 401 without a session, and a browser gets the sign-in page', async (path) => {
    const plain = await visit(system).get(path, { accept: 'application/json' });
    expect(plain.status).toBe(401);
    expect(plain.headers.get('content-type')).toContain('application/problem+json');
    const browser = await visit(system).get(path);
    expect(browser.status).toBe(303);
    expect(browser.headers.get('location')).toBe(`/login?next=${encodeURIComponent(path)}`);
  });

  it.each(guarded)('%s is a 403 for a user who is not an operator', async (path) => {
    await ensureOperator(system.runtime, {
      email: 'member@example.com',
      password: 'a member of something',
      name: 'M',
    });
    await system.rows("UPDATE users SET role = 'member' WHERE email = 'member@example.com'");
    const visitor = visit(system);
    await visitor.signIn('member@example.com', 'a member of something');
    expect((await visitor.get(path, { accept: 'application/json' })).status).toBe(403);
    expect((await visitor.get(path)).status).toBe(403);
  });

  it('an operator can read the queue board, whose jobs contain ids only', async () => {
    const visitor = await signedIn();
    const board = await visitor.get('/queues');
    expect(board.status).toBe(200);
    expect(await board.text()).not.toMatch(/googleapis|style=|<style/);
    const { queues } = (await (await visitor.get('/queues/api/queues')).json()) as {
      queues: { name: string }[];
    };
    expect(queues.map((queue) => queue.name)).toContain('teaser-sender');
  });

  it('the queue board has no route that changes anything', async () => {
    const visitor = await signedIn();
    for (const path of [
      '/queues/api/queues/pause',
      '/queues/api/queues/revealer/pause',
      '/queues/api/queues/revealer/empty',
    ]) {
      for (const method of ['PUT', 'POST', 'DELETE', 'PATCH']) {
        const { origin } = new URL(system.publicUrl);
        const answer = await fetch(system.publicUrl + path, {
          method,
          headers: { cookie: visitor.cookie(), origin },
        });
        expect(answer.status).toBe(404);
      }
    }
  });
});

describe('[S09] signing in', () => {
  it('passwords are stored as scrypt hashes, sessions as rows', async () => {
    const [account] = await system.rows<{ password: string }>(
      "SELECT password FROM accounts WHERE provider_id = 'credential'",
    );
    // salt:key, 16 and 64 bytes.
    expect(account?.password).toMatch(/^[0-9a-f]{32}:[0-9a-f]{128}$/);
  });

  it('an unknown account and a wrong password get the same response, from the form and the API', async () => {
    const pages = await Promise.all([
      visit(system).signIn('unknown@example.com', 'wrong wrong wrong'),
      visit(system).signIn(system.operator.email, 'wrong wrong wrong'),
      visit(system).signIn('not an address', 'wrong wrong wrong'),
    ]);
    const texts = await Promise.all(pages.map((page) => page.text()));
    expect(pages.map((page) => page.status)).toEqual([401, 401, 401]);
    const messages = texts.map((text) => /role="alert">([^<]+)</.exec(text)?.[1]);
    expect(new Set(messages)).toEqual(new Set(['Email or password is wrong.']));

    const bodies = await Promise.all(
      ['unknown@example.com', system.operator.email].map(async (email) => {
        const answer = await jsonSignIn(email, 'wrong wrong wrong');
        return { status: answer.status, text: await answer.text() };
      }),
    );
    expect(bodies[0]).toEqual(bodies[1]);
    expect(bodies[0]?.status).toBe(401);
  });

  it("each sign-in opens a new session and ends the browser's previous one", async () => {
    const visitor = await signedIn();
    const before = visitor.cookie();
    await visitor.signIn(system.operator.email, system.operator.password);
    expect(visitor.cookie()).not.toBe(before);
    expect((await visit(system, before).get('/console', { accept: 'application/json' })).status).toBe(401);
    expect((await visitor.get('/console')).status).toBe(200);
  });

  it('the cookie is HttpOnly, SameSite and, on https, Secure', async () => {
    const answer = await visit(system).signIn(system.operator.email, system.operator.password);
    const [cookie = ''] = answer.headers.getSetCookie();
    expect(cookie).toMatch(/HttpOnly/i);
    expect(cookie).toMatch(/SameSite=Lax/i);

    const https = await startSystem({ workers: [], env: { PUBLIC_URL: 'https://leads.example.com' } });
    try {
      const local = `http://127.0.0.1:${https.config.http.port}`;
      const secure = await visit({ publicUrl: local }).post(
        '/login',
        { email: https.operator.email, password: https.operator.password },
        { origin: 'https://leads.example.com' },
      );
      expect(secure.status).toBe(303);
      expect(secure.headers.getSetCookie()[0]).toMatch(/^__Secure-.*Secure/i);
    } finally {
      await https.stop();
    }
  });

  it.each([
    ['another site', { origin: 'https://evil.example' }],
    ['a blank origin', { origin: 'null' }],
    ['our name as a prefix', { origin: 'http://127.0.0.1.evil.example' }],
  ])('a write from %s is a 403, signed in or not', async (_name, headers) => {
    const visitor = await signedIn();
    for (const path of ['/logout', '/console/parked/1/resume', '/api/auth/sign-out', '/login']) {
      expect((await visitor.post(path, {}, headers)).status, path).toBe(403);
    }
    expect((await visitor.get('/console')).status).toBe(200);
  });

  it('signing out is a POST and ends the session on the server', async () => {
    const visitor = await signedIn();
    const oldCookie = visitor.cookie();
    expect((await visitor.get('/logout')).status).toBe(404);
    expect((await visitor.get('/console')).status).toBe(200);
    expect((await visitor.post('/logout')).headers.get('location')).toBe('/login');
    expect((await visit(system, oldCookie).get('/console', { accept: 'application/json' })).status).toBe(401);
  });

  it('a GET of every page changes no row of the sign-in tables', async () => {
    const visitor = await signedIn();
    const state = () =>
      system.rows(
        'SELECT (SELECT json_agg(s ORDER BY id) FROM sessions s)::text AS s, (SELECT json_agg(u ORDER BY id) FROM users u)::text AS u',
      );
    const before = await state();
    for (const path of [
      '/console',
      '/console/inbox',
      '/login',
      '/api/auth/get-session',
      '/queues',
      '/api/auth/sign-out',
    ])
      await visitor.get(path);
    expect(await state()).toEqual(before);
  });

  it.each(['/sign-up/email', '/delete-user', '/update-user', '/request-password-reset', '/forget-password'])(
    'the auth library’s %s is a 404',
    async (path) => {
      const visitor = await signedIn();
      expect((await visitor.post(`/api/auth${path}`)).status).toBe(404);
    },
  );

  it('a redirect target outside the console is ignored', async () => {
    for (const next of [
      'https://evil.example',
      '//evil.example',
      '/console//evil.example',
      '/\\evil.example',
      '/p/abc',
    ]) {
      const answer = await visit(system).post('/login', { ...system.operator, next });
      expect(answer.headers.get('location'), next).toBe('/console');
    }
  });
});

describe('[S09] limits', () => {
  it('ten wrong passwords lock the account for a while, also for the right one, in the form and the API', async () => {
    const person = { email: 'limited@example.com', password: 'the right password' };
    await ensureOperator(system.runtime, { ...person, name: 'L' });
    await forgetSignIns(system.runtime, person.email);
    for (let i = 0; i < 10; i += 1) {
      expect((await visit(system).signIn(person.email, 'wrong wrong wrong')).status).toBe(401);
    }
    const locked = await visit(system).signIn(person.email.toUpperCase(), person.password);
    expect(locked.status).toBe(429);
    expect(Number(locked.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await jsonSignIn(person.email, person.password)).status).toBe(429);
    expect((await visit(system).signIn(system.operator.email, system.operator.password)).status).toBe(303);
    const stored = await sharedCounters(system.runtime);
    expect(stored.some((key) => key.includes('sign_in_account:'))).toBe(true);
    expect(JSON.stringify(stored)).not.toMatch(/limited|127\.0/);
  });

  it('wrong current passwords on the change form count toward the same limit', async () => {
    const person = { email: 'changes@example.com', password: 'the right password' };
    await ensureOperator(system.runtime, { ...person, name: 'C' });
    await forgetSignIns(system.runtime, person.email);
    const visitor = visit(system);
    await visitor.signIn(person.email, person.password);
    const change = (currentPassword: string) =>
      fetch(`${system.publicUrl}/api/auth/change-password`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          origin: new URL(system.publicUrl).origin,
          cookie: visitor.cookie(),
        },
        body: JSON.stringify({ currentPassword, newPassword: 'another right one' }),
      });
    for (let i = 0; i < 10; i += 1) expect((await change('wrong wrong wrong')).status).toBe(400);
    expect((await change(person.password)).status).toBe(429);
    await forgetSignIns(system.runtime, person.email);
    expect((await change(person.password)).status).toBe(200);
  });

  it('[S09] a changed password ends the other sessions, and keeps the one that changed it', async () => {
    const person = { email: 'many@example.com', password: 'the right password' };
    await ensureOperator(system.runtime, { ...person, name: 'M' });
    const [here, there] = [visit(system), visit(system)];
    await here.signIn(person.email, person.password);
    await there.signIn(person.email, person.password);
    const answer = await fetch(`${system.publicUrl}/api/auth/change-password`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        origin: new URL(system.publicUrl).origin,
        cookie: here.cookie(),
      },
      body: JSON.stringify({
        currentPassword: person.password,
        newPassword: 'another right one',
        revokeOtherSessions: false,
      }),
    });
    expect(answer.status).toBe(200);
    const cookie = answer.headers.getSetCookie().map((line) => line.split(';')[0]!)[0]!;
    const json = { accept: 'application/json' };
    expect((await there.get('/console', json)).status).toBe(401);
    expect((await visit(system, cookie).get('/console')).status).toBe(200);
  });

  const failures = async (
    attempt: Omit<Attempt, 'internal' | 'browser'> & Partial<Attempt>,
    times: number,
  ) => {
    const limits = createSignInLimits(system.runtime);
    let counted = 0;
    for (let n = 0; n < times; n += 1) {
      const begun = limits.begin({ internal: false, browser: null, ...attempt });
      counted += await begun.then(
        () => 1,
        () => 0,
      );
    }
    return counted;
  };
  const fromOne = (n: number, address: string, internal = false) =>
    failures({ email: `a${n}@${address}.example`, address, internal }, 1);
  const all = async (tries: Promise<number>[]) => (await Promise.all(tries)).reduce((sum, n) => sum + n, 0);

  it('thirty failures from one address lock it, across all accounts', async () => {
    expect(await all(Array.from({ length: 40 }, (_, n) => fromOne(n, '203.0.113.7')))).toBe(30);
  });

  it('failures through a proxy do not lock out everybody behind it', async () => {
    expect(await all(Array.from({ length: 60 }, (_, n) => fromOne(n, '10.1.2.3', true)))).toBe(60);
  });

  it('a stranger’s failures lock the account for the stranger’s address only, a hundred from everywhere for all', async () => {
    const email = 'target@example.com';
    expect(await failures({ email, address: '203.0.113.8' }, 15)).toBe(10);
    expect(await failures({ email, address: '203.0.113.9' }, 1)).toBe(1);
    let counted = 11;
    for (let n = 0; n < 12; n += 1) counted += await failures({ email, address: `198.51.100.${n}` }, 10);
    expect(counted).toBe(100);
  });

  it('a browser that has signed in before is not locked out by strangers, and has a limit of its own', async () => {
    const person = { email: 'known@example.com', password: 'the right password' };
    await ensureOperator(system.runtime, { ...person, name: 'K' });
    const known = visit(system);
    await known.signIn(person.email, person.password);
    await failures({ email: person.email, address: '127.0.0.1', internal: true }, 10);
    expect((await visit(system).signIn(person.email, person.password)).status).toBe(429);
    expect((await known.signIn(person.email, person.password)).status).toBe(303);
    for (let n = 0; n < 10; n += 1) await known.signIn(person.email, 'wrong wrong wrong');
    expect((await known.signIn(person.email, person.password)).status).toBe(429);
    // The cookie is of one account.
    await failures({ email: 'other@example.com', address: '127.0.0.1', internal: true }, 10);
    expect((await known.signIn('other@example.com', 'wrong wrong wrong')).status).toBe(429);
    await forgetSignIns(system.runtime, person.email);
  });
});

function jsonSignIn(email: string, password: string): Promise<Response> {
  return fetch(`${system.publicUrl}/api/auth/sign-in/email`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: new URL(system.publicUrl).origin },
    body: JSON.stringify({ email, password }),
  });
}
