import { Agent, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ApiTest, startApi } from '../harness/api-app.ts';
import { makeCompany } from '../harness/company-client.ts';

let api: ApiTest;
let port: number;
let companyKey: string;
beforeAll(async () => {
  api = await startApi();
  await api.app.listen({ port: 0, host: '127.0.0.1' });
  port = (api.app.server.address() as AddressInfo).port;
  companyKey = (await makeCompany(api)).key;
});
afterAll(() => api?.stop());

type Sent = { method: string; path: string; headers: Record<string, string>; body?: Buffer };

/** Resolves with the status. A request that is never answered fails with the test's timeout. */
const send = (agent: Agent, { method, path, headers, body }: Sent) =>
  new Promise<number>((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', port, agent, method, path, headers }, (incoming) => {
      incoming.resume().once('end', () => resolve(incoming.statusCode!));
    });
    outgoing.once('error', reject);
    outgoing.end(body);
  });

const boundary = 'kept';
const formOf = (file: Buffer) =>
  Buffer.concat([
    Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="x.csv"\r\n\r\n`),
    file,
    Buffer.from(`\r\n--${boundary}--\r\n`),
  ]);
const csv = { 'content-type': 'text/csv' };
const form = { 'content-type': `multipart/form-data; boundary=${boundary}` };
const json = { 'content-type': 'application/json' };
const chunked = { 'transfer-encoding': 'chunked' };

/** Bodies that are refused by their first bytes, and by their size or their last bytes. */
const starts = {
  'no CSV': '{"a":',
  'no columns': 'x,y,z\n1,2,3\n',
  'a broken cell': 'external_id,phone\n"a"b,1\n',
};
const sizes = [1_000, 20_000, 70_000, 500_000];
const routes = [
  '/api/providers/import',
  '/leads/csv',
  '/api/imports',
  '/api/leads',
  '/api/leads/bulk',
  '/nowhere',
];

type Way = { name: string; headers: Record<string, string>; wrap: (file: Buffer) => Buffer };
const asItIs = (file: Buffer) => file;
const ways: Way[] = [
  { name: 'a CSV', headers: csv, wrap: asItIs },
  { name: 'a form', headers: form, wrap: formOf },
  { name: 'JSON', headers: json, wrap: asItIs },
  { name: 'in chunks', headers: { ...csv, ...chunked }, wrap: asItIs },
];

const cases = routes.flatMap((route) =>
  Object.entries(starts).flatMap(([content, start]) =>
    ways.map((way) => ({ route, content, start, ...way })),
  ),
);

it.each(cases)('after $content as $name to $route, the connection serves the next request', async (each) => {
  const key = each.route.startsWith('/api/providers') || each.route === '/api/leads' ? api.key : companyKey;
  for (const size of sizes) {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const body = each.wrap(Buffer.from(each.start.padEnd(size, 'x,y\n')));
    const headers = { authorization: `Bearer ${key}`, ...each.headers };
    const first = await send(agent, { method: 'POST', path: each.route, headers, body }).catch(
      (error: { code?: string }) => error.code,
    );
    expect([size, await send(agent, { method: 'GET', path: '/health', headers: {} })]).toEqual([size, 200]);
    expect([size, first]).toEqual([size, expect.any(Number)]);
    agent.destroy();
  }
});

it('a large form that is refused by its first bytes is read to its end', async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const body = formOf(Buffer.alloc(30_000_000, '{"a":'));
  const headers = { authorization: `Bearer ${api.key}`, ...form };
  expect(await send(agent, { method: 'POST', path: '/api/providers/import', headers, body })).toBe(400);
  expect(await send(agent, { method: 'GET', path: '/health', headers: {} })).toBe(200);
  agent.destroy();
});
