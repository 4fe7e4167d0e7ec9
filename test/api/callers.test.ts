import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RouteEntry } from '../../src/api/app.ts';
import { ensureOperator } from '../../src/api/auth/better-auth.ts';
import { listKeys } from '../../src/db/account/api-keys.ts';
import { registerCompany } from '../../src/db/account/companies.ts';
import { addMember } from '../../src/db/account/members.ts';
import { inviteMember } from '../../src/usecases/account/invite.ts';
import { type ApiTest, publicUrl, startApi } from '../harness/api-app.ts';
import { sampleLead } from '../harness/sample-lead.ts';
import { answers, type Caller, callers } from './callers.ts';

/** Where the demo organization's things are. A supplier asks for the lead that it brought itself. */
type Named = Record<string, string>;

type Sent = { payload?: string | object; query?: Record<string, string>; headers?: Record<string, string> };

/** Requests that name what they are about elsewhere than in the path. All others have an empty body. */
const sent: Record<string, () => Sent> = {
  'POST /api/leads/:lead_id/send': () => ({ payload: { provider_ids: [] } }),
  'POST /api/companies/:company_id/keys': () => ({ payload: { name: 'mallory' } }),
  'POST /leads/single': () => ({ payload: uploadedLead() }),
  'POST /api/leads/bulk': () => ({ payload: { leads: [uploadedLead()] } }),
  'POST /api/imports': () => ({
    payload: 'name,phone\nAnn,+13055550149\n',
    query: { company_id: ids.company_id! },
    headers: { 'content-type': 'text/csv' },
  }),
  'GET /api/imports': () => ({ query: { company_id: ids.company_id! } }),
};
const uploadedLead = () => ({ name: 'Ann', phone: '+13055550148', company_id: Number(ids.company_id) });
const stranger = '203.0.113.9';
const password = 'a long enough password';
let api: ApiTest;
let ids: Named;
let supplierLead: string;
let headersOf: Record<Caller, Record<string, string>>;

beforeAll(async () => {
  const refused = { points: 1_000_000, seconds: 60 };
  api = await startApi({ pages: true, limits: { refused } });
  const { organizationId } = api;
  const [demo] = await api.rows<{ number: number }>('SELECT number FROM organizations WHERE id = $1', [
    organizationId,
  ]);
  const other = await api.otherOrganization();
  const supplierKey = await api.makeKey(['leads:read', 'leads:write'], { owner: 'supplier' });
  ids = await namedThings(demo!.number);
  supplierLead = await leadBy(supplierKey);
  headersOf = {
    foreignKey: keyHeaders(other.key),
    supplierKey: keyHeaders(supplierKey),
    foreignMember: await sessionOf(await memberOfAnotherCompany()),
    buyer: await sessionOf(await memberAs('buyer', 'buyer_id', await buyerId())),
    supplierMember: await sessionOf(await memberAs('supplier', 'supplier_id', uuidv7())),
    operator: await sessionOf(await operator()),
    anonymous: {},
  };
});
afterAll(() => api?.stop());

const keyHeaders = (key: string) => ({ authorization: `Bearer ${key}` });

async function leadBy(key: string): Promise<string> {
  return (await api.json('POST', '/api/leads', sampleLead, keyHeaders(key))).json().lead_id;
}

async function buyerId(): Promise<string> {
  const [row] = await api.rows<{ id: string }>("SELECT id FROM buyers WHERE external_id = 'provider60'");
  return row!.id;
}

async function namedThings(company: number): Promise<Named> {
  const { organizationId } = api;
  const csv = 'name,phone\nSarah,+13055550143\n';
  const imported = await api.json('POST', '/api/imports', csv, { 'content-type': 'text/csv' });
  const lead = { name: 'Sarah', phone: '+13055550142', company_id: company };
  const uploaded = await api.json('POST', '/leads/single', lead);
  const leadId = await api.lead();
  await api.makeKey(['leads:read']);
  const [key] = await listKeys(api.runtime.db, organizationId);
  const member = await addMember(
    api.runtime.db,
    organizationId,
    { name: 'Mia', email: 'mia@demo.example' },
    'cli',
  );
  return {
    lead_id: leadId,
    company_id: String(company),
    provider_id: 'provider60',
    key_id: key!.id,
    job_id: uploaded.json().job_id,
    import_id: imported.json().import.import_id,
    user_id: member.userId,
    id: (await api.unlocksOf(leadId))[0]!.id,
    effect_id: uuidv7(),
    token: 'x'.repeat(43),
    name: 'none.css',
    queueName: 'distributor',
    jobId: '1',
    '*': 'none',
  };
}

/** Signs in and resolves with the headers that a browser sends. */
async function sessionOf(email: string): Promise<Record<string, string>> {
  const payload = new URLSearchParams({ email, password }).toString();
  const headers = { 'content-type': 'application/x-www-form-urlencoded', origin: publicUrl };
  const answer = await api.app.inject({ method: 'POST', url: '/login', headers, payload });
  expect(answer.statusCode).toBe(303);
  const cookie = answer.cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
  return { cookie, origin: publicUrl };
}

