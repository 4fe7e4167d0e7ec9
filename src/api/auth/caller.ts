import type { FastifyRequest } from 'fastify';
import type { Tenant } from '../../db/account/organizations.ts';
import type { LeadOwner } from '../../db/lead/leads.ts';
import type { Person } from '../../domain/account/person.ts';
import type { MarketRole } from '../../domain/account/roles.ts';
import type { Scope } from '../../domain/account/scopes.ts';
import { RefusedError } from '../../domain/errors.ts';
import type { QuotaOwner } from '../../usecases/account/quotas.ts';
import type { Payer } from '../http/body-budget.ts';
import { keepConnection } from '../http/connections.ts';
import { addressOf } from '../http/limits.ts';
import { addToLog } from '../http/request-log.ts';
import type { TurnOwner } from '../http/turns.ts';
import type { Session } from './better-auth.ts';

/** Who makes a request: an API key, a signed-in person or, in the sandbox, a program on this machine. */
export type Caller = {
  /** Id of the key or the user, recorded in the audit trail. */
  actor: string;
  role: 'operator' | 'organization' | 'supplier' | 'member';
  /** The organizations the caller may act for; null for an operator, who may act for all. */
  organizations: readonly string[] | null;
  scopes: readonly Scope[];
  /** Of a supplier's key: the supplier, whose leads alone it may see. */
  supplierId: string | null;
  /** Null when no session was involved. */
  person: Person | null;
};

const callers = new WeakMap<FastifyRequest, Caller>();
const organizations = new WeakMap<FastifyRequest, Tenant>();
const strangers = new WeakSet<FastifyRequest>();

export function setCaller(request: FastifyRequest, caller: Caller): void {
  callers.set(request, caller);
  keepConnection(request);
  addToLog(request, { actor: caller.actor, organizationId: onlyOrganization(caller) });
}

/** Throws outside routes that have one of the hooks of access.ts. */
export function callerOf(request: FastifyRequest): Caller {
  const caller = callers.get(request);
  if (!caller) throw new Error('this route has no access hook');
  return caller;
}

/** The signed-in person. Throws outside routes with `access.signedIn`. */
export function personOf(request: FastifyRequest): Person {
  const { person } = callerOf(request);
  if (!person) throw new Error('this route does not require a session');
  return person;
}

const sessions = new WeakMap<FastifyRequest, Session>();

export function setSession(request: FastifyRequest, session: Session): void {
  sessions.set(request, session);
}

/** The session of a request. Throws outside routes with `access.account` or `access.session`. */
export function sessionOf(request: FastifyRequest): Session {
  const session = sessions.get(request);
  if (!session) throw new Error('this route does not read the session');
  return session;
}

/** Whose side of the marketplace a session acts for: a seller's organization, or one of its buyers. */
export type Party = { organizationId: string; person: Person } & (
  | { role: Extract<MarketRole, 'seller'>; buyerId: null }
  | { role: Extract<MarketRole, 'buyer'>; buyerId: string }
);
export type SellerParty = Extract<Party, { role: 'seller' }>;
export type BuyerParty = Extract<Party, { role: 'buyer' }>;

const parties = new WeakMap<FastifyRequest, Party>();

export function setParty(request: FastifyRequest, party: Party): void {
  parties.set(request, party);
}

/** The party of a request. Throws outside routes with `access.market`. */
export function partyOf(request: FastifyRequest): Party {
  const party = parties.get(request);
  if (!party) throw new Error('this route has no market hook');
  return party;
}

/** The same on routes that only sellers use. */
export function sellerOf(request: FastifyRequest): SellerParty {
  const party = partyOf(request);
  if (party.role !== 'seller') throw new Error('this route is open to buyers');
  return party;
}

/** The same on routes that only buyers use. */
export function buyerOf(request: FastifyRequest): BuyerParty {
  const party = partyOf(request);
  if (party.role !== 'buyer') throw new Error('this route is open to sellers');
  return party;
}

