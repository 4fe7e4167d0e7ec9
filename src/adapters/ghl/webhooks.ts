import { createPublicKey, verify } from 'node:crypto';
import { z } from 'zod';

const toleranceMs = 300_000;

/**
 * Ed25519 over the raw body, base64 (header x-ghl-signature). `publicKey` is base64 SPKI DER as the vendor shows it.
 * The body's own timestamp is judged by `parseGhlEvent`.
 */
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
  tags: z.array(z.string()).nullish().catch(null),
  dnd: z.boolean().nullish().catch(null),
  dndSettings: z.object({ SMS: channel, Call: channel, Email: channel }).partial().nullish().catch(null),
});

export type GhlEvent = {
  /** Unique per event: the key to deduplicate by. */
  webhookId: string;
  type: string;
  locationId: string;
  contactId: string | null;
  at: Date;
  firstName: string | null;
  lastName: string | null;
  email: string | null;
  phone: string | null;
  tags: string[] | null;
  /** Wants no texts: all channels are off, or this one. Null: the event does not say. */
  smsOptOut: boolean | null;
};

/** Null: no event, or one that is older than `oldestMs` (five minutes) or more than five minutes ahead. */
export function parseGhlEvent(body: unknown, now: Date, oldestMs: number = toleranceMs): GhlEvent | null {
  const parsed = wireEvent.safeParse(body);
  if (!parsed.success) return null;
  const { data } = parsed;
  const at = new Date(data.timestamp);
  const age = now.getTime() - at.getTime();
  if (age > oldestMs || age < -toleranceMs) return null;
  const sms = data.dndSettings?.SMS?.status;
  const said = data.dnd !== null && data.dnd !== undefined ? data.dnd : null;
  return {
    webhookId: data.webhookId,
    type: data.type,
    locationId: data.locationId,
    contactId: data.id ?? null,
    at,
    firstName: data.firstName ?? null,
    lastName: data.lastName ?? null,
    email: data.email ?? null,
    phone: data.phone ?? null,
    tags: data.tags ?? null,
    smsOptOut: sms === undefined ? said : said === true || sms === 'active' || sms === 'permanent',
  };
}
