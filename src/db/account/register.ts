import { sql } from 'drizzle-orm';
import { trialDays } from '../../domain/account/registration.ts';
import { DEFAULT_FOOTER } from '../../domain/messaging/templates.ts';
import type { EventDraft } from '../../events/envelope.ts';
import { subjects } from '../../events/subjects.ts';
import type { Queryable } from '../client.ts';
import { type Change, type Part, run } from '../commit.ts';

/**
 * What a person signs in with. `password`: as it is stored; its address is yet to be verified, by the link. `googleId`: of an
 * account at Google, which has verified the address.
 */
export type Proof = { password: string; linkId: string } | { googleId: string };

type Person = {
  userId: string;
  accountId: string;
  email: string;
  name: string;
  proof: Proof;
  companyName: string;
  phone: string | null;
  organizationId: string;
  /** Of a seller: its new code. Of a buyer: the code that it registers with. */
  inviteCode: string;
  /** When the work that follows is due; at once unless given. */
  followedInMs?: number;
};
export type NewSeller = Person & { role: 'seller'; slug: string };
export type NewBuyer = Person & { role: 'buyer'; buyerId: string };
export type NewPerson = NewSeller | NewBuyer;

/** Unique: both are made at random, so that others are tried. */
export const registrationConstraints = ['organizations_slug_unique', 'sellers_invite_code_unique'];

/** A seller whose code works. One without people has closed: its code is as good as unknown. */
const openSeller = sql`EXISTS (SELECT 1 FROM members om WHERE om.organization_id = s.organization_id AND om.role = 'seller')`;

export type InvitingSeller = { organizationId: string; companyName: string; contactName: string };

/** The open sellers with these codes, in their order; null for an unknown code and for one of a closed seller. */
export async function findInvitingSellers(
  db: Queryable,
  codes: readonly string[],
): Promise<(InvitingSeller | null)[]> {
  const rows = await run<InvitingSeller & { code: string }>(
    db,
    sql`SELECT s.invite_code AS code, s.organization_id AS "organizationId", o.name AS "companyName", s.contact_name AS "contactName"
      FROM sellers s JOIN organizations o ON o.id = s.organization_id
      WHERE s.invite_code = ANY(${sql.param([...codes])}::text[]) AND ${openSeller}`,
  );
  const found = new Map(rows.map(({ code, ...seller }) => [code, seller]));
  return codes.map((code) => found.get(code) ?? null);
}

/** Which of these addresses and ids belong to a user. */
export async function findRegistered(
  db: Queryable,
  people: readonly NewPerson[],
): Promise<{ ids: ReadonlySet<string>; emails: ReadonlySet<string> }> {
  const rows = await run<{ id: string; email: string }>(
    db,
    sql`SELECT id, email FROM users WHERE email = ANY(${sql.param(people.map(({ email }) => email))}::text[])`,
  );
  return { ids: new Set(rows.map(({ id }) => id)), emails: new Set(rows.map(({ email }) => email)) };
}

/** Whether the address belongs to a user, or the account at Google does, whose user may have another address here. */
export async function isKnownPerson(
  db: Queryable,
  { email, googleId }: { email: string; googleId: string },
): Promise<boolean> {
  const rows = await run(
    db,
    sql`SELECT 1 FROM users WHERE email = ${email}::text
      UNION ALL SELECT 1 FROM accounts WHERE provider_id = 'google' AND account_id = ${googleId}::text`,
  );
  return rows.length > 0;
}

/** Another request may store the same address at the same time: in one order, so that two statements do not deadlock. */
const people = (given: readonly NewPerson[]): Part => ({
  name: 'made',
  statement: () => sql`INSERT INTO users (id, name, email, email_verified, role)
    SELECT g."userId", g.name, g.email, g."googleId" IS NOT NULL, 'member' FROM ${recordsOf(given)}
    WHERE (g.role = 'seller' OR EXISTS (SELECT 1 FROM sellers s WHERE s.organization_id = g."organizationId" AND s.invite_code = g."inviteCode" AND ${openSeller}))
      AND NOT EXISTS (SELECT 1 FROM accounts a WHERE a.provider_id = 'google' AND a.account_id = g."googleId")
    ORDER BY g.email ON CONFLICT (email) DO NOTHING RETURNING id`,
});

