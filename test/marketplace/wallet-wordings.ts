import { makeBuyer } from '../harness/market.ts';
import { makeWallet } from '../harness/wallets.ts';
import type { Provocations } from './wordings.ts';

/** Wordings of wallets and saved cards. */

const none = '0197a3c2-5b1e-7c44-9d55-2f6f3a1f0aff';
const wallet = '/api/payments/wallet';
const methods = '/api/payments/methods';

export const ofWallets: Provocations = {
  'POST /api/payments/wallet 400 Invalid amount': ({ ask, buyer }) =>
    ask(buyer, 'POST', wallet, { amount: 0.49 }),
  'POST /api/payments/wallet 400 No payment method available': ({ ask, buyer }) =>
    ask(buyer, 'POST', wallet, { amount: 50 }),
  'POST /api/payments/wallet 404 Payment method not found': async ({ api, ask, buyer, seller }) => {
    const { cardId } = await makeWallet(api, await makeBuyer(api, seller));
    return ask(buyer, 'POST', wallet, { amount: 50, paymentMethodId: cardId });
  },
  'POST /api/payments/wallet 400 Payment failed': async ({ ask, api, seller }) => {
    const broke = await makeBuyer(api, seller);
    await ask(broke, 'POST', methods, { paymentMethodId: 'pm_card_chargeCustomerFail' });
    return ask(broke, 'POST', wallet, { amount: 50 });
  },
  'PUT /api/payments/wallet 400 Invalid autoRechargeAmount': ({ ask, buyer }) =>
    ask(buyer, 'PUT', wallet, { autoRechargeAmount: -5 }),
  'POST /api/payments/setup-intent 409 Payment account not found': async ({ api, ask, seller }) => {
    const forgotten = await makeBuyer(api, seller);
    await makeWallet(api, forgotten, { card: false });
    return ask(forgotten, 'POST', '/api/payments/setup-intent');
  },
  'POST /api/payments/methods 400 Payment method ID is required': ({ ask, buyer }) =>
    ask(buyer, 'POST', methods, { paymentMethodId: ' ' }),
  'POST /api/payments/methods 404 Payment method not found': ({ ask, buyer }) =>
    ask(buyer, 'POST', methods, { paymentMethodId: 'pm_nowhere' }),
  'POST /api/payments/methods 400 Payment method declined': ({ ask, buyer }) =>
    ask(buyer, 'POST', methods, { paymentMethodId: 'pm_card_chargeDeclined' }),
  'POST /api/payments/methods 409 Payment account not found': async ({ api, ask, seller }) => {
    const forgotten = await makeBuyer(api, seller);
    await makeWallet(api, forgotten, { card: false });
    return ask(forgotten, 'POST', methods, { paymentMethodId: 'pm_card_visa' });
  },
  'PUT /api/payments/methods 400 Payment method ID is required': ({ ask, buyer }) =>
    ask(buyer, 'PUT', methods),
  'PUT /api/payments/methods 404 Payment method not found': ({ ask, buyer }) =>
    ask(buyer, 'PUT', methods, { paymentMethodId: none }),
  'DELETE /api/payments/methods 400 Payment method ID is required': ({ ask, buyer }) =>
    ask(buyer, 'DELETE', `${methods}?id=undefined`),
  'DELETE /api/payments/methods 404 Payment method not found': ({ ask, buyer }) =>
    ask(buyer, 'DELETE', `${methods}?id=${none}`),
};
