import { createHmac, randomBytes } from 'node:crypto';
import { sameSecret } from '../../adapters/secret.ts';
import type { CrmName } from '../../config.ts';
import type { Runtime } from '../runtime.ts';
import { type Consent, oauthMissing, redirectUriOf } from './connect.ts';

const stateMs = 600_000;

/** The vendor's consent page for a company, and the secret that stays in the browser that goes there. */
export type Invitation = { url: string; secret: string; maxAgeSeconds: number };

/** Throws RefusedError 404 when the installation has no app at the vendor. */
export function inviteOauth(
  { config, crms, selfCheck }: Pick<Runtime, 'config' | 'crms' | 'selfCheck'>,
  name: CrmName,
  { organizationId, actor }: Consent,
): Invitation {
  const { oauth, label } = crms[name];
  if (!oauth) throw oauthMissing(label);
  const secret = randomBytes(16).toString('base64url');
  const given = JSON.stringify({ organizationId, actor, until: selfCheck.now().getTime() + stateMs });
  const body = Buffer.from(given).toString('base64url');
  const state = `${body}.${signatureOf(config, name, body, secret)}`;
  const url = oauth.authorizeUrl({ redirectUri: redirectUriOf(config, name), state });
  return { url, secret, maxAgeSeconds: stateMs / 1000 };
}

/** Bound to one browser: a consent given in another browser is not accepted. */
function signatureOf(
  { sessionSecret }: Runtime['config'],
  name: CrmName,
  body: string,
  secret: string,
): string {
  return createHmac('sha256', sessionSecret).update(`${name} oauth\n${secret}\n${body}`).digest('base64url');
}

/** Returns null for a state that was not signed here for this browser, or has expired. */
export function readState(
  { config, selfCheck }: Pick<Runtime, 'config' | 'selfCheck'>,
  name: CrmName,
  state: string,
  secret: string | undefined,
): Consent | null {
  const [body = '', signature = ''] = state.split('.');
  if (!secret || !sameSecret(signature, signatureOf(config, name, body, secret))) return null;
  const { organizationId, actor, until } = JSON.parse(Buffer.from(body, 'base64url').toString('utf8'));
  return until > selfCheck.now().getTime() ? { organizationId, actor } : null;
}
