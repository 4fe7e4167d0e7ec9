import type { FastifyPluginAsync } from 'fastify';
import type { Runtime } from '../../usecases/runtime.ts';
import type { Limiter } from '../http/limits.ts';
import { crmRoutes } from './crm.ts';
import { signedWebhooks } from './signed.ts';
import { textmagicWebhook } from './textmagic.ts';

/** Callbacks of vendors: Stripe, SendGrid and Twilio, TextMagic, the CRMs. */
export function webhookRoutes(runtime: Runtime, limiter: Limiter): FastifyPluginAsync {
  return async (app) => {
    await app.register(signedWebhooks(runtime, limiter));
    await app.register(textmagicWebhook(runtime));
    await app.register(crmRoutes(runtime, limiter));
  };
}