const recordsOf = (given: readonly NewPerson[]) => {
  const records = given.map(({ proof, ...person }) => ({ ...person, ...proof }));
  return sql`jsonb_to_recordset(${JSON.stringify(records)}::jsonb)
  AS g("userId" uuid, "accountId" uuid, "linkId" uuid, "googleId" text, email text, name text, password text, "companyName" text,
    phone text, "organizationId" uuid, "inviteCode" text, role text, slug text, "buyerId" uuid)`;
};

const accountParts: Part[] = [
  {
    name: 'account',
    statement: () => sql`INSERT INTO accounts (id, user_id, account_id, provider_id, password)
      SELECT "accountId", "userId", coalesce("googleId", "userId"::text),
        CASE WHEN "googleId" IS NULL THEN 'credential' ELSE 'google' END, password FROM stored`,
  },
  {
    name: 'member',
    statement: () => sql`INSERT INTO members (organization_id, user_id, role, buyer_id)
      SELECT "organizationId", "userId", role, "buyerId" FROM stored`,
  },
  {
    name: 'link',
    statement: () => sql`INSERT INTO account_links (id, user_id, purpose, expires_at)
      SELECT "linkId", "userId", 'verify_email', now() + interval '72 hours' FROM stored WHERE "linkId" IS NOT NULL`,
  },
];

const partyParts: Part[] = [
  {
    name: 'organization',
    statement: () => sql`INSERT INTO organizations (id, name, slug, footer, support_contact)
      SELECT "organizationId", "companyName", slug, ${DEFAULT_FOOTER}::text, email FROM stored WHERE role = 'seller'`,
  },
  {
    name: 'seller',
    statement: () => sql`INSERT INTO sellers (organization_id, contact_name, invite_code, trial_ends_at)
      SELECT "organizationId", name, "inviteCode", now() + make_interval(days => ${trialDays}::integer) FROM stored WHERE role = 'seller'`,
  },
  {
    name: 'buyer',
    statement:
      () => sql`INSERT INTO buyers (id, organization_id, external_id, name, phone, phone_confirmed, email, user_id, company_name)
      SELECT "buyerId", "organizationId", "buyerId"::text, name, phone, phone IS NULL, email, "userId", "companyName" FROM stored WHERE role = 'buyer'`,
  },
  {
    name: 'audited',
    statement: () => sql`INSERT INTO audit_log (organization_id, actor, action, subject, after)
      SELECT "organizationId", "userId"::text, role || '.registered',
        CASE role WHEN 'buyer' THEN 'buyer:' || "buyerId" ELSE 'seller:' || "organizationId" END,
        jsonb_build_object('name', name, 'companyName', "companyName", 'userId', "userId")
          || CASE WHEN "googleId" IS NULL THEN '{}' ELSE '{"signsInWith": "google"}'::jsonb END FROM stored`,
  },
];

const registered = ({ userId, proof, organizationId, followedInMs }: NewPerson): EventDraft => ({
  type: 'account.registered',
  organizationId,
  subject: subjects.user(userId),
  data: 'linkId' in proof ? { userId, linkId: proof.linkId } : { userId },
  ...(followedInMs === undefined ? {} : { dueInMs: followedInMs }),
});

/**
 * Stores everything of these people: user, password or account at Google, membership, seller or buyer, audit and event. Each stands alone: one
 * whose address is taken, or whose code works no longer, is left out with all that belongs to it. Returns the ids of the users
 * that were stored.
 */
export const registration = (given: readonly NewPerson[]): Change => ({
  writes: [
    people(given),
    {
      name: 'stored',
      statement: () => sql`SELECT g.* FROM ${recordsOf(given)} JOIN made ON made.id = g."userId"`,
    },
    ...accountParts,
    ...partyParts,
  ],
  events: given.map(registered),
  eventsOf: sql`SELECT 'user:' || id FROM made`,
  returning: sql`(SELECT coalesce(json_agg(id), '[]') FROM made)`,
});
