import { sql } from 'drizzle-orm';
import type { MemberRole } from '../../domain/account/roles.ts';
import { ContractError } from '../../domain/errors.ts';
import type { Actor } from '../audit.ts';
import type { Database, Queryable } from '../client.ts';
import { run } from '../commit.ts';
import { endMembership } from './leaving.ts';

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

/** As `endMembership`. Returns false when the user is no member. Throws ContractError 400 for the last seller. */
export async function removeFromTeam(
  db: Database,
  by: { organizationId: string; actor: Actor },
  userId: string,
): Promise<boolean> {
  const ended = await endMembership(db, by, userId);
  if (ended === 'last_seller')
    throw new ContractError(400, 'invalid_input', 'The last seller cannot be removed');
  return ended !== null;
}
