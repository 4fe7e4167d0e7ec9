import { createPublicKey, type KeyObject } from 'node:crypto';

/** What a vendor signs its webhooks with: P-256 (SendGrid) or Ed25519 (GoHighLevel). */
export type PublicKeyKind = 'ec' | 'ed25519';

/** `spki`: base64 of the key in DER, as the adapters expect it. */
export type ReadPublicKey = { ok: true; spki: string } | { ok: false; wrong: string };

/** Everything before the key's own bytes in an SPKI, by kind and length of those bytes. */
const prefixes: Record<PublicKeyKind, Record<number, string>> = {
  ed25519: { 32: '302a300506032b6570032100' },
  ec: {
    33: '3039301306072a8648ce3d020106082a8648ce3d030107032200',
    65: '3059301306072a8648ce3d020106082a8648ce3d030107034200',
  },
};
/** An uncompressed point without the byte that says so. */
const bareEcPoint = 64;

/**
 * Reads a public key in any form that vendors, consoles and tools show it in: PEM (also in one line, with `\n` for line
 * breaks, or encoded in base64 once more), DER or the key's own bytes in base64, base64url or hexadecimal, and JWK.
 */
export function readPublicKey(given: string, kind: PublicKeyKind): ReadPublicKey {
  const text = given
    .trim()
    .replace(/^(["'])(.*)\1$/s, '$2')
    .replaceAll(/\\r?\\?n|\\r/g, '\n')
    .trim();
  if (/PRIVATE KEY/.test(text)) return { ok: false, wrong: 'it is a private key' };
  const key = keyOf(text, kind);
  if (key === null) return { ok: false, wrong: 'it cannot be read' };
  const curve = key.asymmetricKeyDetails?.namedCurve;
  if (key.asymmetricKeyType !== kind || (kind === 'ec' && curve !== 'prime256v1'))
    return { ok: false, wrong: 'it is a key of another kind' };
  return { ok: true, spki: key.export({ type: 'spki', format: 'der' }).toString('base64') };
}

function keyOf(text: string, kind: PublicKeyKind): KeyObject | null {
  if (text.startsWith('{')) return attempt(() => createPublicKey({ key: JSON.parse(text), format: 'jwk' }));
  if (text.includes('-----BEGIN')) return fromPem(text);
  const bytes = bytesOf(text);
  if (bytes === null) return null;
  const inner = bytes.toString('latin1');
  if (inner.includes('-----BEGIN')) return /PRIVATE KEY/.test(inner) ? null : fromPem(inner);
  return fromDer(bytes) ?? fromRaw(bytes, kind);
}

/** Line breaks may have become blanks: the label tells where the base64 begins. */
function fromPem(text: string): KeyObject | null {
  const [, label, body] = /-----BEGIN ([A-Z ]+)-----([A-Za-z0-9+/=\s]+)-----END/.exec(text) ?? [];
  if (label === undefined || body === undefined) return null;
  const lines = body.replaceAll(/\s/g, '').match(/.{1,64}/g) ?? [];
  return attempt(() =>
    createPublicKey(`-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`),
  );
}

const fromDer = (bytes: Buffer): KeyObject | null =>
  attempt(() => createPublicKey({ key: bytes, format: 'der', type: 'spki' }));

function fromRaw(bytes: Buffer, kind: PublicKeyKind): KeyObject | null {
  const point =
    kind === 'ec' && bytes.length === bareEcPoint ? Buffer.concat([Buffer.from([4]), bytes]) : bytes;
  const prefix = prefixes[kind][point.length];
  return prefix === undefined ? null : fromDer(Buffer.concat([Buffer.from(prefix, 'hex'), point]));
}

/** Of text in hexadecimal or base64. A text of hexadecimal digits alone is never base64 of a key. */
function bytesOf(text: string): Buffer | null {
  const plain = text.replaceAll(/\s/g, '');
  const hex = plain.replace(/^0x/i, '').replaceAll(':', '');
  if (/^(?:[0-9a-f]{2})+$/i.test(hex)) return Buffer.from(hex, 'hex');
  return /^[A-Za-z0-9+/_-]+={0,2}$/.test(plain) ? Buffer.from(plain, 'base64') : null;
}

function attempt(read: () => KeyObject): KeyObject | null {
  try {
    return read();
  } catch {
    return null;
  }
}
