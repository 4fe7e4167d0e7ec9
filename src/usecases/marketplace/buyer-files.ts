import { z } from 'zod';
import { insertWithRoom } from '../../db/account/stored.ts';
import {
  type BuyerRow,
  type BuyerRowOutcome,
  buyersByPages,
  type SubscriptionRow,
  type SubscriptionRowOutcome,
  storeBuyerRows,
  storeSubscriptionRows,
  subscriptionsByPages,
} from '../../db/marketplace/buyer-rows.ts';
import { csvLine } from '../../domain/csv/write.ts';
import { RefusedError } from '../../domain/errors.ts';
import { isEmail } from '../../domain/lead/email.ts';
import { dollarsToMinor, minorToDollars } from '../../domain/marketplace/dollars.ts';
import { partyStatuses, priorities } from '../../domain/marketplace/party.ts';
import { shortWalletChoices, subscriptionStatuses } from '../../domain/marketplace/subscription.ts';
import { stateOfCode } from '../../domain/marketplace/us-states.ts';
import { partyPhone } from '../../domain/phone/party-phone.ts';
import type { Quotas } from '../account/quotas.ts';
import type { Runtime } from '../runtime.ts';
import {
  type GivenRow,
  type ImportSummary,
  type RejectedRow,
  readTable,
  textCell,
  wholeCell,
  withoutRepeats,
} from './table-file.ts';

const emailCell = textCell(320)
  .refine(isEmail, 'not an e-mail address')
  .transform((value) => value.toLowerCase());

/** Dollars in cents; 0 clears a limit. */
const limitCell = z.string().transform((value, context) => {
  const minor = dollarsToMinor(value.replace(/^\$/, ''));
  if (minor !== null && minor >= 0) return minor === 0 ? null : minor;
  context.addIssue('must be an amount in dollars with at most two decimals');
  return z.NEVER;
});
const phoneCell = z.string().transform((value, context) => {
  const number = partyPhone(value);
  if (number !== null) return number;
  context.addIssue('must be a valid phone number, such as +13055550123');
  return z.NEVER;
});
const lower = z.string().transform((value) => value.toLowerCase());
const upper = z.string().transform((value) => value.toUpperCase());
const orNone = (value: number) => (value === 0 ? null : value);

const buyerRow = z.object({
  email: emailCell,
  name: textCell(200).optional(),
  companyName: textCell(200).optional(),
  priority: wholeCell(priorities.least, priorities.most).optional(),
  phoneNumber: phoneCell.optional(),
  status: upper.pipe(z.enum(partyStatuses)).optional(),
  monthlySpendingLimit: limitCell.optional(),
  weeklySpendingLimit: limitCell.optional(),
});

const statesCell = z.string().transform((value, context) => {
  const codes = value.split(/[\s,;|]+/).filter(Boolean);
  const states = codes.map(stateOfCode);
  const wrong = codes.find((_, i) => states[i] === null);
  if (wrong === undefined) return [...new Set(states.filter((state) => state !== null))];
  context.addIssue(`${wrong.slice(0, 40)} is not a state, such as FL`);
  return z.NEVER;
});
const mostOfInteger = 1_000_000;
const subscriptionRow = z.object({
  buyerEmail: emailCell,
  campaignId: z.uuid(),
  status: upper.pipe(z.enum(subscriptionStatuses)).optional(),
  dailyCap: wholeCell(0, mostOfInteger).transform(orNone).optional(),
  states: statesCell.optional(),
  waterfallPriority: wholeCell(0, mostOfInteger).transform(orNone).optional(),
  onShortWallet: lower.pipe(z.enum(shortWalletChoices)).optional(),
});

type Deps = Pick<Runtime, 'db'>;
type Storing = Deps & { quotas: Pick<Quotas, 'stored'> };
type By = {
  organizationId: string;
  actor: string;
  /** Runs what is stored once the file has arrived. */
  inTurn: <T>(work: () => Promise<T>, rows: number) => Promise<T>;
  /** Counts addresses that the answer says are known; null for an operator. */
  knownAddresses: KnownAddresses | null;
};
/** `take` throws RefusedError 429 when too many were known. */
export type KnownAddresses = { take(units: number): Promise<void>; giveBack(units: number): Promise<void> };
/** The statement of a batch compares each of its rows with all others. */
const batchSize = 100;
const overQuota = (what: string) =>
  `row: the organization has as many ${what} as it may have; its operator can raise the limit`;

/**
 * Stores the buyers of a CSV by their e-mail addresses; repeating a file changes nothing. New ones get no password: they
 * sign in once a link has set one. Those beyond the quota `buyers` are rejected. Throws RefusedError when it is no such file.
 */
