import { createHash, randomBytes } from 'node:crypto';
import { type SQL, sql } from 'drizzle-orm';
import { companyRoles, type MemberRole } from '../../domain/account/roles.ts';
import { RefusedError } from '../../domain/errors.ts';
import { newId } from '../../events/new-id.ts';
import { type Actor, auditPart } from '../audit.ts';
import type { Database, Queryable } from '../client.ts';
import { run } from '../commit.ts';
import { quoted } from '../schema/columns.ts';
import type { RevokedKey } from './api-keys.ts';
import { endGiven, endMembership } from './leaving.ts';
import { endAccess, forgetUnproven } from './unproven.ts';

const opensCompany = sql`m.role in (${quoted(companyRoles)})`;

/** A user who may use the company pages of an organization. */
export type Member = { userId: string; name: string; email: string; hasPassword: boolean };

/**
 * Organizations whose company pages the user may use. Buyers and suppliers have no access to them. Without a second factor
 * those that ask for one are left out.
 */
export async function organizationsOf(
  db: Queryable,
  userId: string,
  { hasSecondFactor } = { hasSecondFactor: true },
): Promise<string[]> {
  const rows = await run<{ id: string }>(
    db,
    sql`SELECT m.organization_id AS id FROM members m JOIN organizations o ON o.id = m.organization_id
      WHERE m.user_id = ${userId}::uuid AND ${opensCompany} AND (${hasSecondFactor}::boolean OR NOT o.requires_two_factor)
      ORDER BY m.created_at, m.organization_id`,
  );
  return rows.map(({ id }) => id);
}

/** Whether an organization of the user asks for a second factor. */
export async function isAskedForSecondFactor(db: Queryable, userId: string): Promise<boolean> {
  const rows = await run(
    db,
    sql`SELECT 1 FROM members m JOIN organizations o ON o.id = m.organization_id WHERE m.user_id = ${userId}::uuid AND o.requires_two_factor LIMIT 1`,
  );
  return rows.length > 0;
}

/** Whether the user is an operator or may use the company pages of the organization. */
export async function mayManage(db: Queryable, userId: string, organizationId: string): Promise<boolean> {
  const rows = await run(
    db,
    sql`SELECT 1 FROM users u WHERE u.id = ${userId}::uuid AND (u.role = 'operator' OR EXISTS (
      SELECT 1 FROM members m WHERE m.user_id = u.id AND m.organization_id = ${organizationId}::uuid AND ${opensCompany}))`,
  );
  return rows.length > 0;
}

/** A member of an organization that sells on the marketplace. */
export type Membership = {
  organizationId: string;
  role: MemberRole;
  buyerId: string | null;
  /** Whether it is the membership of a buyer who takes part in nothing. */
  isInactiveBuyer: boolean;
  requiresTwoFactor: boolean;
};

/**
 * The membership of a user in the marketplace's organization with this slug, or the chosen one with this id; the oldest one
 * without either, and when the chosen one has ended. Returns null when the user is not a member of it, or of none.
 */
export async function findMembership(
  db: Queryable,
  userId: string,
  organization: { slug: string } | { id: string | null },
): Promise<Membership | null> {
  const { slug = null, id = null } = organization as { slug?: string; id?: string | null };
  const [row] = await run<Membership>(
    db,
    sql`SELECT m.organization_id AS "organizationId", m.role, m.buyer_id AS "buyerId", o.requires_two_factor AS "requiresTwoFactor",
        coalesce(b.active = 'inactive', false) AS "isInactiveBuyer"
      FROM members m JOIN sellers s USING (organization_id) JOIN organizations o ON o.id = m.organization_id
      LEFT JOIN buyers b ON b.id = m.buyer_id
      WHERE m.user_id = ${userId}::uuid AND (${slug}::text IS NULL OR o.slug = ${slug}::text)
        AND (${id}::uuid IS NULL OR m.organization_id = ${id}::uuid
          OR NOT EXISTS (SELECT 1 FROM members c WHERE c.user_id = m.user_id AND c.organization_id = ${id}::uuid))
      ORDER BY m.created_at, m.organization_id LIMIT 1`,
  );
  return row ?? null;
}

