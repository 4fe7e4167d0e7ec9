import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildApp, type RouteEntry } from '../../src/api/app.ts';
import { asOperator } from '../harness/company-people.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

let system: TestSystem;
let app: FastifyInstance;
let cookie: string;
let anotherCookie: string;
const plenty = { points: 1_000_000, seconds: 60 };
beforeAll(async () => {
  system = await startSystem({ workers: [] });
  cookie = (await asOperator(system)).cookie();
  anotherCookie = (await asOperator(system)).cookie();
  app = await buildApp(system.runtime, {
    pages: true,
    limits: { address: plenty, key: plenty, refused: plenty },
  });
});
afterAll(async () => {
  await app?.close();
  await system?.stop();
});

const broken = [
  '%00',
  'a%00b',
  '%ff',
  '%',
  '%zz',
  // Decoded once, it is not decodable a second time.
  '%25',
  '%c3%28',
  '%ed%a0%80',
  '..%2f..%2f',
  '%0d%0aX:1',
  '%F0%9F%98%80',
  'x'.repeat(5_000),
];
const queries = [
  'limit',
  'cursor',
  'company_id',
  'status',
  'from',
  'page',
  'q',
  'activeQueue',
  'queueName',
  'after',
  'file_hash',
  'code',
  'state',
];

/** They answer a few wrong tries, and then 429 by limits of their own. */
const countsTries = /second-factor|^\/queues\/static/;
/** A stream of events would not end. */
const noStream = { accept: 'text/html, application/json' };
const endsSessions = /sign-?out|logout|session|password|revoke/;

/** Addresses of a route with one broken part each: every parameter, and a query of every name in use. */
function addressesOf(url: string): string[] {
  const parts = url.match(/:\w+|\*/g) ?? [];
  const fill = (broke: string | null, value: string) =>
    url.replace(/:\w+|\*/g, (part) => (part === broke ? value : '01990000-0000-7000-8000-000000000000'));
  const inPath = parts.flatMap((part) => broken.map((value) => fill(part, value)));
  const inQuery = broken.map(
    (value) => `${fill(null, '')}?${queries.map((name) => `${name}=${value}`).join('&')}`,
  );
  const oneEach = queries.map((name) => `${fill(null, '')}?${name}=%00`);
  return [...inPath, ...inQuery, ...oneEach];
}

it('[S04] a broken parameter or query is never a 5xx, on any route', async () => {
  const routes = app
    .getDecorator<RouteEntry[]>('routeTable')
    .filter(({ method }) => !['HEAD', 'OPTIONS'].includes(method))
    // What may end the session comes last, so that every other route is asked by a person who is signed in.
    .sort((a, b) => Number(endsSessions.test(a.url)) - Number(endsSessions.test(b.url)));
  expect(routes.length).toBeGreaterThan(80);
  const failed: string[] = [];
  let isSignedIn = true;
  for (const { method, url } of routes) {
    if (isSignedIn && endsSessions.test(url)) {
      expect((await app.inject({ url: '/queues/api/queues', headers: { cookie } })).statusCode).toBe(200);
      isSignedIn = false;
    }
    const program = /^\/(api|leads|company|webhook)\b/.test(url);
    const headers = program
      ? { authorization: `Bearer ${system.apiKey}` }
      : { cookie, origin: new URL(system.publicUrl).origin, ...noStream };
    const answers = await Promise.all(
      addressesOf(url).map(async (address) => {
        const { statusCode } = await app.inject({ method: method as 'GET', url: address, headers });
        return { statusCode, address };
      }),
    );
    // A 429 would hide what the route answers.
    for (const { statusCode, address } of answers)
      if (statusCode >= 500 || (statusCode === 429 && !countsTries.test(url)))
        failed.push(`${method} ${address.slice(0, 200)}: ${statusCode}`);
  }
  expect(failed).toEqual([]);
});

it('[S04] a query that is not UTF-8 is refused before a route decodes it', async () => {
  for (const url of [
    '/queues/api/queues?activeQueue=%ed%a0%80',
    '/api/leads?cursor=%ff',
    '/api/leads?cursor=%',
  ])
    expect((await app.inject({ url, headers: { cookie } })).statusCode, url).toBe(400);
});

it('[S04] the board refuses a value that it could not decode once more', async () => {
  const headers = { cookie: anotherCookie };
  for (const query of ['queues?activeQueue=%25-1', 'job-schedulers?queueName=%25'])
    expect((await app.inject({ url: `/queues/api/${query}`, headers })).statusCode, query).toBe(400);
  const { statusCode } = await app.inject({ url: '/queues/api/queues?activeQueue=not%2520known', headers });
  expect(statusCode).toBe(200);
});
