import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildApp, type RouteEntry } from '../../src/api/app.ts';
import {
  asMember,
  asOperator,
  memberPassword,
  type Registered,
  register,
  registration,
} from '../harness/company-people.ts';
import { type Visitor, visit } from '../harness/console-client.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

let system: TestSystem;
let operator: Visitor;
let mine: Registered;
let other: Registered;
let member: Visitor;
let otherMember: Visitor;
beforeAll(async () => {
  system = await startSystem({ workers: [] });
  operator = await asOperator(system);
  mine = await register(operator, 1);
  other = await register(operator, 2);
  member = await asMember(system, mine);
  otherMember = await asMember(system, other);
});
afterAll(() => system?.stop());

const text = async (visitor: Visitor, path: string) => (await visitor.get(path)).text();
const uploadFile = async (visitor: Visitor, number: number, body: string, name = 'leads.csv') => {
  const form = new FormData();
  form.append('file', new Blob([body], { type: 'text/csv' }), name);
  return fetch(`${system.publicUrl}/dashboard/${number}/upload`, {
    method: 'POST',
    body: form,
    redirect: 'manual',
    headers: {
      cookie: visitor.cookie(),
      origin: new URL(system.publicUrl).origin,
      accept: 'application/json',
    },
  });
};

describe('access to pages', () => {
  it("[S05] every page of a company is a 404 for another company's member and a sign-in page for a visitor", async () => {
    const app = await buildApp(system.runtime, { pages: true });
    const routes = app
      .getDecorator<RouteEntry[]>('routeTable')
      .filter(({ method, url }) => method !== 'HEAD' && url.startsWith('/dashboard/:company_id'));
    await app.close();
    expect(routes.length).toBeGreaterThan(20);
    const id = '01990000-0000-7000-8000-000000000000';
    for (const { method, url } of routes) {
      const path = url.replace(':company_id', String(mine.number)).replace(/:\w+/g, id);
      const ask = (visitor: Visitor) =>
        method === 'GET' ? visitor.get(path) : visitor.post(path, { name: 'x', phone: '+13055550123' });
      expect((await ask(otherMember)).status, `${method} ${url}`).toBe(404);
      const anonymous = await ask(visit(system));
      expect(anonymous.status, `${method} ${url}`).toBe(method === 'GET' ? 303 : 401);
    }
    expect(await system.rows("SELECT 1 FROM leads WHERE channel = 'crm_upload'")).toEqual([]);
  });

  it('[S07] registering a company, the list of companies and their members are for operators only', async () => {
    for (const path of ['/companies', '/company/register', '/console', '/queues'])
      expect((await member.get(path)).status, path).toBe(403);
    expect((await member.post('/companies', registration(9))).status).toBe(403);
    const people = `/dashboard/${mine.number}/people`;
    expect((await member.post(people, { member_name: 'Eve', member_email: 'eve@example.com' })).status).toBe(
      403,
    );
    expect(await text(operator, '/companies')).toContain('Company 2');
    expect(await text(operator, '/companies?q=owner1@')).not.toContain('Company 2');
    expect(await text(operator, '/companies?q=anonymous')).toContain('No results');
  });

  it('everyone has one home: a member of one company its dashboard, an operator the console', async () => {
    expect((await member.get('/')).headers.get('location')).toBe(`/dashboard/${mine.number}`);
    expect((await operator.get('/')).headers.get('location')).toBe('/console');
    const home = await text(member, `/dashboard/${mine.number}`);
    expect(home).toContain('Company 1');
    expect(home).not.toContain(`/dashboard/${other.number}`);
    expect((await member.get('/dashboard')).headers.get('location')).toBe(`/dashboard/${mine.number}`);
    expect((await operator.get('/dashboard')).headers.get('location')).toBe('/companies');
    const again = visit(system);
    expect((await again.signIn(mine.email, memberPassword)).headers.get('location')).toBe('/');
    const wanted = await again.post('/login', {
      email: mine.email,
      password: memberPassword,
      next: '/console',
    });
    expect(wanted.headers.get('location')).toBe('/');
  });

  it('{ company, statistics } is returned for a session or a key of that company only', async () => {
    const json = { accept: 'application/json' };
    const answer = (await (await member.get(`/dashboard/${mine.number}`, json)).json()) as {
      company: Record<string, unknown>;
      statistics: Record<string, unknown>;
    };
    expect(answer.company).toMatchObject({ company_id: mine.number, company_name: 'Company 1' });
    expect(answer.statistics).toMatchObject({ total_leads: 0, pending: 0, success: 0, failed: 0 });
    const made = await (
      await member.post(`/dashboard/${mine.number}/settings/keys`, { key_name: 'a' })
    ).text();
    const key = /lg_[\w-]{43}/.exec(made)![0];
    const withKey = (path: string) =>
      fetch(system.publicUrl + path, { headers: { ...json, 'x-api-key': key }, redirect: 'manual' });
    expect(await (await withKey('/dashboard')).json()).toMatchObject({
      company: { company_id: mine.number },
    });
    expect((await withKey(`/dashboard/${mine.number}`)).status).toBe(200);
    expect((await withKey(`/dashboard/${other.number}`)).status).toBe(404);
  });

  it('a NUL in a name and an empty mapping are a 400', async () => {
    const key = await member.post(`/dashboard/${mine.number}/settings/keys`, { key_name: 'a\0b' });
    const named = { member_name: 'a\0b', member_email: 'a@example.com' };
    const person = await operator.post(`/dashboard/${mine.number}/people`, named);
    const mailed = { member_name: 'A', member_email: 'a\0b@example.com' };
    const address = await operator.post(`/dashboard/${mine.number}/people`, mailed);
    expect([key.status, person.status, address.status]).toEqual([400, 400, 400]);
    const empty = await member.post(`/dashboard/${mine.number}/settings/mapping`, {});
    expect(empty.status).toBe(400);
  });

  it('[S09] a page of another site cannot act for a signed-in member', async () => {
    const foreign = { origin: 'https://evil.example' };
    const path = `/dashboard/${mine.number}/lead`;
    const lead = { name: 'Eve', phone: '+13055550123' };
    expect((await member.post(path, lead, foreign)).status).toBe(403);
    expect((await member.post(mine.link, { password: 'x', again: 'x' }, foreign)).status).toBe(403);
    expect(await system.rows("SELECT 1 FROM leads WHERE channel = 'crm_upload'")).toEqual([]);
  });
});

