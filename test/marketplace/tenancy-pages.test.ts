import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RouteEntry } from '../../src/api/app.ts';
import { type ApiTest, publicUrl, startApi } from '../harness/api-app.ts';
import { marketClient } from '../harness/market-client.ts';
import {
  isMarketPage,
  makePageThings,
  marketPages,
  type PageThings,
  unknownThings,
  type Visitor,
  visitors,
  visitorsOf,
} from './pages-table.ts';
import { makeStrangers, makeThings, rowsOfSeller } from './tenancy-table.ts';

let api: ApiTest;
let things: PageThings;
let people: ReturnType<typeof visitorsOf>;
beforeAll(async () => {
  api = await startApi({ pages: true });
  const made = await makeThings(api, marketClient(api));
  things = await makePageThings(api, made);
  people = visitorsOf(await makeStrangers(api, made.seller), made);
});
afterAll(() => api?.stop());

/** Asks as a browser does. What sends it to sign in counts as 401. */
async function visit(route: string, visitor: Visitor, named = things) {
  const [method = ''] = route.split(' ');
  const { url, form = {}, csv } = marketPages[route]!.ask(named);
  const cookie = people[visitor]?.cookie;
  const isForm = csv === undefined;
  const answer = await api.app.inject({
    method: method as 'GET' | 'POST',
    url,
    headers: {
      accept: url.endsWith('/live') ? 'text/event-stream' : 'text/html',
      ...(cookie ? { cookie } : {}),
      ...(method === 'GET'
        ? {}
        : {
            origin: publicUrl,
            'content-type': isForm ? 'application/x-www-form-urlencoded' : 'text/csv',
          }),
    },
    payload: method === 'GET' ? undefined : isForm ? new URLSearchParams(form).toString() : csv,
    payloadAsStream: true,
  });
  const location = String(answer.headers.location ?? '');
  const isStream = /event-stream/.test(String(answer.headers['content-type']));
  if (isStream) answer.stream().destroy();
  return {
    status: location.startsWith('/login') ? 401 : answer.statusCode,
    body: isStream ? '' : Buffer.concat(await answer.stream().toArray()).toString('utf8'),
  };
}

const expectedOf = (route: string, visitor: Visitor): number =>
  Number(marketPages[route]!.answers.split(' ')[visitors.indexOf(visitor)]);

const insiders = ['owner', 'seller'] as const satisfies Visitor[];
const outsiders = visitors.filter((visitor) => !insiders.some((each) => each === visitor));
const names = Object.keys(marketPages);

describe('[S05] tenancy of the marketplace’s pages', () => {
  it('every page and form is in the table, with an answer to each visitor', () => {
    const routes = api.app
      .getDecorator<RouteEntry[]>('routeTable')
      .filter(({ method, url }) => !['HEAD', 'OPTIONS'].includes(method) && isMarketPage(url))
      .map(({ method, url }) => `${method} ${url}`);
    expect([...new Set(routes)].sort()).toEqual(names.toSorted());
    for (const [route, { answers }] of Object.entries(marketPages))
      expect(answers.split(' ').length, route).toBe(visitors.length);
  });

  it.each(names)('%s: a foreign id is answered as one that nothing has', async (route) => {
    for (const visitor of ['otherSeller', 'otherBuyer'] as const) {
      const unknown = unknownThings(things);
      const foreign = await visit(route, visitor);
      const none = await visit(route, visitor, unknown);
      expect(foreign.status).toBe(none.status);
      if (foreign.status >= 400) expect(withoutIds(foreign.body)).toBe(withoutIds(none.body));
    }
  });

  it.each(outsiders.flatMap((visitor) => names.map((route) => [route, visitor] as const)))(
    '%s for %s',
    async (route, visitor) => {
      const before = await rowsOfSeller(api, things.seller);
      const { status, body } = await visit(route, visitor);
      expect(status).toBe(expectedOf(route, visitor));
      const changesItself = visitor === 'buyer' && status === 303;
      if (!changesItself) expect(await rowsOfSeller(api, things.seller)).toBe(before);
      const { supplierId, invitationId, leadId, cardId, topUpId, seller, owner } = things;
      for (const secret of [supplierId, invitationId, leadId, cardId, topUpId, seller.email, owner.email])
        expect(body).not.toContain(secret);
    },
  );

  it.each(insiders.flatMap((visitor) => names.map((route) => [route, visitor] as const)))(
    '%s for %s',
    async (route, visitor) => {
      expect((await visit(route, visitor)).status).toBe(expectedOf(route, visitor));
    },
  );
});

/** A page repeats the ids that its address and its form had. */
const withoutIds = (body: string): string =>
  body.replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, 'id');
