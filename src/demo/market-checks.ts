import { isDeepStrictEqual } from 'node:util';
import { marketTotals } from '../db/demo.ts';
import type { LedgerEntry } from '../sandbox/ledger.ts';
import type { System } from '../system.ts';
import { checkLedger } from '../usecases/payment/wallet-check.ts';
import type { Ask } from './front-end.ts';
import { boughtLeads, readWallet, receivedLeads } from './market-calls.ts';

/** A buyer of the story. `customerId`: of Stripe; empty until the buyer saves a card. */
export type Player = { name: string; ask: Ask; buyerId: string; customerId: string };

/** A story that was played, and what it must have led to. Amounts are in dollars. */
export type Played = {
  seller: Ask;
  /** Every sale there is. */
  sales: { leadId: string; data: Record<string, unknown>; buyer: Player; price: number }[];
  wallets: { buyer: Player; charged: number; balance: number }[];
};

/** What differs between the end of a story and what it should have led to; empty when nothing does. */
export async function checkMarket(system: System, expected: Played): Promise<string[]> {
  const entries = system.sandbox!.ledger.list({ vendor: 'stripe', accepted: true });
  return [
    ...(await Promise.all(expected.wallets.map((wallet) => checkWallet(wallet, entries)))).flat(),
    ...(await Promise.all(expected.wallets.map(({ buyer }) => checkBought(buyer, expected)))).flat(),
    ...(await checkReceived(expected)),
    ...(await checkBooks(system, expected, entries)),
  ];
}

const cents = (dollars: number): number => Math.round(dollars * 100);
const sum = (amounts: readonly number[]): number => amounts.reduce((total, amount) => total + amount, 0);

const unlessEqual = (what: string, actual: unknown, wanted: unknown): string[] =>
  isDeepStrictEqual(actual, wanted)
    ? []
    : [`${what}: expected ${JSON.stringify(wanted)}, got ${JSON.stringify(actual)}`];

/** What Stripe took from a buyer is what its wallet was credited; that less its purchases is the balance. */
async function checkWallet(
  { buyer, charged, balance }: Played['wallets'][number],
  entries: readonly LedgerEntry[],
): Promise<string[]> {
  const wallet = await readWallet(buyer.ask);
  const amounts = wallet.transactions.map(({ amount }) => cents(amount));
  const captures = entries.filter(
    ({ operation, reference }) => operation === 'payment.capture' && reference === buyer.customerId,
  );
  return [
    ...unlessEqual(`${buyer.name}'s balance`, wallet.balance, balance),
    ...unlessEqual(`the sum of ${buyer.name}'s transactions`, sum(amounts), cents(balance)),
    ...unlessEqual(
      `what Stripe took from ${buyer.name}`,
      sum(captures.map(({ amount }) => amount ?? 0)),
      cents(charged),
    ),
    ...unlessEqual(
      `what ${buyer.name} was credited`,
      sum(amounts.filter((amount) => amount > 0)),
      cents(charged),
    ),
  ];
}

/** A buyer sees the people it bought and no others, and paid once for each. */
async function checkBought(buyer: Player, { sales }: Played): Promise<string[]> {
  const wanted = sales.filter((sale) => sale.buyer === buyer);
  const leads = await boughtLeads(buyer.ask);
  const { transactions } = await readWallet(buyer.ask);
  const debits = transactions.filter(({ type }) => type === 'DEBIT');
  return [
    ...unlessEqual(
      `the leads of ${buyer.name}`,
      leads.map(({ id, data, price }) => ({ leadId: id, data, price })),
      wanted.map(({ leadId, data, price }) => ({ leadId, data, price })),
    ),
    ...unlessEqual(
      `the purchases of ${buyer.name}`,
      debits.map(({ leadAssignmentId, amount }) => ({ id: leadAssignmentId, amount })),
      leads.map(({ assignmentId, price }) => ({ id: assignmentId, amount: -price })),
    ),
  ];
}

/** The seller sees each lead as sold once, and the test as a test. */
async function checkReceived({ seller, sales }: Played): Promise<string[]> {
  const leads = await receivedLeads(seller);
  const sold = leads.filter(({ status }) => status !== 'TEST');
  return [
    ...unlessEqual(
      'the leads of the seller',
      sold.toReversed().map(({ id, status, assignments }) => ({
        id,
        status,
        buyers: assignments.map(({ buyerId }) => buyerId),
      })),
      sales.map(({ leadId, buyer }) => ({ id: leadId, status: 'DISTRIBUTED', buyers: [buyer.buyerId] })),
    ),
    ...unlessEqual(
      'the buyers of test leads',
      leads.filter(({ status }) => status === 'TEST').map(({ assignments }) => assignments),
      [[]],
    ),
  ];
}

/** The books agree with themselves, with Stripe's list of charges and, to the cent, with what the sandbox's Stripe holds. */
async function checkBooks(
  { runtime, sandbox }: System,
  { sales, wallets }: Played,
  entries: readonly LedgerEntry[],
): Promise<string[]> {
  const findings = await checkLedger(runtime.db, { payments: runtime.payments, now: new Date() });
  const totals = await marketTotals(runtime.db);
  const held = heldByStripe(entries);
  return [
    ...findings.map(({ rule, subject, detail }) => `the ledger: ${rule} of ${subject}: ${detail}`),
    ...unlessEqual('entries that the sandbox dropped', sandbox!.ledger.dropped, 0),
    ...unlessEqual('what Stripe holds and the books say', totals.stripe, held),
    ...unlessEqual('wallets and earnings against what Stripe holds', totals.wallets + totals.earned, held),
    ...unlessEqual('the balances of all wallets', totals.wallets, cents(sum(wallets.map((w) => w.balance)))),
    ...unlessEqual('what the seller earned', totals.earned, cents(sum(sales.map(({ price }) => price)))),
    ...unlessEqual('sales', totals.sales, sales.length),
    ...unlessEqual('parked jobs', totals.parked, 0),
  ];
}

const signs: Readonly<Record<string, 1 | -1>> = {
  'payment.capture': 1,
  'refund.create': -1,
  'payment.refund': -1,
  'refund.returned': 1,
  'dispute.withdrawn': -1,
  'dispute.reinstated': 1,
};

const heldByStripe = (entries: readonly LedgerEntry[]): number =>
  sum(entries.map(({ operation, amount }) => (signs[operation] ?? 0) * (amount ?? 0)));
