import { sql } from 'drizzle-orm';
import type { LinkPurpose } from '../../domain/account/links.ts';
import type { EventDraft } from '../../events/envelope.ts';
import { newId } from '../../events/new-id.ts';
import { subjects } from '../../events/subjects.ts';
import type { Database, Queryable } from '../client.ts';
import { type Change, run } from '../commit.ts';
import { revokeKeysMadeBy } from './api-keys.ts';
import { endAccess, endUnproven } from './unproven.ts';

/** A link that still works, and whose it is. */
export type OpenLink = {
  id: string;
  userId: string;
  name: string;
  email: string;
  purpose: LinkPurpose;
  language: string;
  /** The organization that the mail is sent for; null for a user without one. */
  organizationId: string | null;
  hours: number;
};

const organizationOfUser = sql.raw(
  `(SELECT m.organization_id FROM members m WHERE m.user_id = u.id ORDER BY m.created_at, m.organization_id LIMIT 1)`,
);

/** Returns null for a link that was used or has expired. */
export async function findLink(db: Queryable, id: string): Promise<OpenLink | null> {
  const [row] = await run<OpenLink>(
    db,
    sql`SELECT l.id, l.user_id AS "userId", u.name, u.email, l.purpose, coalesce(o.language, 'en') AS language, o.id AS "organizationId",
      greatest(1, round(extract(epoch FROM l.expires_at - l.created_at) / 3600))::int AS hours
    FROM account_links l JOIN users u ON u.id = l.user_id LEFT JOIN organizations o ON o.id = ${organizationOfUser}
    WHERE l.id = ${id}::uuid AND l.used_at IS NULL AND l.expires_at > now()`,
  );
  return row ?? null;
}

export type LinkOwner = { userId: string; organizationId: string | null; emailVerified: boolean };

/** Of a member's account. Returns null for an unknown address and for an operator, whose password is set on the command line. */
export async function findLinkOwner(db: Queryable, email: string): Promise<LinkOwner | null> {
  const [row] = await run<LinkOwner>(
    db,
    sql`SELECT u.id AS "userId", u.email_verified AS "emailVerified", ${organizationOfUser} AS "organizationId"
      FROM users u WHERE u.email = ${email}::text AND u.role = 'member'`,
  );
  return row ?? null;
}

/** A new link to be mailed. */
export function requestLink(
  { userId, organizationId }: Pick<LinkOwner, 'userId' | 'organizationId'>,
  purpose: LinkPurpose,
  hours: number,
): Change {
  const linkId = newId();
  const requested: EventDraft = {
    type: 'account.link_requested',
    organizationId,
    subject: subjects.user(userId),
    data: { userId, linkId },
  };
  return {
    writes: [{ name: 'link', statement: () => insertLink({ id: linkId, userId, purpose, hours }) }],
    events: [requested],
  };
}

const insertLink = (link: { id: string; userId: string; purpose: LinkPurpose; hours: number }) =>
  sql`INSERT INTO account_links (id, user_id, purpose, expires_at)
    VALUES (${link.id}::uuid, ${link.userId}::uuid, ${link.purpose}::text, now() + make_interval(hours => ${link.hours}::integer))`;

/** A new link that is handed over and not mailed. Returns its id. */
export async function makeLink(
  db: Queryable,
  userId: string,
  purpose: LinkPurpose,
  hours: number,
): Promise<string> {
  const id = newId();
  await run(db, insertLink({ id, userId, purpose, hours }));
  return id;
}

const spent = (id: string, purpose: LinkPurpose) => sql`
  UPDATE account_links SET used_at = now() WHERE id = ${id}::uuid AND purpose = ${purpose}::text AND used_at IS NULL AND expires_at > now()
  RETURNING user_id`;

/** Uses the link, verifies the address and ends other links that verify it. Returns null for a link that does not work. */
export async function spendVerification(db: Queryable, id: string): Promise<{ email: string } | null> {
  const [row] = await run<{ email: string }>(
    db,
    sql`WITH spent AS (${spent(id, 'verify_email')}),
      others AS (UPDATE account_links l SET used_at = now() FROM spent
        WHERE l.user_id = spent.user_id AND l.purpose = 'verify_email' AND l.used_at IS NULL AND l.id <> ${id}::uuid)
      UPDATE users u SET email_verified = true, updated_at = now() FROM spent WHERE u.id = spent.user_id RETURNING u.email`,
  );
  return row ?? null;
}

/**
 * Uses the link, sets the password, ends all sessions and all other links. The address is verified by it; when it was not
 * before, the second factor, open invitations and API keys of the account end too, for they may be a stranger's. Returns null
 * for a link that does not work.
 */
export async function spendOnPassword(
  db: Database,
  { id, purpose }: { id: string; purpose: LinkPurpose },
  passwordHash: string,
): Promise<{ email: string; userId: string } | null> {
  return db.withTx(async (tx) => {
    const [owner] = await run<{ email: string; userId: string; isFirstProof: boolean }>(
      tx,
      sql`WITH spent AS (${spent(id, purpose)}),
      before AS (SELECT u.id, u.email_verified FROM users u JOIN spent ON u.id = spent.user_id WHERE u.role = 'member' FOR UPDATE OF u),
      person AS (UPDATE users u SET email_verified = true, two_factor_enabled = u.two_factor_enabled AND before.email_verified, updated_at = now()
        FROM before WHERE u.id = before.id RETURNING u.id, u.email),
      first_proof AS (SELECT id FROM before WHERE NOT email_verified),
      ${endAccess(sql`person`, id)},
      ${endUnproven(sql`first_proof`)},
      account AS (
        INSERT INTO accounts (id, user_id, account_id, provider_id, password)
        SELECT ${newId()}::uuid, id, id::text, 'credential', ${passwordHash}::text FROM person
        ON CONFLICT (provider_id, account_id) DO UPDATE SET password = excluded.password, updated_at = now())
      SELECT email, id AS "userId", EXISTS (SELECT 1 FROM first_proof) AS "isFirstProof" FROM person`,
    );
    if (!owner) return null;
    if (owner.isFirstProof) await revokeKeysMadeBy(tx, owner.userId, null);
    return { email: owner.email, userId: owner.userId };
  });
}

/** Ends the links that set the password of a user, mailed and handed ones. */
export async function endPasswordLinks(db: Queryable, userId: string): Promise<void> {
  await run(
    db,
    sql`WITH handed AS (DELETE FROM verifications WHERE value = ${userId}::text AND identifier LIKE 'password-link:%')
      UPDATE account_links SET used_at = now() WHERE user_id = ${userId}::uuid AND purpose = 'reset_password' AND used_at IS NULL`,
  );
}

/** The stored password of a user who signs in with one. */
export async function findStoredPassword(db: Queryable, userId: string): Promise<string | null> {
  const [row] = await run<{ password: string | null }>(
    db,
    sql`SELECT password FROM accounts WHERE user_id = ${userId}::uuid AND provider_id = 'credential'`,
  );
  return row?.password ?? null;
}

/** Replaces a stored password by another form of the same, unless it was changed. */
export const replaceStoredPassword = (userId: string, from: string, to: string): Change => ({
  writes: [
    {
      name: 'strengthened',
      statement: (when) => sql`UPDATE accounts SET password = ${to}::text
        WHERE user_id = ${userId}::uuid AND provider_id = 'credential' AND password = ${from}::text AND ${when}`,
    },
  ],
});
