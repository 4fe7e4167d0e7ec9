import type { LightMyRequestResponse } from 'fastify';
import type { ApiTest } from './api-app.ts';
import type { Seated } from './market.ts';

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** A program that speaks the marketplace's API with a session, as its existing clients do. */
export const marketClient =
  (api: Pick<ApiTest, 'app'>) =>
  (who: Pick<Seated, 'as'>, method: Method, url: string, body?: unknown): Promise<LightMyRequestResponse> =>
    api.app.inject({
      method,
      url,
      headers: { ...who.as, 'content-type': 'application/json' },
      payload: body === undefined ? '' : JSON.stringify(body),
    });
