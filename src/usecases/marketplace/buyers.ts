import { violatedUnique } from '../../db/constraints.ts';
import {
  emailConstraint,
  insertPartyBuyer,
  isEmailTaken,
  type NewPartyBuyer,
} from '../../db/marketplace/buyers.ts';
import { ContractError } from '../../domain/errors.ts';
import type { Quotas } from '../account/quotas.ts';
import type { Runtime } from '../runtime.ts';

export type HashPassword = (password: string) => Promise<string>;

type Deps = Pick<Runtime, 'db'> & {
  quotas: Pick<Quotas, 'take' | 'giveBack' | 'hold' | 'stored'>;
  hashPassword: HashPassword;
};

/**
 * Makes a buyer of a seller, who signs in with this password; without one, by a link that sets it. Throws ContractError
 * 400 when the e-mail address belongs to a user, in any case, and RefusedError 429 when too many did, because the answer
 * tells who has an account here, or when the seller has too many buyers.
 */
export async function createBuyer(
  { db, quotas, hashPassword }: Deps,
  organizationId: string,
  { password, ...buyer }: Omit<NewPartyBuyer, 'passwordHash'> & { password: string | null },
  actor: string,
): Promise<{ id: string; userId: string; email: string }> {
  const owner = { organizationId, keyId: null };
  // Counted before the look, so that a burst learns no more; and before the hash, which is made slow on purpose.
  await quotas.take('known_addresses', owner);
  if (await isEmailTaken(db, buyer.email)) throw emailTaken();
  await quotas.giveBack('known_addresses', owner);
  const passwordHash =
    password === null ? null : await quotas.hold('passwords_made', owner, () => hashPassword(password));
  try {
    return await quotas.stored('buyers', organizationId, (most) =>
      insertPartyBuyer(db, organizationId, { ...buyer, passwordHash, most }, actor),
    );
  } catch (error) {
    if (violatedUnique(error) === emailConstraint) throw emailTaken();
    throw error;
  }
}

const emailTaken = () => new ContractError(400, 'invalid_input', 'User with this email already exists');
