/** Scopes of an API key. `admin` includes all others, and reads the locked contacts of its organization's leads. */
export const scopes = [
  'leads:read',
  'leads:write',
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

export const isScope = (value: string): value is Scope => (scopes as readonly string[]).includes(value);

export const allows = (granted: readonly Scope[], wanted: Scope): boolean =>
  granted.includes('admin') || granted.includes(wanted);
