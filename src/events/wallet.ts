import { z } from 'zod';
import { id } from './fields.ts';

const topUp = { topUpId: id, buyerId: id };

export const walletEvents = {
  /** A saved card is to be charged, because the balance fell below what the buyer wants or a lead costs. */
  'wallet.recharge_opened': z.object(topUp),
  /** Money was added to a wallet: what waited for it may be bought. */
  'wallet.credited': z.object(topUp),
} as const;
