/** What an API key may do. `admin` includes the rest, and the locked contact of its own organization's leads. */
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

export const isScope = (value: string): value is Scope => (scopes as readonly string[]).includes(value);

export const allows = (granted: readonly Scope[], wanted: Scope): boolean =>
  granted.includes('admin') || granted.includes(wanted);
