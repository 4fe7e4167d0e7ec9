// All content is inserted as text nodes, so that data from vendor calls is never parsed as HTML.
const byId = (id) => document.getElementById(id);
const opened = new Set();
const drawn = { list: '', locations: '' };
const chosen = new URLSearchParams(location.search);

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

const formatTime = (iso) => new Date(iso).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
const formatCount = (number) => number.toLocaleString('en-US');
const plural = (number, word) => `${formatCount(number)} ${word}${number === 1 ? '' : 's'}`;

/** Changes a contact as a CRM user. */
async function edit(id, change) {
  const response = await fetch(`/_sandbox/ghl/contacts/${id}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(change),
  });
  byId('problem').textContent = response.ok
    ? ''
    : ((await response.json()).error ?? 'The contact could not be saved.');
  drawn.list = '';
  await refresh();
}

function field(contact, name, label, value, type = 'text') {
  const id = `${contact.id}-${name}`;
  return make(
    'p',
    {},
    make('label', { for: id }, label),
    make('input', { id, name, type, value: value ?? '', autocomplete: 'off' }),
  );
}

function form(contact) {
  const save = (event) => {
    event.preventDefault();
    const given = Object.fromEntries(new FormData(event.target));
    event.submitter?.blur();
    edit(contact.id, given);
  };
  return make(
    'form',
    { class: 'edit', on: { submit: save } },
    field(contact, 'name', 'Name', contact.name),
    field(contact, 'phone', 'Phone', contact.phone, 'tel'),
    field(contact, 'email', 'E-mail', contact.email, 'email'),
    make(
      'div',
      { class: 'actions' },
      make('button', { type: 'submit', class: 'primary' }, 'Save as CRM user'),
      make(
        'button',
        {
          type: 'button',
          on: {
            click: () =>
              edit(contact.id, {
                dnd: !contact.dnd,
                dndSettings: { SMS: { status: contact.dnd ? 'inactive' : 'active' } },
              }),
          },
        },
        contact.dnd ? 'Allow messages again' : 'Do not disturb',
      ),
    ),
  );
}

function row(contact) {
  const remember = (event) => (event.target.open ? opened.add(contact.id) : opened.delete(contact.id));
  return make(
    'li',
    {},
    make(
      'details',
      { open: opened.has(contact.id), on: { toggle: remember } },
      make(
        'summary',
        {},
        make('strong', {}, contact.name || 'No name'),
        make('span', { class: 'reach' }, [contact.phone, contact.email].filter(Boolean).join(' · ')),
        make(
          'span',
          { class: 'tags' },
          contact.dnd ? make('b', { class: 'chip dnd' }, 'do not disturb') : null,
          ...contact.tags.map((tag) => make('b', { class: 'chip' }, tag)),
        ),
        make('small', {}, [contact.source, contact.location].filter(Boolean).join(' · ')),
        make('time', { datetime: contact.updatedAt }, formatTime(contact.updatedAt)),
      ),
      make(
        'div',
        { class: 'inside' },
        make(
          'dl',
          {},
          ...[['id', contact.id], ...contact.more].flatMap(([name, value]) => [
            make('dt', {}, name),
            make('dd', {}, value),
          ]),
        ),
        form(contact),
      ),
    ),
  );
}

const sameAs = (part, value) => {
  const now = JSON.stringify(value);
  const same = drawn[part] === now;
  drawn[part] = now;
  return same;
};

function drawContacts({ contacts }) {
  // Redrawing would discard what is being typed.
  if (document.activeElement?.closest('.edit input') || pressing) return;
  if (sameAs('list', contacts)) return;
  const focused = document.activeElement?.closest('#contacts li')?.dataset.id;
  const filtered = chosen.get('query') || chosen.get('location');
  const empty = filtered
    ? 'No contacts match.'
    : 'No contacts yet. They appear here as soon as the API writes one.';
  byId('contacts').replaceChildren(
    ...(contacts.length === 0 ? [make('li', { class: 'empty' }, empty)] : []),
    ...contacts.map((contact) => {
      const item = row(contact);
      item.dataset.id = contact.id;
      return item;
    }),
  );
  if (focused) document.querySelector(`li[data-id="${focused}"] summary`)?.focus({ preventScroll: true });
}

function drawLocations({ locations, total }) {
  const calls = locations.reduce((sum, one) => sum + one.calls, 0);
  const limited = locations.reduce((sum, one) => sum + one.limited, 0);
  byId('totals').textContent =
    `${plural(total, 'contact')} in ${plural(locations.length, 'location')} · ${plural(calls, 'call')}` +
    (limited > 0 ? ` · ${formatCount(limited)} refused (429)` : '');
  const list = locations.map(({ id, contacts }) => [id, contacts]);
  if (document.activeElement === byId('location') || sameAs('locations', list)) return;
  byId('location').replaceChildren(
    make('option', { value: '' }, 'All locations'),
    ...list.map(([id, contacts]) => make('option', { value: id }, `${id} (${formatCount(contacts)})`)),
  );
  byId('location').value = chosen.get('location') ?? '';
}

let running = false;
let again = false;
let pressing = false;
let view = null;

async function refresh() {
  if (running) {
    again = true;
    return;
  }
  running = true;
  try {
    view = await (await fetch(`/view/contacts?${chosen}`)).json();
    drawLocations(view);
    drawContacts(view);
  } finally {
    running = false;
  }
  if (again) {
    again = false;
    await refresh();
  }
}

function choose(name, value) {
  if (value === '') chosen.delete(name);
  else chosen.set(name, value);
  history.replaceState(null, '', chosen.size > 0 ? `?${chosen}` : location.pathname);
  refresh();
}

byId('query').value = chosen.get('query') ?? '';
byId('query').addEventListener('input', (event) => choose('query', event.target.value.trim()));
byId('location').addEventListener('change', (event) => choose('location', event.target.value));
byId('filter').addEventListener('submit', (event) => event.preventDefault());
addEventListener('pointerdown', () => {
  pressing = true;
});
for (const end of ['pointerup', 'pointercancel']) {
  addEventListener(end, () => {
    pressing = false;
    setTimeout(() => view && drawContacts(view));
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
