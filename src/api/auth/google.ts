import { genericOAuth } from 'better-auth/plugins/generic-oauth';
import type { Config } from '../../config.ts';

/** Of the signed statement about who signed in. */
export type GoogleProfile = {
  /** The account's id, which stays when its address changes. */
  sub: string;
  email: string;
  email_verified?: unknown;
  name?: unknown;
};

/** Runs for each person who returns, once Google's statement is verified and before an account is looked for. */
export type Returned = (profile: GoogleProfile) => Promise<void>;

/** The library makes no account itself: registering stores more than a user. */
const onlyKnown = { disableSignUp: true, disableImplicitSignUp: true };

/** Google itself, whose addresses the library knows. */
export const realGoogle = (google: Config['google'], returned: Returned) =>
  google && google.baseUrl === null
    ? {
        google: {
          clientId: google.clientId,
          clientSecret: google.clientSecret,
          mapProfileToUser: mapped(returned),
          ...onlyKnown,
        },
      }
    : {};

/** The sandbox's Google under the same name, so that callback address and stored accounts are the same. */
export const simulatedGoogle = (google: Config['google'], returned: Returned) =>
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
              mapProfileToUser: mapped(returned),
              ...onlyKnown,
            },
          ],
        }),
      ]
    : [];

/** Changes nothing of what the library reads. */
const mapped = (returned: Returned) => async (profile: object) => {
  await returned(profile as GoogleProfile);
  return {};
};
