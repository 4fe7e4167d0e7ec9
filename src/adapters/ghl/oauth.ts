import got, { HTTPError } from 'got';
import { z } from 'zod';
import { PermanentError, TransientError } from '../../domain/errors.ts';
import type { CrmOauth, CrmTokens } from '../crm.ts';
import {
  callTimeoutMs,
  connectionError,
  isNetworkError,
  responseError,
  unreadableResponse,
} from '../failure.ts';
import { wordsOf } from './answers.ts';

const vendor = 'ghl';
const consentPage = 'https://marketplace.gohighlevel.com/v2/oauth/chooselocation';
/** Contacts with their notes and tags, and the list of custom fields. */
const scopes = ['contacts.readonly', 'contacts.write', 'locations/customFields.readonly'];

export type GhlOauthConfig = {
  clientId: string;
  clientSecret: string;
  /** Null: the vendor's. */
  baseUrl: string | null;
  authorizeUrl: string | null;
};

const answer = z.object({
  access_token: z.string().min(1),
  refresh_token: z.string().min(1),
  expires_in: z.number().positive(),
  locationId: z.string().nullish().catch(null),
});

type Options = { timeoutMs?: number; now?: () => Date };

export function createGhlOauth(config: GhlOauthConfig, options: Options = {}): CrmOauth {
  const page = config.authorizeUrl ?? consentPage;
  return {
    origin: new URL(page).origin,
    authorizeUrl({ redirectUri, state }) {
      const url = new URL(page);
      url.searchParams.set('response_type', 'code');
      url.searchParams.set('redirect_uri', redirectUri);
      url.searchParams.set('client_id', config.clientId);
      url.searchParams.set('scope', scopes.join(' '));
      url.searchParams.set('state', state);
      return url.href;
    },
    exchange: ({ code, redirectUri }) =>
      requestTokens(config, { grant_type: 'authorization_code', code, redirect_uri: redirectUri }, options),
    refresh: (refreshToken) =>
      requestTokens(config, { grant_type: 'refresh_token', refresh_token: refreshToken }, options),
  };
}

async function requestTokens(
  config: GhlOauthConfig,
  form: Record<string, string>,
  { timeoutMs = callTimeoutMs, now = () => new Date() }: Options,
): Promise<CrmTokens> {
  const base = (config.baseUrl ?? 'https://services.leadconnectorhq.com').replace(/\/+$/, '');
  const client = { client_id: config.clientId, client_secret: config.clientSecret, user_type: 'Location' };
  const askedAt = now();
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
    expiresAt: new Date(askedAt.getTime() + data.expires_in * 1000),
    accountId: data.locationId ?? null,
  };
}

function classified(error: unknown): unknown {
  const call = { vendor, kind: 'post' as const };
  if (!(error instanceof HTTPError)) return isNetworkError(error) ? connectionError(call, error) : error;
  const { statusCode: status, body } = error.response;
  const vendorMessage = wordsOf(parsed(String(body)));
  if (status !== 400) return responseError(call, { status, vendorMessage });
  // The vendor has one status for two opposite cases and no code, so only the text tells them apart.
  if (/not active/i.test(vendorMessage ?? '')) {
    const details = { vendor, code: 'unavailable' as const, vendorCode: 'account_inactive', vendorMessage };
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
