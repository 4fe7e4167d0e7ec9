import type { Settings } from '../options.ts';
import {
  type Answer,
  createVendorApi,
  json,
  type Params,
  type Refusal,
  type Route,
  type VendorApi,
  type VendorRequest,
} from '../vendor.ts';
import { readBody } from './api-v2.ts';
import { normalPhone, readDraft, v1Fields } from './body.ts';
import type { Book } from './book.ts';
import type { Location } from './locations.ts';
import { GhlRefusal } from './refusal.ts';
import type { Tokens } from './tokens.ts';
import { ledgerFields, wireContactV1 } from './wire.ts';

type Parts = { settings: Settings; tokens: Tokens; book: Book };
type Call = { request: VendorRequest; params: Params; id: string; location: Location };

/** The legacy API at rest.gohighlevel.com/v1: a key belongs to one location, and POST /contacts/ upserts. */
export function createApiV1({ settings, tokens, book }: Parts): VendorApi {
  const { contacts } = book;
  const granted = new WeakMap<VendorRequest, Location>();
  const quotaOf = (request: VendorRequest) => {
    const location = granted.get(request);
    return location && settings.ghl.rateLimit ? location.calls.headers(settings.ghl.rateLimit) : {};
  };

  const write = ({ params, location }: Call): Answer => {
    const draft = readDraft(params, v1Fields, location);
    if (draft.email === undefined && draft.phone === undefined)
      throw new GhlRefusal(422, ['Email or Phone are required to create contact']);
    const made = book.upsert(location, draft, false);
    return {
      ...json(200, { contact: wireContactV1(contacts, made.contact) }),
      record: { operation: 'contact.upsert', params, ...ledgerFields(contacts, made.contact) },
      after: made.after,
    };
  };
  const update = ({ params, id, location }: Call): Answer => {
    const contact = book.existing(id, location);
    const after = book.update(contact, readDraft(params, v1Fields, location));
    return {
      ...json(200, { contact: wireContactV1(contacts, contact) }),
      record: { operation: 'contact.update', params, ...ledgerFields(contacts, contact) },
      after,
    };
  };
  const remove = ({ id, location }: Call): Answer => {
    const contact = book.existing(id, location);
    const record = { operation: 'contact.delete', params: {}, ...ledgerFields(contacts, contact) };
    return { ...json(200, {}), record, after: book.remove(contact) };
  };
  const lookup = ({ request, location }: Call): Answer => {
    const phone = normalPhone(request.query.get('phone') ?? '');
    const email = request.query.get('email');
    const hit = contacts.match(location, { ...(phone && { phone }), ...(email && { email }) });
    if (!hit) throw new GhlRefusal(404, ['Contact not found']);
    return json(200, { contacts: [wireContactV1(contacts, hit.contact)] });
  };
  const list = ({ request, location }: Call): Answer => {
    const limit = Math.min(100, Math.max(1, Number(request.query.get('limit') ?? 20) || 20));
    const found = contacts.list({ location, text: request.query.get('query') ?? '', limit });
    return json(200, {
      contacts: found.map((one) => wireContactV1(contacts, one)),
      meta: { total: found.length },
    });
  };
  const tags =
    (operation: string) =>
    ({ params, id, location }: Call) =>
      book.changeTags(book.existing(id, location), params, operation, 200);

  const contact = String.raw`^\/v1\/contacts\/([^/]+)`;
  const table: [string, RegExp, string, (call: Call) => Answer][] = [
    ['POST', /^\/v1\/contacts\/?$/, 'contact.upsert', write],
    ['GET', /^\/v1\/contacts\/?$/, 'contact.list', list],
    ['GET', /^\/v1\/contacts\/lookup\/?$/, 'contact.duplicate', lookup],
    ['POST', new RegExp(`${contact}/tags/?$`), 'contact.tags.add', tags('contact.tags.add')],
    ['DELETE', new RegExp(`${contact}/tags/?$`), 'contact.tags.remove', tags('contact.tags.remove')],
    [
      'POST',
      new RegExp(`${contact}/notes/?$`),
      'contact.note.add',
      ({ params, id, location }) => book.addNote(book.existing(id, location), { params }, 200),
    ],
    [
      'GET',
      new RegExp(`${contact}/notes/?$`),
      'contact.note.list',
      ({ id, location }) => json(200, { notes: contacts.notesOf(book.existing(id, location)) }),
    ],
    [
      'POST',
      new RegExp(`${contact}/workflow/[^/]+$`),
      'contact.workflow.add',
      ({ request, params, id, location }) =>
        book.enrol(book.existing(id, location), request, params, 'contact.workflow.add'),
    ],
    [
      'GET',
      new RegExp(`${contact}$`),
      'contact.fetch',
      ({ id, location }) => json(200, { contact: wireContactV1(contacts, book.existing(id, location)) }),
    ],
    ['PUT', new RegExp(`${contact}/?$`), 'contact.update', update],
    ['DELETE', new RegExp(`${contact}/?$`), 'contact.delete', remove],
    [
      'GET',
      /^\/v1\/custom-fields\/?$/,
      'field.list',
      ({ location }) => json(200, { customFields: location.fields }),
    ],
  ];
  const routes: Route[] = table.map(([method, pattern, operation, run]) => ({
    method,
    pattern,
    operation,
    run: ({ request, params, id }) => {
      const location = granted.get(request) as Location;
      location.calls.take(settings.ghl.rateLimit);
      const answer = run({ request, params, id, location });
      return { ...answer, headers: { ...answer.headers, ...quotaOf(request) } };
    },
  }));

  return createVendorApi({
    parse: readBody,
    authenticate: (request) => void granted.set(request, tokens.locationOfV1(request)),
    render: (refusal, request) => renderV1(refusal, quotaOf(request)),
    routes,
  });
}

/** Errors of a field are keyed by its name; all others are in `msg`. */
function renderV1(refusal: Refusal, headers: Record<string, string>): Answer {
  const messages = refusal instanceof GhlRefusal ? refusal.messages : [refusal.message];
  const field = messages.map((message) => /^(email|phone) must be/.exec(message)?.[1]).find(Boolean);
  const body = field
    ? { [field]: { message: `The ${field} is invalid.`, rule: 'invalid' } }
    : { msg: messages.join(', ') };
  return json(refusal.status, body, headers);
}
