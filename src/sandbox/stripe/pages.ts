import type { Answer, VendorRequest } from '../vendor.ts';
import { serveCheckout } from './checkout-page.ts';
import { serveConfirmation } from './confirm-page.ts';
import { type PageContext, sentence } from './web.ts';

/** The hosted pages: a session's page, and the bank's page that confirms a payment. They work without scripts. */
export function serveStripePages(context: PageContext, request: VendorRequest): Answer {
  if (request.path.startsWith('/stripe/checkout/')) return serveCheckout(context, request);
  if (request.path.startsWith('/stripe/confirm/')) return serveConfirmation(context, request);
  return sentence(404, 'This page does not exist', 'Check the link you were sent.');
}
