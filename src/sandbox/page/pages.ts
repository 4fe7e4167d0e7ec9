import { readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { contactsView } from '../ghl/acts.ts';
import { type Answer, json, Refusal, type VendorRequest } from '../vendor.ts';
import type { World } from '../world.ts';
import { documentOf, page } from './html.ts';
import { paymentsView } from './payments-view.ts';

export type Pages = {
  handle(request: VendorRequest): Answer;
  stream(response: ServerResponse): void;
  changed(): void;
  close(): void;
};

const assets: Record<string, { type: string; body: string }> = {
  '/assets/base.css': asset('base.css', 'text/css; charset=utf-8'),
  '/assets/desk.css': asset('desk.css', 'text/css; charset=utf-8'),
  '/assets/checkout.css': asset('checkout.css', 'text/css; charset=utf-8'),
  '/assets/crm.css': asset('crm.css', 'text/css; charset=utf-8'),
  '/assets/crm.js': asset('crm.js', 'text/javascript; charset=utf-8'),
  '/assets/sandbox.js': asset('sandbox.js', 'text/javascript; charset=utf-8'),
};

/** Limits the stream to five updates a second. */
const pushEveryMs = 200;
const shown = { phones: 60, emails: 60, payments: 60, webhooks: 30 };

/** Serves the sandbox's web pages: phones, mailbox, payments and CRM contacts, updated live. */
export function createPages(world: World): Pages {
  const listeners = new Set<ServerResponse>();
  let timer: NodeJS.Timeout | null = null;

  const push = () => {
    timer = null;
    for (const listener of listeners) listener.write('data: changed\n\n');
  };
  const handle = (request: VendorRequest): Answer => {
    if (request.method !== 'GET' && request.method !== 'HEAD') throw new Refusal(404, 404, 'Not Found');
    const found = assets[request.path];
    if (found) {
      const headers = {
        'content-type': found.type,
        'cache-control': 'no-cache',
        'x-content-type-options': 'nosniff',
      };
      return { status: 200, headers, body: found.body };
    }
    if (request.path === '/') return page(200, shell);
    if (request.path === '/view') return json(200, view(world), { 'cache-control': 'no-store' });
    if (request.path === '/crm') return page(200, crmShell);
    if (request.path === '/view/contacts')
      return json(200, contactsView(world.ghl, request.query), { 'cache-control': 'no-store' });
    throw new Refusal(404, 404, 'Not Found');
  };
  const stream = (response: ServerResponse) => {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.write('retry: 1000\ndata: changed\n\n');
    listeners.add(response);
    response.on('close', () => listeners.delete(response));
  };
  const changed = () => {
    if (listeners.size > 0) timer ??= setTimeout(push, pushEveryMs);
  };
  const close = () => {
    if (timer) clearTimeout(timer);
    for (const listener of listeners) listener.end();
  };
  return { handle, stream, changed, close };
}

/** Data of the main page: newest first, with a limit per list. */
function view(world: World) {
  const { store, phones, sendgrid, faults, webhooks } = world;
  const held = [...webhooks.list({ state: 'withheld' }), ...webhooks.list({ state: 'held' })];
  return {
    phones: phones.recent(shown.phones),
    emails: sendgrid.mailbox(shown.emails),
    payments: paymentsView(store, shown.payments),
    faults: faults
      .list()
      .map((fault) => ({ id: fault.id, text: `${fault.vendor} ${fault.kind}`, struck: fault.struck })),
    held: held.slice(-shown.webhooks).map(({ id, vendor, event }) => ({ id, vendor, event })),
  };
}

function asset(name: string, type: string) {
  return { type, body: readFileSync(new URL(`./${name}`, import.meta.url), 'utf8') };
}

const shell = documentOf(
  'Sandbox: phones, mailbox, payments',
  'desk',
  `<body class="desk">
<header>
  <h1>Vendor sandbox</h1>
  <p class="lead">Stripe, Twilio, TextMagic, SendGrid and GoHighLevel, simulated on this machine. No messages are sent and no money is charged.</p>
  <a href="/crm">CRM contacts</a>
  <span id="live" class="live" role="status">connecting</span>
</header>
<div id="strip" class="strip" hidden></div>
<nav class="tabs" aria-label="Sections">
  <button type="button" data-tab="phones" aria-pressed="true">Phones <b id="count-phones"></b></button>
  <button type="button" data-tab="payments" aria-pressed="false">Payments <b id="count-payments"></b></button>
  <button type="button" data-tab="mailbox" aria-pressed="false">Mailbox <b id="count-mailbox"></b></button>
</nav>
<main id="main" data-tab="phones">
  <section id="phones" aria-label="Phones">
    <div class="list" id="phone-list"></div>
    <div class="phone" id="phone">
      <div class="phone-head"><button type="button" id="phone-back" class="plain" aria-label="All phones">‹</button><h2 id="phone-number">No phone yet</h2><span id="phone-flag" class="flag"></span></div>
      <div class="bubbles" id="bubbles" tabindex="0" aria-live="polite"></div>
      <form id="reply"><label for="reply-text" class="hidden">Reply as this phone</label><input id="reply-text" autocomplete="off" placeholder="Reply as this phone" maxlength="1600"><button class="primary" type="submit">Send</button></form>
      <div class="quick" id="quick"><button type="button">Y</button><button type="button">N</button><button type="button">STOP</button><button type="button">START</button></div>
    </div>
  </section>
  <section id="payments" aria-label="Payments"><h2>Payments</h2><div id="payment-list" class="cards"></div></section>
  <section id="mailbox" aria-label="Mailbox"><h2>Mailbox</h2><div id="email-list" class="cards"></div></section>
</main>
<noscript><p class="problem">This page needs JavaScript to show the phones live.</p></noscript>
</body>`,
  '<script src="/assets/sandbox.js" defer></script>',
);

const crmShell = documentOf(
  'Sandbox: CRM contacts',
  'crm',
  `<body class="crm">
<header>
  <h1>GoHighLevel contacts</h1>
  <p id="totals"></p>
  <a href="/">Phones and payments</a>
  <span id="live" class="live" role="status">connecting</span>
</header>
<form id="filter" role="search">
  <label for="query" class="hidden">Search</label>
  <input id="query" type="search" placeholder="Name, phone, e-mail or tag" autocomplete="off">
  <label for="location" class="hidden">Location</label>
  <select id="location"><option value="">All locations</option></select>
</form>
<p id="problem" class="problem" role="alert"></p>
<main><ul id="contacts" aria-label="Contacts, newest first"></ul></main>
<noscript><p class="problem">This page needs JavaScript to show the contacts live.</p></noscript>
</body>`,
  '<script src="/assets/crm.js" defer></script>',
);
