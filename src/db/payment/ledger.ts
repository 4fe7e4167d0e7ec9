import { sql } from 'drizzle-orm';
import { type Account, accounts, type Balances } from '../../domain/payment/reversals.ts';
import { newId } from '../../events/new-id.ts';
import type { Part } from '../commit.ts';

const nothing: Balances = { stripe: 0, sales: 0, refunds_due: 0, disputed: 0 };

export type Entry = { account: string; amountMinor: number };

/**
 * One journal of these entries, which sum to zero; those of zero are left out. Returns no parts when none remains. `key`
 * says what the movement is.
 */
export function journalOf(
  organizationId: string,
  { key, currency, entries }: { key: string; currency: string; entries: readonly Entry[] },
): Part[] {
  const id = newId();
  const moved = entries.filter(({ amountMinor }) => amountMinor !== 0);
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
          moved.map(({ account, amountMinor }) => sql`(${account}::text, ${amountMinor}::bigint)`),
          sql`, `,
        )}) v(account, amount)
        WHERE ${when}`,
    },
  ];
}

/** The entries that lead a payment from one set of balances to another; each set sums to zero, and so does their difference. */
export const balanceEntries = (nameOf: (account: Account) => string, from: Balances, to: Balances): Entry[] =>
  accounts.map((account) => ({ account: nameOf(account), amountMinor: to[account] - from[account] }));

/** The journal of a payment for an unlock. */
export function journal(
  organizationId: string,
  { key, currency, from = nothing, to }: { key: string; currency: string; from?: Balances; to: Balances },
): Part[] {
  const nameOf = (account: Account) => (account === 'stripe' ? account : `${account}:${organizationId}`);
  return journalOf(organizationId, { key, currency, entries: balanceEntries(nameOf, from, to) });
}
