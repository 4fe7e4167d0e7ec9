import { APIError, getOAuthState } from 'better-auth/api';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { giveToGoogle } from '../../db/account/unproven.ts';
import { ContractError, RefusedError } from '../../domain/errors.ts';
import { emailTaken, invalidCode } from '../../usecases/account/register.ts';
import type { Runtime } from '../../usecases/runtime.ts';
import { type Given, isBlank, refused } from '../http/contract.ts';
import { text } from '../http/fields.ts';
import type { GoogleProfile, Returned } from './google.ts';
import {
  assertMayRegister,
  emailOf,
  findInviting,
  longestName,
  optionalOf,
  phoneOf,
  type Registering,
} from './register.ts';

type Deps = { registering: Registering; config: Pick<Runtime['config'], 'registration'> };
type Returning = Deps & Pick<Runtime, 'db'>;

/**
 * What a person who continues with Google asked for on a registration form. It is kept in our database, in the state of the
 * sign-in, until the same browser returns, and is judged again then. Null: to sign in with an account that exists.
 */
export type Wanted = {
  role: 'SELLER' | 'BUYER';
  inviteCode: string | null;
  companyName: string | null;
  phone: string | null;
};

const kept = z.object({
  wanted: z.object({
    role: z.enum(['SELLER', 'BUYER']),
    inviteCode: z.string().nullable(),
    companyName: z.string().nullable(),
    phone: z.string().nullable(),
  }),
});

/** Reads the form, of which `code` or `inviteCode` is the invite code. Throws as registering with a password does. */
export async function readWanted(
  { registering, config }: Deps,
  request: FastifyRequest,
  given: Given,
): Promise<Wanted | null> {
  if (isBlank(given.role)) return null;
  const { role } = given;
  if (role !== 'SELLER' && role !== 'BUYER')
    throw refused('Invalid role specified', 'role: must be SELLER or BUYER.');
  assertMayRegister(config, role);
  const { companyName = null, phoneNumber, inviteCode } = optionalOf({ inviteCode: given.code, ...given });
  if (role === 'SELLER') return { role, companyName, inviteCode: null, phone: null };
  if (inviteCode === undefined) throw refused('Invite code is required for buyer registration');
  const seller = await findInviting(registering, request, inviteCode);
  if (!seller) throw refused(invalidCode);
  const phone = phoneNumber === undefined ? null : phoneOf(phoneNumber).number;
  return { role, companyName, inviteCode: seller.inviteCode, phone };
}

/** Why a person who returned was not registered, as the sign-in page says it. Returns null for any other error. */
export function reasonOf(error: unknown): string | null {
  if (!(error instanceof RefusedError)) return null;
  if (error instanceof ContractError && error.wording === invalidCode) return 'invite_code_refused';
  if (error.status === 403) return 'registration_closed';
  if (error.code === 'quota_exceeded') return 'too_many_buyers';
  return error.status === 429 ? 'too_many_accounts' : 'registration_refused';
}

/**
 * For the person who returns from Google, before the sign-in library looks for the account. An account with the address, when
 * it was never verified, is given to this person. When a form asked for it, and neither the account at Google nor the address
 * is known, the person is registered; leads back to that form when it is refused.
 */
export function receiveFromGoogle(deps: Returning): Returned {
  return async (profile) => {
    if (profile.email_verified === true)
      await giveToGoogle(deps.db, { email: profile.email.toLowerCase(), googleId: profile.sub });
    const state = await getOAuthState();
    const found = kept.safeParse(state);
    if (!found.success) return;
    const reason = await registerProfile(deps, found.data.wanted, profile).catch((error: unknown) => {
      const known = reasonOf(error);
      if (known === null) throw error;
      return known;
    });
    if (reason !== null) throw leadTo(state?.errorURL ?? '/login', reason);
  };
}

/** A redirect, as the sign-in library throws it. */
function leadTo(page: string, reason: string): APIError {
  const location = `${page}${page.includes('?') ? '&' : '?'}error=${reason}`;
  return new APIError('FOUND', undefined, { location });
}

/** Returns why the person was not registered; null when the library may look for the account. */
async function registerProfile(
  { registering, config }: Deps,
  { role, inviteCode, companyName: company, phone }: Wanted,
  profile: GoogleProfile,
): Promise<string | null> {
  const { registrations, gate, takeMailbox } = registering;
  const [email, googleId] = [emailOf(profile.email), profile.sub];
  if (await registrations.isKnown({ email, googleId })) return null;
  if (profile.email_verified !== true) return 'address_unverified';
  assertMayRegister(config, role);
  await takeMailbox(email);
  const named = text(longestName).safeParse(profile.name);
  const name = named.success ? named.data : email.split('@')[0]!;
  const person = { email, name, proof: { googleId }, companyName: company ?? name, phone };
  await gate.enter();
  try {
    if (role === 'SELLER') await registrations.register({ ...person, role: 'seller' });
    else {
      const seller = inviteCode === null ? null : await registrations.findSeller(inviteCode);
      if (!seller || inviteCode === null) throw refused(invalidCode);
      await registrations.register({ ...person, role: 'buyer', inviteCode, seller });
    }
  } catch (error) {
    // The same person in another window, at the same time.
    if (!(error instanceof ContractError) || error.wording !== emailTaken) throw error;
  } finally {
    gate.leave();
  }
  return null;
}
