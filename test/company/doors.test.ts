import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureOperator } from '../../src/api/auth/better-auth.ts';
import { createKey, findKey, makeKey } from '../../src/db/account/api-keys.ts';
import { acceptInvitation } from '../../src/db/account/invitations.ts';
import { removeMember, removeOperator } from '../../src/db/account/members.ts';
import type { Scope } from '../../src/domain/account/scopes.ts';
import { asMember, asOperator, type Registered, register } from '../harness/company-people.ts';
import type { Visitor } from '../harness/console-client.ts';
import { visit } from '../harness/console-client.ts';
import { atServer } from '../harness/database.ts';
import { makePerson, newInviteCode } from '../harness/market.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

let system: TestSystem;
let operator: Visitor;
let companies = 20;
beforeAll(async () => {
  system = await startSystem({ workers: [] });
  operator = await asOperator(system);
});
afterAll(() => system.stop());

type Staffed = Registered & { organizationId: string; userId: string; member: Visitor };

/** A company with one signed-in member. */
async function staffed(): Promise<Staffed> {
  companies += 1;
  const registered = await register(operator, companies);
  const member = await asMember(system, registered);
  const [row] = await system.rows<{ organizationId: string; userId: string }>(
    `SELECT m.organization_id AS "organizationId", m.user_id AS "userId" FROM members m JOIN users u ON u.id = m.user_id WHERE u.email = $1`,
    [registered.email],
  );
  return { ...registered, ...row!, member };
}

