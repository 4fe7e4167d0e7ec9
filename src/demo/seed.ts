import { createKey, findOrganizationId, listActiveKeys, revokeKeysNamed } from '../db/account/api-keys.ts';
import { upsertBuyers } from '../db/account/buyers.ts';
import { makeCompany } from '../db/account/companies.ts';
import { createOrganization } from '../db/account/organizations.ts';
import type { Database } from '../db/client.ts';
import { DEFAULT_FOOTER } from '../domain/messaging/templates.ts';
import { newId } from '../events/new-id.ts';

/** Buyers of the demo organization, which keyless calls from this machine act as. */
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

/** How to use the sample marketplace. Its people share the password. */
export type MarketAccess = {
  seller: string;
  buyers: string[];
  password: string;
  /** Of the supplier whose leads are sold, and of the one in test mode. */
  supplierKey: string;
  testSupplierKey: string;
  campaignId: string;
  categoryId: string;
};

/** The demo organization also uploads leads to a CRM. The sandbox creates a location when it is first used. */
const demoCompany = {
  name: 'Gold Touch List (demo)',
  ownerName: 'Grace Gold',
  ownerEmail: 'owner@gold-touch.example',
  ownerPhone: '+13055550100',
  account: { vendor: 'ghl' as const, accountId: 'demo-location' },
  defaultRegion: 'US',
};

/**
 * Creates the demo organization, its buyers and its company unless they exist; later changes by an operator are kept.
 * Returns the API key's plain text only when a new key was created, otherwise null.
 */
export async function ensureDemo(db: Database, options: { freshKey: boolean } = { freshKey: false }) {
  let organizationId = await findOrganizationId(db, 'demo');
  if (!organizationId) {
    organizationId = newId();
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
  const usable = (await listActiveKeys(db, organizationId)).some((key) => key.name === 'demo');
  if (usable && !options.freshKey) return { organizationId, apiKey: null };
  // The plain text of an existing key cannot be read back, so the key is replaced.
  if (usable) await revokeKeysNamed(db, organizationId, 'demo');
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
