import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiTest, startApi } from '../harness/api-app.ts';
import { type MadeSeller, makeBuyer, makeSeller } from '../harness/market.ts';

let api: ApiTest;
let own: MadeSeller;
let second: MadeSeller;
let foreign: MadeSeller;
beforeAll(async () => {
  api = await startApi({ pages: true });
  own = await makeSeller(api, { name: 'Own' });
  second = await makeSeller(api, { name: 'Second' });
  foreign = await makeSeller(api, { name: 'Foreign' });
  const { buyerId } = await makeBuyer(api, second);
  await api.rows(
    `INSERT INTO members (organization_id, user_id, role, buyer_id, created_at) VALUES ($1, $2, 'buyer', $3, now() + interval '1 second')`,
    [second.organizationId, own.userId, buyerId],
  );
});
afterAll(() => api?.stop());

const choose = (
  organization: unknown,
  as: Record<string, string> = own.as,
  method: 'PUT' | 'PATCH' = 'PUT',
) =>
  api.app.inject({
    method,
    url: '/api/auth/organization',
    headers: as,
    payload: { organization } as Record<string, unknown>,
  });
const get = async (url: string, as: Record<string, string> = own.as) =>
  (await api.app.inject({ method: 'GET', url, headers: as })).json();
const roleInUse = async () => (await get('/api/auth/session')).user.role;
/** A route of sellers: 403 for others. */
const asSeller = async (method: 'PUT' | 'PATCH' = 'PUT') =>
  (
    await api.app.inject({
      method,
      url: '/api/sellers/security',
      headers: own.as,
      payload: { requireTwoFactor: false },
    })
  ).statusCode;

describe('the organization that a session acts for', () => {
  it('is the first membership until another is chosen', async () => {
    expect(await get('/api/auth/organizations')).toEqual({
      organizations: [
        { slug: own.slug, name: 'Own', role: 'SELLER', current: true },
        { slug: second.slug, name: 'Second', role: 'BUYER', current: false },
      ],
    });
    expect(await asSeller()).toBe(200);
    expect((await choose(second.slug)).json()).toEqual({ message: 'Organization selected successfully' });
    expect(await roleInUse()).toBe('BUYER');
    expect(await asSeller()).toBe(403);
    expect((await choose(own.slug)).statusCode).toBe(200);
    expect([await roleInUse(), await asSeller()]).toEqual(['SELLER', 200]);
  });

  it.each([
    ['of other people', () => foreign.slug, 404, 'Organization not found'],
    ['that does not exist', () => 'unknown', 404, 'Organization not found'],
    ['by its id', () => second.organizationId, 404, 'Organization not found'],
    ['absent', () => undefined, 400, 'Organization is required'],
    ['with a NUL', () => 'a\0b', 400, 'Invalid organization'],
    ['of another type', () => ({ $ne: '' }), 400, 'Invalid organization'],
  ])('%s cannot be chosen', async (_name, slug, status, error) => {
    const answer = await choose(slug());
    expect([answer.statusCode, answer.json().error]).toEqual([status, error]);
    expect(await roleInUse()).toBe('SELLER');
  });

  it('is chosen by PATCH as by PUT, and so are the security settings', async () => {
    const chosen = await choose(second.slug, own.as, 'PATCH');
    expect([chosen.statusCode, chosen.json()]).toEqual([
      200,
      { message: 'Organization selected successfully' },
    ]);
    expect([await roleInUse(), await asSeller('PATCH')]).toEqual(['BUYER', 403]);
    expect((await choose(own.slug, own.as, 'PATCH')).statusCode).toBe(200);
    expect(await asSeller('PATCH')).toBe(200);
  });

  it('is chosen for one session only', async () => {
    await choose(second.slug);
    const [{ chosen } = { chosen: '?' }] = await api.rows<{ chosen: string | null }>(
      'SELECT organization_id AS chosen FROM sessions WHERE user_id = $1',
      [second.userId],
    );
    expect(chosen).toBeNull();
    await choose(own.slug);
  });

  it('is the first one again when the chosen membership has ended, for reading until one is chosen', async () => {
    await choose(second.slug);
    await api.rows('DELETE FROM members WHERE organization_id = $1 AND user_id = $2', [
      second.organizationId,
      own.userId,
    ]);
    expect(await get('/api/sellers/me')).toMatchObject({ seller: { companyName: 'Own' } });
    expect([await roleInUse(), await asSeller()]).toEqual(['SELLER', 403]);
    expect((await choose(own.slug)).statusCode).toBe(200);
    expect(await asSeller()).toBe(200);
  });
});
