import type { CrmAccess, CrmGateway } from '../../adapters/crm.ts';
import { apiOf } from '../../adapters/crms.ts';
import type { CrmConnection, CrmCredentials } from '../../db/crm/connections.ts';
import { pausedBy } from '../../db/crm/credentials.ts';
import { holdPart } from '../../db/crm/holds.ts';
import { PermanentError } from '../../domain/errors.ts';
import { subjects } from '../../events/subjects.ts';
import type { Runtime } from '../runtime.ts';
import { HeldError, limitCalls, type ScheduledCall } from './rate-limit.ts';
import { renewCredentials } from './refresh.ts';

export type SessionDeps = Pick<Runtime, 'db' | 'vault' | 'crms' | 'config' | 'relay' | 'log' | 'queues'>;

/** Credentials that expire within this time are renewed before the vendor refuses them. */
const renewAheadMs = 60_000;

/** One run's access to a CRM: calls within the rate limit, with a valid token. */
export type CrmSession = {
  /** Throws HeldError when the company's rows must wait, and what the gateway throws. */
  call<T>(make: (crm: CrmGateway, access: CrmAccess) => Promise<T>): Promise<T>;
};

/** `first`: the call reserved when the run was opened. */
export function openSession(
  deps: SessionDeps,
  given: CrmConnection,
  first: ScheduledCall | null,
): CrmSession {
  let connection = given;
  let token = '';
  let tokenVersion: number | null = null;
  const limiter = limitCalls(deps, connection, first);
  const attempt = <T>(make: (crm: CrmGateway, access: CrmAccess) => Promise<T>) =>
    limiter.call(() => {
      const { accountId, version } = connection;
      // Unsealed once for all calls of a run.
      if (tokenVersion !== version) token = tokenOf(deps, connection);
      tokenVersion = version;
      const { gateway } = apiOf(deps.crms, connection);
      return make(gateway, { accountId, token, onQuota: limiter.onQuota });
    });
  return {
    async call(make) {
      if (expiresSoon(connection)) connection = (await renewCredentials(deps, connection)) ?? connection;
      // The first refusal may be due to an expired token; the second is not.
      for (let tried = 0; ; tried += 1) {
        try {
          return await attempt(make);
        } catch (error) {
          if (!isUnauthorized(error)) throw error;
          const renewed =
            tried === 0 && error.vendorCode === '401' ? await renewCredentials(deps, connection) : null;
          if (!renewed) {
            await pause(deps, connection, error.vendorMessage ?? error.message);
            throw new HeldError('the CRM refuses the credentials');
          }
          connection = renewed;
        }
      }
    },
  };
}

const isUnauthorized = (error: unknown): error is PermanentError =>
  error instanceof PermanentError && error.code === 'unauthorized';

const expiresSoon = ({ kind, accessExpiresAt }: CrmConnection): boolean =>
  kind === 'oauth' && accessExpiresAt !== null && accessExpiresAt.getTime() < Date.now() + renewAheadMs;

function tokenOf({ vault, crms }: SessionDeps, connection: CrmConnection): string {
  const { credentials } = connection;
  if (credentials === null) return apiOf(crms, connection).sharedToken ?? '';
  return vault.openJson<CrmCredentials>(credentials).accessToken;
}

/** The credentials cannot be renewed: pauses the company and alerts an operator, once. */
async function pause(
  { relay, crms }: SessionDeps,
  connection: CrmConnection,
  because: string,
): Promise<void> {
  const { organizationId, vendor } = connection;
  const reason = `${crms[vendor].label} refuses the credentials: ${because}`.slice(0, 300).toWellFormed();
  await relay.commit({
    guard: pausedBy(connection, reason),
    writes: [holdPart(organizationId, null, reason)],
    events: [
      { type: 'crm.paused', organizationId, subject: subjects.company(organizationId), data: { reason } },
    ],
  });
}
