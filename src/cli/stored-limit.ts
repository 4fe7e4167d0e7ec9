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

/** The quotas of a command: it counts among no rates, and what is stored has the limits of the organization. */
export const commandQuotas = (
  session: Pick<Session, 'db' | 'config'>,
): Pick<Quotas, 'take' | 'giveBack' | 'hold' | 'stored'> => ({
  take: async () => undefined,
  giveBack: async () => undefined,
  hold: (_name, _owner, work) => work(),
  stored: async (name, organizationId, work) => work(await mostStored(session, name, organizationId)),
});
