import { setTimeout as delay } from 'node:timers/promises';
import type { CrmOauth, CrmTokens } from '../../adapters/crm.ts';
import { isConnectionError } from '../../db/client.ts';
import { type CrmConnection, type CrmCredentials, findConnectionById } from '../../db/crm/connections.ts';
import { claimRefresh, type RefreshLease, releaseRefresh, storeRefreshed } from '../../db/crm/credentials.ts';
import { holdPart } from '../../db/crm/holds.ts';
import { PermanentError, TransientError, UnknownOutcomeError } from '../../domain/errors.ts';
import type { Runtime } from '../runtime.ts';
import { HeldError } from './rate-limit.ts';

type Deps = Pick<Runtime, 'db' | 'vault' | 'crms' | 'relay'>;

/** Longer than two tries of ten seconds and all retries of the statement after them. */
const refreshLeaseMs = 60_000;
const refreshPollMs = 50;
const inactiveMs = 300_000;
const storePatienceMs = 25_000;

/**
 * The connection with other credentials than the refused ones: newer ones that were stored since, or refreshed ones.
 * Returns null when there are none. A refresh token is single-use, so one process at a time uses it and stores the
 * result before using it; the others wait and read the result.
 */
export async function renewCredentials(deps: Deps, refused: CrmConnection): Promise<CrmConnection | null> {
  const deadline = performance.now() + refreshLeaseMs;
  for (;;) {
    const now = await findConnectionById(deps.db, refused.id);
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
  deps: Deps,
  connection: CrmConnection,
  lease: RefreshLease,
): Promise<CrmConnection | null> {
  const { db, vault, crms } = deps;
  const { oauth, label, hints } = crms[connection.vendor];
  const refreshToken =
    connection.credentials && vault.openJson<CrmCredentials>(connection.credentials).refreshToken;
  if (!oauth || !refreshToken) {
    await releaseRefresh(db, connection, lease);
    return null;
  }
  try {
    await store(deps, connection, await spend(oauth, refreshToken));
  } catch (error) {
    await releaseRefresh(db, connection, lease);
    // Whatever the reason for the refusal, it is not due to a lead.
    if (error instanceof PermanentError) return null;
    if (error instanceof TransientError && error.vendorCode === 'account_inactive') {
      const reason = `${label} says the ${hints.account} is not active.`;
      await deps.relay.commit({ writes: [holdPart(connection.organizationId, inactiveMs, reason)] });
      throw new HeldError('the account is not active');
    }
    throw error;
  }
  return findConnectionById(db, connection.id);
}

/** Without a response the token may already be used. A second attempt finds out at no further risk. */
async function spend(oauth: CrmOauth, refreshToken: string): Promise<CrmTokens> {
  try {
    return await oauth.refresh(refreshToken);
  } catch (error) {
    if (!(error instanceof UnknownOutcomeError)) throw error;
    return oauth.refresh(refreshToken);
  }
}

/** The new tokens exist nowhere else: retries until the database has them. */
async function store({ db, vault }: Deps, connection: CrmConnection, tokens: CrmTokens): Promise<void> {
  const deadline = performance.now() + storePatienceMs;
  for (;;) {
    try {
      await storeRefreshed(db, vault, connection, tokens);
      return;
    } catch (error) {
      // Idempotent: once the next version is stored, it changes nothing.
      if (!isConnectionError(error) || performance.now() > deadline) throw error;
      await delay(200);
    }
  }
}
