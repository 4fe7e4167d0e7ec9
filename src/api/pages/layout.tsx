import type { Child } from 'hono/jsx';
import type { Person } from '../auth.ts';
import { assetUrl } from './assets.ts';

type Tab = 'overview' | 'parked' | 'inbox';

export type Chrome = { person: Person; tab?: Tab; parked: number; inbox: number };

/** A page as it is sent. */
export async function render(page: unknown): Promise<string> {
  return `<!doctype html>${await (page as { toString(): string | Promise<string> }).toString()}`;
}

export function Document(props: { title: string; script?: boolean; class?: string; children: Child }) {
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
      </head>
      <body class={props.class}>{props.children}</body>
    </html>
  );
}

export function Logo() {
  return (
    <a class="logo" href="/console">
      <img src={assetUrl('favicon.svg')} alt="" width="24" height="24" />
      leadgate
    </a>
  );
}

/** The frame of every console page. `still`: an answer to a POST, which cannot be fetched again to follow changes. */
export function Layout(props: { title: string; chrome: Chrome; still?: boolean; children: Child }) {
  const { person, tab, parked, inbox } = props.chrome;
  const at = (name: Tab) => (tab === name ? 'page' : undefined);
  return (
    <Document title={props.title} script class="console">
      <header class="top">
        <div class="top-inner">
          <Logo />
          <nav aria-label="Console" data-live={props.still ? undefined : 'nav'}>
            <a href="/console" aria-current={at('overview')}>
              Overview
            </a>
            <a href="/console/parked" aria-current={at('parked')}>
              Parked <Count value={parked} tone="bad" />
            </a>
            <a href="/console/inbox" aria-current={at('inbox')}>
              Inbox <Count value={inbox} tone="wait" />
            </a>
            <a href="/queues">Queues</a>
            <a href="/docs">API</a>
          </nav>
          <div class="top-end">
            <span class="live-mark" title="Whether this page follows what happens">
              <i />
            </span>
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
        </div>
      </header>
      <main>{props.children}</main>
      <output class="announce" data-announce hidden />
      <Help />
    </Document>
  );
}

function Count(props: { value: number; tone: 'bad' | 'wait' }) {
  return props.value > 0 ? (
    <span class={`count tone-${props.tone}`}>{props.value > 99 ? '99+' : props.value}</span>
  ) : null;
}

const shortcuts = [
  ['/', 'Search by lead id, provider id or phone'],
  ['j  k', 'Next row, previous row'],
  ['Enter', 'Open the row'],
  ['u', 'Up: back to the overview'],
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
