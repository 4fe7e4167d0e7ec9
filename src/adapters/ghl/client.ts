import type { IncomingHttpHeaders } from 'node:http';
import { z } from 'zod';
import { PermanentError } from '../../domain/errors.ts';
import {
  type CrmAccess,
  CrmConflict,
  type CrmContact,
  type CrmField,
  type CrmFoundContact,
  type CrmGateway,
  type CrmUpserted,
} from '../crm.ts';
import {
  type CallKind,
  callTimeoutMs,
  connectionError,
  isNetworkError,
  responseError,
  unreadableResponse,
} from '../failure.ts';
import { createJsonClient, type HttpAnswer, type JsonCall } from '../json-http.ts';
import { type DuplicateAnswer, duplicateOf, quotaFrom, resetMs, wordsOf } from './answers.ts';

export type GhlVersion = 'v2' | 'v1';
export type GhlClientConfig = {
  version: GhlVersion;
  /** Null: the vendor's. That of v1 ends in /v1. */
  baseUrl: string | null;
};

const vendor = 'ghl';
export const ghlBaseUrls: Record<GhlVersion, string> = {
  v2: 'https://services.leadconnectorhq.com',
  v1: 'https://rest.gohighlevel.com/v1',
};
const apiVersion = '2021-07-28';

const id = z.string().min(1);
const text = z.string().nullish().catch(null);
const contact = z.object({
  id,
  firstName: text,
  lastName: text,
  email: text,
  phone: text,
  tags: z.array(z.string()).catch([]),
  dnd: z.boolean().catch(false),
});
const upserted = z.object({
  new: z.boolean().optional().catch(undefined),
  contact: z.object({
    id,
    dnd: z.boolean().nullish().catch(null),
    firstName: text,
    lastName: text,
    email: text,
    phone: text,
  }),
});
const oneContact = z.object({ contact });
const maybeContact = z.object({ contact: contact.nullish() });
const listedContacts = z.object({ contacts: z.array(contact) });
const tagged = z.object({ tags: z.array(z.string()) });
const listedNotes = z.object({ notes: z.array(z.object({ body: z.string().catch('') })) });
const field = z.object({
  id,
  name: z.string(),
  fieldKey: z.string().catch(''),
  dataType: z.string().catch(''),
});
const fields = z.object({ customFields: z.array(field) });
const madeField = z.object({ customField: field });
const anything = z.unknown();

type Extra = Omit<JsonCall, 'headers'>;

/** GoHighLevel over HTTP, one client for all locations: each call brings the credentials of its location. */
export function createGhlGateway(
  config: GhlClientConfig,
  options: { timeoutMs?: number; maxSockets?: number } = {},
): CrmGateway {
  const isV1 = config.version === 'v1';
  const timeoutMs = options.timeoutMs ?? callTimeoutMs;
  const api = createJsonClient({
    baseUrl: config.baseUrl ?? ghlBaseUrls[config.version],
    headers: {
      accept: 'application/json',
      'user-agent': 'leadgate',
      ...(isV1 ? {} : { version: apiVersion }),
    },
    timeoutMs,
    connectTimeoutMs: Math.min(timeoutMs, 5_000),
    maxSockets: options.maxSockets ?? 100,
  });

  const ask = async <T>(
    access: CrmAccess,
    kind: CallKind,
    shape: z.ZodType<T>,
    path: string,
    extra: Extra = {},
  ): Promise<T> => {
    const headers = { authorization: `Bearer ${access.token}` };
    const response = await api.call(path, { ...extra, headers }).catch((error: unknown) => {
      throw isNetworkError(error) ? connectionError({ vendor, kind }, error) : error;
    });
    reportQuota(access, response.headers);
    if (response.status < 200 || response.status > 299) throw refused(kind, response);
    const answer = shape.safeParse(parsed(response.body));
    if (!answer.success) throw unreadableResponse({ vendor, kind });
    return answer.data;
  };
  const of = (contactId: string, rest = '') => `contacts/${encodeURIComponent(contactId)}${rest}`;
  const post = (json: unknown): Extra => ({ method: 'POST', json });

  return {
    upsertContact: async (access, given) => {
      const path = isV1 ? 'contacts/' : 'contacts/upsert';
      const json = bodyOf(given, isV1 ? null : access.accountId);
      try {
        // Repeatable: it finds the contact by its number or address and writes the same values.
        return outcomeOf(await ask(access, 'repeatable', upserted, path, post(json)));
      } catch (error) {
        return adopted(error);
      }
    },
    createContact: async (access, given, tags) => {
      const json = { ...bodyOf(given, isV1 ? null : access.accountId), ...(tags.length > 0 && { tags }) };
      try {
        const made = await ask(access, 'post', upserted, 'contacts/', post(json));
        return isV1 ? outcomeOf(made) : { ...outcomeOf(made), outcome: 'created', existed: false };
      } catch (error) {
        return adopted(error);
      }
    },
    updateContact: async (access, contactId, given) => {
      const { companyName, ...json } = bodyOf(given, null);
      // v2 takes a company name when a contact is created, and refuses it here.
      const body = isV1 && companyName !== undefined ? { ...json, companyName } : json;
      await ask(access, 'repeatable', anything, of(contactId), { method: 'PUT', json: body });
    },
    addTags: async (access, contactId, tags) =>
      (await ask(access, 'repeatable', tagged, of(contactId, isV1 ? '/tags/' : '/tags'), post({ tags })))
        .tags,
    addNote: async (access, contactId, body) => {
      await ask(access, 'post', anything, of(contactId, isV1 ? '/notes/' : '/notes'), post({ body }));
    },
    notes: async (access, contactId) =>
      (await ask(access, 'repeatable', listedNotes, of(contactId, isV1 ? '/notes/' : '/notes'))).notes.map(
        ({ body }) => body,
      ),
    addToWorkflow: async (access, contactId, workflowId) => {
      const path = of(contactId, `/workflow/${encodeURIComponent(workflowId)}`);
      await ask(access, 'post', anything, path, post({}));
    },
    findContact: async (access, { phone, email }) => {
      const by = { ...(email !== undefined && { email }) };
      if (isV1) {
        const searchParams = { ...by, ...(phone !== undefined && { phone }) };
        const found = await orNull(
          ask(access, 'repeatable', listedContacts, 'contacts/lookup', { searchParams }),
        );
        return found?.contacts[0] ? foundFrom(found.contacts[0]) : null;
      }
      const searchParams = {
        ...by,
        ...(phone !== undefined && { number: phone }),
        locationId: access.accountId,
      };
      const found = await ask(access, 'repeatable', maybeContact, 'contacts/search/duplicate', {
        searchParams,
      });
      return found.contact ? foundFrom(found.contact) : null;
    },
    getContact: async (access, contactId) => {
      const found = await orNull(ask(access, 'repeatable', oneContact, of(contactId)));
      return found ? foundFrom(found.contact) : null;
    },
    customFields: async (access): Promise<CrmField[]> => {
      const path = isV1 ? 'custom-fields/' : `locations/${encodeURIComponent(access.accountId)}/customFields`;
      const found = await ask(access, 'repeatable', fields, path);
      return found.customFields.map((field) => ({ ...field, key: field.fieldKey }));
    },
    createField: isV1
      ? null
      : async (access, name) => {
          const path = `locations/${encodeURIComponent(access.accountId)}/customFields`;
          const json = { name, dataType: 'TEXT', model: 'contact' };
          const { customField } = await ask(access, 'post', madeField, path, post(json));
          return { ...customField, key: customField.fieldKey };
        },
    close: () => api.close(),
  };
}

