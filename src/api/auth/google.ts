import { genericOAuth } from 'better-auth/plugins/generic-oauth';
import type { Config } from '../../config.ts';

/** An account is made by registering, never by signing in. */
const onlyKnown = { disableSignUp: true, disableImplicitSignUp: true };

/** Google itself, whose addresses the library knows. */
export const realGoogle = (google: Config['google']) =>
  google && google.baseUrl === null
    ? { google: { clientId: google.clientId, clientSecret: google.clientSecret, ...onlyKnown } }
    : {};

/** The sandbox's Google under the same name, so that callback address and stored accounts are the same. */
export const simulatedGoogle = (google: Config['google']) =>
  google?.baseUrl
    ? [
        genericOAuth({
          config: [
            {
              providerId: 'google',
              clientId: google.clientId,
              clientSecret: google.clientSecret,
              discoveryUrl: `${google.baseUrl}/.well-known/openid-configuration`,
              scopes: ['email', 'profile'],
              pkce: true,
              requireIdTokenVerification: true,
              ...onlyKnown,
            },
          ],
        }),
      ]
    : [];
