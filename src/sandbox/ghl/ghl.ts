import type { Settings } from '../options.ts';
import type { Answer, VendorApi, VendorRequest } from '../vendor.ts';
import type { Webhooks } from '../webhooks.ts';
import { createApiV1 } from './api-v1.ts';
import { createApiV2 } from './api-v2.ts';
import { Book } from './book.ts';
import { serveConsent } from './consent.ts';
import { Contacts } from './contacts.ts';
import { Hooks } from './hooks.ts';
import { Locations } from './locations.ts';
import { Tokens } from './tokens.ts';

export type Ghl = {
  v2: VendorApi;
  v1: VendorApi;
  /** base64 SPKI DER, as GoHighLevel publishes it. */
  publicKey: string;
  book: Book;
  hooks: Hooks;
  locations: Locations;
  tokens: Tokens;
  consent(request: VendorRequest): Answer;
  reset(): void;
};

/** Simulates GoHighLevel: contacts of any number of locations, with both versions of its API. */
export function createGhl({ settings, webhooks }: { settings: Settings; webhooks: Webhooks }): Ghl {
  const locations = new Locations();
  const contacts = new Contacts(settings.ghl.maxContacts);
  const tokens = new Tokens(settings, locations);
  const hooks = new Hooks(settings, webhooks, contacts);
  const book = new Book(contacts, hooks);
  return {
    v2: createApiV2({ settings, locations, tokens, book }),
    v1: createApiV1({ settings, tokens, book }),
    publicKey: hooks.publicKey,
    book,
    hooks,
    locations,
    tokens,
    consent: (request) => serveConsent({ settings, locations, tokens }, request),
    reset: () => {
      for (const part of [locations, contacts, tokens]) part.reset();
    },
  };
}
