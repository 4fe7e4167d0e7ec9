import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RouteEntry } from '../../src/api/app.ts';
import { listKeys } from '../../src/db/account/api-keys.ts';
import { findCompany } from '../../src/db/account/companies.ts';
import { type ApiTest, startApi } from '../harness/api-app.ts';
import { sampleLead } from '../harness/sample-lead.ts';

let api: ApiTest;
let otherOrganization: { id: string; key: string };
let leadId: string;
let suppliersLead: string;
let otherSupplier: string;
let demoCompany: number;
let demoKey: string;
let uploaded: string;
let imported: string;
beforeAll(async () => {
  api = await startApi();
  otherOrganization = await api.otherOrganization();
  leadId = await api.lead();
  const supplier = () => api.makeKey(['leads:read', 'leads:write'], { owner: 'supplier' });
  otherSupplier = await supplier();
  const offered = await api.json('POST', '/api/leads', sampleLead, {
    authorization: `Bearer ${await supplier()}`,
  });
  suppliersLead = offered.json().lead_id;
  demoCompany = (await findCompany(api.runtime.db, { organizationId: api.organizationId }))!.number;
  demoKey = (await listKeys(api.runtime.db, api.organizationId)).find(
    ({ owner }) => owner === 'organization',
  )!.id;
  const lead = { name: 'Sarah', phone: '+13055550142', company_id: demoCompany };
  uploaded = (await api.json('POST', '/leads/single', lead)).json().job_id;
  const csv = 'name,phone\nSarah,+13055550143\n';
  imported = (await api.json('POST', '/api/imports', csv, { 'content-type': 'text/csv' })).json().import
    .import_id;
});
afterAll(() => api?.stop());

type Probe =
  /** Takes an id: another organization's id must be answered as if it did not exist. */
  | { foreign: () => string; body?: unknown }
  /** Returns or changes only the caller's own data. */
  | { own: true; body?: unknown; shows?: string }
  /** Belongs to no organization, or is opened by a secret of its own. */
  | { open: string }
  /** Opened by a session of the marketplace: proved in test/marketplace/. */
  | { market: true };

