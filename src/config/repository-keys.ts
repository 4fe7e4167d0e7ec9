/**
 * Keys that this repository publishes. They make `npm start`, the tests and the sandbox work without configuration;
 * production refuses each of them by value.
 */

export const developmentKey = { id: 'dev', key: Buffer.alloc(32, 'leadgate-development-only-key!!!') };
export const developmentSessionSecret = 'leadgate-development-session-secret-0000';

/** Public constants of the sandbox; they have no value outside it. */
export const sandboxKeys = {
  stripe: 'sk_test_sandbox',
  stripeWebhook: 'whsec_sandbox_leadgate',
  twilioSid: `AC${'0'.repeat(31)}1`,
  twilioToken: 'sandbox-twilio-token',
  twilioNumber: '+15005550006',
  textmagicUser: 'sandbox',
  textmagicKey: 'sandbox-textmagic-key',
  textmagicNumber: '+15005550007',
  textmagicToken: 'sandbox-textmagic-webhook-token-0000',
  sendgrid: 'SG.sandbox.leadgate',
  sendgridFrom: 'leads@leadgate.example',
  ghl: 'pit-sandbox-leadgate',
  ghlClientId: 'sandbox-ghl-client',
  ghlClientSecret: 'sandbox-ghl-secret',
  googleClientId: 'sandbox.apps.googleusercontent.com',
  googleClientSecret: 'GOCSPX-sandbox-leadgate',
};

/** Every value of this repository that must not be a setting of production. */
export const repositoryKeys: ReadonlySet<string> = new Set([
  ...Object.values(sandboxKeys),
  developmentSessionSecret,
  developmentKey.key.toString('base64'),
]);