export async function listMembers(db: Queryable, organizationId: string): Promise<Member[]> {
  return run(
    db,
    sql`SELECT u.id AS "userId", u.name, u.email, EXISTS (SELECT 1 FROM accounts a WHERE a.user_id = u.id) AS "hasPassword"
      FROM members m JOIN users u ON u.id = m.user_id WHERE m.organization_id = ${organizationId}::uuid AND ${opensCompany} ORDER BY m.created_at, u.id`,
  );
}

/**
 * Idempotent. An existing account keeps its name, password and role; one whose address was never verified loses what it signs
 * in with, which a stranger may have set up. Throws RefusedError 409 for a buyer or supplier of
 * the organization, who has one role in it.
 */
export async function addMember(
  db: Queryable,
  organizationId: string,
  person: { name: string; email: string },
  actor: Actor,
): Promise<Member & { role: string }> {
  const email = person.email.trim().toLowerCase();
  const [row] = await run<Member & { role: string; other: MemberRole | null }>(
    db,
    sql`WITH other AS (
      SELECT m.role FROM members m JOIN users u ON u.id = m.user_id
      WHERE u.email = ${email}::text AND m.organization_id = ${organizationId}::uuid AND NOT ${opensCompany}),
    made AS (
      INSERT INTO users (id, name, email, email_verified, role)
      SELECT ${newId()}::uuid, ${person.name}::text, ${email}::text, true, 'member' WHERE NOT EXISTS (SELECT 1 FROM other)
      ON CONFLICT (email) DO UPDATE SET two_factor_enabled = users.two_factor_enabled AND users.email_verified
      RETURNING id, name, email, role, email_verified),
    unproven AS (SELECT id FROM made WHERE NOT email_verified AND role = 'member'),
    ${forgetUnproven(sql`unproven`)},
    joined AS (
      INSERT INTO members (organization_id, user_id, role) SELECT ${organizationId}::uuid, id, 'company' FROM made
      ON CONFLICT DO NOTHING RETURNING user_id, role),
    audited AS (${auditPart(
      { organizationId, actor, action: 'member.added' },
      {
        subject: sql`'user:' || joined.user_id`,
        before: sql`NULL::jsonb`,
        after: sql`jsonb_build_object('name', made.name, 'email', made.email, 'role', joined.role)`,
        rows: sql`joined, made`,
      },
    )})
    SELECT id AS "userId", name, email, role,
      EXISTS (SELECT 1 FROM accounts a WHERE a.user_id = made.id) AND NOT EXISTS (SELECT 1 FROM unproven) AS "hasPassword",
      (SELECT role FROM other) AS other
    FROM (VALUES (1)) one LEFT JOIN made ON true`,
  );
  if (row!.other)
    throw new RefusedError(
      409,
      'member_of_other_role',
      `${email} signs in here as a ${row!.other} of this company and was not added: one account has one role in a company. Use another e-mail address.`,
    );
  return row!;
}

/**
 * As `endMembership`, for the people of the company pages. Returns null for anyone else. Throws RefusedError 409 for the last
 * seller.
 */
export async function removeMember(
  db: Database,
  organizationId: string,
  userId: string,
  actor: Actor,
): Promise<RevokedKey[] | null> {
  const ended = await endMembership(db, { organizationId, actor }, userId, companyRoles);
  if (ended === 'last_seller')
    throw new RefusedError(
      409,
      'last_seller',
      'This person is the last seller of the company and was not removed. Add another seller first.',
    );
  return ended;
}

/** Lifetime of a link that sets a password. */
export const passwordLinkHours = 72;
const purpose = 'password-link:';
const identifierOf = (token: string) => purpose + createHash('sha256').update(token).digest('hex');

/**
 * Creates a single-use 256-bit token that sets this member's password, and revokes earlier ones. Only its hash is
 * stored. Returns null when the user is not a member, or is an operator, whose password others may not set.
 */
export const makePasswordToken = (
  db: Queryable,
  organizationId: string,
  userId: string,
  actor: Actor,
): Promise<string | null> =>
  makeToken(
    db,
    { organizationId, actor },
    sql`m.organization_id = ${organizationId}::uuid AND u.id = ${userId}::uuid AND ${opensCompany}`,
  );

/**
 * The same for the person of a buyer, made by its seller. Returns null when the person can sign in already or is a member
 * elsewhere too: a seller may not set the password of an account that opens more than its own buyer.
 */
