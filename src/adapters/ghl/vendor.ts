import type { GhlConfig } from '../../config.ts';
import type { CrmVendor } from '../crm.ts';
import { createGhlGateway } from './client.ts';
import { createGhlOauth } from './oauth.ts';
import { createGhlWebhook } from './webhooks.ts';

/** GoHighLevel: API v2 for private integration tokens and OAuth, v1 for old location keys. */
export function createGhl(config: GhlConfig, options: { timeoutMs?: number } = {}): CrmVendor {
  const baseUrl = config.baseUrl?.replace(/\/+$/, '') ?? null;
  const v2 = createGhlGateway({ version: 'v2', baseUrl }, options);
  const v1 = createGhlGateway({ version: 'v1', baseUrl: baseUrl === null ? null : `${baseUrl}/v1` }, options);
  const { authorizeUrl, limits } = config;
  return {
    name: 'ghl',
    label: 'GoHighLevel',
    limits,
    apis: [
      {
        version: 'v2',
        label: 'Version 2 (private integration token)',
        tokenNamesAccount: true,
        sharedToken: config.apiKey,
        gateway: v2,
      },
      {
        version: 'v1',
        label: 'Version 1 (old location key)',
        tokenNamesAccount: false,
        sharedToken: null,
        gateway: v1,
      },
    ],
    oauth: config.oauth && createGhlOauth({ ...config.oauth, baseUrl, authorizeUrl }, options),
    webhook: createGhlWebhook(config.webhookPublicKey, config.oauth?.clientId ?? null),
    hints: {
      account: 'location',
      accountId: 'In GoHighLevel: Settings, Business Profile. The last part of the address after /location/.',
      token: 'In GoHighLevel: Settings, Private Integrations.',
      limits: 'GoHighLevel allows 100 calls in ten seconds to all programs together.',
      fields: 'In GoHighLevel: Settings, Custom Fields, the id in the address of the field.',
    },
    close() {
      v2.close();
      v1.close();
    },
  };
}
