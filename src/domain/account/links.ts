import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';

/** What a link mailed to a user is for. */
export const linkPurposes = ['verify_email', 'reset_password'] as const;
export type LinkPurpose = (typeof linkPurposes)[number];

/** An invitation is a link to a person who may have no account yet. */
export type LinkKind = LinkPurpose | 'invitation';

/** How long a link works. */
export const linkHours: Record<LinkKind, number> = { verify_email: 72, reset_password: 1, invitation: 72 };

/** Links that were made on the command line or by a seller are passed on by hand. */
export const handedLinkHours = 72;

const paths: Record<LinkKind, string> = {
  verify_email: 'verify-email',
  reset_password: 'reset-password',
  invitation: 'invitation',
};

/**
 * The token of a link: the id of its row and 128 bits of HMAC(link key, kind, id). It is recomputed when the link is mailed
 * and stored nowhere. Whether it was used or has expired is the row's to say.
 */
export type AccountLinks = {
  url(kind: LinkKind, id: string): string;
  /** The id in a token. Returns null for a token that was not made here, or for another kind of link. */
  read(kind: LinkKind, token: string): string | null;
};

const tokenShape = /^[A-Za-z0-9_-]{43}$/;

export function createAccountLinks(secret: Buffer, publicUrl: string): AccountLinks {
  const key = Buffer.from(hkdfSync('sha256', secret, '', 'leadgate account link', 32));
  const macOf = (kind: LinkKind, id: string) =>
    createHmac('sha256', key).update(`${kind}.${id}`).digest().subarray(0, 16);
  return {
    url(kind, id) {
      const token = Buffer.concat([Buffer.from(id.replaceAll('-', ''), 'hex'), macOf(kind, id)]);
      return `${publicUrl}/${paths[kind]}/${token.toString('base64url')}`;
    },
    read(kind, token) {
      if (!tokenShape.test(token)) return null;
      const bytes = Buffer.from(token, 'base64url');
      const hex = bytes.subarray(0, 16).toString('hex');
      const id = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
      return timingSafeEqual(bytes.subarray(16), macOf(kind, id)) ? id : null;
    },
  };
}