function outcomeOf(answer: z.infer<typeof upserted>): CrmUpserted {
  // v1 does not say whether the contact is new: then it counts as updated.
  const { id: contactId, dnd = null, firstName, lastName, email, phone } = answer.contact;
  const names = { firstName: firstName ?? null, lastName: lastName ?? null };
  const isWhole = [firstName, lastName, email, phone].some((value) => value !== undefined);
  return {
    contactId,
    outcome: answer.new === true ? 'created' : 'updated',
    existed: answer.new === false,
    person: isWhole ? { ...names, email: email ?? null, phone: phone ?? null } : null,
    dnd,
  };
}

/** A refusal that names the existing contact is an outcome; other errors are thrown. */
function adopted(error: unknown): CrmUpserted {
  if (error instanceof DuplicateContactError)
    return { contactId: error.contactId, outcome: 'adopted', existed: true, person: null, dnd: null };
  throw error;
}

class DuplicateContactError extends CrmConflict {
  readonly contactId: string;
  constructor({ contactId, matchingField }: DuplicateAnswer) {
    super(`${vendor} refused: conflict (duplicate)`, vendor, matchingField ?? null);
    this.contactId = contactId;
  }
}

/** Without tags: the API would replace those of the contact. */
function bodyOf(given: CrmContact, locationId: string | null): Record<string, unknown> {
  const { customFields, ...profile } = given;
  const values = Object.entries(customFields ?? {});
  const isV1 = locationId === null;
  return {
    ...(locationId !== null && { locationId }),
    ...profile,
    ...(values.length > 0 &&
      (isV1
        ? { customField: customFields }
        : { customFields: values.map(([fieldId, value]) => ({ id: fieldId, field_value: value })) })),
  };
}

function foundFrom(found: z.infer<typeof contact>): CrmFoundContact {
  return {
    contactId: found.id,
    firstName: found.firstName ?? null,
    lastName: found.lastName ?? null,
    email: found.email ?? null,
    phone: found.phone ?? null,
    tags: found.tags,
    dnd: found.dnd,
  };
}

function reportQuota(access: CrmAccess, headers: IncomingHttpHeaders): void {
  const quota = access.onQuota ? quotaFrom(headers) : null;
  if (quota) access.onQuota?.(quota);
}

function refused(kind: CallKind, { status, headers, body }: HttpAnswer): Error {
  const answer = parsed(body);
  const known = status === 400 ? duplicateOf(answer) : null;
  if (known !== null) return new DuplicateContactError(known);
  return responseError(
    { vendor, kind },
    { status, vendorMessage: wordsOf(answer), retryAfterMs: status === 429 ? resetMs(headers) : undefined },
  );
}

/** Returns null for an unknown id, which is a 400 in v2 and a 404 in v1. */
async function orNull<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof PermanentError && ['not_found', 'bad_request'].includes(error.code)) return null;
    throw error;
  }
}

function parsed(body: unknown): unknown {
  try {
    return JSON.parse(String(body));
  } catch {
    return null;
  }
}
