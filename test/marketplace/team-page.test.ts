import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ApiTest, publicUrl, startApi } from '../harness/api-app.ts';
import { type MadeSeller, makeBuyer, makeSeller } from '../harness/market.ts';

let api: ApiTest;
let seller: MadeSeller;
let other: MadeSeller;
beforeAll(async () => {
  api = await startApi({ pages: true });
  seller = await makeSeller(api);
  other = await makeSeller(api, { name: 'Other Leads' });
});
afterAll(() => api?.stop());

const show = async (who: { cookie: string } = seller) =>
  api.app.inject({ url: '/market/team', headers: { accept: 'text/html', cookie: who.cookie } });
const post = (url: string, form: Record<string, string> = {}, who: { cookie: string } = seller) =>
  api.app.inject({
    method: 'POST',
    url,
    headers: {
      accept: 'text/html',
      cookie: who.cookie,
      origin: publicUrl,
      'content-type': 'application/x-www-form-urlencoded',
    },
    payload: new URLSearchParams(form).toString(),
  });
const invitations = () =>
  api.rows<{ id: string; role: string; open: boolean }>(
    `SELECT id, role, revoked_at IS NULL AS open FROM invitations WHERE organization_id = $1`,
    [seller.organizationId],
  );

it('invites a person, shows the invitation, and takes it back', async () => {
  const invited = await post('/market/team/invitations', {
    name: 'Tina',
    email: 'tina@team.example',
    role: 'COMPANY',
  });
  expect(invited.statusCode).toBe(303);
  expect((await show()).body).toContain('tina@team.example');
  const [made] = await invitations();
  expect(made).toMatchObject({ role: 'company', open: true });
  const revoke = `/market/team/invitations/${made!.id}/revoke`;
  expect((await post(revoke, {}, other)).statusCode).toBe(404);
  expect(await invitations()).toMatchObject([{ open: true }]);
  expect((await post(revoke)).statusCode).toBe(303);
  expect(await invitations()).toMatchObject([{ open: false }]);
  expect((await show()).body).not.toContain('tina@team.example');
});

it('a refused invitation keeps what was typed', async () => {
  const refused = await post('/market/team/invitations', {
    name: 'Tom <i>',
    email: 'nonsense',
    role: 'SELLER',
  });
  expect(refused.statusCode).toBe(400);
  expect(refused.body).toContain('value="Tom &lt;i&gt;"');
  expect(refused.body).toContain('Invalid email format');
});

it('removes a person of its own organization, and never the last seller', async () => {
  const buyer = await makeBuyer(api, seller);
  expect((await post(`/market/team/${buyer.userId}/remove`, {}, other)).statusCode).toBe(404);
  expect((await post(`/market/team/${buyer.userId}/remove`)).statusCode).toBe(303);
  expect((await show(buyer)).statusCode).toBe(403);
  expect((await show()).body).not.toContain(buyer.email);
  expect((await post(`/market/team/${seller.userId}/remove`)).statusCode).toBe(400);
  expect((await show()).statusCode).toBe(200);
});
