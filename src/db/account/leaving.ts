import { sql } from 'drizzle-orm';
import { type MemberRole, memberRoles } from '../../domain/account/roles.ts';
import { type Actor, auditPart } from '../audit.ts';
import type { Database, Tx } from '../client.ts';
import { run } from '../commit.ts';
import { type RevokedKey, revokeKeysMadeBy } from './api-keys.ts';
import { revokeInvitationsOf } from './invitations.ts';

/**
 * Ends a membership with one of these roles, and with it the open invitations that the member sent and the keys that the
 * member made for the organization. The account, its other memberships, its buyer and what was bought stay, and so do the
 * keys of an operator, who may still act for the organization. Returns the revoked keys, null when there is no such
 * membership, and `last_seller` when it is that of the last seller, which stays.
 */
export async function endMembership(
  db: Database,
  { organizationId, actor }: { organizationId: string; actor: Actor },
  userId: string,
  roles: readonly MemberRole[] = memberRoles,
): Promise<RevokedKey[] | 'last_seller' | null> {
  return db.withTx(async (tx) => {
    // Locks all sellers, so that of two who are removed at once one remains.
    const sellers = await run<{ userId: string }>(
      tx,
      sql`SELECT user_id AS "userId" FROM members WHERE organization_id = ${organizationId}::uuid AND role = 'seller'
        ORDER BY user_id FOR UPDATE`,
    );
    if (sellers.length === 1 && sellers[0]!.userId === userId) return 'last_seller';
    const [removed] = await run<{ isOperator: boolean }>(
      tx,
      sql`WITH gone AS (
        DELETE FROM members m USING users u WHERE m.organization_id = ${organizationId}::uuid AND m.user_id = ${userId}::uuid
          AND m.role = ANY(${sql.param([...roles])}::text[]) AND u.id = m.user_id
        RETURNING m.*, u.name, u.email, u.role = 'operator' AS "isOperator"),
      buyer AS (UPDATE buyers b SET user_id = NULL, updated_at = now() FROM gone WHERE b.id = gone.buyer_id AND b.user_id = gone.user_id),
      audited AS (${auditPart(
        { organizationId, actor, action: 'member.removed' },
        {
          subject: sql`'user:' || gone.user_id`,
          before: sql`jsonb_strip_nulls(jsonb_build_object('name', gone.name, 'email', gone.email, 'role', gone.role,
            'buyerId', gone.buyer_id, 'supplierId', gone.supplier_id))`,
          after: sql`NULL::jsonb`,
          rows: sql`gone`,
        },
      )})
      SELECT "isOperator" FROM gone`,
    );
    if (!removed) return null;
    return endGiven(tx, userId, { organizationId, actor, keepsKeys: removed.isOperator });
  });
}

/**
 * Ends what a person gave to others: open invitations and keys, of one organization or (null) of all. To be called in a
 * transaction after the statement that ends the person's right: what was being given until then is found, and nothing
 * further can be given.
 */
export async function endGiven(
  tx: Tx,
  userId: string,
  {
    organizationId,
    actor,
    keepsKeys = false,
  }: { organizationId: string | null; actor: Actor; keepsKeys?: boolean },
): Promise<RevokedKey[]> {
  await revokeInvitationsOf(tx, userId, { organizationId, actor });
  return keepsKeys ? [] : revokeKeysMadeBy(tx, userId, organizationId);
}
