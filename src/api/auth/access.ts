import type { FastifyReply, FastifyRequest } from 'fastify';
import { sameSecret } from '../../adapters/secret.ts';
import { type ApiKey, findKeys, looksLikeKey, noteKeyUse } from '../../db/account/api-keys.ts';
import { findMembership, isAskedForSecondFactor, organizationsOf } from '../../db/account/members.ts';
import { findOnlySeller, findTenant, type Tenant } from '../../db/account/organizations.ts';
import { inBatches } from '../../db/batches.ts';
import type { MarketRole } from '../../domain/account/roles.ts';
import { allows, type Scope, scopes } from '../../domain/account/scopes.ts';
import { ContractError, RefusedError } from '../../domain/errors.ts';
import type { Runtime } from '../../usecases/runtime.ts';
import { addressOf, type Limiter, type Requester } from '../http/limits.ts';
import { type Auth, findSession, type Session, webHeaders } from './better-auth.ts';
import {
  assertOperator,
  type Caller,
  onlyOrganization,
  type Party,
  quotaOwnerOf,
  setCaller,
  setOrganization,
  setParty,
  setSession,
} from './caller.ts';
import { wantsPage } from './local-path.ts';
import { needsNoKey } from './local-request.ts';
import { assertSameOrigin, trustedOrigins } from './origin.ts';

type Hook = (request: FastifyRequest, reply: FastifyReply) => Promise<void>;

/** onRequest hooks: the caller is known before the body is read. Each throws 401 without credentials, 403 without the right. */
export type Access = {
  /**
   * An API key with this scope, for the one organization that `organizationOf` returns. `bridge`: also the payment
   * bridge's own key, for the calls that its client makes.
   */
  organization(scope: Scope, also?: { bridge: boolean }): Hook;
  /** An API key with this scope or a session, for the companies it may act for. A supplier's key is refused. */
  company(scope: Scope): Hook;
  /** As `company`, for callers that may act for every organization. */
  operator(scope: Scope): Hook;
  /** A session. Browsers without one are redirected to the sign-in page; writes from other sites are refused. */
  signedIn: Hook;
  /** As `signedIn`, also for members whose organization asks for a second factor that they have not set up yet. */
  account: Hook;
  /** A session, by its cookie or as Authorization: Bearer, of anyone. */
  session: Hook;
  /**
   * A session of a member with one of these roles, in the marketplace of one organization: the one that `X-Organization`
   * names, else the one chosen in the session, else the first. Credentials are the session's cookie, or the same string as
   * Authorization: Bearer.
   */
  market(...roles: readonly MarketRole[]): Hook;
  /** The payment bridge's own key, or any valid API key. */
  bridge: Hook;
  /** An operator's API key. Outside production also a request from this machine without one. */
  monitoring: Hook;
};

/** `home`: the organization a request acts for; null when the request must name it. */
type Identified = { caller: Caller; home: Tenant | null };

const reading = new Set(['GET', 'HEAD']);

/** Slug of the organization that sandbox calls without a key act for. */
const demoSlug = 'demo';

