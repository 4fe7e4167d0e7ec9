import { createPrivateKey, createPublicKey, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import type { Settings } from '../options.ts';
import type { Webhooks } from '../webhooks.ts';
import type { Change, Contacts, Stored } from './contacts.ts';
import { type AccountEvent, accountEventBody, type ContactEvent } from './events.ts';
import type { Location } from './locations.ts';
import { wireContact } from './wire.ts';

/** Retries after the first delivery. */
const mostRetries = 6;

/**
 * Sends webhooks about changes of contacts, including those made by the product's own writes. One signed request per
 * event, retried on 429 only.
 */
export class Hooks {
  readonly publicKey: string;
  #settings: Settings;
  #webhooks: Webhooks;
  #contacts: Contacts;
  #privateKey: ReturnType<typeof createPrivateKey>;

  constructor(settings: Settings, webhooks: Webhooks, contacts: Contacts) {
    this.#settings = settings;
    this.#webhooks = webhooks;
    this.#contacts = contacts;
    const given = settings.ghl.signingKey;
    this.#privateKey = given ? createPrivateKey(given) : generateKeyPairSync('ed25519').privateKey;
    this.publicKey = createPublicKey(this.#privateKey)
      .export({ type: 'spki', format: 'der' })
      .toString('base64');
  }

  created(contact: Stored): () => void {
    return this.#prepared(contact, ['ContactCreate']);
  }

  removed(contact: Stored): () => void {
    return this.#prepared(contact, ['ContactDelete']);
  }

  changed(contact: Stored, change: Change): () => void {
    return this.#prepared(contact, [
      'ContactUpdate',
      ...(change.tags ? (['ContactTagUpdate'] as const) : []),
      ...(change.dnd ? (['ContactDndUpdate'] as const) : []),
    ]);
  }

  tagged(contact: Stored, changed: boolean): () => void {
    return changed ? this.#prepared(contact, ['ContactTagUpdate']) : () => undefined;
  }

  /** Returns a function that sends the webhooks after the response, with the contact as it is now. */
  #prepared(contact: Stored, events: ContactEvent[]): () => void {
    const wanted = events.filter((event) => this.#settings.ghl.webhookEvents.includes(event));
    if (wanted.length === 0) return () => undefined;
    const { dateUpdated: _kept, ...shown } = wireContact(this.#contacts, contact);
    return () => void this.#postAll(wanted, shown);
  }

  /** Sends an event about the app, a location or its users. Returns the body as sent. */
  send(
    location: Location,
    given: { type: AccountEvent; fields?: Record<string, unknown> | undefined },
  ): Record<string, unknown> {
    const all = {
      ...accountEventBody(given.type, location),
      timestamp: new Date().toISOString(),
      webhookId: randomUUID(),
      ...given.fields,
    };
    const body = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null));
    void this.#post(given.type, location.id, JSON.stringify(body));
    return body;
  }

  async #postAll(events: ContactEvent[], contact: Record<string, unknown>): Promise<void> {
    for (const event of events) {
      const body = JSON.stringify({
        ...contact,
        // In responses `type` is the kind of contact instead.
        type: event,
        attachments: [],
        timestamp: new Date().toISOString(),
        webhookId: randomUUID(),
      });
      await this.#post(event, String(contact.id), body);
    }
  }

  #post(event: ContactEvent | AccountEvent, objectId: string, body: string): Promise<void> {
    return this.#webhooks.post({
      vendor: 'ghl',
      event,
      objectId,
      target: () => this.#settings.ghl.webhookUrl,
      retryAfter: (attempt, answer) =>
        answer?.status === 429 && attempt <= mostRetries
          ? (this.#settings.retryDelaysMs[attempt - 1] ?? null)
          : null,
      build: () => ({
        body,
        headers: {
          'content-type': 'application/json',
          'user-agent': 'GoHighLevel-Webhook',
          'x-ghl-signature': sign(null, Buffer.from(body), this.#privateKey).toString('base64'),
        },
      }),
    });
  }
}
