import { createHmac, randomBytes } from 'node:crypto';
import { exchangeGhlCode, ghlAuthorizeUrl } from '../../adapters/ghl/oauth.ts';
import { sameSecret } from '../../adapters/secret.ts';
import { violatedUnique } from '../../db/constraints.ts';
import {
  findConnection,
  findLocationOwner,
  locationConstraint,
  type NewCredentials,
  saveCredentials,
} from '../../db/crm/connections.ts';
import { PermanentError, RefusedError, VendorError } from '../../domain/errors.ts';
import type { Runtime } from '../runtime.ts';
import { HeldError, memoryOf, turnsOf } from './rate-limit.ts';
import { oauthOf } from './session.ts';

type Deps = Pick<Runtime, 'db' | 'vault' | 'crm' | 'config' | 'log'>;

/** What we ask to be allowed: contacts with their notes and tags, and which custom fields there are. */
const oauthScopes = ['contacts.readonly', 'contacts.write', 'locations/customFields.readonly'];
const stateMs = 600_000;

export type TokenGiven = {
  token: string;
  /** Absent: the one the company named when it registered. */
  locationId?: string;
  apiVersion?: 'v2' | 'v1';
  rateShare?: number;
  actor: string;
  /** Operators vouch for a location; a key of v1, unlike a token of v2, does not say which one it is for. */
  byOperator?: boolean;
};

/**
 * Connects a company by a private token (v2) or a location's key (v1), once the vendor has taken it. Throws RefusedError
 * 400 (`crm_token_refused`, with the vendor's words), 403 (`crm_location_unproven`), 409 (`crm_location_taken`) or 503.
 */
export async function connectCompany(
  deps: Deps,
  organizationId: string,
  given: TokenGiven,
  beside?: Parameters<typeof saveCredentials>[4],
): Promise<void> {
  const { token, apiVersion, byOperator = false, ...rest } = given;
  const known = await findConnection(deps.db, organizationId);
  const locationId = given.locationId ?? known?.locationId;
  if (!locationId) throw new RefusedError(400, 'crm_location_missing', 'Name the GoHighLevel location.');
  const owner = await findLocationOwner(deps.db, locationId);
  // Before it is called: its allowance is its owner's.
  if (owner !== null && owner !== organizationId) throw locationTaken();
  const version = apiVersion ?? known?.apiVersion ?? 'v2';
  if (version === 'v1' && locationId !== known?.locationId && !byOperator)
    throw new RefusedError(
      403,
      'crm_location_unproven',
      'A key of version 1 does not say which location it is for: an operator has to change the location.',
    );
  await tryToken(
    deps,
    { organizationId, locationId, rateShare: given.rateShare ?? known?.rateShare ?? 100 },
    version,
    token,
  );
  const connection = {
    ...rest,
    ...{ locationId, apiVersion: version, kind: 'token' as const, credentials: { accessToken: token } },
  };
  await stored(deps, organizationId, connection, beside);
}

/** One cheap call, counted like any other. */
async function tryToken(
  deps: Deps,
  location: { organizationId: string; locationId: string; rateShare: number },
  version: 'v2' | 'v1',
  token: string,
): Promise<void> {
  const { locationId } = location;
  const { gate } = memoryOf(deps);
  await gate.enter();
  try {
    const turns = turnsOf(deps, location, null);
    await turns.call(() => deps.crm[version].customFields({ locationId, token }));
  } catch (error) {
    if (error instanceof PermanentError) {
      const words = error.vendorMessage ?? error.message;
      throw new RefusedError(
        400,
        'crm_token_refused',
        `GoHighLevel does not take this token for this location: ${words}`,
      );
    }
    if (error instanceof VendorError || error instanceof HeldError)
      throw new RefusedError(
        503,
        'crm_unavailable',
        'GoHighLevel cannot be asked just now. Please try again.',
        {
          retryAfterSeconds: 10,
        },
      );
    throw error;
  } finally {
    gate.leave();
  }
}

