/**
 * The money of one unlock, in minor units of its currency. `paid` and `refunded` are of the charge that is kept, or of all
 * charges when none is: a duplicate that went back takes nothing from the sale. `disputed` is of any charge.
 */
export type UnlockMoney = { paid: number; refunded: number; disputed: number };

export type Standing = 'disputed' | 'refunded' | 'partly_refunded';

/** What a person must know of the money before the state of the offer. Returns null when all of it is kept, or none was paid. */
export function standingOf({ paid, refunded, disputed }: UnlockMoney): Standing | null {
  if (disputed > 0) return 'disputed';
  if (refunded <= 0) return null;
  return refunded >= paid ? 'refunded' : 'partly_refunded';
}

/** Payments of one currency. `due`: charges that are not kept and not yet back with the buyer. */
export type Takings = { currency: string; gross: number; refunded: number; due: number; disputed: number };

/** What is left of the takings. */
export const netOf = ({ gross, refunded, due, disputed }: Takings): number =>
  gross - refunded - due - disputed;
