import { request } from 'node:http';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  asMember,
  asOperator,
  memberPassword,
  type Registered,
  register,
} from '../harness/company-people.ts';
import { type Visitor, visit } from '../harness/console-client.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

let system: TestSystem;
let invited: Registered;
let member: Visitor;
beforeAll(async () => {
  system = await startSystem({ workers: [] });
  invited = await register(await asOperator(system), 1);
  member = await asMember(system, invited);
});
afterAll(() => system?.stop());

const again = async (password: string) => {
  const other = visit(system);
  expect((await other.signIn(invited.email, password)).status).toBe(303);
  return other;
};

describe('the account page', () => {
  it('says who is signed in, with which role, and where else', async () => {
    await again(memberPassword);
    const html = await (await member.get('/account')).text();
    expect(html).toContain(invited.email);
    expect(html).toContain('Member');
    expect(html.match(/signed in <time/g)).toHaveLength(2);
    expect(html.match(/This browser/g)).toHaveLength(1);
  });

  it('signs out everywhere else', async () => {
    const other = await again(memberPassword);
    expect((await member.post('/account/sessions')).headers.get('location')).toBe('/account?done=sessions');
    expect((await other.get('/account')).status).toBe(303);
    expect((await member.get('/account')).status).toBe(200);
  });

  it('changes the password only with the current one, and ends the other sessions', async () => {
    const other = await again(memberPassword);
    const change = (current: string, password: string, repeated = password) =>
      member.post('/account/password', { current, password, again: repeated });
    const wrong = await change('not this one', 'a new and long one');
    expect(wrong.status).toBe(400);
    expect(await wrong.text()).toMatch(/id="current-error"[^>]*>This is not your current password/);
    expect((await change(memberPassword, 'short')).status).toBe(400);
    expect((await change(memberPassword, 'a new and long one', 'another')).status).toBe(400);
    expect((await other.get('/account')).status).toBe(200);
    expect((await change(memberPassword, 'a new and long one')).headers.get('location')).toBe(
      '/account?done=password',
    );
    expect((await member.get('/account')).status).toBe(200);
    expect((await other.get('/account')).status).toBe(303);
    await again('a new and long one');
  });

  it('limits guesses of the current password', async () => {
    const guess = () =>
      member.post('/account/password', {
        current: 'guess',
        password: 'a long new one',
        again: 'a long new one',
      });
    const statuses: number[] = [];
    while (statuses.length < 12) statuses.push((await guess()).status);
    expect(statuses.at(-1)).toBe(429);
  });
});

describe('pages are sent compressed', () => {
  /** As received: fetch would decompress the answer. */
  const raw = (path: string, encoding: string) =>
    new Promise<{ encoding: string | undefined; vary: string | undefined; body: Buffer }>(
      (resolve, reject) => {
        const headers = { cookie: member.cookie(), accept: 'text/html', 'accept-encoding': encoding };
        const asked = request(system.publicUrl + path, { headers }, (answer) => {
          const pieces: Buffer[] = [];
          answer.on('data', (piece: Buffer) => pieces.push(piece));
          answer.on('end', () => {
            const { 'content-encoding': used, vary } = answer.headers;
            resolve({ encoding: used, vary, body: Buffer.concat(pieces) });
          });
        });
        asked.on('error', reject).end();
      },
    );

  it('in the encoding that the browser takes, and the page is the same', async () => {
    const path = `/dashboard/${invited.number}/lead`;
    const plain = await raw(path, 'identity');
    const brotli = await raw(path, 'gzip, deflate, br');
    const zipped = await raw(path, 'gzip');
    expect([plain.encoding, brotli.encoding, zipped.encoding]).toEqual([undefined, 'br', 'gzip']);
    expect(brotliDecompressSync(brotli.body).equals(plain.body)).toBe(true);
    expect(gunzipSync(zipped.body).equals(plain.body)).toBe(true);
    expect(brotli.body.length).toBeLessThan(plain.body.length / 2);
    for (const { vary } of [plain, brotli, zipped]) expect(vary).toContain('accept-encoding');
  });
});
