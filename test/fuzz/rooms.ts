import { isMarketRoute } from '../marketplace/tenancy-table.ts';

/** Parts of the product by who may enter: each has callers of its own, who send most of the requests to it. */
export type Room =
  /** Keys of organizations, of operators and of suppliers of the pay-per-unlock API. */
  | 'api'
  /** The sessions of members and operators. */
  | 'pages'
  /** The marketplace's API and pages of sellers, of their buyers, and of both. */
  | 'sellers'
  | 'sellers’ pages'
  | 'buyers'
  | 'buyers’ pages'
  | 'both'
  /** Leads of suppliers, by their keys. */
  | 'ingest'
  /** What each person has: pages and API. */
  | 'account'
  | 'sessions'
  /** The list that is answered to keys and to sessions. */
  | 'leads';

/** The rooms of the marketplace, whose door is judged by itself. */
export const marketRooms = [
  ...(['sellers', 'sellers’ pages', 'buyers', 'buyers’ pages', 'both'] as const),
  ...(['ingest', 'account', 'sessions', 'leads'] as const),
];

const ofSessions = /^\/api\/auth\/(?:sessions?|organizations?)(?:\/|$)/;
const ofPages = /^\/(?:$|dashboard|console|companies|company\/register|queues|log)/;

const ofBuyers =
  /^\/(?:api\/payments|api\/campaigns\/subscribe|market\/(?:wallet|profile|subscriptions))(?:\/|$)/;
const ofBoth =
  /^(?:GET \/api\/(?:campaigns|categories)(?:\/:id)?|\w+ \/api\/buyers\/:id|GET \/api\/leads\/:lead_id\/decisions|GET \/market)$/;

export function roomOf({ method, url }: { method: string; url: string }): Room {
  if (method === 'GET' && url === '/api/leads') return 'leads';
  if (url.startsWith('/api/leads/ingest')) return 'ingest';
  if (ofBoth.test(`${method} ${url}`)) return 'both';
  if (isMarketRoute(url)) return ofBuyers.test(url) ? 'buyers' : 'sellers';
  if (/^\/market(?:\/|$)/.test(url)) return ofBuyers.test(url) ? 'buyers’ pages' : 'sellers’ pages';
  if (/^\/account(?:\/|$)/.test(url)) return 'account';
  if (ofSessions.test(url)) return 'sessions';
  return ofPages.test(url) ? 'pages' : 'api';
}

/** Routes that refuse each of the callers by 403: only a seller with a second factor may ask others for one. */
export const alwaysForbidden = ['PUT /api/sellers/security', 'POST /account/organization/security'];
