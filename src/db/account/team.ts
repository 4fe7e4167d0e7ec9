import { sql } from 'drizzle-orm';
import type { MemberRole } from '../../domain/account/roles.ts';
import { ContractError } from '../../domain/errors.ts';
import { type Actor, auditPart } from '../audit.ts';
import type { Database, Queryable } from '../client.ts';
import { run } from '../commit.ts';
import { revokeKeysMadeBy } from './api-keys.ts';

/** A person of an organization, of any role. */
export type TeamMember = {
  userId: string;
  name: string;
  email: string;
  role: MemberRole;
  buyerId: string | null;
  supplierId: string | null;
  createdAt: Date;
};

/** In order of joining. */
export async function listTeam(
  db: Queryable,
  organizationId: string,
  { limit, offset }: { limit: number; offset: number },
): Promise<{ members: TeamMember[]; total: number }> {
  const [members, [count]] = await Promise.all([
    run<TeamMember>(
      db,
      sql`SELECT u.id AS "userId", u.name, u.email, m.role, m.buyer_id AS "buyerId", m.supplier_id AS "supplierId", m.created_at AS "createdAt"
        FROM members m JOIN users u ON u.id = m.user_id WHERE m.organization_id = ${organizationId}::uuid
        ORDER BY m.created_at, u.id LIMIT ${limit}::integer OFFSET ${offset}::integer`,
    ),
    run<{ total: number }>(
      db,
      sql`SELECT count(*)::int AS total FROM members WHERE organization_id = ${organizationId}::uuid`,
    ),
  ]);
  return { members, total: count!.total };
}

/**
 * Ends a membership, and with it the keys that the member made and the invitations that are still open. The account, its buyer and what was bought stay. Returns false when
 * the user is no member. Throws ContractError 400 for the last seller.
 */
export async function removeFromTeam(
  db: Database,
  { organizationId, actor }: { organizationId: string; actor: Actor },
  userId: string,
): Promise<boolean> {
  return db.withTx(async (tx) => {
    // Locks all sellers, so that of two who are removed at once one remains.
    const sellers = await run<{ userId: string }>(
      tx,
      sql`SELECT user_id AS "userId" FROM members WHERE organization_id = ${organizationId}::uuid AND role = 'seller'
        ORDER BY user_id FOR UPDATE`,
    );
    if (sellers.length === 1 && sellers[0]!.userId === userId)
      throw new ContractError(400, 'invalid_input', 'The last seller cannot be removed');
    const removed = await run(
      tx,
      sql`WITH gone AS (DELETE FROM members WHERE organization_id = ${organizationId}::uuid AND user_id = ${userId}::uuid RETURNING *),
        buyer AS (UPDATE buyers b SET user_id = NULL, updated_at = now() FROM gone WHERE b.id = gone.buyer_id AND b.user_id = gone.user_id),
        invited AS (UPDATE invitations i SET revoked_at = now() FROM gone WHERE i.organization_id = gone.organization_id
          AND i.invited_by = gone.user_id AND i.accepted_at IS NULL AND i.revoked_at IS NULL),
        audited AS (${auditPart(
          { organizationId, actor, action: 'member.removed' },
          {
            subject: sql`'user:' || gone.user_id`,
            before: sql`jsonb_build_object('role', gone.role, 'buyerId', gone.buyer_id, 'supplierId', gone.supplier_id)`,
            after: sql`NULL::jsonb`,
            rows: sql`gone`,
          },
        )})
      SELECT 1 FROM gone`,
    );
    if (removed.length === 0) return false;
    await revokeKeysMadeBy(tx, userId, organizationId);
    return true;
  });
}
