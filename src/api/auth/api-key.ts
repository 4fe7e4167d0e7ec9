import type { FastifyReply, FastifyRequest } from 'fastify';
import { sameSecret } from '../../adapters/secret.ts';
import {
  type ApiKey,
  findKey,
  findOrganizationId,
  looksLikeKey,
  noteKeyUse,
} from '../../db/account/api-keys.ts';
import { together } from '../../db/batch-lookups.ts';
import { allows, type Scope } from '../../domain/account/scopes.ts';
import { RefusedError } from '../../domain/errors.ts';
import type { Runtime } from '../../engine/runtime.ts';
import { addressOf, type Limiter } from '../http/limits.ts';

/** On whose behalf a request acts. */
export type Principal = {
  /** API key id, or what stands in for one; goes into the audit trail. */
  actor: string;
  organizationId: string;
  owner: 'organization' | 'supplier' | 'operator';
  scopes: readonly Scope[];
};

/** Who calls, before it is settled on whose behalf. */
export type Caller = Omit<Principal, 'organizationId'> & {
  /** Null: an operator's key, which belongs to no organization. */
  organizationId: string | null;
  /** Without a key, from this machine, in the sandbox. */
  keyless: boolean;
};

export type Access = {
  /** Throws 401 for nobody and for a wrong key, 403 for one without the scope. */
  identify(request: FastifyRequest, reply: FastifyReply, scope: Scope): Promise<Caller>;
  /** An onRequest hook: nothing of the body is read before the caller is known. */
  require(scope: Scope): (request: FastifyRequest, reply: FastifyReply) => Promise<void>;
  /** For the payment bridge's health check: its own key, or any valid one. */
  bridge(): (request: FastifyRequest, reply: FastifyReply) => Promise<void>;
};

const decorator = 'principal';

export const principalOf = (request: FastifyRequest): Principal => {
  const principal = request.getDecorator<Principal | null>(decorator);
  if (!principal) throw new RefusedError(401, 'key_required', 'This needs an API key.');
  return principal;
};

export const principalDecorator = decorator;

/** Slug of the organization a keyless call in the sandbox acts as. */
export const demoSlug = 'demo';

export function createAccess({ db, config }: Pick<Runtime, 'db' | 'config'>, limiter: Limiter): Access {
  const keyOf = together(async (given: string[]) => {
    const found = new Map<string, Promise<ApiKey | null>>();
    for (const key of given) if (!found.has(key)) found.set(key, findKey(db, key));
    return Promise.all(given.map((key) => found.get(key)!));
  });
  const callerOf = async (request: FastifyRequest, reply: FastifyReply): Promise<Caller> => {
    const given = keyIn(request);
    if (given === undefined) {
      const demo = isSandboxed(config) && isLocal(request) ? await findOrganizationId(db, demoSlug) : null;
      if (demo) {
        const asDemo = { actor: 'sandbox', organizationId: demo, owner: 'organization' } as const;
        return { ...asDemo, scopes: ['admin'], keyless: true };
      }
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
    await limiter.take('key', key.id, reply);
    if (!key.lastUsedAt || Date.now() - key.lastUsedAt.getTime() > 3_600_000) await noteKeyUse(db, key.id);
    const { id: actor, organizationId, owner, scopes } = key;
    return { actor, organizationId, owner, scopes, keyless: false };
  };

  const identify = async (request: FastifyRequest, reply: FastifyReply): Promise<Principal> => {
    const { keyless: _keyless, ...caller } = await callerOf(request, reply);
    return { ...caller, organizationId: caller.organizationId ?? (await namedOrganization(request)) };
  };

  const assertScope = (scopes: readonly Scope[], scope: Scope) => {
    if (!allows(scopes, scope))
      throw new RefusedError(403, 'scope_missing', `This API key lacks the scope ${scope}.`);
  };

  /** An operator's key belongs to no organization: the call says on whose behalf. */
  const namedOrganization = async (request: FastifyRequest): Promise<string> => {
    const slug = request.headers['x-organization'];
    const id = typeof slug === 'string' ? await findOrganizationId(db, slug) : null;
    if (!id)
      throw new RefusedError(400, 'organization_required', 'Name the organization: X-Organization: <slug>.');
    return id;
  };

  return {
    async identify(request, reply, scope) {
      const caller = await callerOf(request, reply);
      assertScope(caller.scopes, scope);
      return caller;
    },
    require: (scope) => async (request, reply) => {
      const principal = await identify(request, reply);
      assertScope(principal.scopes, scope);
      request.setDecorator(decorator, principal);
    },
    bridge: () => async (request, reply) => {
      if (sameSecret(keyIn(request), config.stripeServiceApiKey ?? '')) return;
      await identify(request, reply);
    },
  };
}

export function keyIn({ headers }: FastifyRequest): string | undefined {
  const { authorization } = headers;
  if (authorization !== undefined) return /^Bearer +(\S+)$/i.exec(authorization)?.[1] ?? '';
  const header = headers['x-api-key'];
  return Array.isArray(header) ? '' : header;
}

function isSandboxed({ production, sandboxed, smsProvider }: Runtime['config']): boolean {
  return !production && ['stripe', smsProvider, 'sendgrid'].every((vendor) => sandboxed.includes(vendor));
}

const proxyHeaders = [
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-real-ip',
  'via',
  'cf-connecting-ip',
];
const localNames = new Set(['localhost', '127.0.0.1', '[::1]']);

/**
 * From this machine itself: by the socket's address, through no proxy, by a local name (a foreign name that resolves
 * to 127.0.0.1 is a web page reaching into the machine), and not from another site's page.
 */
function isLocal(request: FastifyRequest): boolean {
  const { headers } = request;
  const address = request.socket.remoteAddress ?? '';
  if (!/^(?:127\.|::1$|::ffff:127\.)/.test(address)) return false;
  if (proxyHeaders.some((name) => headers[name] !== undefined)) return false;
  const host = (headers.host ?? '').replace(/:\d+$/, '');
  if (!localNames.has(host)) return false;
  return headers.origin === undefined || headers.origin === `http://${headers.host}`;
}
