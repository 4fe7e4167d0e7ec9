import { randomBytes } from 'node:crypto';
import type { Settings } from '../options.ts';
import { json, type Params, type VendorRequest } from '../vendor.ts';
import type { Location, Locations } from './locations.ts';
import { GhlRefusal, invalid } from './refusal.ts';

type Access = { location: Location; expiresAt: number };
type Code = { location: Location; redirectUri: string; scope: string };
type Refresh = { location: Location; scope: string };

const maxTokens = 50_000;
const apiVersions = new Set(['2021-04-15', '2021-07-28', '2023-02-21']);

/**
 * Authenticates calls. OAuth access tokens expire; refresh tokens and codes are valid for one use. Private tokens:
 * `pit-sandbox-<location>` (v1: `v1-sandbox-<location>`) for one location, the configured key for all of them.
 */
export class Tokens {
  #settings: Settings;
  #locations: Locations;
  #access = new Map<string, Access>();
  #refresh = new Map<string, Refresh>();
  #codes = new Map<string, Code>();

  constructor(settings: Settings, locations: Locations) {
    this.#settings = settings;
    this.#locations = locations;
  }

  /** Returns the location that the token of a v2 call grants, or null for all. Throws 401 for an invalid token. */
  locationOf({ headers }: VendorRequest): Location | null {
    const token = /^Bearer (\S+)$/.exec(headers.authorization ?? '')?.[1];
    if (token === undefined) throw new GhlRefusal(401, ['Invalid JWT']);
    const location = token.startsWith('pit-') ? this.#private(token) : this.#byAccess(token);
    const version = headers.version;
    if (version === undefined) throw new GhlRefusal(401, ['version header was not found.']);
    if (!apiVersions.has(String(version))) throw new GhlRefusal(401, ['version header is invalid']);
    return location;
  }

  /** Returns the location of a v1 call. v1 accepts location keys only; private and OAuth tokens are refused with 401. */
  locationOfV1({ headers }: VendorRequest): Location {
    const key = /^Bearer (\S+)$/.exec(headers.authorization ?? '')?.[1] ?? '';
    const id = /^v1-sandbox-([\w-]{1,64})$/.exec(key)?.[1];
    const location = id === undefined ? null : this.#locations.get(id);
    if (!location?.installed) throw new GhlRefusal(401, ['Api key is invalid.']);
    return location;
  }

  /** Issues a code after consent, which installs the app in the location. */
  issueCode(locationId: string, redirectUri: string, scope: string): string {
    const code = randomBytes(20).toString('hex');
    const location = this.#locations.get(locationId);
    location.installed = true;
    keep(this.#codes, code, { location, redirectUri, scope });
    return code;
  }

  /** POST /oauth/token. */
  exchange(params: Params) {
    const { clientId, clientSecret } = this.#settings.ghl;
    const grant = params.grant_type;
    if (grant !== 'authorization_code' && grant !== 'refresh_token')
      throw invalid('grant_type must be a valid enum value', 'grant_type should not be empty');
    if (params.client_id !== clientId || params.client_secret !== clientSecret)
      throw new GhlRefusal(401, ['Invalid client credentials!']);
    const { location, scope } = grant === 'refresh_token' ? this.#useRefresh(params) : this.#useCode(params);
    const answer = json(200, this.#issue(location, scope));
    const record = { operation: 'oauth.token', params, text: grant, reference: location.id };
    return { ...answer, record };
  }

  /** Expires all access tokens of a location; refresh tokens stay valid. Returns their number. */
  expire(location: Location): number {
    const found = [...this.#access.values()].filter((access) => access.location === location);
    for (const access of found) access.expiresAt = 0;
    return found.length;
  }

  reset(): void {
    this.#access.clear();
    this.#refresh.clear();
    this.#codes.clear();
  }

  #private(token: string): Location | null {
    if (token === this.#settings.ghl.apiKey) return null;
    const id = /^pit-sandbox-([\w-]{1,64})$/.exec(token)?.[1];
    const location = id === undefined ? null : this.#locations.get(id);
    if (!location?.installed) throw new GhlRefusal(401, ['Invalid Private Integration token']);
    return location;
  }

  #byAccess(token: string): Location {
    const access = this.#access.get(token);
    if (!access?.location.installed) throw new GhlRefusal(401, ['Invalid JWT']);
    if (access.expiresAt <= Date.now()) throw new GhlRefusal(401, ['Invalid token: access token is invalid']);
    return access.location;
  }

  #useCode(params: Params): Refresh {
    const code = this.#codes.get(String(params.code));
    if (!code?.location.installed || code.redirectUri !== (params.redirect_uri ?? code.redirectUri))
      throw new GhlRefusal(400, ['Invalid grant: authorization code is invalid']);
    this.#codes.delete(String(params.code));
    return code;
  }

  #useRefresh(params: Params): Refresh {
    const given = String(params.refresh_token);
    const found = this.#refresh.get(given);
    if (!found?.location.installed) throw new GhlRefusal(400, ['Invalid grant: refresh token is invalid']);
    // The token is not consumed, so that it works once the location is active again.
    if (!found.location.active) throw new GhlRefusal(400, ['Location is not active']);
    this.#refresh.delete(given);
    return found;
  }

  #issue(location: Location, scope: string) {
    const { accessTokenSeconds } = this.#settings.ghl;
    const accessToken = `sandbox-access-${randomBytes(24).toString('base64url')}`;
    const refreshToken = `sandbox-refresh-${randomBytes(24).toString('base64url')}`;
    keep(this.#access, accessToken, { location, expiresAt: Date.now() + accessTokenSeconds * 1000 });
    keep(this.#refresh, refreshToken, { location, scope });
    return {
      access_token: accessToken,
      token_type: 'Bearer',
      expires_in: accessTokenSeconds,
      refresh_token: refreshToken,
      scope,
      userType: 'Location',
      locationId: location.id,
      companyId: location.companyId,
      userId: 'sandboxUser000000001',
    };
  }
}

function keep<T>(map: Map<string, T>, key: string, value: T): void {
  map.set(key, value);
  const oldest = map.size > maxTokens ? map.keys().next().value : undefined;
  if (oldest !== undefined) map.delete(oldest);
}
