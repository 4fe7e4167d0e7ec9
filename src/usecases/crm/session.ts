import { setTimeout as delay } from 'node:timers/promises';
import type { CrmAccess, CrmGateway } from '../../adapters/crm.ts';
import { type GhlOauthConfig, type GhlTokens, refreshGhlTokens } from '../../adapters/ghl/oauth.ts';
import {
  type CrmConnection,
  type CrmCredentials,
  claimRefresh,
  findConnection,
  holdPart,
  pausedBy,
  type RefreshLease,
  releaseRefresh,
  storeRefreshed,
} from '../../db/crm/connections.ts';
import { retryWhileDisconnected } from '../../db/retry.ts';
import { PermanentError, TransientError, UnknownOutcomeError } from '../../domain/errors.ts';
import { subjects } from '../../events/subjects.ts';
import type { Runtime } from '../runtime.ts';
import { HeldError, type Turn, type Turns, turnsOf } from './rate-limit.ts';

export type DoorDeps = Pick<Runtime, 'db' | 'vault' | 'crm' | 'config' | 'relay' | 'log' | 'queues'>;

/** Longer than two tries of ten seconds and all the patience with the statement after them. */
const refreshLeaseMs = 60_000;
const refreshPollMs = 50;
/** A token that runs out within this is renewed before it is refused. */
const renewAheadMs = 60_000;
const inactiveMs = 300_000;
const storePatienceMs = 25_000;

/** A company's way into its CRM for one run: each call in its turn, with a token that is good. */
export type Door = {
  /** Throws HeldError when the company's rows must wait, and what the gateway throws. */
  call<T>(make: (crm: CrmGateway, access: CrmAccess) => Promise<T>): Promise<T>;
};

export function openDoor(deps: DoorDeps, given: CrmConnection, first: Turn | null): Door {
  let connection = given;
  let token = '';
  let tokenOfVersion: number | null = null;
  const turns: Turns = turnsOf(deps, connection, first);
  const openSession = <T>(make: (crm: CrmGateway, access: CrmAccess) => Promise<T>) =>
    turns.call(() => {
      const { locationId, apiVersion, version } = connection;
      // Unsealed once for all the calls of a run.
      if (tokenOfVersion !== version) token = tokenOf(deps, connection);
      tokenOfVersion = version;
      return make(deps.crm[apiVersion], {
        locationId,
        token,
        onQuota: turns.onQuota,
      });
    });
  return {
    async call(make) {
      if (isRunningOut(connection)) connection = (await renewed(deps, connection)) ?? connection;
      // The first refusal may be of a token that has run out, the second is not.
      for (let tried = 0; ; tried += 1) {
        try {
          return await openSession(make);
        } catch (error) {
          if (!isRefusedEntry(error)) throw error;
          const renewal = tried === 0 && error.vendorCode === '401' ? await renewed(deps, connection) : null;
          if (!renewal) {
            await pause(deps, connection, error.vendorMessage ?? error.message);
            throw new HeldError('the CRM refuses the credentials');
          }
          connection = renewal;
        }
      }
    },
  };
}

const isRefusedEntry = (error: unknown): error is PermanentError =>
  error instanceof PermanentError && error.code === 'unauthorized';

const isRunningOut = ({ kind, accessExpiresAt }: CrmConnection): boolean =>
  kind === 'oauth' && accessExpiresAt !== null && accessExpiresAt.getTime() < Date.now() + renewAheadMs;

function credentialsOf({ vault }: DoorDeps, { credentials }: CrmConnection): CrmCredentials | null {
  return credentials === null ? null : vault.openJson<CrmCredentials>(credentials);
}

function tokenOf(deps: DoorDeps, connection: CrmConnection): string {
  return credentialsOf(deps, connection)?.accessToken ?? deps.config.ghl.apiKey ?? '';
}

/** Refused for good, as far as we can tell: everything of this company waits, and an operator hears of it, once. */
async function pause({ relay }: DoorDeps, connection: CrmConnection, because: string): Promise<void> {
  const { organizationId } = connection;
  const reason = `GoHighLevel refuses the credentials: ${because}`.slice(0, 300);
  await relay.commit({
    guard: pausedBy(connection, reason),
    writes: [holdPart(organizationId, null, reason)],
    events: [
      { type: 'crm.paused', organizationId, subject: subjects.company(organizationId), data: { reason } },
    ],
  });
}

/**
 * The connection with other credentials than those that were refused: somebody else's newer ones, or our own refresh.
 * Null: there are none to be had. A refresh token is good for one use, so one process at a time spends it and stores
 * what it got before anybody uses it; the others wait and read.
 */
async function renewed(deps: DoorDeps, refused: CrmConnection): Promise<CrmConnection | null> {
  const deadline = performance.now() + refreshLeaseMs;
  for (;;) {
    const now = await findConnection(deps.db, refused.organizationId);
    if (!now || now.pausedAt) throw new HeldError('the company is not connected');
    if (now.version !== refused.version) return now;
    if (now.kind !== 'oauth') return null;
    const lease = await claimRefresh(deps.db, now, refreshLeaseMs);
    if (lease !== null) return refresh(deps, now, lease);
    if (performance.now() > deadline) throw new HeldError('the token is being renewed');
    await delay(refreshPollMs + Math.random() * refreshPollMs);
  }
}

async function refresh(
  deps: DoorDeps,
  connection: CrmConnection,
  lease: RefreshLease,
): Promise<CrmConnection | null> {
  const { db, config } = deps;
  const { refreshToken } = credentialsOf(deps, connection) ?? {};
  if (!config.ghl.oauth || refreshToken === undefined) {
    await releaseRefresh(db, connection, lease);
    return null;
  }
  try {
    const tokens = await spend(oauthOf(config.ghl, config.ghl.oauth), refreshToken);
    await storedFor(deps, connection, tokens);
  } catch (error) {
    await releaseRefresh(db, connection, lease);
    // Whatever the vendor will not give a token for, it is no lead's fault.
    if (error instanceof PermanentError) return null;
    if (error instanceof TransientError && error.vendorCode === 'location_inactive') {
      await deps.relay.commit({
        writes: [
          holdPart(connection.organizationId, inactiveMs, 'GoHighLevel says the location is not active.'),
        ],
      });
      throw new HeldError('the location is not active');
    }
    throw error;
  }
  return findConnection(db, connection.organizationId);
}

/** No answer: it may be spent or not. One more try tells, and costs nothing that is not lost already. */
async function spend(oauth: GhlOauthConfig, refreshToken: string): Promise<GhlTokens> {
  try {
    return await refreshGhlTokens(oauth, refreshToken);
  } catch (error) {
    if (!(error instanceof UnknownOutcomeError)) throw error;
    return refreshGhlTokens(oauth, refreshToken);
  }
}

/** The new tokens exist nowhere else: they are kept at hand until the database has them. */
async function storedFor(
  { db, vault }: DoorDeps,
  connection: CrmConnection,
  tokens: GhlTokens,
): Promise<void> {
  // Repeating it is harmless: with the next version in place it changes nothing.
  await retryWhileDisconnected(() => storeRefreshed(db, vault, connection, tokens), storePatienceMs);
}

export const oauthOf = (
  { baseUrl, authorizeUrl }: DoorDeps['config']['ghl'],
  client: { clientId: string; clientSecret: string },
): GhlOauthConfig => ({ ...client, baseUrl, authorizeUrl });
