import type { FastifyInstance, FastifyPluginAsync, FastifyRequest } from 'fastify';
import { parsePhoneNumberFromString } from 'libphonenumber-js';
import { z } from 'zod';
import { passwordProblem, passwordWarning } from '../../domain/account/password.ts';
import { inviteCodeOf, mailboxOf } from '../../domain/account/registration.ts';
import { ContractError, RefusedError } from '../../domain/errors.ts';
import { isEmail } from '../../domain/lead/email.ts';
import { createGate, type Gate } from '../../engine/gate.ts';
import {
  createRegistrations,
  invalidCode,
  type Registrations,
  type SellerRegistration,
} from '../../usecases/account/register.ts';
import type { Runtime } from '../../usecases/runtime.ts';
import {
  assertGiven,
  bodyOf,
  contractProblems,
  type Given,
  isBlank,
  queryOf,
  read,
  refused,
} from '../http/contract.ts';
import { text } from '../http/fields.ts';
import { addressOf, type Limiter } from '../http/limits.ts';
import { problem, problemType } from '../http/problem.ts';
import * as examples from './examples.ts';
import { createInviteLimits, type InviteLimits } from './invite-limits.ts';

type Deps = Pick<Runtime, 'config' | 'db' | 'relay' | 'counters' | 'quotas' | 'log'>;

export const longestName = 200;
const fields = z.object({
  password: z.string(),
  name: text(longestName),
  companyName: text(longestName),
  phoneNumber: z.string().max(40),
  inviteCode: z.string().max(100),
});
const optionalFields = fields.pick({ companyName: true, phoneNumber: true, inviteCode: true }).partial();

/** What may be left out. A blank value is left out. */
export const optionalOf = (given: Given): z.infer<typeof optionalFields> =>
  read(optionalFields, Object.fromEntries(Object.entries(given).filter(([, value]) => !isBlank(value))));

/** Registrations under way in a process. The others wait, so that a rush of them leaves its turns to other requests. */
const registeringAtOnce = 24;

export type Registering = {
  registrations: Registrations;
  gate: Gate;
  limits: InviteLimits;
  /** Each registration mails a link. Throws RefusedError 429 when this mailbox was given too often. */
  takeMailbox(email: string): Promise<void>;
};

export const createRegistering = (deps: Deps): Registering => ({
  registrations: createRegistrations(deps),
  gate: createGate(registeringAtOnce),
  limits: createInviteLimits(deps),
  async takeMailbox(email) {
    const { counters } = deps;
    const mailbox = mailboxOf(email);
    // An address registers once; only with tags does a mailbox have several.
    if (mailbox === email) return;
    const counter = { name: 'registration_mailbox', who: mailbox, limit: 10, seconds: 86_400 };
    const { ok, resetMs } = await counters.take(counter);
    if (ok) return;
    counters.noteRefusal(counter.name);
    throw new RefusedError(
      429,
      'too_many_attempts',
      'Too many accounts were made with this mailbox today. Nothing was stored; try again later.',
      { retryAfterSeconds: Math.max(1, Math.ceil(resetMs / 1000)) },
    );
  },
});

export type Registered = {
  message: string;
  user: { id: string; email: string; name: string } & (
    | { role: 'SELLER'; inviteCode: string }
    | { role: 'BUYER'; sellerId: string }
  );
  /** What was accepted and should be changed. */
  warnings: string[];
};

/**
 * Registers the person that a body describes: for the API and for the pages. Throws ContractError, and RefusedError 429 for
 * wrong codes, for a mailbox that was given too often and for a seller with whom too many buyers registered.
 */
export async function registerPerson(
  registering: Registering,
  config: Pick<Runtime['config'], 'registration'>,
  request: FastifyRequest,
  given: Given,
): Promise<Registered> {
  await registering.gate.enter();
  try {
    return await registerInTurn(registering, config, request, given);
  } finally {
    registering.gate.leave();
  }
}

async function registerInTurn(
  { registrations, limits, takeMailbox, gate }: Registering,
  { registration }: Pick<Runtime['config'], 'registration'>,
  request: FastifyRequest,
  given: Given,
): Promise<Registered> {
  assertMayRegister({ registration }, null);
  assertGiven(given, ['email', 'password', 'name', 'role'], 'Missing required fields');
  const { person, password, phone, code } = readPerson(given);
  assertMayRegister({ registration }, given.role);
  await takeMailbox(person.email);
  const warnings = [passwordWarning(password), phone.warning].filter((each) => each !== null);
  if (given.role === 'SELLER') {
    const {
      userId: id,
      email,
      name,
      inviteCode,
    } = await registrations.register({ ...person, role: 'seller', isRush: gate.isFull() });
    return {
      message: 'Seller account created successfully',
      user: { id, email, name, role: 'SELLER', inviteCode },
      warnings,
    };
  }
  if (given.role !== 'BUYER') throw refused('Invalid role specified', 'role: must be SELLER or BUYER.');
  if (isBlank(code)) throw refused('Invite code is required for buyer registration');
  const seller = await findInviting({ registrations, limits }, request, code!);
  if (!seller) throw refused(invalidCode);
  const stored = await registrations.register({
    ...person,
    phone: phone.number,
    role: 'buyer',
    inviteCode: seller.inviteCode,
    seller,
    isRush: gate.isFull(),
  });
  return {
    message: 'Buyer account created successfully',
    user: {
      id: stored.userId,
      email: stored.email,
      name: stored.name,
      role: 'BUYER',
      sellerId: seller.organizationId,
    },
    warnings,
  };
}

