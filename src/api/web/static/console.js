/** Live regions, actions without a page load, keyboard shortcuts. All pages work without this script. */

const page = document.documentElement;

// --- Live: the server announces a change; the page fetches itself and replaces its live regions. ---

let refreshing = null;
let again = false;

function refresh() {
  if (refreshing) {
    again = true;
    return refreshing;
  }
  refreshing = load().finally(() => {
    refreshing = null;
    if (again) {
      again = false;
      refresh();
    }
  });
  return refreshing;
}

async function load() {
  const answer = await fetch(location.href, { headers: { accept: 'text/html' }, redirect: 'manual' });
  if (answer.type === 'opaqueredirect' || answer.status === 401) return location.reload();
  if (!answer.ok) return;
  const next = new DOMParser().parseFromString(await answer.text(), 'text/html');
  const selected = current()?.dataset.row;
  for (const region of document.querySelectorAll('[data-live]')) {
    const fresh = next.querySelector(`[data-live="${region.dataset.live}"]`);
    // A region in use is not replaced until the user is done with it.
    if (!fresh || region.matches(':has(:focus-visible, button:active, details.confirm[open])')) continue;
    if (fresh.innerHTML !== region.innerHTML)
      region.replaceChildren(...document.importNode(fresh, true).childNodes);
  }
  if (selected) select(rows().find((row) => row.dataset.row === selected));
}

if (document.body.dataset.stream) {
  let stream;
  const watch = () => {
    stream = new EventSource(document.body.dataset.stream);
    stream.addEventListener('open', () => {
      page.dataset.connection = 'live';
      // Changes between rendering the page and opening the stream are not announced, so refresh once. The delay lets
      // cached results expire.
      setTimeout(() => !document.hidden && refresh(), 1_000);
    });
    stream.addEventListener('error', () => {
      page.dataset.connection = 'lost';
      // After a refusal the browser does not reconnect by itself.
      if (stream.readyState === EventSource.CLOSED) setTimeout(watch, 60_000);
    });
    stream.addEventListener('changed', () => {
      if (!document.hidden) refresh();
    });
  };
  watch();
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) refresh();
  });
  addEventListener('pagehide', () => stream.close());
}

// --- Actions: a form with data-action is submitted without a page load. ---

document.addEventListener('submit', async (event) => {
  const form = event.target;
  if (!form.matches('form[data-action]')) return;
  event.preventDefault();
  const button = form.querySelector('button');
  button.disabled = true;
  button.setAttribute('aria-busy', 'true');
  const answer = await fetch(form.action, {
    method: 'POST',
    body: new URLSearchParams(new FormData(form)),
    redirect: 'manual',
  });
  if (answer.ok || answer.type === 'opaqueredirect') {
    say(form.dataset.action);
    button.blur();
    form.closest('details.confirm')?.removeAttribute('open');
    await refresh();
  } else {
    button.disabled = false;
    button.removeAttribute('aria-busy');
    say(
      answer.status === 401
        ? 'Your session has ended. Sign in again.'
        : 'Something went wrong. Reload the page and try again.',
    );
  }
});

function say(text) {
  const line = document.querySelector('[data-announce]');
  line.textContent = text;
  line.hidden = false;
  clearTimeout(say.timer);
  say.timer = setTimeout(() => {
    line.hidden = true;
  }, 4000);
}

// --- Keys ---

const rows = () => [...document.querySelectorAll('[data-row]')];
const current = () => document.querySelector('[data-row].is-current');

function select(row) {
  current()?.classList.remove('is-current');
  row?.classList.add('is-current');
}

function step(by) {
  const all = rows();
  if (all.length === 0) return;
  const at = all.indexOf(current());
  const row = all[Math.min(all.length - 1, Math.max(0, at === -1 ? 0 : at + by))];
  select(row);
  row.scrollIntoView({ block: 'nearest' });
}

const help = document.querySelector('dialog[data-help]');

const keys = {
  '/': () => {
    const search = document.querySelector('input[type="search"]');
    search?.focus();
    search?.select();
  },
  j: () => step(1),
  k: () => step(-1),
  Enter: () => current()?.querySelector('a')?.click(),
  u: () => document.querySelector('a[data-up]')?.click(),
  t: () => switchTheme(),
  '?': () => (help?.open ? help.close() : help?.showModal()),
};

document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === 'Escape') event.target.closest?.('details.confirm[open]')?.removeAttribute('open');
  if (event.target.matches('input, textarea, select')) {
    if (event.key === 'Escape') event.target.blur();
    return;
  }
  if (event.key === 'Enter' && event.target.matches('a, button, summary')) return;
  const act = keys[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

// --- Theme, copy buttons, filters ---

function switchTheme() {
  const theme = page.classList.contains('dark') ? 'light' : 'dark';
  try {
    localStorage.setItem('leadgate-theme', theme);
  } catch {
    page.classList.toggle('dark', theme === 'dark'); // Not remembered, but switched.
    return;
  }
  page.classList.toggle('dark', theme === 'dark');
}

document.addEventListener('click', async (event) => {
  const target = event.target.closest('[data-theme-switch], [data-copy], [data-show-help]');
  if (!target) return;
  if (target.matches('[data-theme-switch]')) switchTheme();
  else if (target.matches('[data-show-help]')) help?.showModal();
  else {
    await navigator.clipboard.writeText(document.getElementById(target.dataset.copy).textContent);
    say('Copied');
  }
});

document.addEventListener('change', (event) => {
  if (event.target.matches('select[data-submit]')) event.target.form.requestSubmit();
});
