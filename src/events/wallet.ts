import { z } from 'zod';
import { id } from './fields.ts';

const topUp = { topUpId: id, buyerId: id };

export const walletEvents = {
  /** A saved card is to be charged, because the balance fell below what the buyer wants or a lead costs. */
  'wallet.recharge_opened': z.object(topUp),
  /** A declined recharge is to be charged again. */
  'wallet.recharge_due': z.object(topUp),
  /** A recharge was declined for the first time, and will be repeated. */
  'wallet.recharge_declined': z.object(topUp),
  /** The cardholder must confirm a recharge at the bank. */
  'wallet.recharge_needs_action': z.object(topUp),
  /** Auto-recharge stopped itself after a decline. */
  'wallet.recharge_stopped': z.object(topUp),
  /** A recharge was given up after a first attempt: its payment is to be canceled at Stripe. */
  'wallet.recharge_canceled': z.object(topUp),
  /** A top-up was begun by the buyer: look it up later, in case its answer and its event are lost. */
  'wallet.top_up_opened': z.object(topUp),
  /** Stripe reported a payment of a top-up: fetch it and book its state. */
  'wallet.payment_reported': z.object({ ...topUp, paymentIntent: z.string() }),
  /** A captured payment does not match its top-up: nothing is credited until an operator has looked at it. */
  'wallet.payment_held': z.object({ ...topUp, paymentIntent: z.string(), reason: z.string() }),
  /** A bank claims a charge that was added to a wallet: it buys nothing until that is decided. */
  'wallet.disputed': z.object({
    ...topUp,
    disputeId: z.string(),
    amount: z.number().int(),
    reason: z.string(),
  }),
  /** A part of a charge is to go back to its card; it has left the wallet. */
  'wallet.give_back_opened': z.object({
    ...topUp,
    paymentId: id,
    giveBackId: id,
    amount: z.number().int(),
    /** What the request named, of all its charges together; null for all that is unspent. */
    asked: z.number().int().nullable().optional(),
  }),
  /** Stripe reported a card as added, changed or removed: fetch it. */
  'wallet.card_reported': z.object({ buyerId: id, paymentMethod: z.string() }),
  /** Money was added to a wallet: what waited for it may be bought. */
  'wallet.credited': z.object(topUp),
} as const;