export const makeBuyerPasswordToken = (
  db: Queryable,
  organizationId: string,
  buyerId: string,
  actor: Actor,
): Promise<string | null> =>
  makeToken(
    db,
    { organizationId, actor },
    sql`m.organization_id = ${organizationId}::uuid AND m.role = 'buyer' AND m.buyer_id = ${buyerId}::uuid
      AND NOT EXISTS (SELECT 1 FROM accounts a WHERE a.user_id = u.id)
      AND NOT EXISTS (SELECT 1 FROM members o WHERE o.user_id = u.id AND o.organization_id <> m.organization_id)`,
  );

/** `whose`: a condition on the user `u` and its membership `m`. */
async function makeToken(
  db: Queryable,
  { organizationId, actor }: { organizationId: string; actor: Actor },
  whose: SQL,
): Promise<string | null> {
  const token = randomBytes(32).toString('base64url');
  const rows = await run(
    db,
    sql`WITH member AS (
      SELECT u.id, u.email FROM users u JOIN members m ON m.user_id = u.id WHERE ${whose} AND u.role = 'member'),
    audited AS (${auditPart(
      { organizationId, actor, action: 'member.password_link_made' },
      {
        subject: sql`'user:' || member.id`,
        before: sql`NULL::jsonb`,
        after: sql`jsonb_build_object('email', member.email)`,
        rows: sql`member`,
      },
    )}),
    earlier AS (DELETE FROM verifications v USING member WHERE v.value = member.id::text AND v.identifier LIKE ${`${purpose}%`})
    INSERT INTO verifications (id, identifier, value, expires_at)
    SELECT ${newId()}::uuid, ${identifierOf(token)}::text, id::text, now() + make_interval(hours => ${passwordLinkHours}::integer)
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
 * Uses the token, sets the password and ends the user's existing sessions and other links. Returns null when the
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
      SELECT ${newId()}::uuid, id, id::text, 'credential', ${passwordHash}::text FROM person
      ON CONFLICT (provider_id, account_id) DO UPDATE SET password = excluded.password, updated_at = now()),
    ${endAccess(sql`person`)}
    SELECT email FROM person`,
  );
  return row ?? null;
}

export type RemovedOperator = { keys: RevokedKey[]; sessions: number };

/**
 * Ends an operator's access: role, sessions, sign-in methods, memberships, and with them the keys that the operator made
 * and the open invitations that the operator sent. The account remains, because the audit trail names it. Returns null
 * when there is no such operator. Throws RefusedError 409 for the last one.
 */
export async function removeOperator(db: Database, email: string): Promise<RemovedOperator | null> {
  return db.withTx(async (tx) => {
    // Locks all operators, so that of two who are removed at once one remains.
    const operators = await run<{ id: string; email: string }>(
      tx,
      sql`SELECT id, email FROM users WHERE role = 'operator' ORDER BY id FOR UPDATE`,
    );
    const operator = operators.find((each) => each.email === email.trim().toLowerCase());
    if (!operator) return null;
    if (operators.length === 1)
      throw new RefusedError(
        409,
        'last_operator',
        `${operator.email} is the last operator and was not removed. Create another first: leadgate operator create --email <email>`,
      );
    const [ended] = await run<{ sessions: number }>(
      tx,
      sql`WITH demoted AS (UPDATE users SET role = 'member', updated_at = now() WHERE id = ${operator.id}::uuid),
        ended AS (DELETE FROM sessions WHERE user_id = ${operator.id}::uuid RETURNING 1),
        forgotten AS (DELETE FROM accounts WHERE user_id = ${operator.id}::uuid),
        left_all AS (DELETE FROM members WHERE user_id = ${operator.id}::uuid),
        links AS (DELETE FROM verifications WHERE value = ${operator.id}::text)
      SELECT count(*)::int AS sessions FROM ended`,
    );
    const keys = await endGiven(tx, operator.id, { organizationId: null, actor: 'cli' });
    return { sessions: ended!.sessions, keys };
  });
}

export type Operator = { email: string; name: string; createdAt: Date; lastSignIn: Date | null };

export async function listOperators(db: Queryable): Promise<Operator[]> {
  return run(
    db,
    sql`SELECT u.email, u.name, u.created_at AS "createdAt", (SELECT max(s.created_at) FROM sessions s WHERE s.user_id = u.id) AS "lastSignIn"
      FROM users u WHERE u.role = 'operator' ORDER BY u.email`,
  );
}