describe('the link that sets a password', () => {
  it('works once, is not used up by opening it, and is stored only as a hash', async () => {
    const invited = await register(operator, 3);
    const token = invited.link.split('/').pop()!;
    for (let i = 0; i < 3; i += 1) expect((await visit(system).get(invited.link)).status).toBe(200);
    const stored = JSON.stringify(await system.rows('SELECT * FROM verifications'));
    expect(stored).toContain('password-link:');
    expect(stored).not.toContain(token);
    const short = await visit(system).post(invited.link, { password: 'short', again: 'short' });
    expect(short.status).toBe(400);
    const mismatch = await visit(system).post(invited.link, {
      password: memberPassword,
      again: 'another one, long',
    });
    expect(await mismatch.text()).toContain('do not match');
    await asMember(system, invited);
    expect((await visit(system).get(invited.link)).status).toBe(404);
    const second = await visit(system).post(invited.link, {
      password: 'another password',
      again: 'another password',
    });
    expect(second.status).toBe(404);
    expect((await visit(system).signIn(invited.email, memberPassword)).status).toBe(303);
  });

  it('two simultaneous uses: one sets the password, the other is refused', async () => {
    const invited = await register(operator, 4);
    const [one, two] = ['first of two here', 'second of two here'] as const;
    const answers = await Promise.all(
      [one, two].map((password) => visit(system).post(invited.link, { password, again: password })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([303, 404]);
  });

  it('expires after three days or when a newer one is made; a new password ends earlier sessions', async () => {
    const invited = await register(operator, 5);
    const session = await asMember(system, invited);
    const [row] = await system.rows<{ id: string }>('SELECT id FROM users WHERE email = $1', [invited.email]);
    const makeLink = async () => {
      const html = await (await operator.post(`/dashboard/${invited.number}/people/${row!.id}/link`)).text();
      return { ...invited, link: /\/set-password\/[\w-]{43}/.exec(html)![0] };
    };
    const older = await makeLink();
    const newer = await makeLink();
    expect((await visit(system).get(older.link)).status).toBe(404);
    await asMember(system, newer);
    expect((await session.get(`/dashboard/${invited.number}`)).status).toBe(303);
    const old = await makeLink();
    await system.rows("UPDATE verifications SET expires_at = now() - interval '1 minute'");
    expect((await visit(system).get(old.link)).status).toBe(404);
    expect(
      (await visit(system).post(old.link, { password: memberPassword, again: memberPassword })).status,
    ).toBe(404);
  });

  it('is not made for an operator, who joins a company with the existing password', async () => {
    const [row] = await system.rows<{ id: string }>("SELECT id FROM users WHERE role = 'operator'");
    const people = `/dashboard/${mine.number}/people`;
    const joined = await operator.post(people, { member_name: 'Op', member_email: system.operator.email });
    expect(await joined.text()).not.toContain('/set-password/');
    expect((await operator.post(`${people}/${row!.id}/link`)).status).toBe(409);
    expect((await operator.post(`${people}/${row!.id}/remove`)).status).toBe(303);
  });

  it('a removed member loses access immediately', async () => {
    const invited = await register(operator, 6);
    const session = await asMember(system, invited);
    const [row] = await system.rows<{ id: string }>('SELECT id FROM users WHERE email = $1', [invited.email]);
    expect((await session.get(`/dashboard/${invited.number}`)).status).toBe(200);
    await operator.post(`/dashboard/${invited.number}/people/${row!.id}/remove`);
    expect((await session.get(`/dashboard/${invited.number}`)).status).toBe(404);
    expect(await text(session, '/')).toContain('belongs to no company yet');
  });
});

describe('forms', () => {
  it('an invalid registration shows the error beside the field and keeps the typed values', async () => {
    const wrong = await operator.post('/companies', {
      ...registration(7),
      owner_email: 'nope',
      company_name: ' ',
    });
    expect(wrong.status).toBe(400);
    const html = await wrong.text();
    expect(html).toMatch(/id="owner_email-error"[^>]*>is not an e-mail address/);
    expect(html).toMatch(/id="company_name-error"[^>]*>is missing/);
    expect(html).toContain('value="location7"');
    const taken = await operator.post('/companies', {
      ...registration(7),
      owner_email: mine.email.toUpperCase(),
    });
    expect(taken.status).toBe(409);
    expect(await taken.text()).toContain('belongs to another company');
  });

  it('a lead entered by hand is stored once; the same phone again is reported as a duplicate', async () => {
    const path = `/dashboard/${mine.number}/lead`;
    const refused = await member.post(path, { name: '', phone: '12' });
    expect(refused.status).toBe(400);
    expect(await refused.text()).toMatch(/id="phone-error"/);
    const first = await member.post(path, { name: "Sarah O'Brien", phone: '(305) 555-0123', notes: '<b>hi' });
    expect(first.headers.get('location')).toMatch(/added=created\.lead_/);
    const again = await member.post(path, { name: 'Sarah', phone: '+1 305 555 0123' });
    expect(again.headers.get('location')).toMatch(/added=duplicate\.lead_/);
    expect(await text(member, again.headers.get('location')!)).toContain(
      'A lead with this phone exists already',
    );
    const page = await text(member, `/dashboard/${mine.number}?q=305-555-0123`);
    expect(page).toContain('Sarah O.');
    expect(page).toContain('…0123');
    expect(page).not.toContain('O&#39;Brien');
    expect(await text(member, `/dashboard/${mine.number}?q=305-555-9999`)).toContain('No results');
  });

  it("[S08] a key is shown once, works, and can be revoked; another company's key cannot be revoked", async () => {
    const keys = `/dashboard/${other.number}/settings/keys`;
    const made = await otherMember.post(keys, { key_name: 'Our website' });
    const key = /lg_[\w-]{43}/.exec(await made.text())![0];
    const settings = `/dashboard/${other.number}/settings`;
    expect(await text(otherMember, settings)).not.toContain(key);
    const [row] = await system.rows<{ id: string }>("SELECT id FROM api_keys WHERE name = 'Our website'");
    const foreign = `/dashboard/${mine.number}/settings/keys/${row!.id}/revoke`;
    expect((await member.post(foreign)).status).toBe(404);
    const use = () =>
      fetch(`${system.publicUrl}/dashboard`, { headers: { accept: 'application/json', 'x-api-key': key } });
    expect((await use()).status).toBe(200);
    expect((await otherMember.post(`${keys}/${row!.id}/revoke`)).status).toBe(303);
    expect((await use()).status).toBe(401);
  });

  it('valid settings are stored, invalid ones are explained', async () => {
    const settings = `/dashboard/${mine.number}/settings`;
    const saved = await member.post(`${settings}/leads`, {
      tags: 'vip, spring ,vip',
      source_label: '',
      dedupe_days: '0.5',
      default_region: 'ES',
    });
    expect(saved.headers.get('location')).toContain('saved=leads');
    const [row] = await system.rows<Record<string, unknown>>(
      'SELECT tags, default_region, dedupe_window_ms::int AS ms FROM companies JOIN organizations o ON o.id = organization_id WHERE number = $1',
      [mine.number],
    );
    expect(row).toEqual({ tags: ['vip', 'spring'], default_region: 'ES', ms: 43_200_000 });
    const wrong = await member.post(`${settings}/leads`, {
      tags: '',
      dedupe_days: '-1',
      default_region: 'ES',
    });
    expect(wrong.status).toBe(400);
    const half = await member.post(`${settings}/mapping`, { 'name-0': 'Budget', 'field-0': '' });
    expect(await half.text()).toContain('row 1 needs a name and the id');
    await member.post(`${settings}/mapping`, {
      'name-0': 'Budget',
      'field-0': 'abc123',
      'name-1': '',
      'field-1': '',
    });
    expect(await text(member, settings)).toContain('value="abc123"');
  });
});

describe('files', () => {
  it('a file that is no CSV is refused with a sentence and not stored', async () => {
    const answer = await uploadFile(member, mine.number, 'PK\x03\x04 [Content_Types].xml xl/', 'leads.csv');
    expect(answer.status).toBe(400);
    expect(((await answer.json()) as { detail: string }).detail).toContain('Excel workbook');
    expect(await system.rows('SELECT 1 FROM import_chunks')).toEqual([]);
  });

  it('[S15] markup in a file, its header and its name is shown as text on every page', async () => {
    const markup = '<img src=x onerror=alert(1)>';
    const file = `name,phone,${markup}\n${markup},+13055550144,${markup}\n`;
    const answer = await uploadFile(member, mine.number, file, `${markup}.csv`);
    const { location } = (await answer.json()) as { location: string };
    for (const path of [location, `/dashboard/${mine.number}/imports`, '/', `/dashboard/${mine.number}`]) {
      const page = await member.get(path);
      expect(page.headers.get('content-security-policy')).not.toContain('unsafe');
      const html = await page.text();
      expect(html, path).not.toContain('<img src=x');
      expect(html, path).not.toMatch(/<style|\sstyle=|<script(?! (?:type="module" )?src=)/);
    }
  });

  it('an invalid mapping is shown as it was chosen, with the errors', async () => {
    const answer = await uploadFile(member, mine.number, 'name,phone,other\nA,+13055550145,B\n');
    const { location } = (await answer.json()) as { location: string };
    const twice = { 'column-0': 'name', 'column-1': 'phone', 'column-2': 'name' };
    const checked = await (await member.post(`${location}/preview`, twice)).text();
    expect(checked).toContain('Two columns are mapped to name.');
    const refused = await member.post(`${location}/start`, twice);
    expect(refused.status).toBe(400);
    const own = { ...twice, 'column-2': 'note:other' };
    expect(await (await member.post(`${location}/preview`, own)).text()).toContain('other: B');
    expect((await member.post(`${location}/start`, own)).headers.get('location')).toBe(location);
    expect(await text(member, location)).toContain('data-import-status="running"');
    const same = await uploadFile(member, mine.number, 'name,phone,other\nA,+13055550145,B\n');
    const second = ((await same.json()) as { location: string }).location;
    expect(await text(member, second)).toContain('The same file was imported on');
    expect((await member.post(`${second}/start`, own)).status).toBe(409);
    expect((await member.post(`${second}/cancel`)).status).toBe(303);
    expect(await text(member, second)).toContain('data-import-status="cancelled"');
  });
});

describe('empty pages say what to do next', () => {
  it.each([
    ['', 'Three ways to add them'],
    ['/imports', 'No file was uploaded yet.'],
    ['/settings', 'No key yet.'],
  ])('%s', async (path, words) => {
    const fresh = await register(operator, 20 + path.length);
    const html = await text(operator, `/dashboard/${fresh.number}${path}`);
    expect(html).toContain(words);
  });
});
