import { sql } from 'drizzle-orm';
import { v7 as uuidv7 } from 'uuid';
import { createKey, findOrganizationId, listKeys } from '../db/account/api-keys.ts';
import { upsertBuyers } from '../db/account/buyers.ts';
import { makeCompany } from '../db/account/companies.ts';
import { createOrganization } from '../db/account/organizations.ts';
import type { Queryable } from '../db/client.ts';
import { run } from '../db/commit.ts';
import { DEFAULT_FOOTER } from '../domain/messaging/templates.ts';

/** What a newcomer finds: an organization whose keyless calls from this machine are its own, and four buyers. */
export const demoBuyers = [
  {
    externalId: 'provider60',
    name: 'Amy',
    phone: '+13055550160',
    email: 'amy@gold-touch.example',
    language: null,
  },
  {
    externalId: 'provider61',
    name: 'Ben',
    phone: '+13055550161',
    email: 'ben@gold-touch.example',
    language: null,
  },
  {
    externalId: 'provider62',
    name: 'Carla',
    phone: '+13055550162',
    email: 'carla@gold-touch.example',
    language: null,
  },
  { externalId: 'provider63', name: 'Dan', phone: '+13055550163', email: null, language: null },
];

/** It also brings leads of its own into a CRM: a location that the sandbox has as soon as it is named. */
const demoCompany = {
  name: 'Gold Touch List (demo)',
  ownerName: 'Grace Gold',
  ownerEmail: 'owner@gold-touch.example',
  ownerPhone: '+13055550100',
  locationId: 'demo-location',
  defaultRegion: 'US',
};

/** Seeded once; what an operator changed since is left alone. The key's plain text is returned only when it is new. */
export async function ensureDemo(db: Queryable, options: { freshKey: boolean } = { freshKey: false }) {
  let organizationId = await findOrganizationId(db, 'demo');
  if (!organizationId) {
    organizationId = uuidv7();
    await createOrganization(db, {
      id: organizationId,
      name: demoCompany.name,
      slug: 'demo',
      footer: DEFAULT_FOOTER,
      supportContact: 'help@gold-touch.example',
    });
    organizationId = (await findOrganizationId(db, 'demo'))!;
    await upsertBuyers(db, organizationId, demoBuyers);
  }
  await makeCompany(db, organizationId, demoCompany);
  const keys = await listKeys(db, organizationId);
  const usable = keys.some((key) => key.name === 'demo' && !key.revokedAt);
  if (usable && !options.freshKey) return { organizationId, apiKey: null };
  // A key whose plain text was lost cannot be shown again: it is replaced.
  if (usable)
    await run(
      db,
      sql`UPDATE api_keys SET revoked_at = now() WHERE organization_id = ${organizationId} AND name = 'demo' AND revoked_at IS NULL`,
    );
  const scopes = [
    'leads:read',
    'leads:write',
    'providers:read',
    'providers:write',
    'replies:write',
    'admin',
  ] as const;
  const { key } = await createKey(db, { organizationId, owner: 'organization', name: 'demo', scopes });
  return { organizationId, apiKey: key };
}
