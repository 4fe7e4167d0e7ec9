import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RouteEntry } from '../../src/api/app.ts';
import { type ApiTest, startApi } from '../harness/api-app.ts';
import { type Ask, marketClient } from '../harness/market-client.ts';
import {
  isMarketRoute,
  makeStrangers,
  makeThings,
  marketRoutes,
  rowsOfSeller,
  type Stranger,
  sharedRoutes,
  strangers,
  type Things,
} from './tenancy-table.ts';

let api: ApiTest;
let ask: Ask;
let things: Things;
let people: Awaited<ReturnType<typeof makeStrangers>>;
beforeAll(async () => {
  api = await startApi();
  ask = marketClient(api);
  things = await makeThings(api, ask);
  people = await makeStrangers(api, things.seller);
});
afterAll(() => api?.stop());

async function statusOf(route: string, stranger: Stranger): Promise<{ status: number; body: string }> {
  const [method] = route.split(' ') as ['GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'];
  const { url, body, csv } = marketRoutes[route]!.ask(things);
  const { as } = people[stranger];
  const headers = { ...as, 'content-type': 'text/csv' };
  const answer =
    csv === undefined
      ? await ask({ as }, method, url, body)
      : await api.app.inject({ method, url, headers, payload: csv });
  return { status: answer.statusCode, body: answer.body };
}

const expectedOf = (route: string, stranger: Stranger): number =>
  Number(marketRoutes[route]!.answers.split(' ')[strangers.indexOf(stranger)]);

describe('[S05] tenancy of the marketplace', () => {
  it('every route of it is in the table, with an answer to each stranger', () => {
    const routes = api.app
      .getDecorator<RouteEntry[]>('routeTable')
      .filter(({ method }) => !['HEAD', 'OPTIONS'].includes(method))
      .map(({ method, url }) => ({ url, name: `${method} ${url}` }))
      .filter(({ url, name }) => isMarketRoute(url) || sharedRoutes.includes(name))
      .map(({ name }) => name);
    expect([...new Set(routes)].sort()).toEqual(Object.keys(marketRoutes).sort());
    for (const [route, { answers }] of Object.entries(marketRoutes))
      expect(answers.split(' ').length, route).toBe(strangers.length);
  });

  it.each(
    Object.keys(marketRoutes).flatMap((route) => strangers.map((stranger) => [route, stranger] as const)),
  )('%s for %s', async (route, stranger) => {
    const before = await rowsOfSeller(api, things.seller);
    const { status, body } = await statusOf(route, stranger);
    expect(status).toBe(expectedOf(route, stranger));
    const mayMake = stranger === 'buyer' && status === 201;
    if (!mayMake) expect(await rowsOfSeller(api, things.seller)).toBe(before);
    const { subscriptionId, supplierId, invitationId, leadId, cardId, categoryId, campaignId, seller } =
      things;
    const secrets = [subscriptionId, supplierId, invitationId, leadId, cardId, seller.email];
    if (stranger !== 'buyer') secrets.push(categoryId, campaignId, seller.organizationId);
    for (const secret of secrets) expect(body).not.toContain(secret);
  });
});