export function createAccess(
  { db, config, quotas }: Pick<Runtime, 'db' | 'config' | 'quotas'>,
  { auth, limiter }: { auth: Auth; limiter: Limiter },
): Access {
  const trusted = trustedOrigins(config.publicUrl);
  const keyOf = inBatches((given: string[]) => findKeys(db, given));

  const identifySandbox = async (request: FastifyRequest): Promise<Identified | null> => {
    if (!isSandboxed(config) || !needsNoKey(config, request)) return null;
    const home = await findTenant(db, demoSlug);
    if (!home) return null;
    const caller: Caller = {
      actor: 'sandbox',
      role: 'operator',
      organizations: null,
      scopes: ['admin'],
      supplierId: null,
      person: null,
    };
    return { caller, home };
  };

  const identifyKey = async (request: FastifyRequest, reply: FastifyReply): Promise<Identified> => {
    const given = keyIn(request);
    if (given === undefined) {
      const sandbox = await identifySandbox(request);
      if (sandbox) return sandbox;
      reply.header('www-authenticate', 'Bearer realm="leadgate"');
      throw new RefusedError(
        401,
        'key_required',
        'This needs an API key: Authorization: Bearer <key>, or X-API-Key: <key>.',
      );
    }
    const key = looksLikeKey(given) ? await keyOf(given) : null;
    if (!key) {
      await limiter.take('refused', addressOf(request), reply);
      reply.header('www-authenticate', 'Bearer realm="leadgate", error="invalid_token"');
      throw new RefusedError(401, 'key_invalid', 'This API key is not valid.');
    }
    // All keys of one supplier count as one key.
    const counted = { actor: key.supplierId ?? key.id, organizationId: key.organizationId };
    await limiter.takeRequest(counted, reply);
    if (key.supplierStatus === 'INACTIVE')
      throw new ContractError(
        403,
        'forbidden',
        'Supplier account is not active',
        'This supplier is not active. Its organization can activate it again.',
      );
    if (!key.lastUsedAt || Date.now() - key.lastUsedAt.getTime() > 3_600_000) await noteKeyUse(db, key.id);
    const { organizationId: id, priceFloors } = key;
    return { caller: callerWith(key), home: id === null ? null : { id, priceFloors } };
  };

  /** Null without a session, or when it lacks the second factor of its person. */
  const findSignedIn = async (request: FastifyRequest): Promise<(Caller & { session: Session }) | null> => {
    const session = await findSession(auth, webHeaders(request));
    if (!session || session.needsSecondFactor) return null;
    const { person } = session;
    const organizations = person.role === 'operator' ? null : await organizationsOf(db, person.id, session);
    const granted = scopes.filter((scope) => scope !== 'admin');
    const { id: actor, role } = person;
    return { actor, role, organizations, scopes: granted, supplierId: null, person, session };
  };

  /** Members of organizations that all ask for a second factor have nothing to see without one. */
  const isShutOut = async ({ actor, organizations, session }: Caller & { session: Session }) =>
    organizations?.length === 0 && !session.hasSecondFactor && (await isAskedForSecondFactor(db, actor));

  const redirectToSignIn = async (request: FastifyRequest, reply: FastifyReply) => {
    if (!wantsPage(request)) throw new RefusedError(401, 'unauthorized', 'Sign in first.');
    const half = await findSession(auth, webHeaders(request));
    const page = half ? '/login/second-factor' : '/login';
    return reply.redirect(`${page}?next=${encodeURIComponent(request.url)}`, 303);
  };

  const signedIn =
    ({ alsoShutOut }: { alsoShutOut: boolean }): Hook =>
    async (request, reply) => {
      assertSameOrigin(request, trusted);
      reply.header('cache-control', 'no-store');
      const caller = await findSignedIn(request);
      if (!caller) return redirectToSignIn(request, reply);
      await limiter.takeRequest(requesterOf(caller), reply);
      if (!alsoShutOut && (await isShutOut(caller))) {
        if (wantsPage(request)) return reply.redirect('/account?needs=second-factor', 303);
        throw secondFactorMissing();
      }
      setSession(request, caller.session);
      setCaller(request, caller);
    };

  const identifyForCompanies = async (
    request: FastifyRequest,
    reply: FastifyReply,
    scope: Scope,
  ): Promise<Caller> => {
    const session = keyIn(request) === undefined ? await findSignedIn(request) : null;
    if (session) {
      await limiter.takeRequest(requesterOf(session), reply);
      // A browser sends its cookie along with requests that another site's page makes.
      assertSameOrigin(request, trusted);
      if (await isShutOut(session)) throw secondFactorMissing();
      return session;
    }
    const { caller } = await identifyKey(request, reply);
    if (caller.role === 'supplier')
      throw new RefusedError(
        403,
        'forbidden',
        'A supplier’s key can only offer leads with POST /api/leads. Use a key of the company to upload its leads.',
      );
    assertScope(caller, scope);
    return caller;
  };

  /** An operator's key belongs to no organization, so the request names one. */
  const namedOrganization = async ({ headers }: FastifyRequest): Promise<Tenant> => {
    const slug = headers['x-organization'];
    const named = typeof slug === 'string' ? await findTenant(db, slug) : null;
    if (!named)
      throw new RefusedError(400, 'organization_required', 'Name the organization: X-Organization: <slug>.');
    return named;
  };

  const identifySession = async (request: FastifyRequest, reply: FastifyReply): Promise<Session> => {
    // A browser sends its cookie along with requests that another site's page makes; it adds no Authorization header.
    const { authorization, cookie } = request.headers;
    if (authorization === undefined && cookie !== undefined) assertSameOrigin(request, trusted);
    const session = await findSession(auth, webHeaders(request));
    if (!session || session.needsSecondFactor) {
      if (!session && request.headers.authorization !== undefined)
        await limiter.take('refused', addressOf(request), reply);
      throw new ContractError(401, 'unauthorized', 'Unauthorized', 'Sign in first.');
    }
    return session;
  };

  const identifyParty = async (
    request: FastifyRequest,
    reply: FastifyReply,
    roles: readonly MarketRole[],
  ): Promise<Party> => {
    const session = await identifySession(request, reply);
    const { person, hasSecondFactor } = session;
    const slug = request.headers['x-organization'];
    const chosen = typeof slug === 'string' ? { slug } : { id: session.organizationId };
    const membership = await findMembership(db, person.id, chosen);
    // A buyer's requests are its own: they use up nothing that its seller has.
    const counted = membership?.role === 'buyer' ? null : (membership?.organizationId ?? null);
    await limiter.takeRequest({ actor: person.id, organizationId: counted }, reply);
    if (membership?.requiresTwoFactor && !hasSecondFactor)
      throw new ContractError(
        403,
        'second_factor_required',
        'Forbidden',
        'This organization asks its members for a second factor. Set one up on your account page, then sign in with it.',
      );
    const { organizationId = '', role, buyerId = null } = membership ?? {};
    if (membership?.isInactiveBuyer && roles.includes('buyer') && !reading.has(request.method))
      throw new ContractError(
        403,
        'forbidden',
        'Forbidden',
        'This buyer account is not active: it can be read, and nothing else.',
      );
    // What the person meant for the organization that was chosen must not be stored in another one.
    const isOther = 'id' in chosen && chosen.id !== null && chosen.id !== organizationId;
    if (isOther && !reading.has(request.method))
      throw new ContractError(
        403,
        'forbidden',
        'Forbidden',
        'You are no longer a member of the organization that you chose. Choose another one first.',
      );
    if (role === 'seller' && roles.includes(role)) return { organizationId, person, role, buyerId: null };
    if (role === 'buyer' && buyerId && roles.includes(role)) return { organizationId, person, role, buyerId };
    throw new ContractError(403, 'forbidden', 'Forbidden', 'Your role does not open this.');
  };

  const isBridge = (request: FastifyRequest): boolean =>
    sameSecret(keyIn(request), config.stripeServiceApiKey ?? '');
  /** Its client names no organization, so that it acts for the configured one, or for the only one with providers. */
  const bridgedOrganization = async ({ headers }: FastifyRequest): Promise<Tenant | null> => {
    if (headers['x-organization'] !== undefined) return null;
    const { stripeServiceOrganization: slug } = config;
    if (slug !== null) return findTenant(db, slug);
    return (await findOnlySeller(db)) ?? (isSandboxed(config) ? findTenant(db, demoSlug) : null);
  };
  const identifyBridge = async (request: FastifyRequest, reply: FastifyReply): Promise<Identified> => {
    const home = (await bridgedOrganization(request)) ?? (await namedOrganization(request));
    await limiter.takeRequest({ actor: bridge.actor, organizationId: home.id }, reply);
    return { caller: { ...bridge, organizations: [home.id] }, home };
  };

  return {
    organization: (scope, also) => async (request, reply) => {
      const known = also?.bridge && isBridge(request) ? identifyBridge : identifyKey;
      const { caller, home } = await known(request, reply);
      const organization = home ?? (await namedOrganization(request));
      assertScope(caller, scope);
      setCaller(request, caller);
      setOrganization(request, organization);
    },
    company: (scope) => async (request, reply) => {
      setCaller(request, await identifyForCompanies(request, reply, scope));
    },
    operator: (scope) => async (request, reply) => {
      const caller = await identifyForCompanies(request, reply, scope);
      assertOperator(caller);
      setCaller(request, caller);
    },
    signedIn: signedIn({ alsoShutOut: false }),
    account: signedIn({ alsoShutOut: true }),
    async session(request, reply) {
      const session = await identifySession(request, reply);
      const { person } = session;
      await limiter.takeRequest({ actor: person.id, organizationId: null }, reply);
      setSession(request, session);
      setCaller(request, {
        actor: person.id,
        role: 'member',
        organizations: [],
        scopes: [],
        supplierId: null,
        person,
      });
    },
    market:
      (...roles) =>
      async (request, reply) => {
        const party = await identifyParty(request, reply, roles);
        const { organizationId, person } = party;
        setCaller(request, {
          actor: person.id,
          role: 'member',
          organizations: [organizationId],
          scopes: [],
          supplierId: null,
          person,
        });
        setParty(request, party);
        if (!reading.has(request.method))
          await quotas.take('market_changes', quotaOwnerOf(request, organizationId));
      },
    async bridge(request, reply) {
      if (isBridge(request)) return;
      setCaller(request, (await identifyKey(request, reply)).caller);
    },
    async monitoring(request, reply) {
      if (keyIn(request) === undefined) {
        if (needsNoKey(config, request)) return;
        throw new RefusedError(401, 'key_required', 'This needs an operator key.');
      }
      const { caller } = await identifyKey(request, reply);
      if (caller.role !== 'operator') throw new RefusedError(403, 'forbidden', 'This needs an operator key.');
      setCaller(request, caller);
    },
  };
}

