import { createHash, createPublicKey, verify } from 'node:crypto';
import { z } from 'zod';
import type { CrmAccountEvent, CrmContactEvent, CrmEvent, CrmWebhook } from '../crm.ts';

const toleranceMs = 300_000;

/**
 * Signed by Ed25519 over the raw body, base64, in the header x-ghl-signature. `publicKey`: base64 SPKI DER. `clientId`:
 * of the installation's app.
 */
export const createGhlWebhook = (publicKey: string, clientId: string | null = null): CrmWebhook => ({
  // Any other status is final for the vendor.
  retryStatus: 429,
  // The vendor retries six times, ten minutes apart with jitter.
  maxAgeMs: 2 * 3_600_000,
  verify({ headers, rawBody }) {
    const header = headers['x-ghl-signature'];
    return verifyGhlSignature({ publicKey, signature: Array.isArray(header) ? header[0] : header, rawBody });
  },
  parse: (body, now, maxAgeMs) => parseGhlEvent(body, now, { maxAgeMs, appId: appIdOf(clientId) }),
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
const webhookId = z.string().min(1).max(200);
const timestamp = z.iso.datetime({ offset: true });
const anyEvent = z.object({
  type: z.string().min(1).max(200),
  webhookId: webhookId.optional().catch(undefined),
  timestamp: timestamp.optional().catch(undefined),
  locationId: text,
  appId: text,
});
const contactEvent = z.object({
  type: z.string(),
  webhookId,
  timestamp,
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
  ContactCreate: 'other',
  ContactUpdate: 'update',
  ContactDelete: 'delete',
  ContactTagUpdate: 'other',
  ContactDndUpdate: 'consent',
};

type Options = {
  maxAgeMs?: number;
  /** Null: not known. Other apps' events can be sent to any address, with the same signature. */
  appId?: string | null;
};

/**
 * Returns null for no event, one older than `maxAgeMs` or one more than five minutes ahead. The age of an event of no use
 * here does not matter.
 */
export function parseGhlEvent(body: unknown, now: Date, options: Options = {}): CrmEvent | null {
  const parsed = anyEvent.safeParse(body);
  if (!parsed.success) return null;
  const isContact = Object.hasOwn(changes, parsed.data.type);
  const event = isContact
    ? contactEventOf(body)
    : accountEventOf(parsed.data, body, now, options.appId ?? null);
  if (event === null || (event.about === 'account' && event.change === 'other')) return event;
  const age = now.getTime() - event.at.getTime();
  return age > (options.maxAgeMs ?? toleranceMs) || age < -toleranceMs ? null : event;
}

function contactEventOf(body: unknown): CrmContactEvent | null {
  const parsed = contactEvent.safeParse(body);
  if (!parsed.success) return null;
  const { data } = parsed;
  const sms = data.dndSettings?.SMS?.status;
  const dnd = data.dnd ?? null;
  return {
    about: 'contact',
    id: data.webhookId,
    type: data.type,
    change: changes[data.type] ?? 'other',
    accountId: data.locationId,
    contactId: data.id ?? null,
    at: new Date(data.timestamp),
    firstName: data.firstName ?? null,
    lastName: data.lastName ?? null,
    email: data.email ?? null,
    phone: data.phone ?? null,
    smsOptOut: sms === undefined ? dnd : dnd === true || sms === 'active' || sms === 'permanent',
  };
}

/** Events of an app and its locations carry neither an id nor a time in many of the vendor's examples. */
function accountEventOf(
  { type, webhookId, timestamp, locationId, appId }: z.infer<typeof anyEvent>,
  body: unknown,
  now: Date,
  ownApp: string | null,
): CrmAccountEvent {
  const day = now.toISOString().slice(0, 10);
  const digest = createHash('sha256').update(JSON.stringify(body)).digest('base64url');
  const isOurs = ownApp === null || !appId || appId === ownApp;
  return {
    about: 'account',
    id: webhookId ?? `${type} ${day} ${digest}`,
    type,
    change: type === 'UNINSTALL' && isOurs ? 'removed' : 'other',
    accountId: locationId || null,
    at: timestamp === undefined ? now : new Date(timestamp),
  };
}

/** The id of an app is the first part of its OAuth client id. Returns null for an id of another form. */
export const appIdOf = (clientId: string | null): string | null =>
  /^([0-9a-f]{24})-/.exec(clientId ?? '')?.[1] ?? null;
