import { type SQL, sql } from 'drizzle-orm';

/** Narrows rows to one organization; null is an operator of the platform, who sees those of all. `column` is a name of ours. */
export const ofOrganization = (column: string, organizationId: string | null): SQL =>
  organizationId === null ? sql`true` : sql`${sql.raw(column)} = ${organizationId}::uuid`;
