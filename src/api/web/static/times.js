/** Times in the viewer's zone, kept current. The server writes them in UTC, as pages without this script show them. */

globalThis.leadgate ??= {};

// As in parts.tsx.
const minute = { hour: 'numeric', minute: '2-digit', timeZoneName: 'short' };
const timeFormats = {
  full: { dateStyle: 'full', timeStyle: 'full' },
  when: { year: 'numeric', month: 'short', day: 'numeric', ...minute },
  recent: { month: 'short', day: 'numeric', ...minute },
  short: { month: 'short', day: 'numeric' },
  shortWithYear: { year: 'numeric', month: 'short', day: 'numeric' },
  day: { dateStyle: 'full' },
  clock: {
    hourCycle: 'h23',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    fractionalSecondDigits: 3,
    timeZoneName: 'short',
  },
};
const formatters = new Map();

/** The zone chosen on the account page, else the browser's. */
function zone() {
  try {
    return localStorage.getItem('leadgate-zone') || undefined;
  } catch {
    return undefined; // Storage may be forbidden; the browser's zone remains.
  }
}

function formatted(kind, at) {
  const key = `${kind} ${zone()}`;
  if (!formatters.has(key)) {
    const options = timeFormats[kind];
    let formatter = new Intl.DateTimeFormat('en-US', options);
    try {
      formatter = new Intl.DateTimeFormat('en-US', { ...options, timeZone: zone() });
    } catch {
      // A stored zone that this browser does not know.
    }
    formatters.set(key, formatter);
  }
  return formatters.get(key).format(at);
}

function since(ms) {
  if (ms < 1_500) return 'now';
  if (ms < 60_000) return `${Math.round(ms / 1_000)} s ago`;
  if (ms < 3_600_000) return `${Math.round(ms / 60_000)} min ago`;
  return `${Math.round(ms / 3_600_000)} h ago`;
}

function timeText(kind, at) {
  if (kind !== 'ago' && kind !== 'short') return formatted(kind, at);
  const ms = Date.now() - at.getTime();
  const short = kind === 'short';
  if (Math.abs(ms) < 86_400_000) return short ? since(ms).replace(' ago', '') : since(ms);
  const sameYear = at.getFullYear() === new Date().getFullYear();
  if (short) return formatted(sameYear ? 'short' : 'shortWithYear', at);
  return formatted(sameYear ? 'recent' : 'when', at);
}

/** The headings of a timeline are the viewer's days. */
function regroup(timeline) {
  const heading = timeline.querySelector('.day');
  for (const day of timeline.querySelectorAll('.day')) day.remove();
  let before = null;
  for (const time of timeline.querySelectorAll('time[data-time="clock"]')) {
    const text = formatted('day', new Date(time.dateTime));
    if (text === before) continue;
    before = text;
    const next = heading.cloneNode(false);
    next.textContent = text;
    time.closest('li').before(next);
  }
}

/** Also applied to a page that was fetched, before its parts are compared with those shown. */
globalThis.leadgate.localTimes = (root) => {
  for (const time of root.querySelectorAll('time[data-time]')) {
    const at = new Date(time.dateTime);
    const text = timeText(time.dataset.time, at);
    if (time.textContent !== text) time.textContent = text;
    time.title = formatted('full', at);
  }
  for (const timeline of root.querySelectorAll('.timeline:has(.day)')) regroup(timeline);
};

globalThis.leadgate.localTimes(document);
setInterval(() => {
  if (!document.hidden) globalThis.leadgate.localTimes(document);
}, 20_000);

// The account page: the list of zones is the browser's.
const zones = document.querySelector('select[data-zone]');
if (zones) {
  for (const name of Intl.supportedValuesOf('timeZone'))
    zones.add(new Option(name.replaceAll('_', ' '), name));
  zones.value = zone() ?? '';
  zones.addEventListener('change', () => {
    try {
      if (zones.value) localStorage.setItem('leadgate-zone', zones.value);
      else localStorage.removeItem('leadgate-zone');
    } catch {
      return; // Storage is forbidden, so the choice cannot be kept.
    }
    globalThis.leadgate.localTimes(document);
  });
}
