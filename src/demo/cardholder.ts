import { z } from 'zod';

/** What a person does at pages that are not ours: those of Stripe and of the bank, played by the sandbox. */

const setup = z.object({
  setupIntent: z.object({ id: z.string(), status: z.string(), payment_method: z.string() }),
});

/**
 * Enters a card number in the form of Stripe that a front end shows with the secret of a setup intent. Returns the id of the
 * card, and whether the bank asks for a confirmation first.
 */
export async function enterCard(
  sandboxUrl: string,
  clientSecret: string,
  card: string,
): Promise<{ paymentMethodId: string; confirmUrl: string | null }> {
  const [id = ''] = clientSecret.split('_secret_');
  const answer = await fetch(`${sandboxUrl}/_sandbox/setups/${id}/confirm`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ card }),
  });
  if (!answer.ok) throw new Error(`saving a card: ${answer.status} ${await answer.text()}`);
  const { setupIntent } = setup.parse(await answer.json());
  const asks = setupIntent.status === 'requires_action';
  return {
    paymentMethodId: setupIntent.payment_method,
    confirmUrl: asks ? `${sandboxUrl}/stripe/confirm/${setupIntent.id}` : null,
  };
}

/** Opens the page of the bank (3-D Secure) and confirms. Returns the question that it asks. */
export async function confirmAtBank(confirmUrl: string): Promise<string> {
  const page = await fetch(confirmUrl);
  const [, question = ''] = /<p>(Your bank asks[^<]*)<\/p>/.exec(await page.text()) ?? [];
  if (question === '') throw new Error(`the bank's page asks nothing: ${page.status} ${confirmUrl}`);
  const confirmed = await fetch(confirmUrl, {
    method: 'POST',
    redirect: 'manual',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: 'outcome=succeeded',
  });
  if (confirmed.status >= 400) throw new Error(`the bank's page: ${confirmed.status}`);
  return question;
}
