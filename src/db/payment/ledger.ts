import { sql } from 'drizzle-orm';
import { type Account, accounts, type Balances } from '../../domain/payment/reversals.ts';
import { newId } from '../../events/new-id.ts';
import type { Part } from '../commit.ts';

const nothing: Balances = { stripe: 0, sales: 0, refunds_due: 0, disputed: 0 };

/**
 * One journal: the entries that lead from one set of balances to another; each set sums to zero, and so does their
 * difference. Returns no parts when nothing differs. `key` says what the movement is.
 */
export function journal(
  organizationId: string,
  { key, currency, from = nothing, to }: { key: string; currency: string; from?: Balances; to: Balances },
): Part[] {
  const id = newId();
  const name = (account: Account) => (account === 'stripe' ? account : `${account}:${organizationId}`);
  const moved = accounts
    .map((account) => ({ account: name(account), amount: to[account] - from[account] }))
    .filter(({ amount }) => amount !== 0);
  if (moved.length === 0) return [];
  return [
    {
      name: 'journal',
      statement: (when) =>
        sql`INSERT INTO journals (id, key, organization_id) SELECT ${id}::uuid, ${key}, ${organizationId}::uuid WHERE ${when}`,
    },
    {
      name: 'entries',
      statement: (when) => sql`INSERT INTO journal_entries (journal_id, account, amount_minor, currency)
        SELECT ${id}::uuid, v.account, v.amount, ${currency}
        FROM (VALUES ${sql.join(
          moved.map(({ account, amount }) => sql`(${account}::text, ${amount}::bigint)`),
          sql`, `,
        )}) v(account, amount)
        WHERE ${when}`,
    },
  ];
}
