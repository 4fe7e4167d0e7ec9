import { documentOf, escapeHtml, page, price } from '../page/html.ts';
import type { Answer, VendorRequest } from '../vendor.ts';
import { type Waiting, waitingFor } from './confirmations.ts';
import { sessionOf } from './lookup.ts';
import type { PaymentIntent } from './objects.ts';
import { assertRead, originsOf, type PageContext, seeOther, sentence } from './web.ts';

/** The bank's page (3-D Secure), on which the cardholder confirms a payment or the saving of a card, or fails to. */
export function serveConfirmation(context: PageContext, request: VendorRequest): Answer {
  const [, id = ''] = /^\/stripe\/confirm\/([^/]+)$/.exec(request.path) ?? [];
  const waiting = waitingFor(context.store, id);
  if (!waiting) return sentence(200, 'Nothing to confirm', 'This payment no longer waits for you.');
  if (request.method === 'POST') return decide(context, waiting, new URLSearchParams(request.rawBody));
  assertRead(request);
  return show(context, waiting);
}

function decide(context: PageContext, waiting: Waiting, form: URLSearchParams): Answer {
  const { intent, returnUrl } = waiting;
  const session = sessionOf(context.store, intent);
  const wanted = form.get('outcome') === 'succeeded' ? 'succeeded' : 'failed';
  const { succeeded } = context.act.confirmAtBank(intent.id, wanted);
  if (session && !succeeded)
    return seeOther(`${context.store.baseUrl}/stripe/checkout/${session.id}?failed=1`);
  if (session) return seeOther(session.success_url);
  if (returnUrl !== null) return seeOther(returnTo(returnUrl, waiting, succeeded));
  return succeeded
    ? sentence(200, 'Confirmed', 'Thank you. You may close this page.')
    : sentence(200, 'Not confirmed', 'Nothing was charged. You may close this page.');
}

/** Stripe adds the intent, its secret and the outcome. */
function returnTo(returnUrl: string, { intent }: Waiting, succeeded: boolean): string {
  const name = intent.object === 'setup_intent' ? 'setup_intent' : 'payment_intent';
  const url = new URL(returnUrl);
  url.searchParams.set(name, intent.id);
  url.searchParams.set(`${name}_client_secret`, intent.client_secret);
  url.searchParams.set('redirect_status', succeeded ? 'succeeded' : 'failed');
  return url.toString();
}

function show({ store }: PageContext, { intent, returnUrl }: Waiting): Answer {
  const session = sessionOf(store, intent);
  const paying = intent.object === 'payment_intent' ? (intent as PaymentIntent) : null;
  const what = paying ? `a payment of ${price(paying.amount, paying.currency)}` : 'the saving of your card';
  const body = `<body class="checkout consent">
<main>
  <p class="badge">3-D Secure · test bank</p>
  <h1>Is this you?</h1>
  <p>Your bank asks you to confirm ${escapeHtml(what)}.</p>
  <form method="post" action="/stripe/confirm/${escapeHtml(intent.id)}">
    <button type="submit" class="primary" name="outcome" value="succeeded">Authenticate</button>
    <button type="submit" name="outcome" value="failed">Fail</button>
  </form>
</main>
</body>`;
  const targets = originsOf([returnUrl, session?.success_url ?? null]);
  return page(200, documentOf('Confirm at your bank', 'checkout', body), targets);
}
