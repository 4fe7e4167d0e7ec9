import { readFileSync } from 'node:fs';

/** Where the SDK declares each object. */
const declared: Record<string, string> = {
  balance_transaction: 'BalanceTransactions.d.ts BalanceTransaction',
  charge: 'Charges.d.ts Charge',
  'checkout.session': 'Checkout/Sessions.d.ts Session',
  customer: 'Customers.d.ts Customer',
  payment_intent: 'PaymentIntents.d.ts PaymentIntent',
  payment_method: 'PaymentMethods.d.ts PaymentMethod',
  setup_intent: 'SetupIntents.d.ts SetupIntent',
};

/**
 * What the installed `stripe` package declares for an object of the API: the fields that every answer has, and all that it
 * may have.
 */
export function declaredFields(object: string): { always: string[]; known: Set<string> } {
  const [file = '', name = ''] = (declared[object] ?? '').split(' ');
  const url = new URL(`../../node_modules/stripe/esm/resources/${file}`, import.meta.url);
  const source = readFileSync(url, 'utf8');
  const start = source.indexOf(`export interface ${name} {`);
  if (start < 0) throw new Error(`the stripe package declares no ${name} in ${file}`);
  const body = source.slice(start, source.indexOf('\n}', start));
  const fields = [...body.matchAll(/^ {4}([a-z_]+)(\??):/gm)];
  return {
    always: fields.filter(([, , mark]) => mark === '').map(([, field = '']) => field),
    known: new Set(fields.map(([, field = '']) => field)),
  };
}
