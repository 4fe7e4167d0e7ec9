import type { createActs } from '../control.ts';
import { documentOf, escapeHtml, page, price } from '../page/html.ts';
import { type Answer, Refusal, type VendorRequest } from '../vendor.ts';
import type { Session } from './objects.ts';
import { goodCard } from './payments.ts';
import type { StripeStore } from './store.ts';

type CheckoutContext = { store: StripeStore; act: Pick<ReturnType<typeof createActs>, 'pay'> };

/** Serves the hosted payment page of session.url. Works without scripts and on phones. */
export function serveCheckout(world: CheckoutContext, request: VendorRequest): Answer {
  const [, id = '', action] = /^\/stripe\/checkout\/([^/]+)(\/pay)?$/.exec(request.path) ?? [];
  const session = world.store.sessions.get(id);
  if (!session) return sentence(404, 'This payment page does not exist', 'Check the link you were sent.');
  if (request.method === 'POST' && action)
    return payFrom(world, session, new URLSearchParams(request.rawBody));
  if (request.method !== 'GET' && request.method !== 'HEAD')
    throw new Refusal(405, 405, 'Method Not Allowed');
  return show(world.store, session, null);
}

function payFrom(world: CheckoutContext, session: Session, form: URLSearchParams): Answer {
  if (session.status !== 'open') return show(world.store, session, null);
  const chosen = form.get('card') ?? goodCard;
  const result = world.act.pay(session.id, chosen === 'delayed' ? { method: 'delayed' } : { card: chosen });
  if (result.declined) return show(world.store, session, result.declined.message);
  return { status: 303, headers: { location: session.success_url, 'cache-control': 'no-store' }, body: '' };
}

function show(store: StripeStore, session: Session, problem: string | null): Answer {
  if (session.status === 'expired') {
    return sentence(
      200,
      'This payment link has expired',
      'Nothing was charged. Ask for a new link if you still want it.',
    );
  }
  if (session.status === 'complete') {
    const text =
      session.payment_status === 'paid'
        ? 'Thank you, the payment went through.'
        : 'The payment is being processed.';
    return sentence(200, 'Already paid', text);
  }
  const amount = price(session.amount_total, session.currency);
  const items = (store.extras.get(session.id)?.lineItems ?? [])
    .map(
      (item) =>
        `<li><span>${escapeHtml(item.description)}</span><b>${escapeHtml(price(item.amount_total, item.currency))}</b></li>`,
    )
    .join('');
  const alert =
    problem === null ? '' : `<p class="problem" role="alert">${escapeHtml(problem)} Nothing was charged.</p>`;
  const back = session.cancel_url
    ? `<a class="back" href="${escapeHtml(session.cancel_url)}">← Back without paying</a>`
    : '';
  const body = `<body class="checkout">
<main>
  <p class="badge">Test payment · no real money</p>
  <h1>${escapeHtml(amount)}</h1>
  <ul class="items">${items}</ul>
  ${alert}
  <form method="post" action="/stripe/checkout/${escapeHtml(session.id)}/pay">
    <fieldset>
      <legend>Pay with a test card</legend>
      ${choices(session)}
    </fieldset>
    <button type="submit" class="primary">Pay ${escapeHtml(amount)}</button>
  </form>
  ${back}
</main>
</body>`;
  const targets = [session.success_url, session.cancel_url ?? '']
    .filter((url) => url !== '')
    .map((url) => new URL(url).origin);
  return page(problem === null ? 200 : 402, documentOf(`Pay ${amount}`, 'checkout', body), [
    ...new Set(targets),
  ]);
}

/** A delayed payment method is offered unless the session is restricted to cards. */
function choices(session: Session): string {
  const cards: [string, string, string][] = [
    ['4242424242424242', '4242 4242 4242 4242', 'pays'],
    ['4000000000000002', '4000 0000 0000 0002', 'is declined'],
    ['4000000000009995', '4000 0000 0000 9995', 'has insufficient funds'],
  ];
  const allowed = session.allowed_payment_method_types;
  if (allowed === null || allowed.includes('us_bank_account')) {
    cards.push(['delayed', 'Bank debit', 'settles later, or fails']);
  }
  return cards
    .map(
      ([value, name, fate], index) =>
        `<label><input type="radio" name="card" value="${value}"${index === 0 ? ' checked' : ''}><span>${name}</span><small>${fate}</small></label>`,
    )
    .join('');
}

function sentence(status: number, title: string, text: string): Answer {
  const body = `<body class="checkout"><main><p class="badge">Test payment · no real money</p><h2>${escapeHtml(title)}</h2><p>${escapeHtml(text)}</p></main></body>`;
  return page(status, documentOf(title, 'checkout', body));
}
