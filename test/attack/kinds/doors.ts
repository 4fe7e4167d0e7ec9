import { createDatabase } from '../../../src/db/client.ts';
import { type Visitor, visit } from '../../harness/console-client.ts';
import { clientOf } from '../client.ts';
import { type Goal, holds, type Kind, type Target } from '../target.ts';
import { startApi } from './processes.ts';

const password = 'a long enough one';
const newPassword = 'another long enough one';

/** S38: what one door refuses, another must not grant. */
export const doors: Kind = {
  name: 'doors',
  about: 'Keys by way of the settings page, sessions after a new password, and calls through a silent proxy.',
  flood: false,
  async attack(target) {
    return [...(await members(target)), ...(await keyless(target))];
  },
};

async function members(target: Target): Promise<Goal[]> {
  const { url, attacker, operator } = target;
  const page = { publicUrl: url };
  const path = `/dashboard/${attacker.company}`;
  const [member, elsewhere, boss] = [visit(page), visit(page), visit(page)];
  await expectStatus(member.post(attacker.invitation, { password, again: password }), 303);
  await expectStatus(elsewhere.signIn(attacker.member, password), 303);
  await expectStatus(boss.signIn(operator.email, operator.password), 303);
  const made = await expectStatus(member.post(`${path}/settings/keys`, { key_name: 'mine' }), 201);
  const key = /lg_[\w-]{43}/.exec(made)?.[0] ?? '';
  const used = await statusOf(url, key);

  const revoked = await member.post(`${path}/settings/keys/${attacker.operatorKeyId}/revoke`);
  const operatorKey = await statusOf(url, attacker.operatorKey);

  const id = await userId(target);
  const linkPage = await expectStatus(boss.post(`${path}/people/${id}/link`), 201);
  const link = /\/set-password\/[\w-]{43}/.exec(linkPage)?.[0] ?? '';
  await expectStatus(visit(page).post(link, { password: newPassword, again: newPassword }), 303);
  const old = await stillSees(elsewhere, path);

  await expectStatus(boss.post(`${path}/people/${id}/remove`), 200);
  const orphan = await statusOf(url, key);
  return [
    holds('a member’s key works while the member is one', used === 200, `${used}`),
    holds(
      'a member cannot revoke an operator’s key',
      operatorKey === 200,
      `${revoked.status}, then ${operatorKey}`,
    ),
    holds('a new password ends the other sessions', !old, old ? 'still signed in' : 'yes'),
    holds('a removed member’s key is refused', orphan === 401, `${orphan}`),
  ];
}

async function expectStatus(answering: Promise<Response>, status: number): Promise<string> {
  const answer = await answering;
  const text = await answer.text();
  if (answer.status !== status) throw new Error(`${answer.url}: ${answer.status}, expected ${status}`);
  return text;
}

async function stillSees(visitor: Visitor, path: string): Promise<boolean> {
  return (await visitor.get(path)).status === 200;
}

async function statusOf(url: string, key: string): Promise<number> {
  const client = clientOf(url, { key });
  const { status } = await client.send('GET', '/api/companies');
  client.close();
  return status;
}

async function userId({ databaseUrl, attacker }: Target): Promise<string> {
  const db = createDatabase({ url: databaseUrl, max: 1 });
  const [row] = await db.query<{ id: string }>('SELECT id FROM users WHERE email = $1', [attacker.member]);
  await db.close();
  return row!.id;
}

/** A proxy that adds no header makes every caller a local one. */
async function keyless({ folder, databaseUrl, sandboxUrl }: Target): Promise<Goal[]> {
  const program = await startApi(folder, {
    PUBLIC_URL: 'https://leads.example.com',
    DATABASE_URL: databaseUrl,
    SANDBOX_URL: sandboxUrl,
  });
  const client = clientOf(program.url);
  // A refused start answers nothing, which is also no way in.
  const [leads, metrics] = await Promise.all([
    client.send('GET', '/api/leads'),
    client.send('GET', '/metrics'),
  ]);
  client.close();
  program.stop();
  return [
    holds('keyless behind a public address', leads.status !== 200, `${leads.status}`),
    holds('/metrics behind a public address', metrics.status !== 200, `${metrics.status}`),
  ].map((goal) => ({ ...goal, what: `${goal.what} is refused` }));
}
