import { sql } from 'drizzle-orm';
import type { MemberRole } from '../../domain/account/roles.ts';
import { auditPart } from '../audit.ts';
import type { Queryable } from '../client.ts';
import { run } from '../commit.ts';

/** An open session of a user, newest first in lists. */
export type OpenSession = {
  id: string;
  createdAt: Date;
  expiresAt: Date;
  userAgent: string | null;
  address: string | null;
  hasSecondFactor: boolean;
};

/** Most sessions that are listed; older ones are ended with the others. */
const mostListed = 100;

export async function listSessions(db: Queryable, userId: string): Promise<OpenSession[]> {
  return run(
    db,
    sql`SELECT id, created_at AS "createdAt", expires_at AS "expiresAt", nullif(user_agent, '') AS "userAgent",
        nullif(ip_address, '') AS address, second_factor_at IS NOT NULL AS "hasSecondFactor"
      FROM sessions WHERE user_id = ${userId}::uuid AND expires_at > now() ORDER BY created_at DESC, id DESC LIMIT ${mostListed}`,
  );
}

/** Ends one session of the user. Returns false when there is none with this id. */
export async function endSession(db: Queryable, userId: string, id: string): Promise<boolean> {
  const rows = await run(
    db,
    sql`DELETE FROM sessions WHERE id = ${id}::uuid AND user_id = ${userId}::uuid RETURNING 1`,
  );
  return rows.length > 0;
}

/** Ends the sessions of the user except one. Returns how many. */
export async function endOtherSessions(db: Queryable, userId: string, kept: string): Promise<number> {
  const rows = await run(
    db,
    sql`DELETE FROM sessions WHERE user_id = ${userId}::uuid AND id <> ${kept}::uuid RETURNING 1`,
  );
  return rows.length;
}

/** The person of the session gave a second factor. Changes nothing while no factor is set up. */
export async function noteSecondFactor(db: Queryable, sessionId: string): Promise<void> {
  await run(
    db,
    sql`UPDATE sessions s SET second_factor_at = now(), updated_at = now() FROM users u
      WHERE s.id = ${sessionId}::uuid AND u.id = s.user_id AND u.two_factor_enabled`,
  );
}

/** The user switched the second factor off: what was given with it no longer counts, should another be set up. */
export async function forgetSecondFactor(db: Queryable, userId: string): Promise<void> {
  await run(
    db,
    sql`UPDATE sessions SET second_factor_at = NULL, updated_at = now() WHERE user_id = ${userId}::uuid AND second_factor_at IS NOT NULL`,
  );
}

/** An organization of a user: a role in it, and whether it asks for a second factor. */
export type OwnOrganization = {
  id: string;
  slug: string;
  name: string;
  role: MemberRole;
  requiresTwoFactor: boolean;
};

/** Most memberships of one person that are listed. */
const mostMemberships = 200;

/**
 * The memberships of a user, in the order in which one is taken when none was chosen: of the marketplace's organizations
 * the oldest, then others.
 */
export async function listOrganizations(db: Queryable, userId: string): Promise<OwnOrganization[]> {
  return run(
    db,
    sql`SELECT o.id, o.slug, o.name, m.role, o.requires_two_factor AS "requiresTwoFactor"
      FROM members m JOIN organizations o ON o.id = m.organization_id LEFT JOIN sellers s ON s.organization_id = o.id
      WHERE m.user_id = ${userId}::uuid ORDER BY s.organization_id IS NULL, m.created_at, o.id LIMIT ${mostMemberships}`,
  );
}

/** Remembers the organization in the session. Returns false unless the user is a member of it. */
export async function chooseOrganization(
  db: Queryable,
  session: { id: string; userId: string },
  slug: string,
): Promise<boolean> {
  const rows = await run(
    db,
    sql`UPDATE sessions s SET organization_id = o.id, updated_at = now() FROM organizations o JOIN members m ON m.organization_id = o.id
      WHERE s.id = ${session.id}::uuid AND s.user_id = ${session.userId}::uuid AND m.user_id = s.user_id AND o.slug = ${slug}::text RETURNING 1`,
  );
  return rows.length > 0;
}

/**
 * Switches an organization's demand for a second factor. Returns false, and changes nothing, when it is switched on by a
 * person who has none.
 */
export async function demandSecondFactor(
  db: Queryable,
  { organizationId, userId, demanded }: { organizationId: string; userId: string; demanded: boolean },
): Promise<boolean> {
  const [row] = await run<{ allowed: boolean }>(
    db,
    sql`WITH allowed AS (
      SELECT NOT ${demanded}::boolean OR u.two_factor_enabled AS yes FROM users u WHERE u.id = ${userId}::uuid),
    before AS (
      SELECT o.id, o.requires_two_factor AS demanded FROM organizations o, allowed
      WHERE o.id = ${organizationId}::uuid AND allowed.yes AND o.requires_two_factor <> ${demanded}::boolean FOR UPDATE OF o),
    changed AS (
      UPDATE organizations o SET requires_two_factor = ${demanded}::boolean FROM before WHERE o.id = before.id RETURNING o.id, before.demanded),
    audited AS (${auditPart(
      { organizationId, actor: userId, action: 'security.updated' },
      {
        subject: sql`'organization:' || changed.id`,
        before: sql`jsonb_build_object('requireTwoFactor', changed.demanded)`,
        after: sql`jsonb_build_object('requireTwoFactor', ${demanded}::boolean)`,
        rows: sql`changed`,
      },
    )})
    SELECT coalesce((SELECT yes FROM allowed), false) AS allowed`,
  );
  return row!.allowed;
}

/** How a user proves who it is: by a password, and by a second factor. */
export async function findProofs(
  db: Queryable,
  userId: string,
): Promise<{ hasPassword: boolean; hasSecondFactor: boolean }> {
  const [row] = await run<{ hasPassword: boolean; hasSecondFactor: boolean }>(
    db,
    sql`SELECT u.two_factor_enabled AS "hasSecondFactor",
        EXISTS (SELECT 1 FROM accounts a WHERE a.user_id = u.id AND a.provider_id = 'credential' AND a.password IS NOT NULL) AS "hasPassword"
      FROM users u WHERE u.id = ${userId}::uuid`,
  );
  return row ?? { hasPassword: false, hasSecondFactor: false };
}
