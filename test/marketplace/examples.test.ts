import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiTest, startApi } from '../harness/api-app.ts';
import { isMarketRoute } from './tenancy-table.ts';

type Content = {
  'application/json'?: { schema?: { examples?: unknown[] }; example?: unknown; examples?: unknown };
};
type Operation = {
  requestBody?: { content: Content };
  responses: Record<string, { content?: Content }>;
};

let api: ApiTest;
let paths: Record<string, Record<string, Operation>>;
beforeAll(async () => {
  api = await startApi();
  paths = (await api.app.inject('/openapi.json')).json().paths;
});
afterAll(() => api?.stop());

const hasExample = (content: Content | undefined): boolean => {
  const json = content?.['application/json'];
  return (
    json?.example !== undefined || json?.examples !== undefined || (json?.schema?.examples ?? []).length > 0
  );
};

/** GET /api/leads is answered to API keys too, and describes both families. */
const isOfMarket = (url: string, method: string) =>
  isMarketRoute(url) || url.startsWith('/api/auth/') || `${method} ${url}` === 'get /api/leads';
const withoutBody = [
  'post /api/suppliers/{id}/rotate-key',
  'post /api/sellers/invite-code',
  'post /api/payments/setup-intent',
  'post /api/buyers/import',
  'post /api/campaigns/subscriptions/import',
  'post /api/campaigns/{id}/leads/import',
];

type Alternatives = { anyOf?: { title?: string; properties?: Record<string, unknown> }[] };

describe('the documentation of the marketplace’s routes', () => {
  it('describes the two families of GET /api/leads as one operation', () => {
    expect(Object.keys(paths).filter((url) => !/^[\w/{}.-]+$/.test(url))).toEqual([]);
    const { responses } = paths['/api/leads']!.get!;
    const { anyOf = [] } = responses['200']!.content!['application/json']!.schema as Alternatives;
    expect(anyOf.map(({ title, properties }) => [title, Object.keys(properties ?? {})])).toEqual([
      ['With an API key', ['success', 'leads', 'next_cursor']],
      ['With a session', ['leads', 'pagination']],
    ]);
  });

  it('has PATCH beside each PUT', () => {
    const updates = Object.entries(paths).filter(([, methods]) => methods.put);
    expect(updates.length).toBeGreaterThan(8);
    expect(updates.filter(([, methods]) => !methods.patch).map(([url]) => url)).toEqual([]);
  });

  it('has an example of each request and each answer', () => {
    const operations = Object.entries(paths)
      .flatMap(([url, methods]) =>
        Object.entries(methods).map(([method, it]) => ({ url, method, name: `${method} ${url}`, it })),
      )
      .filter(({ url, method }) => isOfMarket(url, method));
    expect(operations.length).toBeGreaterThan(60);
    const without = operations.flatMap(({ name, it: { requestBody, responses } }) => [
      ...(/^(?:post|put|patch) /.test(name) && !requestBody && !withoutBody.includes(name)
        ? [`request of ${name}`]
        : []),
      ...(requestBody && !hasExample(requestBody.content) ? [`request of ${name}`] : []),
      ...Object.entries(responses)
        .filter(([status, { content }]) => status.startsWith('2') && !hasExample(content))
        .map(([status]) => `${status} of ${name}`),
    ]);
    expect(without).toEqual([]);
  });
});
