import { v7 as uuidv7 } from 'uuid';
import { createLogger } from '../../src/adapters/logger.ts';
import { ensureOperator } from '../../src/api/auth/better-auth.ts';
import { loadConfig } from '../../src/config.ts';
import { createKey } from '../../src/db/account/api-keys.ts';
import { upsertBuyers } from '../../src/db/account/buyers.ts';
import { findCompany, makeCompany } from '../../src/db/account/companies.ts';
import { createOrganization } from '../../src/db/account/organizations.ts';
import { createDatabase, type Database } from '../../src/db/client.ts';
import { migrate } from '../../src/db/migrate.ts';
import { ensureDemo } from '../../src/demo/seed.ts';
import { scopes } from '../../src/domain/account/scopes.ts';
import { inviteMember } from '../../src/usecases/account/invite.ts';
import { phoneOf, type Target, type Tenant } from './target.ts';

export type Seeded = Pick<Target, 'attacker' | 'victim' | 'operator'>;

const buyers = 200;
/** Two tenants with buyers, companies and keys, and an operator, in a migrated database that each system is cloned from. */
export async function seed(databaseUrl: string): Promise<Seeded> {
  await migrate(databaseUrl);
  const db = createDatabase({ url: databaseUrl, max: 2 });
  try {
    const config = loadConfig({ DATABASE_URL: databaseUrl, LOG_LEVEL: 'silent' });
    await ensureDemo(db);
    const attacker = await makeTenant(db, 'attacker');
    const victim = await makeTenant(db, 'victim');
    const { organizationId } = attacker;
    const supplier = await createKey(db, {
      organizationId,
      owner: 'supplier',
      name: 'supplier',
      scopes: ['leads:read', 'leads:write'],
    });
    const bound = await createKey(db, {
      organizationId,
      owner: 'operator',
      name: 'support',
      scopes: ['admin'],
    });
    const operator = { email: 'operator@leadgate.example', password: 'a long operator password' };
    await ensureOperator({ db, config, log: createLogger(config, 'attack') }, { ...operator, name: 'Olga' });
    const member = 'mallory@attacker.example';
    const link = await inviteMember(
      { db, config },
      { organizationId },
      { name: 'Mallory', email: member },
      'cli',
    );
    await db.query('UPDATE organizations SET sms_per_day = 2000000000, sms_per_number_hour = 2000000000');
    await db.query('ANALYZE');
    return {
      attacker: {
        ...attacker,
        supplierKey: supplier.key,
        operatorKeyId: bound.id,
        operatorKey: bound.key,
        invitation: new URL(link!).pathname,
        member,
      },
      victim,
      operator,
    };
  } finally {
    await db.close();
  }
}

async function makeTenant(db: Database, slug: 'attacker' | 'victim'): Promise<Tenant> {
  const organizationId = uuidv7();
  await createOrganization(db, {
    id: organizationId,
    name: slug,
    slug,
    footer: 'Footer',
    supportContact: `help@${slug}.example`,
  });
  await makeCompany(db, organizationId, {
    name: slug,
    ownerName: 'Olga Owner',
    ownerEmail: `owner@${slug}.example`,
    ownerPhone: '+13055550100',
    account: { vendor: 'ghl', accountId: `location-${slug}` },
    defaultRegion: 'US',
  });
  const all = Array.from({ length: buyers }, (_, number) => ({
    externalId: `${slug}${number}`,
    name: 'Amy',
    phone: phoneOf(slug, number),
    email: `amy${number}@${slug}.example`,
    language: null,
  }));
  await upsertBuyers(db, organizationId, all);
  const { key } = await createKey(db, {
    organizationId,
    owner: 'organization',
    name: 'main',
    scopes,
  });
  const company = (await findCompany(db, { organizationId }))!.number;
  return { slug, organizationId, company, key, buyers };
}
