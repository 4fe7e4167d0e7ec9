import { findQuotaLimits } from '../db/account/quotas.ts';
import { limitsOf, readQuotaLimits, type StoredName } from '../domain/account/quotas.ts';
import type { Quotas } from '../usecases/account/quotas.ts';
import type { Session } from './session.ts';

/** How many rows the organization may have, by its own limit or that of the installation. */
export async function mostStored(
  { db, config }: Pick<Session, 'db' | 'config'>,
  name: StoredName,
  organizationId: string,
): Promise<number> {
  const own = (await findQuotaLimits(db)).get(organizationId);
  return limitsOf(name, [own, readQuotaLimits(config.quotas)]).perOrganization ?? Number.MAX_SAFE_INTEGER;
}

/** Quotas for commands: what is stored is limited, and what the operator does is not counted. */
export const commandQuotas = (session: Pick<Session, 'db' | 'config'>): Pick<Quotas, 'take' | 'stored'> => ({
  take: async () => undefined,
  stored: async (name, organizationId, work) => work(await mostStored(session, name, organizationId)),
});
