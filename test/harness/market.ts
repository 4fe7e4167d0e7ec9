import { createHmac, randomBytes, randomInt } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import type { Config } from '../../src/config.ts';

/** Sellers and buyers with a session, as rows: what a test of a route needs without registering and signing in. */

/** What `startApi()` and `startSystem()` return. */
type Installation = {
  runtime: { config: Config };
  rows<R>(text: string, values?: unknown[]): Promise<R[]>;
};

export type Seated = {
  userId: string;
  email: string;
  sessionId: string;
  /** The string after `Bearer `, which is the cookie's value too. */
  bearer: string;
  /** A whole Cookie header. */
  cookie: string;
  /** Headers of a program with this session. */
  as: { authorization: string };
};
export type MadeSeller = Seated & { organizationId: string; slug: string; inviteCode: string };
export type MadeBuyer = Seated & { buyerId: string; organizationId: string };

let people = 0;
const nextEmail = (kind: string) => {
  people += 1;
  return `${kind}${people}-${randomBytes(4).toString('hex')}@people.example`;
};

const codeSigns = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';
export const newInviteCode = () => Array.from({ length: 8 }, () => codeSigns[randomInt(36)]).join('');

/** A user with a session that lasts an hour. */
export async function makePerson(
  { runtime, rows }: Installation,
  { name, email, verified = true }: { name: string; email: string; verified?: boolean },
): Promise<Seated> {
  const [userId, sessionId] = [uuidv7(), uuidv7()];
  const token = randomBytes(24).toString('base64url');
  await rows(`INSERT INTO users (id, name, email, email_verified) VALUES ($1, $2, $3, $4)`, [
    userId,
    name,
    email,
    verified,
  ]);
  await rows(
    `INSERT INTO sessions (id, user_id, token, expires_at) VALUES ($1, $2, $3, now() + interval '1 hour')`,
    [sessionId, userId, token],
  );
  const signature = createHmac('sha256', runtime.config.sessionSecret).update(token).digest('base64');
  const bearer = encodeURIComponent(`${token}.${signature}`);
  return {
    userId,
    email,
    sessionId,
    bearer,
    cookie: `leadgate.session_token=${bearer}`,
    as: { authorization: `Bearer ${bearer}` },
  };
}

/** An organization that sells on the marketplace, and its owner. */
export async function makeSeller(
  installation: Installation,
  { name = 'Solar Leads Co', timeZone = 'America/New_York' } = {},
): Promise<MadeSeller> {
  const person = await makePerson(installation, { name: 'Sue Seller', email: nextEmail('seller') });
  const organizationId = uuidv7();
  const slug = `seller-${organizationId}`;
  const inviteCode = newInviteCode();
  const { rows } = installation;
  await rows(
    `INSERT INTO organizations (id, name, slug, footer, support_contact) VALUES ($1, $2, $3, '', $4)`,
    [organizationId, name, slug, person.email],
  );
  await rows(
    `INSERT INTO sellers (organization_id, contact_name, invite_code, time_zone, trial_ends_at)
     VALUES ($1, 'Sue Seller', $2, $3, now() + interval '14 days')`,
    [organizationId, inviteCode, timeZone],
  );
  await rows(`INSERT INTO members (organization_id, user_id, role) VALUES ($1, $2, 'seller')`, [
    organizationId,
    person.userId,
  ]);
  return { ...person, organizationId, slug, inviteCode };
}

/** A buyer of this seller, and the person who signs in for it. */
export async function makeBuyer(
  installation: Installation,
  { organizationId }: Pick<MadeSeller, 'organizationId'>,
  { name = 'Bo Buyer', companyName = 'Buyer Inc' } = {},
): Promise<MadeBuyer> {
  const person = await makePerson(installation, { name, email: nextEmail('buyer') });
  const buyerId = uuidv7();
  const { rows } = installation;
  await rows(
    `INSERT INTO buyers (id, organization_id, external_id, name, email, company_name, user_id)
     VALUES ($1::uuid, $2, $1::text, $3, $4, $5, $6)`,
    [buyerId, organizationId, name, person.email, companyName, person.userId],
  );
  await rows(`INSERT INTO members (organization_id, user_id, role, buyer_id) VALUES ($1, $2, 'buyer', $3)`, [
    organizationId,
    person.userId,
    buyerId,
  ]);
  return { ...person, buyerId, organizationId };
}
