import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiTest, startApi } from '../harness/api-app.ts';
import { answered } from './messages.ts';
import { isMarketRoute } from './tenancy-table.ts';
import { makePlace, messages, nameOf, type Place } from './wordings.ts';

type Schema = { const?: string; enum?: string[]; anyOf?: Schema[]; properties?: { message?: Schema } };
type Example = { message?: string };
type Media = { schema?: Schema; example?: Example; examples?: Record<string, { value: Example }> };
type Operation = { responses: Record<string, { content?: Record<string, Media> }> };

/** What depends on a bank or a distributor, which the page describes in prose. */
const elsewhere = [
  'POST /api/payments/wallet 200 Payment is being processed',
  'POST /api/leads/ingest 201 Lead distributed to 1 buyer(s)',
];

const fixedIn = ({ anyOf = [], properties }: Schema): string[] => [
  ...anyOf.flatMap(fixedIn),
  ...[properties?.message?.const ?? [], properties?.message?.enum ?? []].flat(),
];
/** The messages that the documentation of an answer names, as fixed values or in examples. */
const messagesOf = ({ schema = {}, example, examples = {} }: Media = {}): string[] => [
  ...fixedIn(schema),
  ...[example, ...Object.values(examples).map(({ value }) => value)].flatMap((each) => each?.message ?? []),
];

describe('the messages of docs/contracts-marketplace.md', () => {
  let api: ApiTest;
  let place: Place;
  beforeAll(async () => {
    api = await startApi();
    place = await makePlace(api);
  });
  afterAll(() => api?.stop());

  it('are each answered here, and no others', () => {
    expect(messages.length).toBeGreaterThan(35);
    expect(messages.map(nameOf).sort()).toEqual(Object.keys(answered).sort());
  });

  it('are all that the documentation of the routes names', async () => {
    const paths: Record<string, Record<string, Operation>> = (await api.app.inject('/openapi.json')).json()
      .paths;
    const named = Object.entries(paths)
      .filter(([url]) => isMarketRoute(url) || url.startsWith('/api/auth/'))
      .flatMap(([url, methods]) =>
        Object.entries(methods)
          .filter(([method]) => method !== 'patch')
          .flatMap(([method, { responses }]) =>
            Object.entries(responses)
              .filter(([status]) => status.startsWith('2'))
              .flatMap(([status, { content }]) =>
                messagesOf(content?.['application/json']).map(
                  (message) => `${method.toUpperCase()} ${url} ${status} ${message}`,
                ),
              ),
          ),
      );
    expect([...new Set(named)].filter((each) => !elsewhere.includes(each)).sort()).toEqual(
      messages.map(nameOf).sort(),
    );
  });

  it.each(messages.map((each) => [nameOf(each), each] as const))('%s', async (name, { status, wording }) => {
    const answer = await answered[name]!(place);
    expect([answer.statusCode, answer.json().message]).toEqual([status, wording]);
    expect(answer.headers['content-type']).toContain('application/json');
  });
});
