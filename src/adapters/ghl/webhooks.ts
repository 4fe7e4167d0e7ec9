import { createPublicKey, verify } from 'node:crypto';
import { z } from 'zod';
import type { CrmContactEvent, CrmWebhook } from '../crm.ts';

const toleranceMs = 300_000;

/** Signed by Ed25519 over the raw body, base64, in the header x-ghl-signature. `publicKey`: base64 SPKI DER. */
export const createGhlWebhook = (publicKey: string): CrmWebhook => ({
  // Any other status is final for the vendor.
  retryStatus: 429,
  // The vendor retries six times, ten minutes apart with jitter.
  maxAgeMs: 2 * 3_600_000,
  verify({ headers, rawBody }) {
    const header = headers['x-ghl-signature'];
    return verifyGhlSignature({ publicKey, signature: Array.isArray(header) ? header[0] : header, rawBody });
  },
  parse: parseGhlEvent,
});

export function verifyGhlSignature(request: {
  publicKey: string;
  signature: string | undefined;
  rawBody: Buffer;
}): boolean {
  const { publicKey, signature, rawBody } = request;
  if (publicKey === '' || !signature || !/^[A-Za-z0-9+/]{86}==$/.test(signature)) return false;
  try {
    const key = createPublicKey({ key: Buffer.from(publicKey, 'base64'), format: 'der', type: 'spki' });
    return (
      key.asymmetricKeyType === 'ed25519' && verify(null, rawBody, key, Buffer.from(signature, 'base64'))
    );
  } catch {
    return false;
  }
}

const channel = z.object({ status: z.string() }).nullish().catch(null);
const text = z.string().nullish().catch(null);
const wireEvent = z.object({
  type: z.string().min(1),
  webhookId: z.string().min(1).max(200),
  timestamp: z.iso.datetime({ offset: true }),
  locationId: z.string().min(1),
  id: text,
  firstName: text,
  lastName: text,
  email: text,
  phone: text,
  dnd: z.boolean().nullish().catch(null),
  dndSettings: z.object({ SMS: channel, Call: channel, Email: channel }).partial().nullish().catch(null),
});

const changes: Record<string, CrmContactEvent['change']> = {
  ContactUpdate: 'update',
  ContactDndUpdate: 'consent',
  ContactDelete: 'delete',
};

/** Returns null for no event, one older than `maxAgeMs` or one more than five minutes ahead. */
export function parseGhlEvent(
  body: unknown,
  now: Date,
  maxAgeMs: number = toleranceMs,
): CrmContactEvent | null {
  const parsed = wireEvent.safeParse(body);
  if (!parsed.success) return null;
  const { data } = parsed;
  const at = new Date(data.timestamp);
  const age = now.getTime() - at.getTime();
  if (age > maxAgeMs || age < -toleranceMs) return null;
  const sms = data.dndSettings?.SMS?.status;
  const dnd = data.dnd ?? null;
  return {
    id: data.webhookId,
    type: data.type,
    change: Object.hasOwn(changes, data.type) ? changes[data.type]! : 'other',
    accountId: data.locationId,
    contactId: data.id ?? null,
    at,
    firstName: data.firstName ?? null,
    lastName: data.lastName ?? null,
    email: data.email ?? null,
    phone: data.phone ?? null,
    smsOptOut: sms === undefined ? dnd : dnd === true || sms === 'active' || sms === 'permanent',
  };
}
