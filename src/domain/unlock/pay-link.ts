import { createHash, createHmac, hkdfSync } from 'node:crypto';

/**
 * The token of a pay link: 128 bits of HMAC(link key, unlock id, version). Only its hash is stored; to send the link
 * again, the token is recomputed. Incrementing the version invalidates all earlier links.
 */
export type PayLinks = {
  token(unlockId: string, version: number): string;
  hash(token: string): string;
  url(unlockId: string, version: number): string;
};

const tokenShape = /^[A-Za-z0-9_-]{22}$/;

export function isPayToken(value: string): boolean {
  return tokenShape.test(value);
}

export function createPayLinks(secret: Buffer, publicUrl: string): PayLinks {
  const key = Buffer.from(hkdfSync('sha256', secret, '', 'leadgate pay link', 32));
  const token = (unlockId: string, version: number) =>
    createHmac('sha256', key).update(`${unlockId}.${version}`).digest().subarray(0, 16).toString('base64url');
  return {
    token,
    hash: (value) => createHash('sha256').update(value).digest('hex'),
    url: (unlockId, version) => `${publicUrl}/p/${token(unlockId, version)}`,
  };
}
