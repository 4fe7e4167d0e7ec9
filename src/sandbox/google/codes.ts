import { createHash, randomBytes } from 'node:crypto';
import type { Settings } from '../options.ts';
import { type Params, Refusal } from '../vendor.ts';

/** A Google account. `sub` never changes, whatever its address. */
export type GoogleAccount = { sub: string; email: string; emailVerified: boolean; name: string };

/** What a person agreed to, and what the code of it may be exchanged with. */
export type Grant = {
  account: GoogleAccount;
  redirectUri: string;
  nonce: string | null;
  challenge: string;
  expiresAt: number;
};

const mostCodes = 10_000;

/** Codes are valid once, for a short time, for the redirect and the PKCE verifier that they were asked for with. */
export class Codes {
  #settings: Settings;
  #grants = new Map<string, Grant>();

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  issue(grant: Omit<Grant, 'expiresAt'>): string {
    const code = `4/sandbox-${randomBytes(20).toString('base64url')}`;
    this.#grants.set(code, { ...grant, expiresAt: Date.now() + this.#settings.google.codeSeconds * 1000 });
    const [oldest] = this.#grants.keys();
    if (this.#grants.size > mostCodes && oldest !== undefined) this.#grants.delete(oldest);
    return code;
  }

  /** POST /token. Throws the error that Google answers. */
  exchange(params: Params): Grant {
    const { clientId, clientSecret } = this.#settings.google;
    if (params.grant_type !== 'authorization_code')
      throw refused('unsupported_grant_type', `Invalid grant_type: ${String(params.grant_type)}`);
    if (params.client_id !== clientId || params.client_secret !== clientSecret)
      throw refused('invalid_client', 'Unauthorized', 401);
    const code = String(params.code ?? '');
    const grant = this.#grants.get(code);
    // Used up by the first attempt, also by one that fails.
    this.#grants.delete(code);
    if (!grant || grant.expiresAt <= Date.now()) throw refused('invalid_grant', 'Bad Request');
    if (params.redirect_uri !== grant.redirectUri) throw refused('redirect_uri_mismatch', 'Bad Request');
    const verifier = String(params.code_verifier ?? '');
    const challenge = createHash('sha256').update(verifier).digest('base64url');
    if (verifier.length < 43 || challenge !== grant.challenge)
      throw refused('invalid_grant', 'Invalid code verifier.');
    return grant;
  }

  reset(): void {
    this.#grants.clear();
  }
}

const refused = (code: string, message: string, status = 400) => new Refusal(status, code, message);