const origin = () => new URL(system.publicUrl).origin;
const byApi = (visitor: Visitor, method: string, path: string, body?: unknown) =>
  fetch(system.publicUrl + path, {
    method,
    headers: {
      cookie: visitor.cookie(),
      origin: origin(),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
const byKey = (key: string, path: string, body: unknown) =>
  fetch(system.publicUrl + path, {
    method: 'POST',
    headers: { 'x-api-key': key, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
const onPage = async (visitor: Visitor, company: Registered, name: string) =>
  /lg_[\w-]{43}/.exec(
    await (await visitor.post(`/dashboard/${company.number}/settings/keys`, { key_name: name })).text(),
  )![0];
const isActive = async (key: string) => (await findKey(system.runtime.db, key)) !== null;
const ownKey = ({ organizationId }: Staffed, scopes: Scope[]) =>
  createKey(system.runtime.db, { organizationId, owner: 'organization', name: 'admin', scopes });

describe('[S38] a key is revoked under one rule, on the page and through the API', () => {
  const doors: [string, (visitor: Visitor, company: Staffed, id: string) => Promise<Response>][] = [
    [
      'the page',
      (visitor, { number }, id) => visitor.post(`/dashboard/${number}/settings/keys/${id}/revoke`),
    ],
    ['the API', (visitor, { number }, id) => byApi(visitor, 'DELETE', `/api/companies/${number}/keys/${id}`)],
  ];

  it.each(doors)('%s refuses a member a key with scopes that the member lacks', async (_door, revoke) => {
    const company = await staffed();
    const { id, key } = await ownKey(company, ['admin']);
    expect((await revoke(company.member, company, id)).status).toBe(403);
    expect(await isActive(key)).toBe(true);
    const page = await (await company.member.get(`/dashboard/${company.number}/settings`)).text();
    expect(page).toContain('Operators can revoke it.');
    expect(page).not.toContain(`/settings/keys/${id}/revoke`);
  });

  it.each(doors)('%s lets an operator revoke it', async (_door, revoke) => {
    const company = await staffed();
    const { id, key } = await ownKey(company, ['admin']);
    expect((await revoke(operator, company, id)).status).toBeLessThan(400);
    expect(await isActive(key)).toBe(false);
  });

  it.each(doors)('%s lets a member revoke a key with the scopes of members', async (_door, revoke) => {
    const company = await staffed();
    const { id, key } = await ownKey(company, ['leads:read', 'companies:write']);
    expect((await revoke(company.member, company, id)).status).toBeLessThan(400);
    expect(await isActive(key)).toBe(false);
  });
});

describe('[S38] keys end with the person who made them', () => {
  it('a removed member’s keys are revoked, and those made with them; all others are kept', async () => {
    const company = await staffed();
    const keys = `/api/companies/${company.number}/keys`;
    const page = await onPage(company.member, company, 'Website');
    const made = await byApi(company.member, 'POST', keys, {
      name: 'Second',
      scopes: ['companies:write', 'leads:read'],
    });
    const { key: second } = (await made.json()) as { key: string };
    const third = (
      (await (await byKey(second, keys, { name: 'Third', scopes: ['leads:read'] })).json()) as { key: string }
    ).key;
    const others = [
      await onPage(operator, company, 'By an operator'),
      (await ownKey(company, ['admin'])).key,
    ];

    const answer = await operator.post(`/dashboard/${company.number}/people/${company.userId}/remove`);
    const html = await answer.text();
    for (const name of ['Website', 'Second', 'Third']) expect(html).toContain(name);
    for (const key of [page, second, third]) expect(await isActive(key)).toBe(false);
    for (const key of others) expect(await isActive(key)).toBe(true);
  });

  it('the keys that the person made for another company are kept', async () => {
    const [one, two] = [await staffed(), await staffed()];
    await operator.post(`/dashboard/${two.number}/people`, { member_name: 'A', member_email: one.email });
    const kept = await onPage(one.member, two, 'Kept');
    await removeMember(system.runtime.db, one.organizationId, one.userId, 'cli');
    expect(await isActive(kept)).toBe(true);
    await removeMember(system.runtime.db, two.organizationId, one.userId, 'cli');
    expect(await isActive(kept)).toBe(false);
  });

  it('who added and removed whom, and who made a link for whom, is kept with before and after', async () => {
    const company = await staffed();
    const path = `/dashboard/${company.number}/people`;
    await operator.post(path, { member_name: 'Ada Added', member_email: 'ada@audit.example' });
    const [ada] = await system.rows<{ id: string }>(`SELECT id FROM users WHERE email = 'ada@audit.example'`);
    await operator.post(`${path}/${ada!.id}/link`);
    await operator.post(`${path}/${ada!.id}/remove`);
    const person = { name: 'Ada Added', email: 'ada@audit.example', role: 'company' };
    const kept = await system.rows(
      `SELECT a.action, u.email AS actor, a.before, a.after FROM audit_log a JOIN users u ON u.id::text = a.actor
        WHERE a.organization_id = $1 AND a.subject = $2 ORDER BY a.id`,
      [company.organizationId, `user:${ada!.id}`],
    );
    const link = { action: 'member.password_link_made', before: null, after: { email: person.email } };
    expect(kept).toEqual(
      [
        { action: 'member.added', before: null, after: person },
        link,
        link,
        { action: 'member.removed', before: person, after: null },
      ].map((entry) => ({ actor: system.operator.email, ...entry })),
    );
  });

  it('a key that is being made while its maker is removed is revoked too', async () => {
    const company = await staffed();
    const { db } = system.runtime;
    const createdBy = { kind: 'person' as const, id: company.userId };
    let removal: Promise<unknown> | undefined;
    const made = await db.withTx(async (tx) => {
      const request = {
        organizationId: company.organizationId,
        owner: 'organization' as const,
        name: 'late',
      };
      const within = { withTx: <T>(work: (same: typeof tx) => Promise<T>) => work(tx) };
      const late = await makeKey(within, {
        ...request,
        scopes: ['leads:read'],
        createdBy,
        idempotencyKey: null,
      });
      removal = removeMember(db, company.organizationId, company.userId, 'cli');
      await system.until<{ n: number }>(
        'the removal waits for the key',
        `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
        [],
        (row) => (row?.n ?? 0) > 0,
      );
      return late;
    });
    await removal;
    expect(await isActive(made.key)).toBe(false);
    await expect(
      makeKey(db, {
        organizationId: company.organizationId,
        owner: 'organization',
        name: 'too late',
        scopes: ['leads:read'],
        createdBy,
        idempotencyKey: null,
      }),
    ).rejects.toMatchObject({ status: 403 });
  });

  it('a removed operator has no session, no password and no key; the last operator stays', async () => {
    const company = await staffed();
    const second = { email: 'second@example.com', password: 'correct horse battery' };
    await ensureOperator(system.runtime, { ...second, name: 'Second' });
    const visitor = visit(system);
    await visitor.signIn(second.email, second.password);
    const key = await onPage(visitor, company, 'For the company');
    const removed = await removeOperator(system.runtime.db, 'Second@example.com');
    expect(removed).toMatchObject({ sessions: 1, keys: [{ name: 'For the company' }] });
    expect(await isActive(key)).toBe(false);
    expect((await visitor.get('/console', { accept: 'application/json' })).status).toBe(401);
    expect((await visit(system).signIn(second.email, second.password)).status).toBe(401);
    expect(await removeOperator(system.runtime.db, second.email)).toBeNull();
    await expect(removeOperator(system.runtime.db, system.operator.email)).rejects.toMatchObject({
      code: 'last_operator',
    });
    expect((await operator.get('/console')).status).toBe(200);
  });

  it('of two operators who are removed at once one remains', async () => {
    const pair = ['third@example.com', system.operator.email];
    await ensureOperator(system.runtime, {
      email: pair[0]!,
      password: 'correct horse battery',
      name: 'Third',
    });
    const results = await Promise.allSettled(pair.map((email) => removeOperator(system.runtime.db, email)));
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const left = await system.rows(`SELECT 1 FROM users WHERE role = 'operator'`);
    expect(left).toHaveLength(1);
    await ensureOperator(system.runtime, { ...system.operator, name: 'Demo operator' });
    operator = await asOperator(system);
  });
});

describe('[S38] removing a person follows one rule on the company’s page, the team’s page and in the API', () => {
  type Selling = Staffed & { colleague: Visitor; colleagueId: string };

  /** Makes a person a seller of a company. */
  const seat = (userId: string, organizationId: string) =>
    system.rows(
      `INSERT INTO members (organization_id, user_id, role) VALUES ($1, $2, 'seller')
        ON CONFLICT (organization_id, user_id) DO UPDATE SET role = 'seller'`,
      [organizationId, userId],
    );

  /** A company that sells on the marketplace, with two sellers. */
  async function selling(): Promise<Selling> {
    const company = await staffed();
    await system.rows(
      `INSERT INTO sellers (organization_id, contact_name, invite_code, trial_ends_at) VALUES ($1, 'S', $2, now() + interval '1 day')`,
      [company.organizationId, newInviteCode()],
    );
    await seat(company.userId, company.organizationId);
    const person = await makePerson(system, { name: 'C', email: `colleague${company.number}@example.com` });
    await seat(person.userId, company.organizationId);
    return { ...company, colleague: visit(system, person.cookie), colleagueId: person.userId };
  }

  const invite = (by: Visitor, email: string) =>
    byApi(by, 'POST', '/api/members/invitations', { email, role: 'SELLER' });
  const invited = async (by: Visitor, email: string) => {
    const answer = await invite(by, email);
    expect(answer.status, await answer.clone().text()).toBe(201);
    return ((await answer.json()) as { id: string }).id;
  };
  const accepted = async (id: string) =>
    (await acceptInvitation(system.runtime.db, id, { name: 'A', passwordHash: 'x' })) !== null;
  const isSeller = async ({ organizationId }: Staffed, userId: string) =>
    (
      await system.rows(
        `SELECT 1 FROM members WHERE organization_id = $1 AND user_id = $2 AND role = 'seller'`,
        [organizationId, userId],
      )
    ).length === 1;

  /** `by`: a seller of the company; the company's page is for operators. */
  const doors: [string, number, (company: Selling, by: Visitor, id: string) => Promise<Response>][] = [
    [
      'the company’s page',
      409,
      ({ number }, _by, id) => operator.post(`/dashboard/${number}/people/${id}/remove`),
    ],
    ['the team’s page', 400, (_company, by, id) => by.post(`/market/team/${id}/remove`)],
    ['the API', 400, (_company, by, id) => byApi(by, 'DELETE', `/api/members/${id}`)],
  ];

  it.each(doors)(
    'the invitations that the person sent end with the membership on %s',
    async (_door, _status, remove) => {
      const company = await selling();
      const own = await invited(company.member, `own${company.number}@example.com`);
      const other = await invited(company.colleague, `other${company.number}@example.com`);
      expect((await remove(company, company.colleague, company.userId)).status).toBeLessThan(400);
      expect(await isSeller(company, company.userId)).toBe(false);
      expect(await accepted(own)).toBe(false);
      expect(await accepted(other)).toBe(true);
      const kept = await system.rows(
        `SELECT subject, before->>'email' AS email FROM audit_log
        WHERE organization_id = $1 AND action IN ('member.removed', 'invitation.revoked') ORDER BY id`,
        [company.organizationId],
      );
      expect(kept).toEqual([
        { subject: `user:${company.userId}`, email: company.email },
        { subject: `invitation:${own}`, email: null },
      ]);
    },
  );

  it.each(doors)('the last seller stays on %s', async (_door, status, remove) => {
    const company = await selling();
    const { colleague, colleagueId } = company;
    expect((await remove(company, colleague, company.userId)).status).toBeLessThan(400);
    const refused = await remove(company, colleague, colleagueId);
    expect([refused.status, await isSeller(company, colleagueId)]).toEqual([status, true]);
    if (status === 409)
      expect(await refused.text()).toContain('This person is the last seller of the company');
  });

  it('of two sellers who are removed at once on two pages one remains', async () => {
    const company = await selling();
    const [page, , api] = doors;
    const answers = await Promise.all([
      page![2](company, company.colleague, company.userId),
      api![2](company, company.member, company.colleagueId),
    ]);
    expect(answers.filter(({ status }) => status >= 400)).toHaveLength(1);
    const left = await system.rows(`SELECT 1 FROM members WHERE organization_id = $1 AND role = 'seller'`, [
      company.organizationId,
    ]);
    expect(left).toHaveLength(1);
  });

  it('the invitations that an operator sent end in every organization when the operator is removed', async () => {
    const email = 'inviting@example.com';
    await ensureOperator(system.runtime, { email, password: 'correct horse battery', name: 'Inviting' });
    const [leaving] = await system.rows<{ id: string }>('SELECT id FROM users WHERE email = $1', [email]);
    const sent: string[] = [];
    for (const { organizationId, number } of [await selling(), await selling()]) {
      await seat(leaving!.id, organizationId);
      const visitor = visit(system);
      await visitor.signIn(email, 'correct horse battery');
      await system.rows('UPDATE sessions SET organization_id = $2 WHERE user_id = $1', [
        leaving!.id,
        organizationId,
      ]);
      sent.push(await invited(visitor, `by-operator${number}@example.com`));
    }
    expect(await removeOperator(system.runtime.db, email)).not.toBeNull();
    for (const id of sent) expect(await accepted(id)).toBe(false);
  });

  it('an invitation that is being made while its sender is removed is not made', async () => {
    const company = await selling();
    const email = `late${company.number}@example.com`;
    const { databaseDirectUrl, databaseUrl } = system.config;
    const answer = await atServer(databaseDirectUrl ?? databaseUrl!, async (holder) => {
      await holder.query('BEGIN');
      await holder.query('DELETE FROM members WHERE organization_id = $1 AND user_id = $2', [
        company.organizationId,
        company.userId,
      ]);
      const late = invite(company.member, email);
      await system.until<{ n: number }>(
        'the invitation waits for the removal',
        `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
        [],
        (row) => (row?.n ?? 0) > 0,
      );
      await holder.query('COMMIT');
      return late;
    });
    expect(answer.status).toBe(409);
    expect(await system.rows('SELECT 1 FROM invitations WHERE email = $1', [email])).toEqual([]);
  });
});

describe('a member who opens a page of the operators', () => {
  it.each(['/queues', '/queues/queue/revealer', '/console', '/companies'])(
    '%s answers a page with a way on',
    async (path) => {
      const { member } = await staffed();
      const answer = await member.get(path);
      expect([answer.status, answer.headers.get('content-type')]).toEqual([403, 'text/html; charset=utf-8']);
      const html = await answer.text();
      expect(html).toContain('You need operator access to see this page.');
      expect(html).toContain('<a class="btn" href="/">');
      const program = await member.get(path, { accept: 'application/json' });
      expect(program.headers.get('content-type')).toContain('application/problem+json');
    },
  );
});

it('the return from a CRM that denied access leads back to the settings it came from', async () => {
  const { member, number } = await staffed();
  const settings = `/dashboard/${number}/settings`;
  const consent = await member.get(`${settings}/crm/oauth`);
  const state = new URL(consent.headers.get('location')!).searchParams.get('state')!;
  const answer = await member.get(
    `/oauth/ghl/callback?error=access_denied&state=${encodeURIComponent(state)}`,
  );
  expect(answer.status).toBe(400);
  const html = await answer.text();
  expect(html).toContain(`<a class="btn" href="${settings}/crm/oauth">`);
  expect(html).toContain(`<a href="${settings}#crm">`);
});

describe('people', () => {
  it('[S38] a buyer of the company is not silently left out when invited as a member', async () => {
    const company = await staffed();
    const [buyer] = await system.rows<{ id: string }>('SELECT id FROM buyers LIMIT 1');
    await system.rows(
      `WITH u AS (INSERT INTO users (id, name, email, role) VALUES (gen_random_uuid(), 'B', 'buyer@example.com', 'member') RETURNING id)
       INSERT INTO members (organization_id, user_id, role, buyer_id) SELECT $1, id, 'buyer', $2 FROM u`,
      [company.organizationId, buyer!.id],
    );
    const answer = await operator.post(`/dashboard/${company.number}/people`, {
      member_name: 'B',
      member_email: 'Buyer@example.com',
    });
    expect(answer.status).toBe(409);
    expect(await answer.text()).toContain('as a buyer of this company');
  });
});

describe('[S38] keyless requests', () => {
  it('are refused by an installation with a public address, whose proxy may add no header', async () => {
    const reached = await startSystem({ workers: [], env: { PUBLIC_URL: 'https://leads.example.com' } });
    try {
      const local = `http://127.0.0.1:${reached.config.http.port}`;
      const ask = (path: string) => fetch(local + path);
      expect((await ask('/metrics')).status).toBe(401);
      expect((await ask('/api/leads')).status).toBe(401);
      expect((await ask('/health')).status).toBe(200);
    } finally {
      await reached.stop();
    }
  });

  it('are answered by `npm start`, whose address is this machine', async () => {
    expect((await fetch(`${system.publicUrl}/metrics`)).status).toBe(200);
    expect((await fetch(`${system.publicUrl}/api/leads`)).status).toBe(200);
  });
});
