import { randomBytes, randomInt } from 'node:crypto';
import {
  findInvitingSellers,
  findRegistered,
  type InvitingSeller,
  isKnownPerson,
  type NewPerson,
  type Proof,
  registration,
  registrationConstraints,
} from '../../db/account/register.ts';
import { recentRoom } from '../../db/account/stored.ts';
import { inBatches } from '../../db/batches.ts';
import { CommitOutcomeUnknownError } from '../../db/client.ts';
import { violatedUnique } from '../../db/constraints.ts';
import { openToBuyers, StoredQuotaError } from '../../domain/account/quotas.ts';
import { newInviteCode, slugOf } from '../../domain/account/registration.ts';
import { ContractError, RefusedError } from '../../domain/errors.ts';
import { newId } from '../../events/new-id.ts';
import type { Runtime } from '../runtime.ts';
import { createPasswords } from './passwords.ts';

type Deps = Pick<Runtime, 'config' | 'db' | 'relay' | 'quotas'>;

type Fields = {
  email: string;
  name: string;
  /** Of an account at Google: its id there. Google has verified the address. */
  proof: { password: string } | { googleId: string };
  companyName: string;
  phone: string | null;
  /** It is one of many that come at once. */
  isRush?: boolean;
};
export type SellerRegistration = Fields & { role: 'seller' };
/** `seller`: the one whose code was given. */
export type BuyerRegistration = Fields & { role: 'buyer'; inviteCode: string; seller: InvitingSeller };

export type Registrations = {
  /**
   * Throws ContractError 400 when the address is taken, or the code has ceased to work, and RefusedError 429 when too many
   * buyers registered with the seller.
   */
  register(person: SellerRegistration | BuyerRegistration): Promise<NewPerson>;
  /** The open seller with this code; null for any other code. */
  findSeller(code: string): Promise<InvitingSeller | null>;
  /** Whether the address or the account at Google belongs to a user. */
  isKnown(person: { email: string; googleId: string }): Promise<boolean>;
};

export const emailTaken = 'User with this email already exists';
export const invalidCode = 'Invalid invite code';

/** People who register at the same time share their statements, each with an outcome of their own. */
export function createRegistrations({ config, db, relay, quotas }: Deps): Registrations {
  const passwords = createPasswords(config);
  const store = inBatches(
    async (people: NewPerson[]) => {
      const { stored, lost } = await relay.commit(registration(people)).then(
        ({ returned }) => ({ stored: new Set(returned as string[]), lost: null }),
        (error: unknown) => {
          if (error instanceof CommitOutcomeUnknownError) return { stored: new Set<string>(), lost: error };
          throw error;
        },
      );
      const others = people.filter(({ userId }) => !stored.has(userId));
      // When the answer to COMMIT was lost, what is found tells.
      const found = others.length === 0 ? null : await findRegistered(db, others);
      return people.map(({ userId, email }) => {
        if (stored.has(userId) || found?.ids.has(userId)) return null;
        return found?.emails.has(email) ? emailTaken : (lost ?? invalidCode);
      });
    },
    { atOnce: 2, most: 50 },
  );
  /** Everyone with the code can register any number of addresses, each of which gets a mail. */
  const admitted = async (organizationId: string, register: () => Promise<NewPerson>) => {
    const owner = { organizationId, keyId: null };
    await quotas.take('registrations', owner);
    try {
      // A count that others share: one for each of a thousand at once would take longer than all of them.
      await quotas.stored('buyers', organizationId, async (most) => {
        const allowance = { name: 'buyers', organizationId, most: openToBuyers(most) } as const;
        if ((await recentRoom(db, allowance)) <= 0) throw new StoredQuotaError('buyers', allowance.most);
      });
      return await register();
    } catch (error) {
      if (error instanceof RefusedError) await quotas.giveBack('registrations', owner);
      throw error;
    }
  };
  const findSeller = inBatches((codes: string[]) => findInvitingSellers(db, codes));
  return {
    findSeller,
    isKnown: (person) => isKnownPerson(db, person),
    register: (fields) =>
      fields.role === 'buyer'
        ? admitted(fields.seller.organizationId, () => registerOne(fields))
        : registerOne(fields),
  };

  async function registerOne(fields: SellerRegistration | BuyerRegistration): Promise<NewPerson> {
    const { proof } = fields;
    const stored: Proof =
      'password' in proof ? { password: passwords.quick(proof.password), linkId: newId() } : proof;
    for (let attempt = 0; ; attempt += 1) {
      const person = personOf(fields, stored);
      try {
        const refusal = await store(person);
        if (refusal instanceof Error) throw refusal;
        if (refusal !== null) throw new ContractError(400, 'invalid_input', refusal);
        return person;
      } catch (error) {
        const taken = violatedUnique(error);
        if (attempt === 3 || taken === null || !registrationConstraints.includes(taken)) throw error;
      }
    }
  }
}

/** In a rush, mails and strong hashes begin so much later, so that the answers come first. */
const afterRushMs = 3_000;

function personOf(fields: SellerRegistration | BuyerRegistration, proof: Proof): NewPerson {
  const { email, name, companyName, phone, isRush = false } = fields;
  const person = {
    userId: newId(),
    accountId: newId(),
    email,
    name,
    proof,
    companyName,
    phone,
    ...(isRush ? { followedInMs: afterRushMs } : {}),
  };
  if (fields.role === 'buyer')
    return {
      ...person,
      role: 'buyer',
      organizationId: fields.seller.organizationId,
      inviteCode: fields.inviteCode,
      buyerId: newId(),
    };
  // Random: of a thousand sellers of one name, none has to try.
  const slug = [slugOf(companyName) || 'seller', randomBytes(4).toString('hex')].join('-');
  return { ...person, role: 'seller', organizationId: newId(), inviteCode: newInviteCode(randomInt), slug };
}
