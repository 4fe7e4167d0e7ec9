import { type SQL, sql } from 'drizzle-orm';
import { linkHours } from '../../domain/account/links.ts';
import type { MemberRole } from '../../domain/account/roles.ts';
import { newId } from '../../events/new-id.ts';
import { subjects } from '../../events/subjects.ts';
import { type Actor, auditPart } from '../audit.ts';
import type { Queryable } from '../client.ts';
import { type Change, run } from '../commit.ts';

export type Invitation = {
  id: string;
  email: string;
  name: string;
  role: MemberRole;
  buyerId: string | null;
  supplierId: string | null;
  createdAt: Date;
  expiresAt: Date;
};

/** An invitation that may still be accepted, with what its mail and page say. */
export type OpenInvitation = Invitation & {
  organizationId: string;
  organization: string;
  language: string;
  invitedBy: string | null;
  /** Whether the address has an account, whose owner accepts signed in. */
  hasAccount: boolean;
};

const columns =
  sql.raw(`i.id, i.email, i.name, i.role, i.buyer_id AS "buyerId", i.supplier_id AS "supplierId",
  i.created_at AS "createdAt", i.expires_at AS "expiresAt"`);
const isOpen = sql.raw('i.accepted_at IS NULL AND i.revoked_at IS NULL');

/** Returns null for an invitation that was accepted or revoked, or has expired. */
export async function findInvitation(db: Queryable, id: string): Promise<OpenInvitation | null> {
  const [row] = await run<OpenInvitation>(
    db,
    sql`SELECT ${columns}, o.id AS "organizationId", o.name AS organization, o.language, u.name AS "invitedBy",
        EXISTS (SELECT 1 FROM users k WHERE k.email = i.email) AS "hasAccount"
      FROM invitations i JOIN organizations o ON o.id = i.organization_id LEFT JOIN users u ON u.id = i.invited_by
      WHERE i.id = ${id}::uuid AND ${isOpen} AND i.expires_at > now()`,
  );
  return row ?? null;
}

/** The newest ones that were neither accepted nor revoked, also expired ones, which can be sent again. */
export async function listInvitations(
  db: Queryable,
  organizationId: string,
  limit: number,
): Promise<Invitation[]> {
  return run(
    db,
    sql`SELECT ${columns} FROM invitations i WHERE i.organization_id = ${organizationId}::uuid AND ${isOpen}
      ORDER BY i.created_at DESC, i.id DESC LIMIT ${limit}::integer`,
  );
}

/** What an address already is in an organization: the id of its open invitation, whether it is a member. */
export async function findInvited(
  db: Queryable,
  organizationId: string,
  { email, buyerId, supplierId }: Pick<Invitation, 'email' | 'buyerId' | 'supplierId'>,
): Promise<{ openId: string | null; isMember: boolean; partyExists: boolean }> {
  const [row] = await run<{ openId: string | null; isMember: boolean; partyExists: boolean }>(
    db,
    sql`SELECT (SELECT i.id FROM invitations i WHERE i.organization_id = ${organizationId}::uuid AND i.email = ${email}::text AND ${isOpen}) AS "openId",
      EXISTS (SELECT 1 FROM members m JOIN users u ON u.id = m.user_id
        WHERE m.organization_id = ${organizationId}::uuid AND u.email = ${email}::text) AS "isMember",
      (${buyerId}::uuid IS NULL OR EXISTS (SELECT 1 FROM buyers b WHERE b.organization_id = ${organizationId}::uuid AND b.id = ${buyerId}::uuid))
      AND (${supplierId}::uuid IS NULL OR EXISTS (SELECT 1 FROM suppliers s WHERE s.organization_id = ${organizationId}::uuid AND s.id = ${supplierId}::uuid))
        AS "partyExists"`,
  );
  return row!;
}

export type InvitationDraft = Pick<Invitation, 'id' | 'email' | 'name' | 'role' | 'buyerId' | 'supplierId'>;

/**
 * Makes an invitation, or renews the open one with this id. The guard matches nothing when the address has another one, or
 * when the actor is no seller any more: the membership is locked, so that a removal under way is awaited, and a later one
 * finds the invitation.
 */
export function invite(organizationId: string, actor: Actor, draft: InvitationDraft): Change {
  const { id, email, name, role, buyerId, supplierId } = draft;
  return {
    guard: (
      held,
    ) => sql`INSERT INTO invitations AS i (id, organization_id, email, name, role, buyer_id, supplier_id, invited_by, expires_at)
      SELECT ${id}::uuid, ${organizationId}::uuid, ${email}::text, ${name}::text, ${role}::text, ${buyerId}::uuid, ${supplierId}::uuid,
        ${actor}::uuid, now() + make_interval(hours => ${linkHours.invitation}::integer)
      FROM (SELECT 1 FROM members WHERE organization_id = ${organizationId}::uuid AND user_id = ${actor}::uuid AND role = 'seller' FOR SHARE) inviter
      WHERE ${held}
      ON CONFLICT (organization_id, email) WHERE accepted_at IS NULL AND revoked_at IS NULL
      DO UPDATE SET name = excluded.name, role = excluded.role, buyer_id = excluded.buyer_id, supplier_id = excluded.supplier_id,
        invited_by = excluded.invited_by, created_at = now(), expires_at = excluded.expires_at WHERE i.id = excluded.id
      RETURNING i.*`,
    writes: [audited(organizationId, actor, 'member.invited', 'moved')],
    events: [
      {
        type: 'member.invited',
        organizationId,
        subject: subjects.invitation(id),
        data: { invitationId: id },
      },
    ],
  };
}

