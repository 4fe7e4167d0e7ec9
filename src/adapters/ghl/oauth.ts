import got, { HTTPError } from 'got';
import { z } from 'zod';
import { PermanentError, TransientError } from '../../domain/errors.ts';
import {
  callTimeoutMs,
  connectionError,
  isNetworkError,
  responseError,
  unreadableResponse,
} from '../failure.ts';
import { wordsOf } from './answers.ts';

const vendor = 'ghl';
const chooser = 'https://marketplace.gohighlevel.com/v2/oauth/chooselocation';

export type GhlOauthConfig = {
  clientId: string;
  clientSecret: string;
  /** Null: the vendor's own. */
  baseUrl: string | null;
  authorizeUrl: string | null;
};

export type GhlTokens = {
  accessToken: string;
  /** Good for one refresh: store it together with the access token, before either is used. */
  refreshToken: string;
  expiresAt: Date;
  locationId: string | null;
  companyId: string | null;
  scope: string;
};

const answer = z.object({
  access_token: z.string().min(1),
  refresh_token: z.string().min(1),
  expires_in: z.number().positive(),
  scope: z.string().catch(''),
  locationId: z.string().nullish().catch(null),
  companyId: z.string().nullish().catch(null),
});

/** Where somebody lets us into a location; comes back to `redirectUri` with `code` and our `state`. */
export function ghlAuthorizeUrl(
  config: GhlOauthConfig,
  given: { redirectUri: string; scopes: readonly string[]; state: string },
): string {
  const url = new URL(config.authorizeUrl ?? chooser);
  url.searchParams.set('response_type', 'code');
  url.searchParams.set('redirect_uri', given.redirectUri);
  url.searchParams.set('client_id', config.clientId);
  url.searchParams.set('scope', given.scopes.join(' '));
  url.searchParams.set('state', given.state);
  return url.href;
}

export function exchangeGhlCode(
  config: GhlOauthConfig,
  given: { code: string; redirectUri: string },
  options: { timeoutMs?: number; now?: Date } = {},
): Promise<GhlTokens> {
  const form = { grant_type: 'authorization_code', code: given.code, redirect_uri: given.redirectUri };
  return ask(config, form, options);
}

/**
 * Spends the refresh token: one caller at a time per location. Throws PermanentError (`invalid_grant`: somebody must
 * let us in again), TransientError (the location is not active: keep the same refresh token), UnknownOutcomeError when
 * no answer came: the token may be spent.
 */
export function refreshGhlTokens(
  config: GhlOauthConfig,
  refreshToken: string,
  options: { timeoutMs?: number; now?: Date } = {},
): Promise<GhlTokens> {
  return ask(config, { grant_type: 'refresh_token', refresh_token: refreshToken }, options);
}

async function ask(
  config: GhlOauthConfig,
  form: Record<string, string>,
  { timeoutMs = callTimeoutMs, now = new Date() }: { timeoutMs?: number; now?: Date },
): Promise<GhlTokens> {
  const base = (config.baseUrl ?? 'https://services.leadconnectorhq.com').replace(/\/+$/, '');
  const client = { client_id: config.clientId, client_secret: config.clientSecret, user_type: 'Location' };
  const response = await got
    .post(`${base}/oauth/token`, {
      form: { ...client, ...form },
      timeout: { connect: Math.min(timeoutMs, 5_000), request: timeoutMs },
      retry: { limit: 0 },
      followRedirect: false,
    })
    .catch((error: unknown) => {
      throw classified(error);
    });
  const found = answer.safeParse(parsed(response.body));
  if (!found.success) throw unreadableResponse({ vendor, kind: 'post' });
  const { data } = found;
  return {
    accessToken: data.access_token,
    refreshToken: data.refresh_token,
    expiresAt: new Date(now.getTime() + data.expires_in * 1000),
    locationId: data.locationId ?? null,
    companyId: data.companyId ?? null,
    scope: data.scope,
  };
}

function classified(error: unknown): unknown {
  const call = { vendor, kind: 'post' as const };
  if (!(error instanceof HTTPError)) return isNetworkError(error) ? connectionError(call, error) : error;
  const { statusCode: status, body } = error.response;
  const vendorMessage = wordsOf(parsed(String(body)));
  if (status !== 400) return responseError(call, { status, vendorMessage });
  // One status for two opposite cases and no code to tell them apart: the words are all there is.
  if (/not active/i.test(vendorMessage ?? '')) {
    const details = { vendor, code: 'unavailable' as const, vendorCode: 'location_inactive', vendorMessage };
    return new TransientError(`${vendor} says the location is not active`, details);
  }
  const details = { vendor, code: 'unauthorized' as const, vendorCode: 'invalid_grant', vendorMessage };
  return new PermanentError(`${vendor} refused: unauthorized (invalid_grant)`, details);
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}