/** Throws 403 for whom REGISTRATION does not let in; null: for all roles. */
export function assertMayRegister(
  { registration }: Pick<Runtime['config'], 'registration'>,
  role: unknown,
): void {
  if (registration === 'closed') throw closed('No new accounts can be made here.');
  if (role === 'SELLER' && registration === 'invite')
    throw closed('Only buyers with the invite code of their seller can register.');
}

const closed = (detail: string) =>
  new ContractError(403, 'registration_closed', 'Registration is closed', detail);

/** The seller whose code was given, in any way people type it. Wrong codes count against the address. */
export async function findInviting(
  { registrations, limits }: Pick<Registering, 'registrations' | 'limits'>,
  request: FastifyRequest,
  given: string,
) {
  return limits.guess(request, async () => {
    const inviteCode = inviteCodeOf(given);
    const seller = inviteCode === null ? null : await registrations.findSeller(inviteCode);
    return seller && inviteCode !== null ? { ...seller, inviteCode } : null;
  });
}

type Read = {
  person: Omit<SellerRegistration, 'role'>;
  password: string;
  phone: { number: string | null; warning: string | null };
  code: string | undefined;
};

function readPerson(given: Given): Read {
  const email = emailOf(given.email);
  const { name, password } = read(fields.pick({ name: true, password: true }), given);
  const { companyName, phoneNumber, inviteCode } = optionalOf(given);
  const wrong =
    passwordProblem(password) ??
    (/[\0\p{Cs}]/u.test(password) ? 'The password contains a character that cannot be stored.' : null);
  if (wrong) throw refused('Invalid password', wrong);
  return {
    person: { email, name, proof: { password }, companyName: companyName ?? name, phone: null },
    password,
    phone: phoneNumber === undefined ? { number: null, warning: null } : phoneOf(phoneNumber),
    code: inviteCode,
  };
}

/** In lower case. Throws 400 with the contract's wording. */
export function emailOf(given: unknown): string {
  const email = typeof given === 'string' ? given.trim().toLowerCase() : '';
  if (email.length > 254 || /[\0\p{Cs}]/u.test(email) || !isEmail(email))
    throw refused('Invalid email format');
  return email;
}

/** A number that cannot be called is accepted, because clients send them, and not kept: texts would go to no phone. */
export function phoneOf(given: string): Read['phone'] {
  const number = parsePhoneNumberFromString(given, { defaultCountry: 'US', extract: false });
  if (!number?.isPossible())
    throw refused('Invalid phoneNumber', 'phoneNumber: must be a phone number such as +1 305 555 0142.');
  if (number.isValid()) return { number: number.number, warning: null };
  return { number: null, warning: 'The phone number is not in use in its country and was not stored.' };
}

const registeredSchema = z
  .object({
    message: z.string(),
    user: z.object({
      id: z.string(),
      email: z.string(),
      name: z.string(),
      role: z.enum(['SELLER', 'BUYER']),
      inviteCode: z.string().optional(),
      sellerId: z.string().optional(),
    }),
    warnings: z.array(z.string()).describe('What was accepted and should be changed'),
  })
  .meta({ examples: [examples.registeredSeller, examples.registeredBuyer] });

const personSchema = z
  .object({
    email: z.string(),
    password: z.string().describe('At least 8 characters'),
    name: z.string(),
    role: z.enum(['SELLER', 'BUYER']),
    companyName: z.string().optional().describe('The name unless given'),
    inviteCode: z.string().optional().describe('Needed for BUYER'),
    phoneNumber: z.string().optional(),
  })
  .meta({ examples: [examples.newSeller, examples.newBuyer] });

/** Registration by API. The caller is not signed in by it. */
export function registerRoutes(deps: Deps, registering: Registering, limiter: Limiter): FastifyPluginAsync {
  return async (app) => {
    app.post(
      '/api/auth/register',
      {
        schema: {
          summary: 'Register as a seller, or as a buyer with the invite code of a seller',
          tags: ['accounts'],
          body: personSchema,
          response: { 201: registeredSchema, ...contractProblems(400, 403, 429, 503) },
        },
      },
      async (request, reply) => {
        await limiter.take('registration', addressOf(request), reply);
        return reply
          .status(201)
          .send(await registerPerson(registering, deps.config, request, bodyOf(request)));
      },
    );
    verifyInvite(app, registering);
  };
}

function verifyInvite(app: FastifyInstance, registering: Registering): void {
  app.get(
    '/api/auth/verify-invite',
    {
      schema: {
        summary: 'Whose invite code this is',
        querystring: z.object({ code: z.string() }).meta({ examples: [{ code: 'K7QX2M9A' }] }),
        tags: ['accounts'],
        response: {
          200: z
            .object({
              valid: z.literal(true),
              seller: z.object({ companyName: z.string(), contactName: z.string() }),
            })
            .meta({ examples: [examples.inviting] }),
          ...contractProblems(400, 404, 429),
        },
      },
    },
    async (request, reply) => {
      const { code } = queryOf(request);
      if (isBlank(code)) throw refused('Invite code is required');
      const seller = await findInviting(registering, request, code!);
      if (!seller) {
        const answer = { valid: false, error: invalidCode, ...problem(404, 'not_found', `${invalidCode}.`) };
        return reply.status(404).type(problemType).send(JSON.stringify(answer));
      }
      const { companyName, contactName } = seller;
      return { valid: true as const, seller: { companyName, contactName } };
    },
  );
}
