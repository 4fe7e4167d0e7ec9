import { type KeyObject, sign } from 'node:crypto';
import type { Grant } from './codes.ts';

export type SigningKey = { id: string; privateKey: KeyObject };

const validSeconds = 3_600;
const encoded = (part: unknown): string => Buffer.from(JSON.stringify(part)).toString('base64url');

/** The signed statement of who signed in, for one client and one nonce. */
export function idToken(
  key: SigningKey,
  { issuer, audience, grant }: { issuer: string; audience: string; grant: Grant },
): string {
  const { sub, email, emailVerified, name } = grant.account;
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    iss: issuer,
    aud: audience,
    azp: audience,
    sub,
    email,
    email_verified: emailVerified,
    name,
    ...(grant.nonce === null ? {} : { nonce: grant.nonce }),
    iat: now,
    exp: now + validSeconds,
  };
  const signed = `${encoded({ alg: 'RS256', kid: key.id, typ: 'JWT' })}.${encoded(claims)}`;
  return `${signed}.${sign('RSA-SHA256', Buffer.from(signed), key.privateKey).toString('base64url')}`;
}
