// All content is inserted as text nodes, so that data from vendor calls is never parsed as HTML.
const state = { phone: location.hash.slice(1) || null, view: null, wide: matchMedia('(min-width: 60rem)') };
const byId = (id) => document.getElementById(id);

function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === 'on') for (const [event, act] of Object.entries(value)) node.addEventListener(event, act);
    else if (value !== null && value !== undefined && value !== false)
      node.setAttribute(name, value === true ? '' : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** Turns http(s) URLs in a text into links that open in a new tab. */
function linked(text) {
  return text
    .split(/(https?:\/\/[^\s<>"]+[^\s<>".,;:!?)])/g)
    .map((part, index) =>
      index % 2 === 1 ? make('a', { href: part, target: '_blank', rel: 'noopener noreferrer' }, part) : part,
    );
}

const time = (iso) => new Date(iso).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });

/** Groups the digits of North American numbers. */
const formatNumber = (number) => number.replace(/^\+1(\d{3})(\d{3})(\d{4})$/, '+1 $1 $2 $3');

async function act(path, body = {}) {
  const response = await fetch(`/_sandbox/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!response.ok) {
    const answer = await response.json();
    byId('live').textContent = answer.error ?? `error ${response.status}`;
  }
  await refresh();
}

function drawPhones({ phones }) {
  if (state.phone && !phones.some((phone) => phone.number === state.phone)) state.phone = null;
  if (!state.phone && state.wide.matches) state.phone = phones[0]?.number ?? null;
  byId('phones').classList.toggle('open', state.phone !== null);
  byId('phone-list').replaceChildren(
    ...(phones.length === 0
      ? [make('p', { class: 'empty' }, 'No texts yet. They appear here as soon as one is sent.')]
      : []),
    ...phones.map((phone) => {
      const last = phone.bubbles.at(-1);
      return make(
        'button',
        {
          type: 'button',
          class: 'entry',
          'aria-current': phone.number === state.phone ? 'true' : null,
          on: { click: () => open(phone.number) },
        },
        make('strong', {}, formatNumber(phone.number)),
        make('time', {}, last ? time(last.at) : ''),
        make('span', {}, last ? `${last.by === 'phone' ? 'Replied: ' : ''}${last.text}` : ''),
      );
    }),
  );
  drawConversation(phones.find((phone) => phone.number === state.phone));
}

function drawConversation(phone) {
  byId('phone-number').textContent = phone ? formatNumber(phone.number) : 'No phone yet';
  const flag = phone?.optedOut
    ? 'opted out'
    : phone?.refuse
      ? `refuses: ${phone.refuse}`
      : phone?.fail
        ? `fails: ${phone.fail}`
        : '';
  byId('phone-flag').textContent = flag;
  for (const control of document.querySelectorAll('#reply input, #reply button, #quick button'))
    control.disabled = !phone;
  const box = byId('bubbles');
  const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 60;
  const switched = box.dataset.number !== (phone?.number ?? '');
  box.dataset.number = phone?.number ?? '';
  box.replaceChildren(
    ...(phone?.bubbles ?? []).map((bubble) =>
      make(
        'div',
        { class: `bubble ${bubble.by}` },
        make('p', {}, ...linked(bubble.text)),
        make(
          'small',
          {},
          [
            bubble.by === 'carrier' ? 'carrier' : bubble.provider,
            bubble.status,
            bubble.errorCode,
            time(bubble.at),
          ]
            .filter(Boolean)
            .join(' · '),
        ),
      ),
    ),
  );
  if (atEnd || switched) box.scrollTop = box.scrollHeight;
}

function open(number) {
  state.phone = number;
  history.replaceState(null, '', number ? `#${number}` : location.pathname);
  if (state.view) drawPhones(state.view);
}

function drawPayments({ payments }) {
  const button = (label, path, body) =>
    make('button', { type: 'button', on: { click: () => act(path, body) } }, label);
  byId('payment-list').replaceChildren(
    ...(payments.length === 0 ? [make('p', { class: 'empty' }, 'No payments yet.')] : []),
    ...payments.map((payment) =>
      make(
        'article',
        {},
        make(
          'div',
          { class: 'row' },
          make('strong', {}, payment.price),
          make('span', { class: `chip ${payment.state.replace(' ', '-')}` }, payment.state),
        ),
        make('p', {}, payment.title),
        make('small', {}, `${payment.id.slice(0, 18)}… · ${time(payment.at)}`),
        make(
          'div',
          { class: 'actions' },
          payment.url
            ? make('a', { href: payment.url, target: '_blank', rel: 'noopener' }, payment.link)
            : null,
          payment.state === 'processing'
            ? button('Settles', `checkout/${payment.id}/async`, { outcome: 'succeeded' })
            : null,
          payment.state === 'processing'
            ? button('Fails', `checkout/${payment.id}/async`, { outcome: 'failed' })
            : null,
          payment.refundable ? button('Refund', `payments/${payment.paymentIntent}/refund`) : null,
          payment.refundable ? button('Dispute', `payments/${payment.paymentIntent}/dispute`) : null,
        ),
      ),
    ),
  );
}

const opened = new Set();

function drawEmails({ emails }) {
  byId('email-list').replaceChildren(
    ...(emails.length === 0 ? [make('p', { class: 'empty' }, 'The mailbox is empty.')] : []),
    ...emails.map((email) => {
      const key = email.messageId + email.to;
      const remember = (event) => (event.target.open ? opened.add(key) : opened.delete(key));
      return make(
        'article',
        {},
        make(
          'details',
          { open: opened.has(key), on: { toggle: remember } },
          make(
            'summary',
            {},
            make('strong', {}, email.subject),
            make('small', {}, `to ${email.to} · ${time(email.at)} · ${email.events.at(-1) ?? 'accepted'}`),
          ),
          make('pre', {}, ...linked(email.text || email.html || '')),
        ),
      );
    }),
  );
}

/** Shows active faults and webhooks that are held back, if any. */
function drawStrip({ faults, held }) {
  const strip = byId('strip');
  strip.hidden = faults.length + held.length === 0;
  strip.replaceChildren(
    ...faults.map((fault) =>
      make('span', { class: 'chip fault' }, `fault: ${fault.text} (${fault.struck}×)`),
    ),
    ...held.map((hook) =>
      make(
        'button',
        { type: 'button', on: { click: () => act(`webhooks/${hook.id}/deliver`) } },
        `Deliver ${hook.vendor} ${hook.event}`,
      ),
    ),
  );
}

/** Restores the focus after a redraw, so that keyboard users keep their position. */
function keepingFocus(redraw) {
  const focused = document.activeElement;
  redraw();
  if (!focused || focused.isConnected) return;
  const same = [...document.querySelectorAll(focused.tagName)].find(
    (node) => node.textContent === focused.textContent,
  );
  same?.focus({ preventScroll: true });
}

let running = false;
let again = false;

async function refresh() {
  if (running) {
    again = true;
    return;
  }
  running = true;
  try {
    const response = await fetch('/view');
    state.view = await response.json();
    draw(state.view);
  } finally {
    running = false;
  }
  if (again) {
    again = false;
    await refresh();
  }
}

const drawn = {};

/** Redraws changed parts only, and none during a press: replacing the pressed button would lose the click. */
function draw(view) {
  if (state.pressing) return;
  const parts = { strip: drawStrip, phones: drawPhones, payments: drawPayments, emails: drawEmails };
  const { phones, payments, emails, faults, held } = view;
  const data = { strip: { faults, held }, phones: { phones }, payments: { payments }, emails: { emails } };
  for (const [name, part] of Object.entries(parts)) {
    const now = JSON.stringify(data[name]);
    if (drawn[name] === now) continue;
    drawn[name] = now;
    keepingFocus(() => part(data[name]));
  }
  byId('count-phones').textContent = view.phones.length || '';
  byId('count-payments').textContent = view.payments.length || '';
  byId('count-mailbox').textContent = view.emails.length || '';
}

function reply(text) {
  if (state.phone && text !== '') act(`phones/${encodeURIComponent(state.phone)}/reply`, { text });
}

byId('reply').addEventListener('submit', (event) => {
  event.preventDefault();
  reply(byId('reply-text').value);
  byId('reply-text').value = '';
});
byId('quick').addEventListener('click', (event) => {
  if (event.target instanceof HTMLButtonElement) reply(event.target.textContent);
});
byId('phone-back').addEventListener('click', () => open(null));
for (const tab of document.querySelectorAll('.tabs button')) {
  tab.addEventListener('click', () => {
    byId('main').dataset.tab = tab.dataset.tab;
    for (const other of document.querySelectorAll('.tabs button'))
      other.setAttribute('aria-pressed', String(other === tab));
  });
}

addEventListener('pointerdown', () => {
  state.pressing = true;
});
for (const end of ['pointerup', 'pointercancel']) {
  addEventListener(end, () => {
    state.pressing = false;
    setTimeout(() => state.view && draw(state.view));
  });
}

const stream = new EventSource('/_sandbox/stream');
stream.addEventListener('message', () => refresh());
stream.addEventListener('open', () => {
  byId('live').textContent = 'live';
  byId('live').dataset.on = 'true';
});
stream.addEventListener('error', () => {
  byId('live').textContent = 'reconnecting';
  delete byId('live').dataset.on;
});