const secondFactorMissing = () =>
  new RefusedError(
    403,
    'second_factor_required',
    'Your organization asks its members for a second factor. Set one up on your account page.',
  );

/** Reads, offers and answers; never opens a contact. */
const bridge = {
  actor: 'stripe-service',
  role: 'organization',
  scopes: ['leads:read', 'leads:write', 'replies:write'],
  supplierId: null,
  person: null,
} as const satisfies Omit<Caller, 'organizations'>;

/** Only an operator's key without an organization acts for every organization. */
function organizationsOfKey({ owner, organizationId }: ApiKey): readonly string[] | null {
  if (organizationId !== null) return [organizationId];
  return owner === 'operator' ? null : [];
}

const callerWith = (key: ApiKey): Caller => ({
  actor: key.id,
  role: key.owner,
  organizations: organizationsOfKey(key),
  scopes: key.scopes,
  supplierId: key.supplierId,
  person: null,
});

const requesterOf = (caller: Caller): Requester => ({
  actor: caller.actor,
  organizationId: onlyOrganization(caller),
});

function assertScope(caller: Caller, scope: Scope): void {
  if (!allows(caller.scopes, scope))
    throw new RefusedError(403, 'scope_missing', `This API key lacks the scope ${scope}.`);
}

/** The API key of a request: undefined when there is none, an empty string when it cannot be read. */
function keyIn({ headers }: FastifyRequest): string | undefined {
  const { authorization } = headers;
  if (authorization !== undefined) return /^Bearer +(\S+)$/i.exec(authorization)?.[1] ?? '';
  const header = headers['x-api-key'];
  return Array.isArray(header) ? '' : header;
}

function isSandboxed({ sandboxed, smsProvider }: Runtime['config']): boolean {
  return ['stripe', smsProvider, 'sendgrid'].every((vendor) => sandboxed.includes(vendor));
}
