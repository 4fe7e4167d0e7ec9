/**
 * Why a sign-in came to nothing, for people. The names are those that the auth library adds to the address after Google,
 * and those of NextAuth's protocol.
 */
const sentences: Readonly<Record<string, string>> = {
  'Invalid credentials': 'Email or password is wrong.',
  CredentialsSignin: 'Email or password is wrong.',
  TooManyAttempts: 'Too many attempts. Try again later.',
  SecondFactorRequired: 'Enter the code of your authenticator app to sign in.',
  InvalidCode: 'This code is wrong or was used before.',
  SecondFactorSetupRequired:
    'Your organization asks its members for a second factor. Sign in here and set one up on your account page.',
  SessionRequired: 'Sign in to see this page.',
  signup_disabled:
    'There is no account with this Google address. Register first, or ask for an invitation to your address.',
  account_not_linked:
    'Google has not verified this address, so it cannot open the account here. Sign in with your password.',
  invite_code_refused:
    'This invite code does not work, and no account was made. Ask your seller for the current one.',
  registration_closed: 'Registration is closed, and no account was made.',
  registration_refused: 'No account was made. Check the role and the invite code, and try again.',
  too_many_accounts:
    'Too many accounts were made with this mailbox today, and no other was made. Try again later.',
  too_many_buyers:
    'Too many buyers registered with this seller, and no account was made. Ask your seller, or try again later.',
  address_unverified:
    'Google has not verified this address, so no account was made. Choose another one, or register with a password.',
  access_denied: 'You did not allow the sign-in with Google.',
};

const unknown = 'The sign-in failed. Please try again.';

/** Returns null without an error. */
export const sentenceOf = (error: unknown): string | null => {
  if (typeof error !== 'string' || error === '') return null;
  return Object.hasOwn(sentences, error) ? sentences[error]! : unknown;
};
