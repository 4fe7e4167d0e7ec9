import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiTest, publicUrl, startApi } from '../harness/api-app.ts';
import { type MadeSeller, makeBuyer, makeSeller } from '../harness/market.ts';
import { marketClient } from '../harness/market-client.ts';

let api: ApiTest;
let seller: MadeSeller;
let send: ReturnType<typeof marketClient>;

beforeAll(async () => {
  api = await startApi();
  send = marketClient(api);
  seller = await makeSeller(api);
});
afterAll(() => api?.stop());

const codeOf = async () =>
  (
    await api.rows<{ code: string }>('SELECT invite_code AS code FROM sellers WHERE organization_id = $1', [
      seller.organizationId,
    ])
  )[0]!.code;

describe('the seller', () => {
  it('is told with its invite code and the address to register at', async () => {
    const { trialEndsAt, ...rest } = (await send(seller, 'GET', '/api/sellers/me')).json().seller;
    expect(rest).toEqual({
      id: seller.organizationId,
      companyName: 'Solar Leads Co',
      inviteCode: seller.inviteCode,
      inviteUrl: `${publicUrl}/register/buyer?code=${seller.inviteCode}`,
      subscriptionStatus: 'TRIALING',
    });
    expect(trialEndsAt).toMatch(/Z$/);
  });

  it('gets a new invite code, which replaces the former one and is in no audit row', async () => {
    const before = await codeOf();
    const answer = (await send(seller, 'POST', '/api/sellers/invite-code')).json();
    expect(answer.message).toBe('Invite code rotated successfully');
    const code = await codeOf();
    expect(code).toMatch(/^[A-Z0-9]{8}$/);
    expect(code).not.toBe(before);
    expect(answer.seller.inviteCode).toBe(code);
    const noted = await api.rows<{ action: string }>(
      'SELECT action, before, after FROM audit_log WHERE subject = $1',
      [`seller:${seller.organizationId}`],
    );
    expect(noted.map(({ action }) => action)).toEqual(['seller.invite_code_rotated']);
    expect(JSON.stringify(noted)).not.toContain(code);
    expect(JSON.stringify(noted)).not.toContain(before);
  });
});

describe('the settings of the seller', () => {
  it('are the usual ones until changed', async () => {
    expect((await send(seller, 'GET', '/api/sellers/settings')).json()).toEqual({
      settings: {
        smsMarkup: 20,
        emailMarkup: 15,
        platformFeePercent: 5,
        timeZone: 'America/New_York',
        branding: {},
      },
    });
  });

  it('[S24] change by the given keys; the fee of the platform and unknown keys are ignored', async () => {
    const first = await send(seller, 'PUT', '/api/sellers/settings', {
      smsMarkup: '12.5',
      platformFeePercent: 0,
      timeZone: 'america/chicago',
      inviteCode: 'AAAAAAAA',
      branding: { primaryColor: '#0a7cff', footer: 'Thanks', script: '<script>' },
    });
    expect(first.json()).toEqual({
      message: 'Settings updated successfully',
      settings: {
        smsMarkup: 12.5,
        emailMarkup: 15,
        platformFeePercent: 5,
        timeZone: 'America/Chicago',
        branding: { primaryColor: '#0a7cff', footer: 'Thanks' },
      },
    });
    const second = await send(seller, 'PATCH', '/api/sellers/settings', { branding: { footer: '' } });
    expect(second.json().settings.branding).toEqual({ primaryColor: '#0a7cff' });
    const third = await send(seller, 'PATCH', '/api/sellers/settings', { branding: null });
    expect(third.json().settings).toMatchObject({ branding: {}, smsMarkup: 12.5 });
    expect(await codeOf()).not.toBe('AAAAAAAA');
  });

  it.each([
    [{ smsMarkup: -1 }, 'Invalid smsMarkup'],
    [{ emailMarkup: 1_001 }, 'Invalid emailMarkup'],
    [{ smsMarkup: 1.234 }, 'Invalid smsMarkup'],
    [{ timeZone: 'Mars/Olympus' }, 'Invalid timeZone'],
    [{ branding: { logoUrl: 'http://x.example/a.png' } }, 'Invalid branding'],
    [{ branding: { primaryColor: 'red' } }, 'Invalid branding'],
    [{ branding: 'blue' }, 'Invalid branding'],
  ])('%j is refused: %s', async (body, error) => {
    const answer = await send(seller, 'PUT', '/api/sellers/settings', body);
    expect(answer.statusCode).toBe(400);
    expect(answer.json()).toMatchObject({ error });
  });

  it('are closed to buyers', async () => {
    const buyer = await makeBuyer(api, seller);
    for (const [method, url] of [
      ['GET', '/api/sellers/me'],
      ['GET', '/api/sellers/settings'],
      ['PUT', '/api/sellers/settings'],
      ['POST', '/api/sellers/invite-code'],
    ] as const)
      expect((await send(buyer, method, url)).json()).toMatchObject({ status: 403, error: 'Forbidden' });
  });
});