export function setOrganization(request: FastifyRequest, organization: Tenant): void {
  organizations.set(request, organization);
  addToLog(request, { organizationId: organization.id });
}

/** The organization a request acts for. Throws outside routes with `access.organization`. */
export function tenantOf(request: FastifyRequest): Tenant {
  const organization = organizations.get(request);
  if (!organization) throw new Error('this route does not resolve an organization');
  return organization;
}

export const organizationOf = (request: FastifyRequest): string => tenantOf(request).id;

/** Whose leads a request may see and offer. */
export const leadOwnerOf = (request: FastifyRequest): LeadOwner => ({
  organizationId: organizationOf(request),
  supplierId: callerOf(request).supplierId,
});

/**
 * Whose quotas a request counts against. Sessions count for the organization alone, keys of one supplier together. A buyer
 * counts for itself: anyone with the invite code is one, and must use up nothing that its seller has.
 */
export function quotaOwnerOf(request: FastifyRequest, organizationId?: string): QuotaOwner {
  const buyerId = buyerIn(request);
  if (buyerId !== null) return { organizationId: buyerId, keyId: null };
  const { actor, person, supplierId } = callerOf(request);
  return {
    organizationId: organizationId ?? organizationOf(request),
    keyId: person ? null : (supplierId ?? actor),
  };
}

const buyerIn = (request: FastifyRequest): string | null => parties.get(request)?.buyerId ?? null;
/** All buyers of a seller are one part: half of its turns stay the seller's, however many buyers there are. */
const allBuyers = 'buyers';

/** For routes that read the database without a known caller: all their requests together take turns like one organization's. */
export async function asStranger(request: FastifyRequest): Promise<void> {
  strangers.add(request);
}

/**
 * Whose turns a request takes: its organization's, its own when it acts for several, or those of all strangers together. A
 * supplier is a part of its organization, and so are its buyers together. Null when neither an access hook nor `asStranger` has run.
 */
export const turnOwnerOf = (request: FastifyRequest): TurnOwner | null =>
  callingOwnerOf(request) ?? (strangers.has(request) ? { name: 'strangers', part: null } : null);

function callingOwnerOf(request: FastifyRequest): TurnOwner | null {
  const caller = callers.get(request);
  if (!caller) return null;
  const name = organizations.get(request)?.id ?? onlyOrganization(caller) ?? caller.actor;
  return { name, part: caller.supplierId ?? (buyerIn(request) === null ? null : allBuyers) };
}

/**
 * Whose quotas a request counts against before its body is read: its organization's, or its own when it acts for several.
 * Null when no access hook has run.
 */
export function earlyQuotaOwnerOf(request: FastifyRequest): QuotaOwner | null {
  const owner = callingOwnerOf(request);
  return owner === null ? null : quotaOwnerOf(request, owner.name);
}

/**
 * Whose share of a process's memory a request takes: its organization's or caller's, else its address's. A supplier has a
 * share of its own, and so have the buyers together, so that they cannot use up their organization's.
 */
export function payerOf(request: FastifyRequest): Payer {
  const owner = callingOwnerOf(request);
  if (!owner) return { name: addressOf(request), isKnown: false };
  return { name: owner.part === null ? owner.name : `${owner.name} ${owner.part}`, isKnown: true };
}

export const mayActFor = (caller: Caller, organizationId: string): boolean =>
  caller.organizations === null || caller.organizations.includes(organizationId);

/** The organization of a caller that has exactly one; null when it has none, several or all. */
export function onlyOrganization({ organizations: own }: Caller): string | null {
  return own?.length === 1 ? own[0]! : null;
}

/** Throws 403 unless the caller may act for every organization. */
export function assertOperator(caller: Caller): void {
  if (caller.organizations !== null)
    throw new RefusedError(403, 'forbidden', 'You need operator access to see this page.');
}

/** A hook for routes with `access.signedIn`. */
export async function operatorsOnly(request: FastifyRequest): Promise<void> {
  assertOperator(callerOf(request));
}
