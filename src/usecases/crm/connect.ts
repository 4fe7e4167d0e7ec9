import type { CrmVendor } from '../../adapters/crm.ts';
import { apiOf, isCrm } from '../../adapters/crms.ts';
import type { CrmName } from '../../config.ts';
import { violatedUnique } from '../../db/constraints.ts';
import type { SharedAccount } from '../../db/crm/call-slots.ts';
import { type CrmConnection, findAccountOwner, findConnection } from '../../db/crm/connections.ts';
import { accountConstraint, type NewCredentials, saveCredentials } from '../../db/crm/credentials.ts';
import { PermanentError, RefusedError, VendorError } from '../../domain/errors.ts';
import type { Runtime } from '../runtime.ts';
import { memoryOf } from './memory.ts';
import { HeldError, limitCalls } from './rate-limit.ts';

export type ConnectDeps = Pick<Runtime, 'db' | 'vault' | 'crms' | 'config' | 'log'>;
type Beside = Parameters<typeof saveCredentials>[4];

export type TokenGiven = {
  token: string;
  /** Defaults to that of the company's connection. */
  vendor?: string;
  /** Defaults to the one the company named at registration. */
  accountId?: string;
  apiVersion?: string;
  rateShare?: number;
  actor: string;
  /** Operators may confirm an account that the token itself does not identify. */
  byOperator?: boolean;
};

/**
 * Connects a company by token, after the vendor has accepted it. Throws RefusedError 400 (`crm_token_refused`, with the
 * vendor's message), 403 (`crm_location_unproven`), 409 (`crm_location_taken`) or 503.
 */
export async function connectCompany(
  deps: ConnectDeps,
  organizationId: string,
  given: TokenGiven,
  beside?: Beside,
): Promise<void> {
  const { token, rateShare, actor } = given;
  const known = await findConnection(deps.db, organizationId);
  const vendor = vendorFor(deps, given.vendor, known);
  const same = known?.vendor === vendor.name ? known : null;
  const accountId = given.accountId ?? same?.accountId;
  if (!accountId) throw accountMissing(vendor);
  const account = { vendor: vendor.name, accountId };
  const owner = await findAccountOwner(deps.db, account);
  // Before the trial call: the account's allowance belongs to its owner.
  if (owner && owner.connectionId !== known?.id) throw accountTaken(vendor);
  const apiVersion = given.apiVersion ?? same?.apiVersion ?? vendor.apis[0].version;
  if (!vendor.apis.some(({ version }) => version === apiVersion))
    throw new RefusedError(400, 'crm_version_unknown', `${vendor.label} has no API ${apiVersion}.`);
  const { tokenNamesAccount } = apiOf(deps.crms, { vendor: vendor.name, apiVersion });
  if (!tokenNamesAccount && accountId !== same?.accountId && !given.byOperator)
    throw new RefusedError(
      403,
      'crm_location_unproven',
      `A key of API ${apiVersion} does not say which ${vendor.hints.account} it is for: an operator has to change the ${vendor.hints.account}.`,
    );
  const share = rateShare ?? known?.rateShare ?? 100;
  await tryToken(deps, { ...account, organizationId, apiVersion, rateShare: share }, token);
  const credentials = { accessToken: token };
  const connection = {
    account: { ...account, apiVersion },
    kind: 'token' as const,
    credentials,
    rateShare,
    actor,
  };
  await store(deps, organizationId, connection, vendor, beside);
}

/** Throws 400 for a CRM that does not exist, or when neither the request nor the company names one. */
function vendorFor({ crms }: ConnectDeps, name: string | undefined, known: CrmConnection | null): CrmVendor {
  const vendor = name ?? known?.vendor ?? Object.keys(crms)[0]!;
  if (isCrm(crms, vendor)) return crms[vendor];
  throw new RefusedError(400, 'crm_unknown', `There is no CRM called ${vendor.slice(0, 50)}.`);
}