async function operator(): Promise<string> {
  const email = 'operator@leadgate.example';
  await ensureOperator(api.runtime, { email, password, name: 'Olga' });
  return email;
}

async function memberOfAnotherCompany(): Promise<string> {
  const { organizationId } = await registerCompany(api.runtime, {
    name: 'Other company',
    ownerName: 'Otto',
    ownerEmail: 'otto@other.example',
    ownerPhone: '+13055550100',
    account: { vendor: 'ghl', accountId: 'other-location' },
    defaultRegion: 'US',
  });
  return invited(organizationId, 'otto@other.example');
}

/** A member of the demo organization that may not act for it. */
async function memberAs(role: string, column: string, of: string): Promise<string> {
  const email = await invited(api.organizationId, `${role}@demo.example`);
  await api.rows(
    `UPDATE members SET role = $1, ${column} = $2 WHERE user_id = (SELECT id FROM users WHERE email = $3)`,
    [role, of, email],
  );
  return email;
}

async function invited(organizationId: string, email: string): Promise<string> {
  const link = await inviteMember(api.runtime, { organizationId }, { name: 'Mallory', email }, 'cli');
  const payload = new URLSearchParams({ password, again: password }).toString();
  const headers = { 'content-type': 'application/x-www-form-urlencoded', origin: publicUrl };
  await api.app.inject({ method: 'POST', url: new URL(link!).pathname, headers, payload });
  return email;
}

/** The rows that a caller who may not act for the demo organization must not change. */
async function everythingOfDemo(): Promise<string> {
  const tables = [
    'buyers',
    'companies',
    'crm_connections',
    'api_keys',
    'lead_syncs',
    'imports',
    'members',
    'leads',
  ];
  const all = tables.map((table) =>
    api.rows<{ rows: string }>(
      `SELECT coalesce(json_agg(to_jsonb(t) - 'last_used_at' ORDER BY t::text)::text, '') AS rows FROM ${table} t WHERE organization_id = $1`,
      [api.organizationId],
    ),
  );
  return (await Promise.all(all)).map(([row]) => row!.rows).join('\n');
}

const routes = (): string[] => [
  ...new Set(
    api.app
      .getDecorator<RouteEntry[]>('routeTable')
      .filter(({ method }) => method !== 'HEAD' && method !== 'OPTIONS')
      .map(({ method, url }) => `${method} ${url}`),
  ),
];

const pathOf = (route: string, named: Named): string =>
  route.split(' ')[1]!.replace(/:(\w+)|\*/g, (found, name) => named[name ?? found] ?? found);

async function ask(route: string, caller: Caller): Promise<number> {
  const [method = ''] = route.split(' ');
  const path = pathOf(route, caller === 'supplierKey' ? { ...ids, lead_id: supplierLead } : ids);
  const { payload = {}, query = {}, headers = {} } = sent[route]?.() ?? {};
  const answer = await api.app.inject({
    method: method as 'GET',
    url: path,
    query,
    remoteAddress: stranger,
    headers: { accept: 'application/json', ...headersOf[caller], ...headers },
    ...(method === 'GET' ? {} : { payload }),
  });
  return answer.statusCode;
}

/** All answers to one kind of caller, route by route. */
async function answersTo(caller: Caller): Promise<Record<string, number>> {
  const column: Record<string, number> = {};
  // Signing out ends the session, so it comes last.
  const last = 'POST /logout';
  for (const route of [...routes().filter((each) => each !== last), last])
    column[route] = await ask(route, caller);
  return column;
}

const columnOf = (caller: Caller): Record<string, number> =>
  Object.fromEntries(
    Object.entries(answers).map(([route, row]) => [route, Number(row.split(' ')[callers.indexOf(caller)])]),
  );

describe('[S05] answers to every kind of caller', () => {
  it('every route is listed with its answer to each of them', () => {
    expect(Object.keys(answers).sort()).toEqual(routes().sort());
    for (const [route, row] of Object.entries(answers))
      expect(row.split(' ').length, route).toBe(callers.length);
  });

  it.each(callers)('a request of %s', async (caller) => {
    const before = await everythingOfDemo();
    expect(await answersTo(caller)).toEqual(columnOf(caller));
    if (caller !== 'operator' && caller !== 'supplierKey') expect(await everythingOfDemo()).toBe(before);
  });
});

describe('HEAD', () => {
  it.each(['application/json', 'text/event-stream'])(
    'of every route ends, for a caller that accepts %s',
    async (accept) => {
      const operator = await sessionOf('operator@leadgate.example');
      const gets = routes().filter((route) => route.startsWith('GET ') && !route.endsWith('/metrics'));
      for (const route of gets) {
        const answer = await api.app.inject({
          method: 'HEAD',
          url: pathOf(route, ids),
          remoteAddress: stranger,
          headers: { ...operator, accept },
        });
        expect(answer.body, route).toBe('');
      }
    },
  );
});
