import type { Child } from 'hono/jsx';
import type { Person } from '../../domain/account/person.ts';
import { assetUrl } from './assets.ts';

type Tab = 'home' | 'overview' | 'companies' | 'parked' | 'inbox' | 'account';

export type Chrome = { person: Person; tab?: Tab | undefined; parked: number; inbox: number };

/** The HTML of a page. */
export async function render(page: unknown): Promise<string> {
  return `<!doctype html>${await (page as { toString(): string | Promise<string> }).toString()}`;
}

export function Document(props: {
  title: string;
  script?: boolean;
  /** Modules to load besides the script that every page with a frame has. */
  scripts?: readonly string[];
  class?: string;
  /** The event stream that announces changes to this page. */
  stream?: string | undefined;
  children: Child;
}) {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="robots" content="noindex" />
        <title>{props.title} · leadgate</title>
        <link rel="icon" href={assetUrl('favicon.svg')} type="image/svg+xml" />
        <link rel="stylesheet" href={assetUrl('basecoat.css')} />
        <link rel="stylesheet" href={assetUrl('leadgate.css')} />
        <script src={assetUrl('theme.js')} />
        {props.script ? <script src={assetUrl('console.js')} defer /> : null}
        {(props.scripts ?? []).map((name) => (
          <script type="module" src={assetUrl(name)} />
        ))}
      </head>
      <body class={props.class} data-stream={props.stream}>
        {props.children}
      </body>
    </html>
  );
}

export function Logo() {
  return (
    <a class="logo" href="/">
      <img src={assetUrl('favicon.svg')} alt="" width="24" height="24" />
      leadgate
    </a>
  );
}

/** The frame of every console page. `still`: the response to a POST, which cannot be fetched again to follow changes. */
export function Layout(props: { title: string; chrome: Chrome; still?: boolean; children: Child }) {
  return (
    <Frame title={props.title} chrome={props.chrome} stream={props.still ? null : '/console/live'}>
      {props.children}
    </Frame>
  );
}

/** Header and footer of a page that requires a session. Without a `stream` the page does not refresh itself. */
export function Frame(props: {
  title: string;
  chrome: Chrome;
  stream?: string | null | undefined;
  scripts?: readonly string[];
  children: Child;
}) {
  const { chrome, stream } = props;
  return (
    <Document
      title={props.title}
      script
      scripts={props.scripts ?? []}
      class="console"
      stream={stream ?? undefined}
    >
      <a class="skip" href="#main">
        Skip to content
      </a>
      <header class="top">
        <div class="top-inner">
          <Logo />
          {chrome.person.role === 'operator' ? (
            <OperatorNav chrome={chrome} live={Boolean(stream)} />
          ) : (
            <nav aria-label="leadgate">
              <a href="/" aria-current={chrome.tab === 'home' ? 'page' : undefined}>
                Home
              </a>
              <a href="/docs">API</a>
            </nav>
          )}
          <TopEnd chrome={chrome} live={Boolean(stream)} />
        </div>
      </header>
      <main id="main" tabindex={-1}>
        {props.children}
      </main>
      <output class="announce" data-announce />
      <Help />
    </Document>
  );
}

function OperatorNav({ chrome, live }: { chrome: Chrome; live: boolean }) {
  const { tab, parked, inbox } = chrome;
  const at = (name: Tab) => (tab === name ? 'page' : undefined);
  return (
    <nav aria-label="Console" data-live={live ? 'nav' : undefined}>
      <a href="/console" aria-current={at('overview')}>
        Overview
      </a>
      <a href="/companies" aria-current={at('companies')}>
        Companies
      </a>
      <a href="/console/parked" aria-current={at('parked')}>
        Failed <Count value={parked} tone="bad" />
      </a>
      <a href="/console/inbox" aria-current={at('inbox')}>
        Inbox <Count value={inbox} tone="wait" />
      </a>
      <a href="/queues">Queues</a>
      <a href="/docs">API</a>
    </nav>
  );
}

function TopEnd({ chrome, live }: { chrome: Chrome; live: boolean }) {
  const { name, email, role } = chrome.person;
  return (
    <div class="top-end">
      {live ? (
        <span class="live-mark">
          <i />
        </span>
      ) : null}
      <details class="menu" data-menu>
        <summary class="btn" data-size="sm" data-variant="ghost">
          <span class="visually-hidden">Account of {name}</span>
          <span class="initials" aria-hidden="true">
            {initialsOf(name)}
          </span>
        </summary>
        <div class="menu-list">
          <p class="menu-who">
            <b class="clip">{name}</b>
            <span class="sub">{email}</span>
            <span class="sub">{roleNames[role]}</span>
          </p>
          <a class="menu-item" href="/account" aria-current={chrome.tab === 'account' ? 'page' : undefined}>
            Account and password
          </a>
          <button type="button" class="menu-item" data-theme-switch>
            Light or dark
          </button>
          <button type="button" class="menu-item" data-show-help>
            Keyboard shortcuts
          </button>
          <form method="post" action="/logout">
            <button type="submit" class="menu-item">
              Sign out
            </button>
          </form>
        </div>
      </details>
    </div>
  );
}

export const roleNames: Record<Person['role'], string> = { operator: 'Operator', member: 'Member' };

/** `Sarah Johnson` is `SJ`. */
function initialsOf(name: string): string {
  const words = name.trim().split(/\s+/u);
  const [first, last] = [words[0], words.length > 1 ? words.at(-1) : undefined];
  return [first, last].map((word) => [...(word ?? '')][0]?.toUpperCase() ?? '').join('') || '?';
}

function Count(props: { value: number; tone: 'bad' | 'wait' }) {
  return props.value > 0 ? (
    <span class={`count tone-${props.tone}`}>{props.value > 99 ? '99+' : props.value}</span>
  ) : null;
}

const shortcuts = [
  ['/', 'Search'],
  ['j  k', 'Next row, previous row'],
  ['Enter', 'Open the row'],
  ['u', 'Up to the parent page'],
  ['t', 'Light or dark'],
  ['?', 'This help'],
];

function Help() {
  return (
    <dialog class="help" data-help aria-labelledby="help-title">
      <h2 id="help-title">Keyboard shortcuts</h2>
      <dl>
        {shortcuts.map(([key, what]) => (
          <div>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <label class="check">
        <input type="checkbox" data-keys checked />
        Use these shortcuts
      </label>
      <form method="dialog">
        <button type="submit" class="btn" data-size="sm" data-variant="outline">
          Close
        </button>
      </form>
    </dialog>
  );
}
