/** Keeps the keyboard's place: across replaced parts of a page, after actions, and after a page load caused by a form. */

const focusable = 'a[href], button:not([disabled]), input:not([type="hidden"]), select, textarea, summary';
/** Not those inside a closed question, which cannot take the focus. */
const controlsOf = (scope) =>
  [...scope.querySelectorAll(focusable)].filter(
    (control) => control.matches('summary') || !control.closest('details:not([open])'),
  );

/** Where an element stands in its live region, by row and order, which the next version of the region still has. */
globalThis.leadgate.placeOf = (element) => {
  const region = element?.closest('[data-live]');
  if (!region) return null;
  const row = element.closest('[data-row]');
  return {
    region: region.dataset.live,
    row: row?.dataset.row,
    rowAt: [...region.querySelectorAll('[data-row]')].indexOf(row),
    at: controlsOf(row ?? region).indexOf(element),
  };
};

/** Moves the focus to that place, else to the row that took it, else to the heading of the part. */
globalThis.leadgate.goTo = (place, { scroll = true } = {}) => {
  const region = document.querySelector(`[data-live="${CSS.escape(place.region)}"]`);
  if (!region) return focusOn(document.querySelector('main'), scroll);
  const rows = [...region.querySelectorAll('[data-row]')];
  const same = rows.find((row) => row.dataset.row === place.row);
  const row = same ?? rows[Math.min(place.rowAt, rows.length - 1)];
  const controls = controlsOf(row ?? region);
  const target = (same || !place.row ? controls[place.at] : null) ?? controls[0];
  focusOn(target ?? row ?? region.closest('section')?.querySelector('h1, h2') ?? region, scroll);
};

function focusOn(element, scroll) {
  if (!element) return;
  if (!element.matches(focusable)) element.tabIndex = -1;
  element.focus({ preventScroll: true });
  if (scroll) element.scrollIntoView({ block: 'nearest' });
}

// A form that loads a page: the next page begins at what it says, or at the first wrong field.

const actedKey = 'leadgate-acted';

function remember(value) {
  try {
    sessionStorage.setItem(actedKey, value);
  } catch {
    // Storage may be forbidden; the next page then begins at its top.
  }
}

document.addEventListener('submit', (event) => {
  // Actions answer on the same page (console.js).
  if (event.target.method === 'post' && !event.target.matches('[data-action]')) remember('post');
});
globalThis.leadgate.returnTo = (name) => remember(`name ${name}`);

function begin() {
  let acted = null;
  try {
    acted = sessionStorage.getItem(actedKey);
    sessionStorage.removeItem(actedKey);
  } catch {
    return;
  }
  const wrong = document.querySelector('[aria-invalid="true"]');
  if (wrong) return wrong.focus();
  if (!acted || document.activeElement !== document.body) return;
  const named = acted.startsWith('name ') ? `[name="${CSS.escape(acted.slice(5))}"]` : null;
  const target = named
    ? document.querySelector(named)
    : (document.querySelector('.problem:not([hidden]), output.note, .secret') ??
      document.querySelector('h1'));
  if (!target) return;
  if (!target.matches(focusable)) target.tabIndex = -1;
  target.focus({ preventScroll: location.hash !== '' });
}
// The browser's jump to the place after the # takes the focus away, so it comes first.
if (location.hash) addEventListener('load', () => setTimeout(begin));
else begin();

// A select that acts at once: with a pointer when it changes, with keys on Enter, so that arrow keys can pass options by.

let byKeys = false;
document.addEventListener('keydown', () => (byKeys = true), true);
document.addEventListener('pointerdown', () => (byKeys = false), true);

function commit(select) {
  delete select.dataset.pending;
  if (!select.matches('[data-submit]')) return select.dispatchEvent(new Event('commit', { bubbles: true }));
  globalThis.leadgate.returnTo(select.name);
  select.form.requestSubmit();
}

document.addEventListener('change', ({ target }) => {
  if (!target.matches('select[data-submit], select[data-commit]')) return;
  if (byKeys) target.dataset.pending = '';
  else commit(target);
});
document.addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || !event.target.matches('select[data-pending]')) return;
  event.preventDefault();
  commit(event.target);
});
