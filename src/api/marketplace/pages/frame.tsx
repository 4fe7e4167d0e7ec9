import type { Child } from 'hono/jsx';
import type { Person } from '../../../domain/account/person.ts';
import type { MarketRole } from '../../../domain/account/roles.ts';
import type { DistributionLogic } from '../../../domain/marketplace/campaign.ts';
import { Frame } from '../../web/layout.tsx';
import type { Tone } from '../../web/parts.tsx';

/** The pages of each role, by their addresses below /market. */
const sellers = [
  ['categories', 'Categories'],
  ['campaigns', 'Campaigns'],
  ['leads', 'Leads'],
  ['buyers', 'Buyers'],
  ['suppliers', 'Suppliers'],
  ['team', 'Team'],
  ['audit', 'Changes'],
  ['settings', 'Settings'],
] as const;
const buyers = [
  ['', 'Campaigns'],
  ['wallet', 'Wallet'],
  ['profile', 'Profile'],
] as const;
const places = { seller: sellers, buyer: buyers };
type Place = (typeof places)[MarketRole][number][0];

/** Who looks, for which side, at whose marketplace. */
export type MarketVisit = { person: Person; role: MarketRole; companyName: string };

/** A page of a seller or a buyer, with links to the other ones. `at`: the list or form that the page belongs to. */
export function MarketPage(props: {
  title: string;
  at: Place;
  visit: MarketVisit;
  /** The event stream that announces changes to this page. */
  stream?: string;
  children: Child;
}) {
  const { title, at, visit } = props;
  return (
    <Frame
      title={`${title} · ${visit.companyName}`}
      chrome={{ person: visit.person, tab: 'home', parked: 0, inbox: 0 }}
      stream={props.stream}
    >
      <div class="company-head">
        <div class="company-name">
          <h1 class="clip">
            {visit.companyName}
            <span class="visually-hidden">: {title}</span>
          </h1>
        </div>
        <nav class="tabs-row" aria-label={visit.companyName}>
          {places[visit.role].map(([place, label]) => (
            <a href={place ? `/market/${place}` : '/market'} aria-current={place === at ? 'page' : undefined}>
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
  PENDING: { label: 'Waiting', tone: 'wait' },
  DISTRIBUTED: { label: 'Sold', tone: 'good' },
  EXPIRED: { label: 'Expired', tone: 'quiet' },
  REJECTED: { label: 'Rejected', tone: 'quiet' },
  TEST: { label: 'Test', tone: 'busy' },
};

export function StatusBadge({ status }: { status: string }) {
  const { label, tone } = faces[status] ?? { label: status, tone: 'quiet' as const };
  return (
    <span class={`state tone-${tone}`} data-state={status}>
      {label}
    </span>
  );
}

export const phoneHint = 'With a country code unless it is of the United States.';

/** `$1,250.00`; a dash for no amount. */
export const money = (dollars: number | null, absent = '–'): string =>
  dollars === null ? absent : dollars.toLocaleString('en-US', { style: 'currency', currency: 'USD' });

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

/** Links to the parts of a list. */
export function Choices<V extends string | null>(props: {
  label: string;
  options: readonly (readonly [value: V, label: string])[];
  chosen: V;
  href: (value: V) => string;
}) {
  const { label, options, chosen, href } = props;
  return (
    <nav class="choices" aria-label={label}>
      {options.map(([value, name]) => (
        <a href={href(value)} aria-current={value === chosen ? 'page' : undefined}>
          {name}
        </a>
      ))}
    </nav>
  );
}

/** The address of a page of a filtered list; without `null` and the first page. */
export function listAddress(path: string, filter: Record<string, string | null>, page = 1): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(filter)) if (value !== null) query.set(name, value);
  if (page > 1) query.set('page', String(page));
  return `${path}${query.size > 0 ? `?${query}` : ''}`;
}

/** Who gets a lead, in words. */
export const logics: Record<DistributionLogic, string> = {
  ROUND_ROBIN: 'Round robin',
  WEIGHTED_ROUND_ROBIN: 'Weighted round robin',
  WATERFALL: 'Waterfall',
  BROADCAST: 'Broadcast',
};