const probes: Record<string, Probe> = {
  'GET /api/leads': { own: true, shows: 'leads' },
  'POST /api/leads': { own: true },
  'GET /api/leads/:lead_id': { foreign: () => `/api/leads/${leadId}` },
  'GET /api/leads/:lead_id/unlocks': { foreign: () => `/api/leads/${leadId}/unlocks` },
  'POST /api/leads/:lead_id/send': {
    foreign: () => `/api/leads/${leadId}/send`,
    body: { provider_ids: ['provider60'] },
  },
  'POST /api/leads/sms-response': { own: true },
  'GET /api/providers': { own: true, shows: 'providers' },
  'POST /api/providers': { own: true },
  'GET /api/providers/:provider_id': { foreign: () => '/api/providers/provider60' },
  'PATCH /api/providers/:provider_id': {
    foreign: () => '/api/providers/provider60',
    body: { name: 'Mallory' },
  },
  'DELETE /api/providers/:provider_id': { foreign: () => '/api/providers/provider60' },
  'POST /api/providers/import': { own: true },
  'POST /company/register': { own: true },
  'GET /api/companies': { own: true, shows: 'companies' },
  'GET /api/companies/:company_id': { foreign: () => `/api/companies/${demoCompany}` },
  'PATCH /api/companies/:company_id': {
    foreign: () => `/api/companies/${demoCompany}`,
    body: { tags: ['mallory'] },
  },
  'GET /api/companies/:company_id/keys': { foreign: () => `/api/companies/${demoCompany}/keys` },
  'POST /api/companies/:company_id/keys': {
    foreign: () => `/api/companies/${demoCompany}/keys`,
    body: { name: 'mallory' },
  },
  'DELETE /api/companies/:company_id/keys/:key_id': {
    foreign: () => `/api/companies/${demoCompany}/keys/${demoKey}`,
  },
  'POST /leads/single': { own: true },
  'POST /api/leads/bulk': { own: true },
  'GET /api/jobs/:job_id': { foreign: () => `/api/jobs/${uploaded}` },
  'POST /leads/csv': { own: true },
  'GET /api/imports': { own: true, shows: 'imports' },
  'POST /api/imports': { own: true },
  'GET /api/imports/:import_id': { foreign: () => `/api/imports/${imported}` },
  'GET /api/imports/:import_id/events': { foreign: () => `/api/imports/${imported}/events` },
  'GET /api/imports/:import_id/rejects.csv': { foreign: () => `/api/imports/${imported}/rejects.csv` },
  'POST /api/imports/:import_id/preview': { foreign: () => `/api/imports/${imported}/preview`, body: {} },
  'POST /api/imports/:import_id/start': { foreign: () => `/api/imports/${imported}/start`, body: {} },
  'POST /api/imports/:import_id/resume': { foreign: () => `/api/imports/${imported}/resume` },
  'POST /api/imports/:import_id/cancel': { foreign: () => `/api/imports/${imported}/cancel` },
  'POST /api/imports/:import_id/retry': { foreign: () => `/api/imports/${imported}/retry` },
  'POST /api/auth/register': { open: 'makes an organization, or a buyer of the seller whose code is given' },
  'GET /api/auth/verify-invite': { open: 'the code is the secret of one seller' },
  'POST /api/auth/forgot-password': { open: 'the same answer for every address' },
  'POST /api/auth/resend-verification': { open: 'the same answer for every address' },
  'POST /api/auth/reset-password': { open: 'the token is the secret of one user' },
  'POST /api/auth/verify-email': { open: 'the token is the secret of one user' },
  'GET /api/members': { market: true },
  'DELETE /api/members/:user_id': { market: true },
  'GET /api/members/invitations': { market: true },
  'POST /api/members/invitations': { market: true },
  'DELETE /api/members/invitations/:id': { market: true },
  'GET /api/auth/providers': { open: 'no data' },
  'GET /api/auth/csrf': { open: 'no data' },
  'GET /api/auth/session': { open: 'the session’s own person' },
  'GET /api/auth/signin': { open: 'leads to the sign-in page' },
  'GET /api/auth/signout': { open: 'leads to the sign-in page' },
  'GET /api/auth/error': { open: 'leads to the sign-in page' },
  'POST /api/auth/_log': { open: 'no data' },
  'POST /api/auth/callback/credentials': { open: 'signs in' },
  'POST /api/auth/signin/google': { open: 'leads to Google' },
  'POST /api/auth/signout': { open: 'ends the session' },
  'GET /api/auth/sessions': { open: 'the session’s own person, in test/account/sessions.test.ts' },
  'DELETE /api/auth/sessions': { open: 'the session’s own person, in test/account/sessions.test.ts' },
  'DELETE /api/auth/sessions/:id': { open: 'the session’s own person, in test/account/sessions.test.ts' },
  'GET /api/auth/organizations': { open: 'the session’s own person, in test/account/organizations.test.ts' },
  'PUT /api/auth/organization': { open: 'the session’s own person, in test/account/organizations.test.ts' },
  'PATCH /api/auth/organization': { open: 'the session’s own person, in test/account/organizations.test.ts' },
  'PUT /api/sellers/security': { market: true },
  'PATCH /api/sellers/security': { market: true },
  'GET /api/buyers': { market: true },
  'POST /api/buyers': { market: true },
  'GET /api/buyers/:id': { market: true },
  'PUT /api/buyers/:id': { market: true },
  'PATCH /api/buyers/:id': { market: true },
  'DELETE /api/buyers/:id': { market: true },
  'POST /api/campaigns/:id/leads/import': { market: true },
  'GET /api/leads/:lead_id/decisions': { market: true },
  'GET /api/leads/ingest': { market: true },
  'POST /api/leads/ingest': { market: true },
  'POST /api/leads/ingest/bulk': { market: true },
  'GET /api/payments/methods': { market: true },
  'POST /api/payments/methods': { market: true },
  'PUT /api/payments/methods': { market: true },
  'PATCH /api/payments/methods': { market: true },
  'DELETE /api/payments/methods': { market: true },
  'GET /api/payments/wallet': { market: true },
  'POST /api/payments/wallet': { market: true },
  'PUT /api/payments/wallet': { market: true },
  'PATCH /api/payments/wallet': { market: true },
  'POST /api/payments/setup-intent': { market: true },
  'GET /api/suppliers': { market: true },
  'POST /api/suppliers': { market: true },
  'GET /api/suppliers/:id': { market: true },
  'PUT /api/suppliers/:id': { market: true },
  'PATCH /api/suppliers/:id': { market: true },
  'DELETE /api/suppliers/:id': { market: true },
  'POST /api/suppliers/:id/rotate-key': { market: true },
  'GET /api/sellers/me': { market: true },
  'POST /api/sellers/invite-code': { market: true },
  'GET /api/sellers/settings': { market: true },
  'PUT /api/sellers/settings': { market: true },
  'PATCH /api/sellers/settings': { market: true },
  'GET /api/buyers/export.csv': { market: true },
  'POST /api/buyers/import': { market: true },
  'GET /api/campaigns/subscriptions/export.csv': { market: true },
  'POST /api/campaigns/subscriptions/import': { market: true },
  'GET /api/categories': { market: true },
  'POST /api/categories': { market: true },
  'GET /api/categories/:id': { market: true },
  'PUT /api/categories/:id': { market: true },
  'PATCH /api/categories/:id': { market: true },
  'DELETE /api/categories/:id': { market: true },
  'GET /api/campaigns': { market: true },
  'POST /api/campaigns': { market: true },
  'GET /api/campaigns/:id': { market: true },
  'PUT /api/campaigns/:id': { market: true },
  'PATCH /api/campaigns/:id': { market: true },
  'DELETE /api/campaigns/:id': { market: true },
  'POST /api/campaigns/subscribe': { market: true },
  'PUT /api/campaigns/subscribe': { market: true },
  'PATCH /api/campaigns/subscribe': { market: true },
  'DELETE /api/campaigns/subscribe': { market: true },
  'GET /api/audit': { market: true },
  'GET /health': { open: 'no data' },
  'GET /health/redis': { open: 'no data' },
  'GET /api/stripe-service/health': { open: 'no data' },
  'GET /openapi.json': { open: 'documentation' },
  'GET /docs': { open: 'documentation' },
  'GET /docs/problems': { open: 'documentation' },
  'GET /docs/start.js': { open: 'documentation' },
  'GET /docs/reference.js': { open: 'documentation' },
  'GET /static/*': { open: 'files' },
  'GET /p/:token': { open: 'the token is the secret of one unlock' },
  'GET /p/:token/details': { open: 'leads back to the page of the token' },
  'POST /p/:token': { open: 'the token is the secret of one unlock' },
  'POST /p/:token/details': { open: 'the token is the secret of one unlock' },
  'POST /webhook/stripe': { open: 'signed' },
  'POST /api/webhooks/stripe': { open: 'signed' },
  'POST /webhook/sendgrid/events': { open: 'signed' },
  'POST /webhook/twilio/sms': { open: 'signed' },
  'POST /webhook/twilio/status': { open: 'signed' },
  'POST /webhook/twilio/status/:effect_id': { open: 'signed' },
  'POST /webhook/ghl': { open: 'signed' },
  'GET /oauth/ghl/callback': { open: 'signed for one browser and one organization' },
  'GET /webhook/textmagic/:token': { open: 'the token is the secret of the installation' },
  'POST /webhook/textmagic/:token': { open: 'the token is the secret of the installation' },
  'PUT /webhook/textmagic/:token': { open: 'the token is the secret of the installation' },
};