export async function importBuyers(
  { db, quotas }: Storing,
  bytes: AsyncIterable<Uint8Array>,
  { organizationId, actor, inTurn, knownAddresses }: By,
): Promise<ImportSummary> {
  const file = await readTable(bytes, buyerRow, ['email']);
  const rows = withoutRepeats(file.valid, ({ email }) => email, file.rejected);
  const wrong: Partial<Record<BuyerRowOutcome | 'unasked', string>> = {
    taken: 'email: User with this email already exists',
    nameless: 'name: must be given for a new buyer',
    unasked: 'email: too many addresses belonged to other accounts today',
    full: overQuota('buyers'),
  };
  const storeBatch = (batch: BuyerRow[]) =>
    quotas.stored('buyers', organizationId, (most) =>
      insertWithRoom(db, { name: 'buyers', organizationId, most }, (tx, room) =>
        storeBuyerRows(tx, organizationId, batch, { actor, room }),
      ),
    );
  return inTurn(
    () =>
      store<BuyerRow, BuyerRowOutcome | 'unasked'>({ ...file, valid: rows }, wrong, (batch) =>
        knownAddresses ? countKnown(knownAddresses, batch, storeBatch) : storeBatch(batch),
      ),
    rows.length,
  );
}

/** An answer tells which addresses have an account here: counted before they are looked up, as a seller's single buyers are. */
async function countKnown(
  known: KnownAddresses,
  batch: BuyerRow[],
  storeBatch: (batch: BuyerRow[]) => Promise<BuyerRowOutcome[]>,
): Promise<(BuyerRowOutcome | 'unasked')[]> {
  try {
    await known.take(batch.length);
  } catch (error) {
    if (error instanceof RefusedError) return batch.map(() => 'unasked');
    throw error;
  }
  const outcomes = await storeBatch(batch);
  await known.giveBack(outcomes.filter((outcome) => outcome !== 'taken').length);
  return outcomes;
}

/** Stores the subscriptions of a CSV by buyer and campaign, as `importBuyers` does. */
export async function importSubscriptions(
  { db, quotas }: Storing,
  bytes: AsyncIterable<Uint8Array>,
  { organizationId, actor, inTurn }: By,
): Promise<ImportSummary> {
  const file = await readTable(bytes, subscriptionRow, ['buyerEmail', 'campaignId']);
  const keyOf = ({ buyerEmail, campaignId }: SubscriptionRow) => `${buyerEmail} ${campaignId.toLowerCase()}`;
  const rows = withoutRepeats(file.valid, keyOf, file.rejected);
  const wrong: Partial<Record<SubscriptionRowOutcome, string>> = {
    no_buyer: 'buyerEmail: Buyer not found',
    no_campaign: 'campaignId: Campaign not found',
    not_active: 'campaignId: This campaign is not active',
    no_states: 'states: State selection is not allowed for this campaign',
    full: overQuota('subscriptions'),
  };
  return inTurn(
    () =>
      store<SubscriptionRow, SubscriptionRowOutcome>({ ...file, valid: rows }, wrong, (batch) =>
        quotas.stored('subscriptions', organizationId, (most) =>
          insertWithRoom(db, { name: 'subscriptions', organizationId, most }, (tx, room) =>
            storeSubscriptionRows(tx, organizationId, batch, { actor, room }),
          ),
        ),
      ),
    rows.length,
  );
}

/** `wrong`: the reasons of the outcomes with which a row is not stored. */
async function store<T, Outcome extends string>(
  file: { rows: number; valid: GivenRow<T>[]; rejected: RejectedRow[] },
  wrong: Partial<Record<Outcome, string>>,
  storeBatch: (batch: T[]) => Promise<Outcome[]>,
): Promise<ImportSummary> {
  const done = { created: 0, updated: 0, unchanged: 0 };
  const rejected = [...file.rejected];
  for (let first = 0; first < file.valid.length; first += batchSize) {
    const batch = file.valid.slice(first, first + batchSize);
    const outcomes = await storeBatch(batch.map(({ given }) => given));
    for (const [i, outcome] of outcomes.entries()) {
      const reason = wrong[outcome];
      if (reason !== undefined) rejected.push({ row: batch[i]!.row, errors: [reason] });
      else done[outcome as keyof typeof done] += 1;
    }
  }
  return { rows: file.rows, ...done, rejected: rejected.sort((a, b) => a.row - b.row) };
}

const dollarsCell = (minor: number | null) => (minor === null ? '' : String(minorToDollars(minor)));
const cellOf = (value: string | number | null) => (value === null ? '' : String(value));

/** The buyers of an organization as a file that `importBuyers` reads. */
export async function* buyersCsv({ db }: Deps, organizationId: string): AsyncGenerator<string> {
  yield csvLine(Object.keys(buyerRow.shape));
  for await (const rows of buyersByPages(db.reader, organizationId))
    for (const row of rows)
      yield csvLine([
        cellOf(row.email),
        cellOf(row.name),
        cellOf(row.companyName),
        String(row.priority),
        cellOf(row.phoneNumber),
        row.status,
        dollarsCell(row.monthlySpendingLimitMinor),
        dollarsCell(row.weeklySpendingLimitMinor),
      ]);
}

/** The subscriptions of an organization as a file that `importSubscriptions` reads. */
export async function* subscriptionsCsv({ db }: Deps, organizationId: string): AsyncGenerator<string> {
  yield csvLine([...Object.keys(subscriptionRow.shape), 'campaign']);
  for await (const rows of subscriptionsByPages(db.reader, organizationId))
    for (const row of rows)
      yield csvLine([
        cellOf(row.buyerEmail),
        row.campaignId,
        row.status,
        cellOf(row.dailyCap),
        row.states.join(' '),
        cellOf(row.waterfallPriority),
        row.onShortWallet,
        row.campaign,
      ]);
}
