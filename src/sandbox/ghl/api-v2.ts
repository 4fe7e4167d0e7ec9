import { randomUUID } from 'node:crypto';
import type { Settings } from '../options.ts';
import {
  type Answer,
  createVendorApi,
  json,
  type Params,
  parseFlatForm,
  parseJsonObject,
  type Refusal,
  type Route,
  type VendorApi,
  type VendorRequest,
} from '../vendor.ts';
import { createFields, normalPhone, readDraft, updateFields, upsertFields } from './body.ts';
import { type Book, noAccess } from './book.ts';
import type { Stored } from './contacts.ts';
import { addField, type Location, type Locations } from './locations.ts';
import { errorNames, GhlRefusal, invalid } from './refusal.ts';
import type { Tokens } from './tokens.ts';
import { ledgerFields, wireContact } from './wire.ts';

type Parts = { settings: Settings; locations: Locations; tokens: Tokens; book: Book };
type Call = { request: VendorRequest; params: Params; id: string; location: Location | null };
type Run = (call: Call) => Answer;

/** The API at services.leadconnectorhq.com, version 2021-07-28. */
export function createApiV2({ settings, locations, tokens, book }: Parts): VendorApi {
  const { contacts } = book;
  /** The location that a call's token grants (null: all), and the location whose quota the call used. */
  const granted = new WeakMap<VendorRequest, Location | null>();
  const charged = new WeakMap<VendorRequest, Location>();

  const charge = (request: VendorRequest, location: Location) => {
    charged.set(request, location);
    location.calls.take(settings.ghl.rateLimit);
  };
  const quotaOf = (request: VendorRequest) => {
    const location = charged.get(request);
    return location && settings.ghl.rateLimit ? location.calls.headers(settings.ghl.rateLimit) : {};
  };
  /** Returns the location named by the call and charges its quota. Throws 403 when the token does not grant it. */
  const named = ({ request, location }: Call, given: unknown): Location => {
    if (typeof given !== 'string' || given === '') {
      if (location) charge(request, location);
      throw invalid('locationId should not be empty', 'locationId must be a string');
    }
    if (location && location.id !== given) throw noAccess();
    const found = location ?? locations.get(given);
    charge(request, found);
    return found;
  };
  const ofContact = (call: Call): Stored => {
    const owner = call.location ?? contacts.find(call.id)?.location;
    if (owner) charge(call.request, owner);
    return book.existing(call.id, call.location);
  };
  const shown = (contact: Stored) => wireContact(contacts, contact);

  const upsert: Run = (call) => {
    const { params } = call;
    const location = named(call, params.locationId);
    const draft = readDraft(params, upsertFields, location);
    const made = book.upsert(location, draft, params.createNewIfDuplicateAllowed === true);
    return {
      ...json(200, { new: made.isNew, contact: shown(made.contact), traceId: randomUUID() }),
      record: { operation: 'contact.upsert', params, ...ledgerFields(contacts, made.contact) },
      after: made.after,
    };
  };
  const create: Run = (call) => {
    const location = named(call, call.params.locationId);
    const made = book.create(location, readDraft(call.params, createFields, location));
    return {
      ...json(201, { contact: shown(made.contact), traceId: randomUUID() }),
      record: { operation: 'contact.create', params: call.params, ...ledgerFields(contacts, made.contact) },
      after: made.after,
    };
  };
  const update: Run = (call) => {
    const contact = ofContact(call);
    const after = book.update(contact, readDraft(call.params, updateFields, contact.location));
    return {
      ...json(200, { succeded: true, contact: shown(contact) }),
      record: { operation: 'contact.update', params: call.params, ...ledgerFields(contacts, contact) },
      after,
    };
  };
  const remove: Run = (call) => {
    const contact = ofContact(call);
    const record = { operation: 'contact.delete', params: {}, ...ledgerFields(contacts, contact) };
    return { ...json(200, { succeded: true }), record, after: book.remove(contact) };
  };
  const duplicate: Run = (call) => {
    const { query } = call.request;
    const location = named(call, query.get('locationId'));
    const phone = normalPhone(query.get('number') ?? '');
    const email = query.get('email');
    if (!query.get('number') && !email)
      throw new GhlRefusal(400, ['Pass at least one of number, email query parameter']);
    const hit = contacts.match(location, { ...(phone && { phone }), ...(email && { email }) });
    return json(200, { contact: hit ? shown(hit.contact) : null });
  };
  const list = (call: Call, given: Record<string, unknown>): Answer => {
    const location = named(call, given.locationId);
    const limit = Math.min(100, Math.max(1, Number(given.pageLimit ?? given.limit ?? 20) || 20));
    const offset = (Math.max(1, Number(given.page ?? 1) || 1) - 1) * limit;
    const found = contacts.list({ location, text: String(given.query ?? ''), limit, offset });
    const { created, removed } = location.counts;
    const total = given.query ? found.length : created - removed;
    return json(200, { contacts: found.map(shown), total, meta: { total } });
  };
  const makeField: Run = (call) => {
    const location = named(call, call.id);
    const { name, dataType = 'TEXT' } = call.params;
    if (typeof name !== 'string' || name.trim() === '') throw invalid('name should not be empty');
    const field = addField(location, name, String(dataType));
    const record = {
      operation: 'field.create',
      params: call.params,
      vendorId: field.id,
      reference: location.id,
    };
    return { ...json(201, { customField: { ...field, model: 'contact', locationId: location.id } }), record };
  };

  const contact = String.raw`^\/contacts\/([^/]+)`;
  const table: [string, RegExp, string, Run][] = [
    ['POST', /^\/contacts\/upsert\/?$/, 'contact.upsert', upsert],
    ['POST', /^\/contacts\/search$/, 'contact.search', (call) => list(call, call.params)],
    ['POST', /^\/contacts\/?$/, 'contact.create', create],
    ['GET', /^\/contacts\/?$/, 'contact.list', (call) => list(call, Object.fromEntries(call.request.query))],
    ['GET', /^\/contacts\/search\/duplicate$/, 'contact.duplicate', duplicate],
    [
      'POST',
      new RegExp(`${contact}/tags/?$`),
      'contact.tags.add',
      (call) => book.changeTags(ofContact(call), call.params, 'contact.tags.add', 201),
    ],
    [
      'DELETE',
      new RegExp(`${contact}/tags/?$`),
      'contact.tags.remove',
      (call) => book.changeTags(ofContact(call), call.params, 'contact.tags.remove', 200),
    ],
    [
      'POST',
      new RegExp(`${contact}/notes/?$`),
      'contact.note.add',
      (call) => book.addNote(ofContact(call), call, 201),
    ],
    [
      'GET',
      new RegExp(`${contact}/notes/?$`),
      'contact.note.list',
      (call) => json(200, { notes: contacts.notesOf(ofContact(call)) }),
    ],
    [
      'POST',
      new RegExp(`${contact}/workflow/[^/]+$`),
      'contact.workflow.add',
      (call) => book.enrol(ofContact(call), call.request, call.params, 'contact.workflow.add'),
    ],
    [
      'DELETE',
      new RegExp(`${contact}/workflow/[^/]+$`),
      'contact.workflow.remove',
      (call) => book.enrol(ofContact(call), call.request, call.params, 'contact.workflow.remove'),
    ],
    [
      'GET',
      new RegExp(`${contact}$`),
      'contact.fetch',
      (call) => json(200, { contact: shown(ofContact(call)) }),
    ],
    ['PUT', new RegExp(`${contact}$`), 'contact.update', update],
    ['DELETE', new RegExp(`${contact}$`), 'contact.delete', remove],
    [
      'GET',
      /^\/locations\/([^/]+)\/customFields\/?$/,
      'field.list',
      (call) =>
        json(200, {
          customFields: named(call, call.id).fields.map((field) => ({ ...field, model: 'contact' })),
        }),
    ],
    ['POST', /^\/locations\/([^/]+)\/customFields\/?$/, 'field.create', makeField],
    [
      'GET',
      /^\/locations\/([^/]+)$/,
      'location.fetch',
      (call) => json(200, { location: wireLocation(named(call, call.id)) }),
    ],
    ['POST', /^\/oauth\/token$/, 'oauth.token', (call) => tokens.exchange(call.params)],
  ];
  const routes: Route[] = table.map(([method, pattern, operation, run]) => ({
    method,
    pattern,
    operation,
    run: ({ request, params, id }) => {
      const answer = run({ request, params, id, location: granted.get(request) ?? null });
      return { ...answer, headers: { ...answer.headers, ...quotaOf(request) } };
    },
  }));

  return createVendorApi({
    parse: readBody,
    authenticate: (request) => {
      if (request.path !== '/oauth/token') granted.set(request, tokens.locationOf(request));
    },
    render: (refusal, request) => renderV2(refusal, quotaOf(request)),
    routes,
  });
}

function wireLocation(location: Location) {
  const { id, name, companyId, allowDuplicateContact, contactUniqueIdentifiers } = location;
  return { id, name, companyId, settings: { allowDuplicateContact, contactUniqueIdentifiers } };
}

export function readBody({ method, headers, rawBody }: VendorRequest): Params {
  if (method === 'GET' || rawBody === '') return {};
  const isForm = (headers['content-type'] ?? '').includes('urlencoded');
  const params = isForm ? parseFlatForm(rawBody) : parseJsonObject(rawBody);
  // Readable, but not enumerable, so that the ledger does not show it.
  if (params.client_secret !== undefined)
    Object.defineProperty(params, 'client_secret', { enumerable: false });
  return params;
}

function renderV2(refusal: Refusal, headers: Record<string, string>): Answer {
  const { status } = refusal;
  const messages = refusal instanceof GhlRefusal ? refusal.messages : [refusal.message];
  const error = errorNames[status];
  const body = {
    statusCode: status,
    message: status === 422 ? messages : messages.join(', '),
    ...(error !== undefined && { error }),
    ...(refusal instanceof GhlRefusal && refusal.meta && { meta: refusal.meta }),
    traceId: randomUUID(),
  };
  return json(status, body, headers);
}
