import type { LightMyRequestResponse } from 'fastify';
import type { ApiTest } from './api-app.ts';
import type { Seated } from './market.ts';

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** Asks as the marketplace's front end does: a session as Bearer, and JSON announced on every call. */
export const marketClient =
  (api: ApiTest) =>
  (
    person: Pick<Seated, 'as'> | { as: Record<string, string> },
    method: Method,
    url: string,
    body?: unknown,
  ): Promise<LightMyRequestResponse> =>
    api.app.inject({
      method,
      url,
      headers: { 'content-type': 'application/json', ...person.as },
      remoteAddress: '203.0.113.9',
      payload: body === undefined ? undefined : JSON.stringify(body),
    });

export type Ask = ReturnType<typeof marketClient>;

export const solarFields = [
  { name: 'firstName', type: 'text', required: true },
  { name: 'email', type: 'email', required: true },
  { name: 'roofAge', type: 'number', required: false },
];

let made = 0;

/** Makes a category through the API; returns its id. */
export async function makeCategory(
  ask: Ask,
  seller: Seated,
  more: Record<string, unknown> = {},
): Promise<string> {
  made += 1;
  const body = { name: `Solar ${made}`, fields: solarFields, ...more };
  const answer = await ask(seller, 'POST', '/api/categories', body);
  if (answer.statusCode !== 201) throw new Error(answer.body);
  return answer.json().category.id;
}

/** Makes a campaign through the API, with a category of its own unless named; returns its id. */
export async function makeCampaign(
  ask: Ask,
  seller: Seated,
  more: Record<string, unknown> = {},
): Promise<string> {
  const categoryId = more.categoryId ?? (await makeCategory(ask, seller));
  made += 1;
  const body = {
    name: `Campaign ${made}`,
    pricePerLead: 25,
    distributionLogic: 'ROUND_ROBIN',
    ...more,
    categoryId,
  };
  const answer = await ask(seller, 'POST', '/api/campaigns', body);
  if (answer.statusCode !== 201) throw new Error(answer.body);
  return answer.json().campaign.id;
}

/** Subscribes through the API; returns the id of the subscription. */
export async function makeSubscription(
  ask: Ask,
  buyer: Seated,
  campaignId: string,
  more: Record<string, unknown> = {},
): Promise<string> {
  const answer = await ask(buyer, 'POST', '/api/campaigns/subscribe', { campaignId, ...more });
  if (answer.statusCode !== 201) throw new Error(answer.body);
  return answer.json().subscription.id;
}
