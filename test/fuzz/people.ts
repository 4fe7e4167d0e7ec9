import { createKey, revokeKey } from '../../src/db/account/api-keys.ts';
import { type Client, clientOf } from '../attack/client.ts';
import type { System } from '../attack/system.ts';
import { phoneOf, type Tenant } from '../attack/target.ts';
import { visit } from '../harness/console-client.ts';
import { marketCallersOf } from './market-people.ts';
import type { Room } from './rooms.ts';
import type { Dictionary } from './schema.ts';

export type Caller = {
  name: string;
  /** Where it may enter. */
  rooms: readonly Room[];
  headers: Record<string, string>;
  /** What it names besides what all name, or instead of it. */
  words?: Dictionary;
  /** What it can read from the first request to the last; null for one that may enter nowhere. */
  home: string | null;
};

const password = 'a long enough password';

/** Every kind of caller: keys of each kind, sessions of each role, a revoked and a malformed key, and none. */
export async function callersOf(system: System): Promise<Caller[]> {
  const { target, db } = system;
  const { attacker, victim, operator, url } = target;
  const everywhere = await createKey(db, {
    organizationId: null,
    owner: 'operator',
    name: 'fuzz',
    scopes: ['admin'],
  });
  const revoked = await createKey(db, {
    organizationId: attacker.organizationId,
    owner: 'organization',
    name: 'revoked',
    scopes: ['admin'],
  });
  await revokeKey(db, revoked.id);
  const origin = new URL(url).origin;
  const [member, boss] = [visit({ publicUrl: url }), visit({ publicUrl: url })];
  await member.post(attacker.invitation, { password, again: password });
  await boss.signIn(operator.email, operator.password);
  const key = (name: string, value: string, more = {}) => ({
    name,
    rooms: ['api', 'leads'] as const,
    headers: { authorization: `Bearer ${value}`, ...more },
    home: '/api/leads',
  });
  return [
    key('an organization', attacker.key),
    key('another organization', victim.key),
    key('a supplier', attacker.supplierKey),
    key('an operator', everywhere.key, { 'x-organization': attacker.slug }),
    {
      name: 'a member',
      rooms: ['pages', 'account', 'sessions'],
      headers: { cookie: member.cookie(), origin },
      home: '/account',
    },
    {
      name: 'an operator signed in',
      rooms: ['pages', 'account', 'sessions'],
      headers: { cookie: boss.cookie(), origin },
      home: '/console',
    },
    { name: 'a program on this machine', rooms: ['api', 'leads'], headers: {}, home: '/api/leads' },
    ...(await marketCallersOf(system)),
    { ...key('a revoked key', revoked.key), rooms: [], home: null },
    { name: 'a malformed key', rooms: [], headers: { 'x-api-key': 'lg_x' }, home: null },
  ];
}

/** Things of two tenants, by the names under which requests mention them. */
export async function wordsOf({ target, db }: System): Promise<Dictionary> {
  const things = [await thingsOf(target.url, target.attacker), await thingsOf(target.url, target.victim)];
  const all = (name: keyof (typeof things)[number]) => things.flatMap((each) => each[name]);
  const rows = await db.query<{ id: string }>('SELECT id FROM lead_unlocks ORDER BY id LIMIT 20');
  const unlocks = rows.map(({ id }) => id);
  const keys = await db.query<{ id: string }>("SELECT id FROM api_keys WHERE name = 'spare'");
  const users = await db.query<{ id: string }>("SELECT user_id AS id FROM members WHERE role = 'company'");
  return {
    lead_id: all('leads'),
    import_id: all('imports'),
    job_id: all('jobs'),
    company_id: [String(target.attacker.company), String(target.victim.company), '1', '999'],
    provider_id: ['attacker0', 'attacker1', 'victim0', 'none'],
    provider_ids: ['attacker0', 'attacker1', 'victim0', 'none'],
    external_id: ['fuzz1', 'fuzz2', 'fuzz3'],
    provider_phone: [phoneOf('attacker', 0), phoneOf('victim', 0), '+13055551234'],
    key_id: keys.map(({ id }) => id),
    user_id: users.map(({ id }) => id),
    id: [...unlocks, '1', '2'],
    effect_id: unlocks,
    uuid: [...unlocks, ...all('imports')],
    token: ['x'.repeat(43), 'y'.repeat(22), 'sandbox-textmagic-webhook-token-0000'],
    vendor: ['ghl'],
    queueName: ['distributor', 'importer', 'teaser-sender', 'none'],
    jobId: ['1', '2'],
    status: ['AWAIT_CONFIRM', 'DONE', 'EXPIRED', 'latest', 'failed'],
    default_region: ['US', 'GB', 'ZZ'],
    name: ['console.css', 'app.js', 'none.css', 'Ann'],
    '*': ['none', 'sign-in/email', 'get-session', 'css/app.css'],
    cursor: ['', Buffer.from('["1","x"]').toString('base64url')],
  };
}

async function thingsOf(url: string, tenant: Tenant) {
  const client = clientOf(url, { key: tenant.key });
  const leads = await many(3, (n) => make(client, 'lead_id', '/api/leads', leadOf(tenant, n)));
  const jobs = await many(2, (n) => make(client, 'job_id', '/leads/single', uploadOf(tenant, n)));
  const imports = await many(3, async (n) => {
    const body = `name,phone\nAnn,+1305${7_000_000 + n}\nBen,none\n`;
    const reply = await client.send('POST', '/api/imports', {
      body,
      headers: { 'content-type': 'text/csv' },
    });
    return (JSON.parse(reply.text) as { import: { import_id: string } }).import.import_id;
  });
  await client.send('POST', `/api/companies/${tenant.company}/keys`, { json: { name: 'spare' } });
  client.close();
  return { leads, jobs, imports };
}

const many = (count: number, act: (n: number) => Promise<string>) =>
  Promise.all(Array.from({ length: count }, (_, n) => act(n)));

async function make(client: Client, field: string, path: string, json: unknown): Promise<string> {
  const reply = await client.send('POST', path, { json });
  const made = (JSON.parse(reply.text) as Record<string, string>)[field];
  if (!made) throw new Error(`${path} answered ${reply.status} ${reply.text.slice(0, 200)}`);
  return made;
}

const leadOf = ({ slug }: Tenant, n: number) => ({
  city: 'Miami',
  service_type: 'Massage',
  client_name: 'Sarah Johnson',
  client_phone: '+13055550199',
  provider_ids: [`${slug}${n}`],
});

const uploadOf = ({ company }: Tenant, n: number) => ({
  name: 'Ann',
  phone: `+1305${8_000_000 + n}`,
  company_id: company,
});
