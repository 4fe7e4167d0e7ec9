/** Live regions and actions without a page load. All pages work without this script. */

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
  globalThis.leadgate.localTimes(next);
  const selected = document.querySelector('.is-current')?.dataset.row;
  for (const region of document.querySelectorAll('[data-live]')) {
    const fresh = next.querySelector(`[data-live="${region.dataset.live}"]`);
    // A part in use, by typing, pressing or an opened list, is replaced when that ends.
    const inUse =
      ':has(input:focus, select:focus, textarea:focus, a:active, button:active, summary:active, details[open])';
    if (!fresh || region.matches(inUse) || fresh.innerHTML === region.innerHTML) continue;
    const place = region.contains(document.activeElement)
      ? globalThis.leadgate.placeOf(document.activeElement)
      : null;
    region.replaceChildren(...document.importNode(fresh, true).childNodes);
    if (place) globalThis.leadgate.goTo(place, { scroll: false });
  }
  const row = selected && document.querySelector(`[data-row="${CSS.escape(selected)}"]`);
  if (row) row.classList.add('is-current');
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
  const button = event.submitter ?? form.querySelector('button');
  // A question closes when it is answered; the focus then belongs to the button that opened it.
  const question = form.closest('details.confirm');
  const place = globalThis.leadgate.placeOf(question?.querySelector('summary') ?? button);
  button.disabled = true;
  button.setAttribute('aria-busy', 'true');
  const answer = await fetch(form.action, {
    method: 'POST',
    body: new URLSearchParams(new FormData(form)),
    redirect: 'manual',
  }).catch(() => ({ ok: false, status: 0 }));
  if (answer.ok || answer.type === 'opaqueredirect') {
    question?.removeAttribute('open');
    await refresh();
    say(form.dataset.action);
    // Replaced above; a button that is still here acts on something that is not shown live.
    if (button.isConnected) button.removeAttribute('aria-busy');
    if (place) globalThis.leadgate.goTo(place);
  } else {
    button.disabled = false;
    button.removeAttribute('aria-busy');
    button.focus();
    say(
      answer.status === 401
        ? 'Your session has ended. Sign in again.'
        : 'Something went wrong. Reload the page and try again.',
    );
  }
});

/** The line is always in the page, so that screen readers announce its changes. */
function say(text) {
  const line = document.querySelector('[data-announce]');
  line.textContent = text;
  clearTimeout(say.timer);
  say.timer = setTimeout(() => {
    line.textContent = '';
  }, 4000);
}
globalThis.leadgate.say = say;
