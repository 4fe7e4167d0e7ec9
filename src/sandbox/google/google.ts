import { generateKeyPairSync } from 'node:crypto';
import type { Settings } from '../options.ts';
import {
  type Answer,
  createVendorApi,
  json,
  parseFlatForm,
  type VendorApi,
  type VendorRequest,
} from '../vendor.ts';
import { serveAccountPicker } from './account-picker.ts';
import { Codes } from './codes.ts';
import { idToken, type SigningKey } from './id-token.ts';

export type Google = {
  /** Recorded calls: the exchange of a code. */
  api: VendorApi;
  /** Pages and public documents: the account picker, discovery, keys. Null for other paths. */
  serve(request: VendorRequest): Answer | null;
  reset(): void;
};

const scopes = ['openid', 'email', 'profile'];

type Keys = { signing: SigningKey; published: { keys: object[] } };
let made: Keys | null = null;

/** One key for every sandbox of the process, made when it is first needed: that takes up to a second. */
function keysOfGoogle(): Keys {
  if (made) return made;
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const signing: SigningKey = { id: 'sandbox', privateKey };
  const published = { ...publicKey.export({ format: 'jwk' }), kid: signing.id, alg: 'RS256', use: 'sig' };
  made = { signing, published: { keys: [published] } };
  return made;
}

/** Google's sign-in with OpenID Connect: code flow with PKCE (S256) and nonce. */
export function createGoogle({ settings, baseUrl }: { settings: Settings; baseUrl(): string }): Google {
  const codes = new Codes(settings);
  const discovery = () => ({
    issuer: baseUrl(),
    authorization_endpoint: `${baseUrl()}/o/oauth2/v2/auth`,
    token_endpoint: `${baseUrl()}/token`,
    jwks_uri: `${baseUrl()}/oauth2/v3/certs`,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    scopes_supported: scopes,
    code_challenge_methods_supported: ['S256'],
    id_token_signing_alg_values_supported: ['RS256'],
    token_endpoint_auth_methods_supported: ['client_secret_post'],
  });
  return {
    api: createVendorApi({
      authenticate: () => undefined,
      parse: ({ rawBody }) => parseFlatForm(rawBody),
      render: (refusal) => json(refusal.status, { error: refusal.code, error_description: refusal.message }),
      routes: [
        {
          method: 'POST',
          pattern: /^\/token$/,
          operation: 'oauth.token',
          run({ params }) {
            const grant = codes.exchange(params);
            const answer = json(200, {
              access_token: `ya29.sandbox-${grant.account.sub}`,
              expires_in: 3599,
              scope: scopes.join(' '),
              token_type: 'Bearer',
              id_token: idToken(keysOfGoogle().signing, {
                issuer: baseUrl(),
                audience: settings.google.clientId,
                grant,
              }),
            });
            const record = { operation: 'oauth.token', params: { grant_type: params.grant_type } };
            return { ...answer, record: { ...record, reference: grant.account.email } };
          },
        },
      ],
    }),
    serve(request) {
      if (request.path === '/.well-known/openid-configuration') return json(200, discovery());
      if (request.path === '/oauth2/v3/certs') return json(200, keysOfGoogle().published);
      if (request.path === '/o/oauth2/v2/auth') return serveAccountPicker({ settings, codes }, request);
      return null;
    },
    reset: () => codes.reset(),
  };
}
