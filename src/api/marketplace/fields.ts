import { z } from 'zod';
import { isEmail } from '../../domain/lead/email.ts';
import { topUpAmounts } from '../../domain/payment/wallet.ts';
import { clearable, dollars, type Given, isBlank, missing, read } from '../http/contract.ts';
import { text } from '../http/fields.ts';

/** Fields that several routes read. */

export const partyName = text(200);

export const partyEmail = text(320).refine(isEmail, 'must be an e-mail address');

/** Blank and absent are null. */
export const blankAsNull = <S extends z.ZodType>(schema: S) =>
  z.preprocess((value) => (isBlank(value) ? null : value), schema.nullable());

/** Blank and null clear it. */
export const companyName = blankAsNull(text(200));

/** Cents that one charge adds to a wallet. */
export const topUpAmount = dollars.pipe(z.int().min(topUpAmounts.least).max(topUpAmounts.most));

/** Cents of what goes into a wallet or out of it. Throws 400 `Invalid amount`. */
export const amountOf = ({ amount: given }: Given): number =>
  read(z.object({ amount: topUpAmount }), { amount: given }).amount;

/** What a buyer sets of auto-recharge, wherever it does. */
export const rechargeBounds = {
  autoRechargeThreshold: clearable(
    dollars.pipe(z.int().positive('must be more than 0').max(topUpAmounts.most)),
  ),
  autoRechargeAmount: clearable(topUpAmount),
};

const id = z.uuid();

/** The id of a row that a request names. What is no id belongs to no row: 404 with this wording. */
export function rowId(given: unknown, wording: string): string {
  const parsed = id.safeParse(given);
  if (!parsed.success) throw missing(wording);
  return parsed.data;
}

/** The id in the address. */
export const idOf = (params: unknown, wording: string): string =>
  rowId((params as { id: string }).id, wording);

export const iso = (time: Date | string): string => new Date(time).toISOString();
export const optionalIso = (time: Date | string | null): string | null => (time === null ? null : iso(time));

/** Without the keys that are absent. */
export const present = <T extends object>(settings: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
