import { z } from 'zod';
import { sandboxKeys } from './repository-keys.ts';

const text = z.string().trim().min(1).optional();

export const ghlVariables = {
  GHL_API_KEY: text,
  GHL_API_BASE_URL: text,
  GHL_CLIENT_ID: text,
  GHL_CLIENT_SECRET: text,
  GHL_WEBHOOK_PUBLIC_KEY: text,
};
type Variables = { [name in keyof typeof ghlVariables]?: string | undefined };

export type GhlConfig = {
  /** Used for companies without credentials of their own. Null when every company must connect. */
  apiKey: string | null;
  /** Null for the vendor's production URL. */
  baseUrl: string | null;
  authorizeUrl: string | null;
  oauth: { clientId: string; clientSecret: string } | null;
  /** Base64 SPKI of the Ed25519 key that signs webhooks; when empty, all webhooks are refused. */
  webhookPublicKey: string;
  /** GoHighLevel's limits for an app: calls per location, interval and day. Null disables rate limiting. */
  limits: { calls: number; intervalMs: number; perDay: number } | null;
};

/** From the vendor's public code; its marketplace page shows the current key. */
const ghlWebhookKey = 'MCowBQYDK2VwAyEAi2HR1srL4o18O8BRa7gVJY7G7bupbN3H9AwJrHCDiOg=';
export const ghlLimits = Object.freeze({ calls: 100, intervalMs: 10_000, perDay: 200_000 });

/** Companies connect with tokens of their own, so production requires no variable here and never uses the sandbox. */
export function ghlConfig(e: Variables, sandboxUrl: string | null, sandboxKey: string): GhlConfig {
  const real = [e.GHL_API_KEY, e.GHL_API_BASE_URL, e.GHL_CLIENT_ID].some((given) => given !== undefined);
  const simulated = real ? null : sandboxUrl;
  const oauth =
    e.GHL_CLIENT_ID && e.GHL_CLIENT_SECRET
      ? { clientId: e.GHL_CLIENT_ID, clientSecret: e.GHL_CLIENT_SECRET }
      : simulated
        ? { clientId: sandboxKeys.ghlClientId, clientSecret: sandboxKeys.ghlClientSecret }
        : null;
  return {
    apiKey: e.GHL_API_KEY ?? (simulated ? sandboxKeys.ghl : null),
    baseUrl: e.GHL_API_BASE_URL ?? simulated,
    authorizeUrl: simulated ? `${simulated}/v2/oauth/chooselocation` : null,
    oauth,
    webhookPublicKey: e.GHL_WEBHOOK_PUBLIC_KEY ?? (simulated ? sandboxKey : ghlWebhookKey),
    limits: ghlLimits,
  };
}
