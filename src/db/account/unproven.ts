import { type SQL, sql } from 'drizzle-orm';
import { newId } from '../../events/new-id.ts';
import type { Database } from '../client.ts';
import { run } from '../commit.ts';
import { revokeKeysMadeBy } from './api-keys.ts';
import { endInvitations } from './invitations.ts';

/**
 * Parts of a statement that end what users signed in with or could set a password with. `users`: the CTE of these people, with
 * their id; `kept`: the link that is being used.
 */
export const endAccess = (users: SQL, kept: string | null = null): SQL => sql`
  ended_sessions AS (DELETE FROM sessions s USING ${users} p WHERE s.user_id = p.id),
  ended_handed AS (DELETE FROM verifications v USING ${users} p WHERE v.value = p.id::text AND v.identifier LIKE 'password-link:%'),
  ended_links AS (UPDATE account_links l SET used_at = now() FROM ${users} p
    WHERE l.user_id = p.id AND l.used_at IS NULL AND l.id IS DISTINCT FROM ${kept}::uuid)`;

/**
 * Everyone can register any address. What was set up before its owner proved it may be a stranger's, who waits for the owner to
 * use the account. These parts end the rest of what the stranger could come back with.
 */
export const endUnproven = (users: SQL): SQL => sql`
  ended_factors AS (DELETE FROM two_factors t USING ${users} p WHERE t.user_id = p.id),
  ended_invitations AS (${endInvitations(users, null)})`;

/** The same for ways to sign in, where the statement sets no other password. */
export const forgetUnproven = (users: SQL): SQL => sql`
  ${endAccess(users)},
  ${endUnproven(users)},
  ended_accounts AS (DELETE FROM accounts a USING ${users} p WHERE a.user_id = p.id)`;

/**
 * Google says whose an address is. Gives the account with this address to the account at Google when it was never verified,
 * and ends all that was set up without that proof, API keys as well. Changes nothing for any other account.
 */
export async function giveToGoogle(
  db: Database,
  { email, googleId }: { email: string; googleId: string },
): Promise<void> {
  await db.withTx(async (tx) => {
    const [given] = await run<{ id: string }>(
      tx,
      sql`WITH owner AS (
        UPDATE users u SET email_verified = true, two_factor_enabled = false, updated_at = now()
        WHERE u.email = ${email}::text AND NOT u.email_verified AND u.role = 'member'
          AND NOT EXISTS (SELECT 1 FROM accounts a WHERE a.provider_id = 'google' AND a.account_id = ${googleId}::text) RETURNING u.id),
      ${forgetUnproven(sql`owner`)},
      linked AS (INSERT INTO accounts (id, user_id, account_id, provider_id)
        SELECT ${newId()}::uuid, id, ${googleId}::text, 'google' FROM owner)
      SELECT id FROM owner`,
    );
    if (given) await revokeKeysMadeBy(tx, given.id, null);
  });
}
