import { sql } from 'drizzle-orm';
import { v7 as uuidv7 } from 'uuid';
import type { Part } from '../commit.ts';

/** `stripe` is the balance at Stripe; the others, one of each per organization, classify that balance. */
export type Account = 'stripe' | 'sales' | 'refunds_due' | 'disputed';
type Booking = { key: string; amountMinor: number; currency: string; from: Account; to: Account };

/** One journal: two entries that sum to zero. */
export function journal(organizationId: string, { key, amountMinor, currency, from, to }: Booking): Part[] {
  const id = uuidv7();
  const name = (account: Account) => (account === 'stripe' ? account : `${account}:${organizationId}`);
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
        FROM (VALUES (${name(to)}::text, ${amountMinor}::bigint), (${name(from)}::text, ${-amountMinor}::bigint)) v(account, amount)
        WHERE ${when}`,
    },
  ];
}
