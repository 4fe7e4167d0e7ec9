import { violatedUnique } from '../../db/constraints.ts';
import {
  emailConstraint,
  insertPartyBuyer,
  isEmailTaken,
  type NewPartyBuyer,
} from '../../db/marketplace/buyers.ts';
import { ContractError } from '../../domain/errors.ts';
import type { Runtime } from '../runtime.ts';

export type HashPassword = (password: string) => Promise<string>;

/**
 * Makes a buyer of a seller, who signs in with this password; without one, by a link that sets it. Throws ContractError
 * 400 when the e-mail address belongs to a user, in any case.
 */
export async function createBuyer(
  { db, quotas, hashPassword }: Pick<Runtime, 'db' | 'quotas'> & { hashPassword: HashPassword },
  organizationId: string,
  { password, ...buyer }: Omit<NewPartyBuyer, 'passwordHash'> & { password: string | null },
  actor: string,
): Promise<{ id: string; userId: string; email: string }> {
  // Before the hash, which is made slow on purpose.
  if (await isEmailTaken(db, buyer.email)) throw emailTaken();
  const owner = { organizationId, keyId: null };
  const passwordHash =
    password === null ? null : await quotas.hold('passwords_made', owner, () => hashPassword(password));
  try {
    return await insertPartyBuyer(db, organizationId, { ...buyer, passwordHash }, actor);
  } catch (error) {
    if (violatedUnique(error) === emailConstraint) throw emailTaken();
    throw error;
  }
}

const emailTaken = () => new ContractError(400, 'invalid_input', 'User with this email already exists');
