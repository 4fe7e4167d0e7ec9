/** Keyboard shortcuts, theme, menus and copy buttons. */

const rows = () => [...document.querySelectorAll('[data-row]')];
const current = () => document.querySelector('[data-row].is-current');

/** The focus moves to the row's link, so that a screen reader reads it and Enter opens it. */
function step(by) {
  const all = rows();
  if (all.length === 0) return;
  const focused = document.activeElement?.closest('[data-row]') ?? current();
  const at = all.indexOf(focused);
  const row = all[Math.min(all.length - 1, Math.max(0, at === -1 ? 0 : at + by))];
  current()?.classList.remove('is-current');
  row.classList.add('is-current');
  const link = row.querySelector('a, button');
  if (!link) row.tabIndex = -1;
  (link ?? row).focus({ preventScroll: true });
  row.scrollIntoView({ block: 'nearest' });
}

const help = document.querySelector('dialog[data-help]');
const shortcutsKey = 'leadgate-shortcuts';

function shortcutsAreOn() {
  try {
    return localStorage.getItem(shortcutsKey) !== 'off';
  } catch {
    return true;
  }
}

const shortcuts = help?.querySelector('[data-keys]');
if (shortcuts) {
  shortcuts.checked = shortcutsAreOn();
  shortcuts.addEventListener('change', () => {
    try {
      localStorage.setItem(shortcutsKey, shortcuts.checked ? 'on' : 'off');
    } catch {
      shortcuts.checked = true; // Storage is forbidden, so the choice cannot be kept.
    }
  });
}

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
  if (event.key === 'Escape') {
    closeMenus(event.target);
    closeQuestion(event.target);
  }
  if (event.target.matches('input, textarea, select')) {
    if (event.key === 'Escape') event.target.blur();
    return;
  }
  if (event.key === 'Enter' && event.target.matches('a, button, summary')) return;
  const act = keys[event.key];
  if (!act || !shortcutsAreOn()) return;
  event.preventDefault();
  act();
});

// --- Theme, menus, copy buttons ---

function switchTheme() {
  const theme = page.classList.contains('dark') ? 'light' : 'dark';
  page.classList.toggle('dark', theme === 'dark');
  try {
    localStorage.setItem('leadgate-theme', theme);
  } catch {
    // Not remembered, but switched.
  }
}

/** A menu closes by Escape, which returns the focus to its button, and by a click beside it. */
function closeMenus(inside) {
  for (const menu of document.querySelectorAll('details[data-menu][open]')) {
    menu.open = false;
    if (menu.contains(inside)) menu.querySelector('summary').focus();
  }
}

function closeQuestion(inside) {
  const question = inside.closest?.('details.confirm[open]');
  if (!question) return;
  question.open = false;
  question.querySelector('summary').focus();
}

document.addEventListener('click', async (event) => {
  for (const menu of document.querySelectorAll('details[data-menu][open]'))
    if (!menu.contains(event.target)) menu.open = false;
  const target = event.target.closest('[data-theme-switch], [data-copy], [data-show-help]');
  if (!target) return;
  if (target.matches('[data-theme-switch]')) switchTheme();
  else if (target.matches('[data-show-help]')) {
    closeMenus(target);
    help?.showModal();
  } else {
    await navigator.clipboard.writeText(document.getElementById(target.dataset.copy).textContent);
    globalThis.leadgate.say('Copied');
  }
});
