import type { Environment } from './environment.ts';
import { sandboxKeys } from './repository-keys.ts';

export type StripeConfig = { secretKey: string; webhookSecrets: string[]; baseUrl: string | null };
export type TwilioConfig = {
  accountSid: string;
  authToken: string;
  phoneNumber: string;
  baseUrl: string | null;
};
export type TextmagicConfig = {
  username: string;
  apiKey: string;
  fromNumber: string;
  webhookToken: string;
  baseUrl: string | null;
};
export type SendgridConfig = {
  apiKey: string;
  fromEmail: string;
  webhookPublicKey: string;
  baseUrl: string | null;
};

/** `baseUrl`: of the sandbox, which then plays Google. */
export type GoogleConfig = { clientId: string; clientSecret: string; baseUrl: string | null };

/**
 * Reads each vendor's settings. Unset vendors use the sandbox's public constants and its URL, and are listed in
 * `sandboxed`. `sandboxSendgridKey` is the public key that the sandbox signs e-mail events with.
 */
export function vendorConfigs(e: Environment, sandboxUrl: string | null, sandboxSendgridKey: string) {
  const stripeKey = e.STRIPE_SECRET_KEY ?? e.STRIPE_SECRET;
  const sandboxed: string[] = [];
  const simulate = (name: string, real: boolean) => {
    if (!real) sandboxed.push(name);
    return real ? null : sandboxUrl;
  };
  const stripe: StripeConfig = {
    secretKey: stripeKey ?? sandboxKeys.stripe,
    webhookSecrets: (e.STRIPE_WEBHOOK_SECRET ?? (stripeKey ? '' : sandboxKeys.stripeWebhook))
      .split(',')
      .map((s) => s.trim())
      .filter(Boolean),
    baseUrl: simulate('stripe', stripeKey !== undefined),
  };
  const twilio: TwilioConfig = {
    accountSid: e.TWILIO_ACCOUNT_SID ?? sandboxKeys.twilioSid,
    // The sandbox's public constant must not verify webhooks of a real account.
    authToken: e.TWILIO_AUTH_TOKEN ?? (e.TWILIO_ACCOUNT_SID ? '' : sandboxKeys.twilioToken),
    phoneNumber: e.TWILIO_PHONE_NUMBER ?? sandboxKeys.twilioNumber,
    baseUrl: null,
  };
  const textmagic: TextmagicConfig = {
    username: e.TEXTMAGIC_USERNAME ?? sandboxKeys.textmagicUser,
    apiKey: e.TEXTMAGIC_API_KEY ?? sandboxKeys.textmagicKey,
    fromNumber: e.TEXTMAGIC_FROM_NUMBER ?? sandboxKeys.textmagicNumber,
    webhookToken: e.TEXTMAGIC_WEBHOOK_TOKEN ?? (e.TEXTMAGIC_API_KEY ? '' : sandboxKeys.textmagicToken),
    baseUrl: null,
  };
  if (e.SMS_PROVIDER === 'twilio') twilio.baseUrl = simulate('twilio', e.TWILIO_ACCOUNT_SID !== undefined);
  else textmagic.baseUrl = simulate('textmagic', e.TEXTMAGIC_API_KEY !== undefined);
  const sendgrid: SendgridConfig = {
    apiKey: e.SENDGRID_API_KEY ?? sandboxKeys.sendgrid,
    fromEmail: e.SENDGRID_FROM_EMAIL ?? sandboxKeys.sendgridFrom,
    webhookPublicKey: e.SENDGRID_WEBHOOK_PUBLIC_KEY ?? (e.SENDGRID_API_KEY ? '' : sandboxSendgridKey),
    baseUrl: simulate('sendgrid', e.SENDGRID_API_KEY !== undefined),
  };
  const google = googleConfig(e, sandboxed.length > 0 ? sandboxUrl : null);
  if (google?.baseUrl) sandboxed.push('google');
  return { stripe, twilio, textmagic, sendgrid, google, sandboxed };
}

/** Google is optional: without its variables it is simulated where other vendors are, else switched off. */
function googleConfig(e: Environment, sandboxUrl: string | null): GoogleConfig | null {
  const { GOOGLE_CLIENT_ID: clientId, GOOGLE_CLIENT_SECRET: clientSecret } = e;
  if (clientId && clientSecret) return { clientId, clientSecret, baseUrl: null };
  if (sandboxUrl === null || e.NODE_ENV === 'production') return null;
  return {
    clientId: sandboxKeys.googleClientId,
    clientSecret: sandboxKeys.googleClientSecret,
    baseUrl: sandboxUrl,
  };
}
