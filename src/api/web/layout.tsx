import type { Child } from 'hono/jsx';
import type { Person } from '../../domain/account/person.ts';
import { assetUrl } from './assets.ts';

type Tab = 'home' | 'overview' | 'companies' | 'parked' | 'inbox';

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
          <TopEnd person={chrome.person} live={Boolean(stream)} />
        </div>
      </header>
      <main>{props.children}</main>
      <output class="announce" data-announce hidden />
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

function TopEnd({ person, live }: { person: Person; live: boolean }) {
  return (
    <div class="top-end">
      {live ? (
        <span class="live-mark" title="Whether this page updates live">
          <i />
        </span>
      ) : null}
      <button type="button" class="icon-button" data-show-help title="Keyboard shortcuts (?)">
        ?
      </button>
      <button type="button" class="icon-button" data-theme-switch title="Light or dark (t)">
        ◐
      </button>
      <form method="post" action="/logout">
        <button type="submit" class="btn" data-size="sm" data-variant="ghost" title={person.email}>
          Sign out
        </button>
      </form>
    </div>
  );
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
      <h2 id="help-title">Keyboard</h2>
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
      <form method="dialog">
        <button type="submit" class="btn" data-size="sm" data-variant="outline">
          Close
        </button>
      </form>
    </dialog>
  );
}
