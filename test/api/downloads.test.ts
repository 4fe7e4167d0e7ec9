import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fastify } from 'fastify';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { sendCsv } from '../../src/api/http/attachment.ts';
import { errorHandler } from '../../src/api/http/errors.ts';
import { quotas } from '../../src/domain/account/quotas.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

let system: TestSystem;
const app = fastify();
let end = (): void => undefined;
const ended = new Promise<void>((resolve) => {
  end = resolve;
});

/** A file that is longer than a response may buffer, and ends when the test says so. */
async function* endlessFile(): AsyncGenerator<string> {
  yield 'x'.repeat(100_000);
  await ended;
}

beforeAll(async () => {
  system = await startSystem({ workers: [] });
  const [demo] = await system.rows<{ id: string }>(`SELECT id FROM organizations WHERE slug = 'demo'`);
  const owner = { organizationId: demo!.id, keyId: null };
  app.setErrorHandler(errorHandler(system.runtime.log));
  app.get('/file', (_request, reply) =>
    sendCsv(reply, { fileName: 'file.csv', csv: endlessFile() }, { quotas: system.runtime.quotas, owner }),
  );
  await app.listen({ port: 0, host: '127.0.0.1' });
});
afterAll(async () => {
  await app.close();
  await system?.stop();
});

async function download(): Promise<IncomingMessage> {
  const { port } = app.server.address() as AddressInfo;
  const [response] = (await once(get({ port, path: '/file', agent: false }), 'response')) as [
    IncomingMessage,
  ];
  return response;
}

it('[S11] an organization has five downloads at once; one that ends or is cut off makes room', async () => {
  const most = quotas.downloads.perOrganization;
  const open = await Promise.all(Array.from({ length: most }, download));
  expect(open.map(({ statusCode }) => statusCode)).toEqual(Array.from({ length: most }, () => 200));
  expect((await download()).statusCode).toBe(429);

  open[0]!.destroy();
  await expect.poll(async () => (await download()).statusCode).toBe(200);
  expect((await download()).statusCode).toBe(429);

  end();
  for (const response of open.slice(1)) await once(response.resume(), 'end');
  await expect.poll(async () => (await download()).statusCode).toBe(200);
});
