import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sampleLead } from '../harness/sample-lead.ts';
import { providers, startSystem, type TestSystem } from '../harness/system.ts';
import { expectFits, openBrowser, openWindow, phoneWindow } from './chromium.ts';

const [amy] = providers as [(typeof providers)[number]];

describe('paying on a phone', () => {
  let system: TestSystem;
  let browser: Browser;
  beforeAll(async () => {
    [system, browser] = await Promise.all([startSystem(), openBrowser()]);
  });
  afterAll(async () => {
    await browser.close();
    await system.stop();
  });

  it.each(['light', 'dark'] as const)(
    'opens the link, pays on the checkout page, reads the details (%s)',
    async (colorScheme) => {
      const { page, faults, close } = await openWindow(browser, { ...phoneWindow, colorScheme });
      const { body } = await system.api('POST', '/api/leads', sampleLead);
      await system.text(amy.phone, body.lead_id);
      await system.sandbox.act.reply(amy.phone, { text: `Y ${body.lead_id}` });
      const { text } = await system.text(amy.phone, `(Lead ${body.lead_id})`);
      const link = /https?:\/\/\S+\/p\/[\w-]+/.exec(text ?? '')![0];

      await page.goto(link);
      await page.getByText('60 min Mobile Massage').waitFor();
      expect(await page.content()).not.toMatch(/Sarah Johnson|123 Ocean Drive/);
      await expectFits(page);
      await page.getByRole('button', { name: 'Pay $20' }).click();
      await page.waitForURL(`${system.sandbox.url}/**`);
      await expectFits(page);
      await page.getByRole('button', { name: /^Pay/ }).click();
      await page.waitForURL(`${link}**`);
      await page.getByRole('button', { name: 'Show details' }).click();
      await page.getByText('Sarah Johnson').waitFor();
      await page.getByText('123 Ocean Drive, Miami Beach, FL 33139').waitFor();
      await expectFits(page);
      await system.until<{ status: string }>(
        'DONE',
        'SELECT u.status FROM lead_unlocks u JOIN leads l ON l.id = u.lead_id WHERE l.public_id = $1',
        [body.lead_id],
        (row) => row?.status === 'DONE',
      );
      expect(
        system.sandbox.ledger.list({ operation: 'payment.capture', accepted: true }).length,
      ).toBeGreaterThan(0);
      await close();
      expect(faults).toEqual([]);
    },
  );
});
