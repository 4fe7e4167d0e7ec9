import { sql } from 'drizzle-orm';

/**
 * What of a payment `y` is no longer ours, as SQL. Every figure of the console is made of these two: what Stripe has sent
 * back, and what of the remainder a dispute holds.
 */
export const refundedOf = sql.raw('y.refunded_minor');
export const disputedOf = sql.raw(
  'CASE WHEN y.disputed_at IS NULL THEN 0 ELSE y.amount_minor - y.refunded_minor END',
);