const audited = (organizationId: SQL | string, actor: Actor, action: string, rows: 'moved' | 'revoked') => ({
  name: 'audited',
  statement: () =>
    auditPart(
      { organizationId, actor, action },
      {
        subject: sql`'invitation:' || r.id`,
        before: sql`NULL::jsonb`,
        after: sql`jsonb_build_object('email', r.email, 'role', r.role, 'buyerId', r.buyer_id, 'supplierId', r.supplier_id)`,
        rows: sql`${sql.raw(rows)} r`,
      },
    ),
});

/** Returns false when there is no open invitation with this id. */
export async function revokeInvitation(
  db: Queryable,
  organizationId: string,
  actor: Actor,
  id: string,
): Promise<boolean> {
  const rows = await run(
    db,
    sql`WITH revoked AS (UPDATE invitations i SET revoked_at = now()
        WHERE i.organization_id = ${organizationId}::uuid AND i.id = ${id}::uuid AND ${isOpen} RETURNING i.*),
      audited AS (${audited(organizationId, actor, 'invitation.revoked', 'revoked').statement()})
    SELECT id FROM revoked`,
  );
  return rows.length > 0;
}

/**
 * A part that revokes the open invitations that people sent, in one organization or (null) in all. `people`: what follows
 * FROM, with their `id`.
 */
export const endInvitations = (people: SQL, organizationId: string | null): SQL =>
  sql`UPDATE invitations i SET revoked_at = now() FROM ${people} p
    WHERE i.invited_by = p.id AND (${organizationId}::uuid IS NULL OR i.organization_id = ${organizationId}::uuid) AND ${isOpen}`;

/** The same for one person, with its audit rows. */
export async function revokeInvitationsOf(
  db: Queryable,
  userId: string,
  { organizationId, actor }: { organizationId: string | null; actor: Actor },
): Promise<void> {
  await run(
    db,
    sql`WITH revoked AS (${endInvitations(sql`(SELECT ${userId}::uuid AS id)`, organizationId)} RETURNING i.*)
    ${audited(sql`r.organization_id`, actor, 'invitation.revoked', 'revoked').statement()}`,
  );
}

/** Who accepts: a new person with a stored password, or a user with the invited address. */
export type Acceptance = { name: string; passwordHash: string } | { userId: string };

export const memberConstraint = 'members_user_id_organization_id_pk';
export const emailConstraint = 'users_email_unique';

/**
 * Uses the invitation and makes the membership. Returns null when it no longer works, or when a user must accept it with
 * another address. Throws the violation of `memberConstraint` or `emailConstraint`, with nothing used.
 */
export async function acceptInvitation(
  db: Queryable,
  id: string,
  by: Acceptance,
): Promise<{ userId: string; email: string; role: MemberRole } | null> {
  const isNew = 'passwordHash' in by;
  const userId = isNew ? newId() : by.userId;
  const whose = isNew ? sql`true` : sql`i.email = (SELECT u.email FROM users u WHERE u.id = ${userId}::uuid)`;
  const person = isNew
    ? sql`person AS (INSERT INTO users (id, name, email, email_verified, role)
        SELECT ${userId}::uuid, ${by.name}::text, email, true, 'member' FROM spent RETURNING id),
      account AS (INSERT INTO accounts (id, user_id, account_id, provider_id, password)
        SELECT ${newId()}::uuid, id, id::text, 'credential', ${by.passwordHash}::text FROM person)`
    : sql`person AS (UPDATE users u SET email_verified = true, updated_at = now() FROM spent WHERE u.id = ${userId}::uuid RETURNING u.id)`;
  const [row] = await run<{ userId: string; email: string; role: MemberRole }>(
    db,
    sql`WITH spent AS (UPDATE invitations i SET accepted_at = now() WHERE i.id = ${id}::uuid AND ${isOpen} AND i.expires_at > now() AND ${whose}
        RETURNING i.*),
      ${person},
      joined AS (INSERT INTO members (organization_id, user_id, role, buyer_id, supplier_id)
        SELECT organization_id, ${userId}::uuid, role, buyer_id, supplier_id FROM spent),
      buyer AS (UPDATE buyers b SET user_id = ${userId}::uuid, updated_at = now() FROM spent WHERE b.id = spent.buyer_id AND b.user_id IS NULL),
      audited AS (${auditPart(
        { organizationId: sql`spent.organization_id`, actor: userId, action: 'member.joined' },
        {
          subject: sql`'user:' || ${userId}::text`,
          before: sql`NULL::jsonb`,
          after: sql`jsonb_build_object('email', spent.email, 'role', spent.role, 'buyerId', spent.buyer_id, 'supplierId', spent.supplier_id)`,
          rows: sql`spent`,
        },
      )})
    SELECT ${userId}::text AS "userId", email, role FROM spent`,
  );
  return row ?? null;
}
