import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiTest, publicUrl, startApi } from '../harness/api-app.ts';
import { type MadeSeller, makeSeller } from '../harness/market.ts';
import { givePassword } from '../harness/passwords.ts';

let api: ApiTest;
let seller: MadeSeller;
let stranger: MadeSeller;
const password = 'password123';
const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';
beforeAll(async () => {
  api = await startApi({ pages: true });
  [seller, stranger] = [await makeSeller(api), await makeSeller(api)];
  await givePassword(api, seller.userId, password);
});
afterAll(() => api?.stop());

type Listed = { id: string; device: string; ipAddress: string | null; current: boolean };
const ask = (method: 'GET' | 'DELETE', url: string, as: Record<string, string>) =>
  api.app.inject({ method, url, headers: { ...as, 'content-type': 'application/json' } });
const list = async (as: Record<string, string> = seller.as): Promise<Listed[]> =>
  (await ask('GET', '/api/auth/sessions', as)).json().sessions;

async function signIn(): Promise<Record<string, string>> {
  const answer = await api.app.inject({
    method: 'POST',
    url: '/api/auth/sign-in/email',
    headers: { origin: publicUrl, 'user-agent': firefox },
    payload: { email: seller.email, password },
  });
  return { authorization: `Bearer ${answer.headers['set-auth-token']}` };
}

describe('sessions', () => {
  it('are listed with device, address and which is this one, and nothing that opens them', async () => {
    const there = await signIn();
    const answer = await ask('GET', '/api/auth/sessions', there);
    expect(answer.headers['cache-control']).toContain('no-store');
    expect(answer.json().sessions).toEqual([
      {
        id: expect.any(String),
        device: 'Firefox on Linux',
        ipAddress: '127.0.0.1',
        createdAt: expect.stringMatching(/Z$/),
        expiresAt: expect.stringMatching(/Z$/),
        secondFactor: false,
        current: true,
      },
      expect.objectContaining({ current: false, ipAddress: null }),
    ]);
    const [{ token } = { token: '?' }] = await api.rows<{ token: string }>(
      'SELECT token FROM sessions WHERE user_id = $1 ORDER BY created_at DESC LIMIT 1',
      [seller.userId],
    );
    expect(answer.body).not.toContain(token);
    await ask('DELETE', '/api/auth/sessions', seller.as);
  });

  it('one is revoked by its id, and opens nothing from then on', async () => {
    const there = await signIn();
    const other = (await list()).find(({ current }) => !current)!;
    const answer = await ask('DELETE', `/api/auth/sessions/${other.id}`, seller.as);
    expect(answer.json()).toEqual({ message: 'Session revoked successfully' });
    expect((await ask('GET', '/api/auth/sessions', there)).statusCode).toBe(401);
    expect(await list()).toHaveLength(1);
  });

  it('of another person, unknown and malformed ones are the same 404', async () => {
    for (const id of [stranger.sessionId, '0192f0c0-0000-7000-8000-000000000000', 'x', '%00x']) {
      const answer = await ask('DELETE', `/api/auth/sessions/${id}`, seller.as);
      expect(answer.statusCode, id).toBe(id === '%00x' ? 400 : 404);
    }
    expect((await list(stranger.as)).map(({ current }) => current)).toEqual([true]);
  });

  it('all others are revoked at once', async () => {
    const there = [await signIn(), await signIn()];
    const answer = await ask('DELETE', '/api/auth/sessions', seller.as);
    expect(answer.json()).toEqual({ message: 'Other sessions revoked successfully', revoked: 2 });
    for (const each of there) expect((await ask('GET', '/api/auth/sessions', each)).statusCode).toBe(401);
    expect(await list(stranger.as)).toHaveLength(1);
  });

  it('a changed password ends the others, whether it is changed by a cookie or a Bearer session', async () => {
    const [here, there] = [await signIn(), await signIn()];
    const answer = await api.app.inject({
      method: 'POST',
      url: '/api/auth/change-password',
      headers: here,
      payload: { currentPassword: password, newPassword: 'another right one' },
    });
    expect(answer.statusCode).toBe(200);
    for (const as of [there, seller.as, here])
      expect((await ask('GET', '/api/auth/sessions', as)).statusCode).toBe(401);
    const renewed = { authorization: `Bearer ${answer.headers['set-auth-token']}` };
    expect(await list(renewed)).toHaveLength(1);
  });
});
