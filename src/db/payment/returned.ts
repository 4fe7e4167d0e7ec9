import { sql } from 'drizzle-orm';

/**
 * What of a payment `y` is no longer ours, as SQL. Every figure of the console is made of these: what Stripe has sent
 * back, and what of the remainder banks claim.
 */
export const refundedOf = sql.raw('y.refunded_minor');
export const disputedOf = sql.raw(
  'least(y.disputed_minor, y.amount_minor - y.refunded_minor - y.refunding_minor)',
);
