import { sql } from 'drizzle-orm';
import { handedLinkHours } from '../../domain/account/links.ts';
import { trialDays } from '../../domain/account/registration.ts';
import { DEFAULT_FOOTER } from '../../domain/messaging/templates.ts';
import { newId } from '../../events/new-id.ts';
import { auditPart } from '../audit.ts';
import type { Queryable } from '../client.ts';
import { run } from '../commit.ts';
import { forgetUnproven } from './unproven.ts';

export type SellerDraft = {
  slug: string;
  /** Name of a new organization; null for the existing one with this slug. */
  newOrganization: string | null;
  email: string;
  name: string;
  inviteCode: string;
};

/**
 * Makes an organization a seller with an owner, on the command line. An account of this address that was never verified loses
 * what it signs in with, which a stranger may have set up. Returns the id of a link that sets the owner's
 * password, or null, with nothing changed, when there is no such organization or it is a seller already. Throws the
 * violation of a slug that is taken, and of the membership of an owner who has another role there.
 */
export async function createSeller(db: Queryable, draft: SellerDraft): Promise<string | null> {
  const { slug, newOrganization, email, name, inviteCode } = draft;
  const linkId = newId();
  const organization =
    newOrganization === null
      ? sql`SELECT id FROM organizations o WHERE slug = ${slug}::text AND NOT EXISTS (SELECT 1 FROM sellers s WHERE s.organization_id = o.id)`
      : sql`INSERT INTO organizations (id, name, slug, footer, support_contact)
          VALUES (${newId()}::uuid, ${newOrganization}::text, ${slug}::text, ${DEFAULT_FOOTER}::text, ${email}::text) RETURNING id`;
  const rows = await run(
    db,
    sql`WITH organization AS (${organization}),
      seller AS (INSERT INTO sellers (organization_id, contact_name, invite_code, trial_ends_at)
        SELECT id, ${name}::text, ${inviteCode}::text, now() + make_interval(days => ${trialDays}::integer) FROM organization),
      person AS (INSERT INTO users (id, name, email, email_verified, role)
        SELECT ${newId()}::uuid, ${name}::text, ${email}::text, false, 'member' FROM organization
        ON CONFLICT (email) DO UPDATE SET two_factor_enabled = users.two_factor_enabled AND users.email_verified
        RETURNING id, email_verified, role),
      unproven AS (SELECT id FROM person WHERE NOT email_verified AND role = 'member'),
      ${forgetUnproven(sql`unproven`)},
      member AS (INSERT INTO members (organization_id, user_id, role)
        SELECT organization.id, person.id, 'seller' FROM organization, person),
      link AS (INSERT INTO account_links (id, user_id, purpose, expires_at)
        SELECT ${linkId}::uuid, id, 'reset_password', now() + make_interval(hours => ${handedLinkHours}::integer) FROM person),
      audited AS (${auditPart(
        { organizationId: sql`organization.id`, actor: 'cli', action: 'seller.created' },
        {
          subject: sql`'seller:' || organization.id`,
          before: sql`NULL::jsonb`,
          after: sql`jsonb_build_object('owner', person.id)`,
          rows: sql`organization, person`,
        },
      )})
    SELECT id FROM organization`,
  );
  return rows.length > 0 ? linkId : null;
}

export type ListedSeller = { slug: string; name: string; inviteCode: string; people: number };

/** By slug; all of them, or the one with this slug. */
export async function listSellers(db: Queryable, slug: string | null = null): Promise<ListedSeller[]> {
  return run(
    db,
    sql`SELECT o.slug, o.name, s.invite_code AS "inviteCode",
        (SELECT count(*)::int FROM members m WHERE m.organization_id = o.id AND m.role = 'seller') AS people
      FROM sellers s JOIN organizations o ON o.id = s.organization_id
      WHERE ${slug}::text IS NULL OR o.slug = ${slug}::text ORDER BY o.slug LIMIT 10000`,
  );
}
