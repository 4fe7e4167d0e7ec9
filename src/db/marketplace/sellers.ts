import { sql } from 'drizzle-orm';
import { type Actor, auditPart } from '../audit.ts';
import type { Queryable } from '../client.ts';
import { run } from '../commit.ts';
import { wakeCampaigns } from './pending.ts';

export type SellerSettings = {
  smsMarkupBasisPoints: number;
  emailMarkupBasisPoints: number;
  timeZone: string;
  branding: Record<string, string>;
};

/** An organization that sells on the marketplace. */
export type Seller = SellerSettings & {
  id: string;
  companyName: string;
  inviteCode: string;
  platformFeeBasisPoints: number;
  trialEndsAt: Date;
};

const columns = sql.raw(`s.organization_id AS id, o.name AS "companyName", s.invite_code AS "inviteCode",
  s.sms_markup_basis_points AS "smsMarkupBasisPoints", s.email_markup_basis_points AS "emailMarkupBasisPoints",
  s.platform_fee_basis_points AS "platformFeeBasisPoints", s.time_zone AS "timeZone", s.branding, s.trial_ends_at AS "trialEndsAt"`);

/** Returns null when the organization does not sell on the marketplace. */
export async function findSeller(db: Queryable, organizationId: string): Promise<Seller | null> {
  const [row] = await run<Seller>(
    db,
    sql`SELECT ${columns} FROM sellers s JOIN organizations o ON o.id = s.organization_id WHERE s.organization_id = ${organizationId}::uuid`,
  );
  return row ?? null;
}

/** Returns null when no organization that sells on the marketplace has this slug. */
export async function findSellerBySlug(db: Queryable, slug: string): Promise<Seller | null> {
  const [row] = await run<Seller>(
    db,
    sql`SELECT ${columns} FROM sellers s JOIN organizations o ON o.id = s.organization_id WHERE o.slug = ${slug}`,
  );
  return row ?? null;
}

const columnOf = {
  smsMarkupBasisPoints: 'sms_markup_basis_points',
  emailMarkupBasisPoints: 'email_markup_basis_points',
  timeZone: 'time_zone',
} as const satisfies Record<Exclude<keyof SellerSettings, 'branding'>, string>;

export type SellerChange = Partial<Omit<SellerSettings, 'branding'>> & {
  /** Null for a key removes it; null for all of them removes all. */
  branding?: Record<string, string | null> | null;
};

/** Changes the given settings. */
export async function changeSeller(
  db: Queryable,
  organizationId: string,
  { branding, ...settings }: SellerChange,
  actor: Actor,
): Promise<void> {
  const patch = Object.fromEntries(
    Object.entries(settings).map(([key, value]) => [columnOf[key as keyof typeof columnOf], value]),
  );
  await run(
    db,
    sql`WITH held AS (SELECT s AS row FROM sellers s WHERE s.organization_id = ${organizationId}::uuid FOR UPDATE),
    wanted AS (
      SELECT n.organization_id, n.sms_markup_basis_points, n.email_markup_basis_points, n.time_zone, h.row AS was,
        CASE WHEN ${branding === null}::boolean THEN '{}' ELSE jsonb_strip_nulls(n.branding || ${JSON.stringify(branding ?? {})}::jsonb) END AS branding
      FROM held h, jsonb_populate_record(h.row, ${JSON.stringify(patch)}::jsonb) n),
    changed AS (
      UPDATE sellers s SET sms_markup_basis_points = w.sms_markup_basis_points, email_markup_basis_points = w.email_markup_basis_points,
        time_zone = w.time_zone, branding = w.branding, updated_at = now()
      FROM wanted w WHERE s.organization_id = w.organization_id
      RETURNING to_jsonb(w.was) - 'invite_code' AS before, to_jsonb(s) - 'invite_code' AS after, s.organization_id AS id),
    noted AS (${auditPart(
      { organizationId, actor, action: 'seller.updated' },
      {
        subject: sql`'seller:' || changed.id`,
        before: sql`changed.before`,
        after: sql`changed.after`,
        rows: sql`changed`,
      },
    )}),
    woken AS (${wakeCampaigns(sql`SELECT c.id AS campaign_id FROM changed JOIN campaigns c ON c.organization_id = changed.id
      WHERE changed.before->>'time_zone' <> changed.after->>'time_zone'`)})
    SELECT 1 FROM changed`,
  );
}

/** Unique in the installation. */
export const inviteCodeConstraint = 'sellers_invite_code_unique';

/** Replaces the invite code, which is worth nothing from then on. Throws the violation of `inviteCodeConstraint`. */
export async function replaceInviteCode(
  db: Queryable,
  organizationId: string,
  code: string,
  actor: Actor,
): Promise<void> {
  await run(
    db,
    sql`WITH held AS (SELECT organization_id, invite_code_at FROM sellers WHERE organization_id = ${organizationId}::uuid FOR UPDATE),
    changed AS (
      UPDATE sellers s SET invite_code = ${code}::text, invite_code_at = now(), updated_at = now() FROM held
      WHERE s.organization_id = held.organization_id RETURNING s.organization_id AS id, held.invite_code_at AS was, s.invite_code_at AS since),
    noted AS (${auditPart(
      { organizationId, actor, action: 'seller.invite_code_rotated' },
      {
        subject: sql`'seller:' || changed.id`,
        before: sql`jsonb_build_object('invite_code_at', changed.was)`,
        after: sql`jsonb_build_object('invite_code_at', changed.since)`,
        rows: sql`changed`,
      },
    )})
    SELECT 1 FROM changed`,
  );
}