/** One cheap call, rate limited like any other. */
async function tryToken(
  deps: ConnectDeps,
  account: SharedAccount & { organizationId: string; apiVersion: string },
  token: string,
): Promise<void> {
  const { accountId, vendor } = account;
  const { label, hints } = deps.crms[vendor];
  const { gateway } = apiOf(deps.crms, account);
  const { gate } = memoryOf(deps);
  await gate.enter();
  try {
    await limitCalls(deps, account, null).call(() => gateway.customFields({ accountId, token }));
  } catch (error) {
    if (error instanceof PermanentError) {
      const vendorMessage = error.vendorMessage ?? error.message;
      const message = `${label} does not accept this token for this ${hints.account}: ${vendorMessage}`;
      throw new RefusedError(400, 'crm_token_refused', message);
    }
    if (error instanceof VendorError || error instanceof HeldError)
      throw new RefusedError(503, 'crm_unavailable', `${label} is unavailable right now. Please try again.`, {
        retryAfterSeconds: 10,
      });
    throw error;
  } finally {
    gate.leave();
  }
}

async function store(
  { db, vault }: Pick<ConnectDeps, 'db' | 'vault'>,
  organizationId: string,
  given: NewCredentials,
  vendor: CrmVendor,
  beside?: Beside,
): Promise<void> {
  try {
    if (await saveCredentials(db, vault, organizationId, given, beside)) return;
  } catch (error) {
    if (violatedUnique(error) !== accountConstraint) throw error;
    throw accountTaken(vendor);
  }
  throw accountMissing(vendor);
}

const accountMissing = ({ label, hints }: CrmVendor) =>
  new RefusedError(400, 'crm_location_missing', `Name the ${label} ${hints.account}.`);

const accountTaken = ({ label, hints }: CrmVendor) =>
  new RefusedError(
    409,
    'crm_location_taken',
    `This ${label} ${hints.account} belongs to another company here.`,
  );

export type Consent = { organizationId: string; actor: string };

/**
 * Exchanges the code of a consent for tokens and stores them sealed. Throws RefusedError 400 (`crm_consent_refused`) or
 * 409 (`crm_other_location`) when the consent is for another account than the company's.
 */
export async function connectByConsent(
  deps: ConnectDeps,
  name: CrmName,
  { organizationId, actor }: Consent,
  code: string,
): Promise<void> {
  const { config, crms, db } = deps;
  const vendor = crms[name];
  const known = await findConnection(db, organizationId);
  const expected = known?.vendor === name ? known.accountId : null;
  const tokens = await exchange(config, vendor, code);
  const { accessToken, refreshToken, expiresAt, accountId } = tokens;
  if (accountId === null || (expected !== null && accountId !== expected))
    throw new RefusedError(
      409,
      'crm_other_location',
      `${vendor.label} connected another ${vendor.hints.account} (${accountId ?? 'an agency'}) than the company's (${expected ?? 'not named yet'}). Choose that one.`,
    );
  const connection: NewCredentials = {
    account: { vendor: name, accountId, apiVersion: vendor.apis[0].version },
    kind: 'oauth',
    credentials: { accessToken, refreshToken },
    accessExpiresAt: expiresAt,
    actor,
  };
  await store(deps, organizationId, connection, vendor);
}

/** Where the vendor's consent page returns to. */
export const redirectUriOf = ({ publicUrl }: Runtime['config'], name: CrmName) =>
  `${publicUrl}${callbackPath(name)}`;
export const callbackPath = (name: CrmName) => `/oauth/${name}/callback`;

async function exchange(config: Runtime['config'], { name, label, oauth }: CrmVendor, code: string) {
  if (!oauth) throw oauthMissing(label);
  try {
    return await oauth.exchange({ code, redirectUri: redirectUriOf(config, name) });
  } catch (error) {
    if (!(error instanceof VendorError)) throw error;
    const message = `${label} did not accept its own consent. Please connect again.`;
    throw new RefusedError(400, 'crm_consent_refused', message);
  }
}

export const oauthMissing = (label: string) =>
  new RefusedError(
    404,
    'crm_oauth_missing',
    `Connecting by ${label}’s consent page is not set up here: use a private token.`,
  );