async function stored(
  { db, vault }: Deps,
  organizationId: string,
  given: NewCredentials,
  beside?: Parameters<typeof saveCredentials>[4],
): Promise<void> {
  try {
    if (await saveCredentials(db, vault, organizationId, given, beside)) return;
  } catch (error) {
    if (violatedUnique(error) !== locationConstraint) throw error;
    throw locationTaken();
  }
  throw new RefusedError(400, 'crm_location_missing', 'Name the GoHighLevel location.');
}

const locationTaken = () =>
  new RefusedError(409, 'crm_location_taken', 'This GoHighLevel location belongs to another company here.');

/** Where somebody lets us into the company's location, and the secret that stays in the browser that went there. */
export type Invitation = { url: string; secret: string; maxAgeSeconds: number };

/** Throws RefusedError 404 when the installation has no app at GoHighLevel. */
export function inviteOauth(config: Runtime['config'], organizationId: string, actor: string): Invitation {
  const { oauth } = config.ghl;
  if (!oauth)
    throw new RefusedError(
      404,
      'crm_oauth_missing',
      'Connecting by GoHighLevel’s consent page is not set up here: use a private token.',
    );
  const secret = randomBytes(16).toString('base64url');
  const body = Buffer.from(JSON.stringify({ organizationId, actor, until: Date.now() + stateMs })).toString(
    'base64url',
  );
  const state = `${body}.${signed(config, body, secret)}`;
  const given = { redirectUri: redirectUriOf(config), scopes: oauthScopes, state };
  return { url: ghlAuthorizeUrl(oauthOf(config.ghl, oauth), given), secret, maxAgeSeconds: stateMs / 1000 };
}

export const redirectUriOf = ({ publicUrl }: Runtime['config']) => `${publicUrl}/oauth/ghl/callback`;

/** Signed for this browser only: a consent somebody was talked into elsewhere connects nothing here. */
function signed({ sessionSecret }: Runtime['config'], body: string, secret: string): string {
  return createHmac('sha256', sessionSecret).update(`ghl oauth\n${secret}\n${body}`).digest('base64url');
}

export type Consent = { organizationId: string; actor: string };

/** Null: not ours, of another browser, or too old. */
export function readState(
  config: Runtime['config'],
  state: string,
  secret: string | undefined,
): Consent | null {
  const [body = '', signature = ''] = state.split('.');
  if (!secret || !sameSecret(signature, signed(config, body, secret))) return null;
  const { organizationId, actor, until } = JSON.parse(Buffer.from(body, 'base64url').toString('utf8'));
  return until > Date.now() ? { organizationId, actor } : null;
}

/** The code of a consent for tokens, sealed. Throws RefusedError when it was given for another location. */
export async function connectByConsent(
  deps: Deps,
  { organizationId, actor }: Consent,
  code: string,
): Promise<void> {
  const { config, db } = deps;
  const known = await findConnection(db, organizationId);
  const tokens = await exchanged(config, code);
  const { accessToken, refreshToken, expiresAt, locationId } = tokens;
  if (locationId === null || (known && locationId !== known.locationId))
    throw new RefusedError(
      409,
      'crm_other_location',
      `GoHighLevel let us into another location (${locationId ?? 'an agency'}) than the company's (${known?.locationId}). Choose that one.`,
    );
  await stored(deps, organizationId, {
    ...{ locationId, apiVersion: 'v2', kind: 'oauth', credentials: { accessToken, refreshToken } },
    ...{ accessExpiresAt: expiresAt, actor },
  });
}

async function exchanged(config: Runtime['config'], code: string) {
  const oauth = oauthOf(config.ghl, config.ghl.oauth!);
  try {
    return await exchangeGhlCode(oauth, { code, redirectUri: redirectUriOf(config) });
  } catch (error) {
    if (!(error instanceof VendorError)) throw error;
    throw new RefusedError(
      400,
      'crm_consent_refused',
      'GoHighLevel did not take its own consent. Please connect again.',
    );
  }
}