/** The routes that a supplier's key opens, with the answer to a lead of another supplier of the same organization. */
const openToSuppliers: Record<string, number> = {
  'GET /api/leads': 200,
  'POST /api/leads': 409,
  'GET /api/leads/:lead_id': 404,
  'GET /api/leads/:lead_id/unlocks': 404,
  'POST /api/leads/:lead_id/send': 404,
};

const snapshotOfDemo = async () => {
  const tables = ['buyers', 'companies', 'crm_connections', 'api_keys', 'lead_syncs', 'imports'];
  const rows = tables.map((table) =>
    api.rows<{ all: string }>(
      `SELECT coalesce(json_agg(to_jsonb(t) - 'last_used_at' ORDER BY t::text)::text, '') AS all FROM ${table} t WHERE organization_id = $1`,
      [api.organizationId],
    ),
  );
  return (await Promise.all(rows)).map(([row]) => row!.all).join('\n');
};

const allRoutes = () => [
  ...new Set(
    api.app
      .getDecorator<RouteEntry[]>('routeTable')
      .filter(({ method }) => method !== 'HEAD' && method !== 'OPTIONS')
      .map(({ method, url }) => `${method} ${url}`),
  ),
];

describe('[S05] tenancy', () => {
  it('every route is listed here with how it keeps organizations apart', () => {
    expect(allRoutes().sort()).toEqual(Object.keys(probes).sort());
  });

  it.each(Object.entries(probes))('%s', async (route, probe) => {
    const [method] = route.split(' ') as ['GET' | 'POST' | 'PATCH' | 'DELETE'];
    const as = { authorization: `Bearer ${otherOrganization.key}` };
    if ('foreign' in probe) {
      const before = await snapshotOfDemo();
      const response = await api.json(method, probe.foreign(), probe.body, as);
      expect([response.statusCode, response.json().code]).toEqual([404, 'not_found']);
      expect((await api.unlocksOf(leadId)).length).toBe(1);
      expect(await snapshotOfDemo()).toBe(before);
    } else if ('own' in probe && probe.shows) {
      const response = await api.json(method, route.split(' ')[1]!, undefined, as);
      expect(response.json()[probe.shows]).toEqual([]);
    } else if ('own' in probe) {
      const anonymous = await api.app.inject({
        method,
        url: route.split(' ')[1]!,
        remoteAddress: '203.0.113.9',
        payload: {},
      });
      expect(anonymous.statusCode).toBe(401);
    } else if ('market' in probe) {
      expect((await api.json(method, route.split(' ')[1]!, undefined, as)).statusCode).toBeOneOf([401, 403]);
    } else {
      expect(probe.open).not.toBe('');
    }
  });

  it.each(Object.entries(probes).filter(([, probe]) => !('open' in probe || 'market' in probe)))(
    '[S33] %s with the key of another supplier of the organization',
    async (route, probe) => {
      const [method, url] = route.split(' ') as ['GET' | 'POST' | 'PATCH' | 'DELETE', string];
      const before = await snapshotOfDemo();
      const lead = { ...sampleLead, lead_id: suppliersLead };
      const body = 'body' in probe ? probe.body : method === 'POST' ? lead : undefined;
      const path = 'foreign' in probe ? probe.foreign().replace(leadId, suppliersLead) : url;
      const headers = { authorization: `Bearer ${otherSupplier}` };
      const response = await api.json(method, path, body, headers);
      expect(response.statusCode).toBe(openToSuppliers[route] ?? 403);
      expect(response.body).not.toContain(suppliersLead);
      expect((await api.unlocksOf(suppliersLead)).length).toBe(1);
      expect(await snapshotOfDemo()).toBe(before);
    },
  );

  it('a provider of another organization is unknown, and no unlock is created for it', async () => {
    const body = {
      city: 'Miami',
      service_type: 'x',
      client_name: 'S',
      client_phone: '+13055550199',
      provider_ids: ['provider60'],
    };
    const response = await api.json('POST', '/api/leads', body, {
      authorization: `Bearer ${otherOrganization.key}`,
    });
    expect(response.json().provider_results).toEqual([
      { provider_id: 'provider60', success: false, message: 'unknown provider' },
    ]);
    expect(await api.unlocksOf(response.json().lead_id)).toEqual([]);
  });

  it("a provider import cannot change another organization's providers", async () => {
    const response = await api.app.inject({
      method: 'POST',
      url: '/api/providers/import',
      headers: { authorization: `Bearer ${otherOrganization.key}`, 'content-type': 'text/csv' },
      payload: 'external_id,name,phone\nprovider60,Mallory,+13055550199\n',
    });
    expect(response.json().summary.created).toBe(1);
    expect((await api.json('GET', '/api/providers/provider60')).json().provider.name).toBe('Amy');
  });

  it('the same Idempotency-Key in two organizations is two requests', async () => {
    const headers = { 'idempotency-key': 'shared-word' };
    const body = { city: 'Miami', service_type: 'x', client_name: 'S', client_phone: '+13055550199' };
    const mine = await api.json('POST', '/api/leads', body, headers);
    const theirs = await api.json('POST', '/api/leads', body, {
      ...headers,
      authorization: `Bearer ${otherOrganization.key}`,
    });
    expect([mine.statusCode, theirs.statusCode]).toEqual([201, 201]);
    expect(theirs.json().lead_id).not.toBe(mine.json().lead_id);
  });
});
