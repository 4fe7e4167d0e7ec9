import { documentOf, escapeHtml, page, price } from '../page/html.ts';
import { type Answer, Refusal, type VendorRequest } from '../vendor.ts';
import type { Session } from './objects.ts';
import { goodCard, offeredCards } from './payments.ts';
import type { StripeStore } from './store.ts';
import { testCards } from './test-cards.ts';
import { assertRead, originsOf, type PageContext, seeOther, sentence } from './web.ts';

/** Test cards that the page lists; any other is entered by its number. */
const listed = ['4242424242424242', '4000000000000002', '4000000000009995', '4000002760003184'];

const unconfirmed =
  'We are unable to authenticate your payment method. Please choose a different payment method and try again.';

/** Serves the hosted page of session.url, on which a customer pays or saves a card. */
export function serveCheckout(context: PageContext, request: VendorRequest): Answer {
  const { store } = context;
  const [, id = '', action] = /^\/stripe\/checkout\/([^/]+)(\/pay)?$/.exec(request.path) ?? [];
  const session = store.sessions.get(id);
  if (!session) return sentence(404, 'This payment page does not exist', 'Check the link you were sent.');
  if (request.method === 'POST' && action)
    return submit(context, session, new URLSearchParams(request.rawBody));
  assertRead(request);
  return show(store, session, request.query.has('failed') ? lastFailure(store, session) : null);
}

function submit(context: PageContext, session: Session, form: URLSearchParams): Answer {
  if (session.status !== 'open') return show(context.store, session, null);
  const number = form.get('number')?.trim() ?? '';
  const card = number === '' ? (form.get('card') ?? goodCard) : number;
  try {
    const result =
      session.mode === 'setup'
        ? context.act.saveCard(session.id, { card })
        : context.act.pay(session.id, paymentFrom(card, form.get('offer') === 'yes'));
    if (result.declined) return show(context.store, session, result.declined.message);
    return seeOther(result.confirmUrl ?? session.success_url);
  } catch (error) {
    // A saved card may have been removed since the page was opened.
    if (!(error instanceof Refusal) || error.status !== 400) throw error;
    return show(context.store, session, error.message);
  }
}

const paymentFrom = (card: string, offerAgain: boolean) =>
  card === 'delayed' ? ({ method: 'delayed' } as const) : { card, offerAgain };

/** What the bank said when its page led back. */
function lastFailure(store: StripeStore, session: Session): string | null {
  const payment = store.payments.get(session.payment_intent ?? '')?.last_payment_error;
  const setup = store.setupIntents.get(session.setup_intent ?? '')?.last_setup_error;
  const error = payment ?? setup;
  if (typeof error?.message !== 'string') return null;
  return String(error.code).endsWith('_authentication_failure') ? unconfirmed : error.message;
}

function show(store: StripeStore, session: Session, problem: string | null): Answer {
  const saves = session.mode === 'setup';
  if (session.status === 'expired') {
    const title = saves ? 'This link has expired' : 'This payment link has expired';
    return sentence(200, title, 'Nothing was charged. Ask for a new link if you still want it.');
  }
  if (session.status === 'complete') return done(session);
  const amount = saves ? 'Save a card' : price(session.amount_total ?? 0, session.currency ?? 'usd');
  const submitLabel = saves ? 'Save card' : `Pay ${amount}`;
  const alert =
    problem === null ? '' : `<p class="problem" role="alert">${escapeHtml(problem)} Nothing was charged.</p>`;
  const back = session.cancel_url
    ? `<a class="back" href="${escapeHtml(session.cancel_url)}">← Back without ${saves ? 'saving' : 'paying'}</a>`
    : '';
  const body = `<body class="checkout">
<main>
  <p class="badge">Test payment · no real money</p>
  <h1>${escapeHtml(amount)}</h1>
  ${itemsOf(store, session)}
  ${alert}
  <form method="post" action="/stripe/checkout/${escapeHtml(session.id)}/pay">
    <fieldset>
      <legend>${saves ? 'Choose a test card' : 'Pay with a test card'}</legend>
      ${choices(store, session)}
      <label class="number"><span>Another card</span><input name="number" inputmode="numeric" autocomplete="off" maxlength="23" placeholder="Card number"></label>
    </fieldset>
    ${offerChoice(session)}
    <button type="submit" class="primary">${escapeHtml(submitLabel)}</button>
  </form>
  ${back}
</main>
</body>`;
  // A form may lead to the bank's page, and from there to the success page.
  const targets = originsOf([session.success_url, session.cancel_url]);
  return page(problem === null ? 200 : 402, documentOf(submitLabel, 'checkout', body), targets);
}

function done(session: Session): Answer {
  if (session.mode === 'setup') return sentence(200, 'Card saved', 'Thank you, the card was saved.');
  const paid = session.payment_status === 'paid';
  const text = paid ? 'Thank you, the payment went through.' : 'The payment is being processed.';
  return sentence(200, 'Already paid', text);
}

function itemsOf(store: StripeStore, session: Session): string {
  if (session.mode === 'setup') return '<p>It is kept for later payments. Nothing is charged now.</p>';
  const items = store.extras.get(session.id)?.lineItems ?? [];
  const line = (name: string, amount: string) =>
    `<li><span>${escapeHtml(name)}</span><b>${escapeHtml(amount)}</b></li>`;
  return `<ul class="items">${items.map((item) => line(item.description, price(item.amount_total, item.currency))).join('')}</ul>`;
}

/** Saved cards first. A delayed payment method is offered unless the session is restricted to cards. */
function choices(store: StripeStore, session: Session): string {
  const saved = session.mode === 'setup' ? [] : offeredCards(store, session);
  const cards = [
    ...saved.map(({ id, card }) => ({
      value: id,
      name: `${card.brand} •••• ${card.last4}`,
      fate: `saved, expires ${card.exp_month}/${card.exp_year}`,
    })),
    ...testCards
      .filter(({ number }) => listed.includes(number))
      .map(({ number, fate }) => ({ value: number, name: number.replace(/(.{4})(?=.)/g, '$1 '), fate })),
  ];
  const allowed = session.allowed_payment_method_types;
  if (session.mode === 'payment' && (allowed === null || allowed.includes('us_bank_account')))
    cards.push({ value: 'delayed', name: 'Bank debit', fate: 'settles later, or fails' });
  return cards
    .map(
      ({ value, name, fate }, index) =>
        `<label><input type="radio" name="card" value="${escapeHtml(value)}"${index === 0 ? ' checked' : ''}><span>${escapeHtml(name)}</span><small>${escapeHtml(fate)}</small></label>`,
    )
    .join('');
}

/** Asks whether later pages may offer the card, where the session lets the customer decide. */
function offerChoice(session: Session): string {
  const options = session.saved_payment_method_options as { payment_method_save: string | null } | null;
  if (session.mode === 'setup' || options?.payment_method_save !== 'enabled') return '';
  return '<label class="offer"><input type="checkbox" name="offer" value="yes" checked> Offer this card at later payments</label>';
}
