import type { Environment } from './environment.ts';

/** Returns a sentence with the fix for every setting that production requires. */
export function productionProblems(
  e: Environment,
  sandboxed: readonly string[],
  publicUrl: string,
): string[] {
  const problems: string[] = [];
  const need = (ok: boolean, fix: string) => {
    if (!ok) problems.push(fix);
  };
  need(
    e.DATABASE_URL !== undefined,
    'DATABASE_URL is missing: production does not run on the embedded database.',
  );
  need(
    e.ENCRYPTION_KEYS !== undefined,
    'ENCRYPTION_KEYS is missing: contact fields must be encrypted with your own key.',
  );
  need((e.SESSION_SECRET?.length ?? 0) >= 32, 'SESSION_SECRET is missing or shorter than 32 characters.');
  need(publicUrl.startsWith('https://'), 'PUBLIC_URL must be your https:// address.');
  need(e.ALERT_EMAIL !== undefined, 'ALERT_EMAIL is missing: operators must be notified of parked jobs.');
  need(e.SANDBOX_URL === undefined, 'SANDBOX_URL is set: production talks to real vendors only. Unset it.');
  const variables: Record<string, string> = {
    stripe: 'STRIPE_SECRET_KEY',
    twilio: 'TWILIO_ACCOUNT_SID',
    textmagic: 'TEXTMAGIC_API_KEY',
    sendgrid: 'SENDGRID_API_KEY',
  };
  for (const vendor of sandboxed)
    problems.push(`${variables[vendor]} is missing: ${vendor} would be simulated.`);
  need(
    e.STRIPE_WEBHOOK_SECRET !== undefined,
    'STRIPE_WEBHOOK_SECRET is missing: webhooks cannot be verified.',
  );
  if (e.SMS_PROVIDER === 'twilio') {
    need(e.TWILIO_AUTH_TOKEN !== undefined, 'TWILIO_AUTH_TOKEN is missing.');
    need(e.TWILIO_PHONE_NUMBER !== undefined, 'TWILIO_PHONE_NUMBER is missing.');
  } else {
    need(e.TEXTMAGIC_USERNAME !== undefined, 'TEXTMAGIC_USERNAME is missing.');
    need(e.TEXTMAGIC_FROM_NUMBER !== undefined, 'TEXTMAGIC_FROM_NUMBER is missing.');
    need(
      (e.TEXTMAGIC_WEBHOOK_TOKEN?.length ?? 0) >= 22,
      'TEXTMAGIC_WEBHOOK_TOKEN is missing or shorter than 22 characters.',
    );
  }
  need(e.SENDGRID_FROM_EMAIL !== undefined, 'SENDGRID_FROM_EMAIL is missing.');
  need(e.SENDGRID_WEBHOOK_PUBLIC_KEY !== undefined, 'SENDGRID_WEBHOOK_PUBLIC_KEY is missing.');
  return problems;
}
