import type { Child } from 'hono/jsx';
import type { Person } from '../../../domain/account/person.ts';
import { Frame } from '../../web/layout.tsx';
import type { Tone } from '../../web/parts.tsx';

const places = [
  ['categories', 'Categories'],
  ['campaigns', 'Campaigns'],
  ['buyers', 'Buyers'],
  ['suppliers', 'Suppliers'],
  ['team', 'Team'],
  ['audit', 'Changes'],
  ['settings', 'Settings'],
] as const;
export type Place = (typeof places)[number][0];

/** Who looks, and at whose side of the marketplace. */
export type MarketVisit = { person: Person; companyName: string };

/** A page of a seller, with links to the other ones. `at`: the list or form that the page belongs to. */
export function MarketPage(props: { title: string; at: Place; visit: MarketVisit; children: Child }) {
  const { title, at, visit } = props;
  return (
    <Frame
      title={`${title} · ${visit.companyName}`}
      chrome={{ person: visit.person, tab: 'home', parked: 0, inbox: 0 }}
    >
      <div class="company-head">
        <div class="company-name">
          <h1 class="clip">
            {visit.companyName}
            <span class="visually-hidden">: {title}</span>
          </h1>
        </div>
        <nav class="tabs-row" aria-label={visit.companyName}>
          {places.map(([place, label]) => (
            <a href={`/market/${place}`} aria-current={place === at ? 'page' : undefined}>
              {label}
            </a>
          ))}
        </nav>
      </div>
      {props.children}
    </Frame>
  );
}

const faces: Record<string, { label: string; tone: Tone }> = {
  ACTIVE: { label: 'Active', tone: 'good' },
  PAUSED: { label: 'Paused', tone: 'wait' },
  INACTIVE: { label: 'Inactive', tone: 'quiet' },
  ARCHIVED: { label: 'Archived', tone: 'quiet' },
};

export function StatusBadge({ status }: { status: string }) {
  const { label, tone } = faces[status] ?? { label: status, tone: 'quiet' as const };
  return (
    <span class={`state tone-${tone}`} data-state={status}>
      {label}
    </span>
  );
}

/** `$1,250.00`; a dash for no amount. */
export const money = (dollars: number | null): string =>
  dollars === null ? '–' : dollars.toLocaleString('en-US', { style: 'currency', currency: 'USD' });

/** The pages of a counted list. `href`: of a page by its number. */
export function Pages(props: { page: number; pages: number; href: (page: number) => string }) {
  const { page, pages, href } = props;
  if (pages <= 1) return null;
  return (
    <nav class="more" aria-label="Pages of the list">
      {page > 1 ? <a href={href(page - 1)}>← Newer</a> : null}{' '}
      <span class="sub">
        Page {page} of {pages}
      </span>{' '}
      {page < pages ? <a href={href(page + 1)}>Older →</a> : null}
    </nav>
  );
}
