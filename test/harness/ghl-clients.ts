import got, { type Method } from 'got';
import { startSandbox } from '../../src/sandbox/server.ts';
import { receiver } from './sandbox-clients.ts';

export const location = 've9EPM428h8vShlRW1KT';
export const phone = '+13055550142';

type Options = { token?: string; version?: string | null; json?: unknown; form?: Record<string, string> };

/** A sandbox, a receiver for its webhooks, and a plain HTTP client for its GoHighLevel. */
export async function openGhl() {
  const product = await receiver();
  const sandbox = await startSandbox({ retryDelaysMs: [5, 5, 5] });
  const reset = () => {
    sandbox.reset();
    const rateLimit = { max: 100, intervalMs: 10_000, daily: 200_000 };
    sandbox.configure({ ghl: { webhookUrl: null, rateLimit, accessTokenSeconds: 86_399 } });
    product.hits.length = 0;
    product.answers.length = 0;
  };
  const close = async () => {
    await sandbox.close();
    await product.close();
  };
  const call = async (method: Method, path: string, { token, version, json, form }: Options = {}) => {
    const { statusCode, body, headers } = await got(`${sandbox.url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token ?? `pit-sandbox-${location}`}`,
        ...(version !== null && { version: version ?? '2021-07-28' }),
      },
      ...(json === undefined ? {} : { json }),
      ...(form === undefined ? {} : { form }),
      retry: { limit: 0 },
      throwHttpErrors: false,
      followRedirect: false,
    });
    return { status: statusCode, body: body === '' ? null : JSON.parse(body), headers };
  };
  const upsert = (json: Record<string, unknown> = {}, options: Options = {}) =>
    call('POST', '/contacts/upsert', { json: { locationId: location, phone, ...json }, ...options });
  const v1 = (method: Method, path: string, json?: unknown) =>
    call(method, `/v1${path}`, { token: `v1-sandbox-${location}`, version: null, json });
  return { sandbox, product, ghl: sandbox.act.ghl, reset, close, call, upsert, v1 };
}
