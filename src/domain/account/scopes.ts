/** Scopes of an API key. `admin` includes all others, and reads the locked contacts of its organization's leads. */
export const scopes = [
  'leads:read',
  'leads:write',
  'leads:ingest',
  'providers:read',
  'providers:write',
  'replies:write',
  'companies:read',
  'companies:write',
  'admin',
] as const;
export type Scope = (typeof scopes)[number];

/** The scopes a supplier's key may have: it offers and reads its own leads. */
export const supplierScopes = ['leads:read', 'leads:write'] as const satisfies Scope[];
/** The scopes of a key of a supplier of the marketplace: it sends leads of its categories, and offers none to named buyers. */
export const marketplaceScopes = ['leads:read', 'leads:ingest'] as const satisfies Scope[];
/** The scopes that a company's keys may have. */
export const companyScopes = [
  'leads:read',
  'leads:write',
  'companies:read',
  'companies:write',
] as const satisfies Scope[];
export type CompanyScope = (typeof companyScopes)[number];
/** What a program that uploads leads needs: the scopes of a key made on the settings page or at registration. */
export const uploadScopes = ['leads:read', 'leads:write', 'companies:read'] as const satisfies CompanyScope[];

export const isScope = (value: string): value is Scope => (scopes as readonly string[]).includes(value);

export const allows = (granted: readonly Scope[], wanted: Scope): boolean =>
  granted.includes('admin') || granted.includes(wanted);
