import { createHash, randomBytes } from 'node:crypto';
import { sql } from 'drizzle-orm';
import { v7 as uuidv7 } from 'uuid';
import type { Queryable } from '../client.ts';
import { run } from '../commit.ts';

/** A user with the role of seller in an organization. */
export type Member = { userId: string; name: string; email: string; hasPassword: boolean };

/** Organizations in which the user is a seller. Buyers and suppliers have no access to company pages. */
export async function organizationsOf(db: Queryable, userId: string): Promise<string[]> {
  const rows = await run<{ id: string }>(
    db,
    sql`SELECT organization_id AS id FROM members WHERE user_id = ${userId}::uuid AND role = 'seller' ORDER BY created_at, organization_id`,
  );
  return rows.map(({ id }) => id);
}

export async function listMembers(db: Queryable, organizationId: string): Promise<Member[]> {
  return run(
    db,
    sql`SELECT u.id AS "userId", u.name, u.email, EXISTS (SELECT 1 FROM accounts a WHERE a.user_id = u.id) AS "hasPassword"
      FROM members m JOIN users u ON u.id = m.user_id WHERE m.organization_id = ${organizationId}::uuid AND m.role = 'seller' ORDER BY m.created_at, u.id`,
  );
}

/** Idempotent. An existing account keeps its name, password and role. */
export async function addMember(
  db: Queryable,
  organizationId: string,
  person: { name: string; email: string },
): Promise<Member & { role: string }> {
  const email = person.email.trim().toLowerCase();
  const [row] = await run<Member & { role: string }>(
    db,
    sql`WITH made AS (
      INSERT INTO users (id, name, email, email_verified, role)
      VALUES (${uuidv7()}::uuid, ${person.name}::text, ${email}::text, true, 'member')
      ON CONFLICT (email) DO UPDATE SET email = excluded.email RETURNING id, name, email, role),
    joined AS (
      INSERT INTO members (organization_id, user_id, role) SELECT ${organizationId}::uuid, id, 'seller' FROM made ON CONFLICT DO NOTHING)
    SELECT id AS "userId", name, email, role, EXISTS (SELECT 1 FROM accounts a WHERE a.user_id = made.id) AS "hasPassword" FROM made`,
  );
  return row!;
}

/** Keeps the account and its other memberships. Returns false when the user was not a member. */
export async function removeMember(db: Queryable, organizationId: string, userId: string): Promise<boolean> {
  const rows = await run(
    db,
    sql`DELETE FROM members WHERE organization_id = ${organizationId}::uuid AND user_id = ${userId}::uuid AND role = 'seller' RETURNING user_id`,
  );
  return rows.length > 0;
}

/** Lifetime of a link that sets a password. */
export const passwordLinkHours = 72;
const purpose = 'password-link:';
const identifierOf = (token: string) => purpose + createHash('sha256').update(token).digest('hex');

/**
 * Creates a single-use 256-bit token that sets this member's password, and revokes earlier ones. Only its hash is
 * stored. Returns null when the user is not a member, or is an operator, whose password others may not set.
 */
export async function makePasswordToken(
  db: Queryable,
  organizationId: string,
  userId: string,
): Promise<string | null> {
  const token = randomBytes(32).toString('base64url');
  const rows = await run(
    db,
    sql`WITH member AS (
      SELECT u.id FROM users u JOIN members m ON m.user_id = u.id
      WHERE u.id = ${userId}::uuid AND m.organization_id = ${organizationId}::uuid AND m.role = 'seller' AND u.role = 'member'),
    earlier AS (DELETE FROM verifications v USING member WHERE v.value = member.id::text AND v.identifier LIKE ${`${purpose}%`})
    INSERT INTO verifications (id, identifier, value, expires_at)
    SELECT ${uuidv7()}::uuid, ${identifierOf(token)}::text, id::text, now() + make_interval(hours => ${passwordLinkHours}::integer)
    FROM member RETURNING id`,
  );
  return rows.length > 0 ? token : null;
}

/** The user of a token, without using the token. Returns null when it is unknown, used or expired. */
export async function findPasswordToken(
  db: Queryable,
  token: string,
): Promise<{ name: string; email: string } | null> {
  const [row] = await run<{ name: string; email: string }>(
    db,
    sql`SELECT u.name, u.email FROM verifications v JOIN users u ON u.id::text = v.value
      WHERE v.identifier = ${identifierOf(token)} AND v.expires_at > now() AND u.role = 'member'`,
  );
  return row ?? null;
}

/**
 * Uses the token, sets the password and ends the user's existing sessions in one transaction. Returns null when the
 * token was already used or has expired.
 */
export async function spendPasswordToken(
  db: Queryable,
  token: string,
  passwordHash: string,
): Promise<{ email: string } | null> {
  const [row] = await run<{ email: string }>(
    db,
    sql`WITH spent AS (
      DELETE FROM verifications WHERE identifier = ${identifierOf(token)} AND expires_at > now() RETURNING value),
    person AS (SELECT u.id, u.email FROM users u JOIN spent ON u.id::text = spent.value WHERE u.role = 'member'),
    account AS (
      INSERT INTO accounts (id, user_id, account_id, provider_id, password)
      SELECT ${uuidv7()}::uuid, id, id::text, 'credential', ${passwordHash}::text FROM person
      ON CONFLICT (provider_id, account_id) DO UPDATE SET password = excluded.password, updated_at = now()),
    ended AS (DELETE FROM sessions s USING person WHERE s.user_id = person.id)
    SELECT email FROM person`,
  );
  return row ?? null;
}
