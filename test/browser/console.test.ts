import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { sampleLead } from '../harness/sample-lead.ts';
import { providers, startSystem, type TestSystem } from '../harness/system.ts';
import { expectFits, openBrowser, openWindow, phoneWindow, signIn, type Watched } from './chromium.ts';

const [amy] = providers as [(typeof providers)[number]];

describe('the console in a browser', () => {
  let system: TestSystem;
  let browser: Browser;
  let window: Watched;
  beforeAll(async () => {
    [system, browser] = await Promise.all([startSystem(), openBrowser()]);
  });
  afterAll(async () => {
    await browser.close();
    await system.stop();
  });
  beforeEach(async () => {
    window = await openWindow(browser);
  });
  afterEach(async () => {
    await window.close();
    expect(window.faults).toEqual([]);
  });

  const offer = async (over: Record<string, unknown> = {}): Promise<string> =>
    (await system.api('POST', '/api/leads', { ...sampleLead, ...over })).body.lead_id;
  const pay = async (leadId: string) => {
    await system.sandbox.act.reply(amy.phone, { text: `Y ${leadId}` });
    const { text } = await system.text(amy.phone, `(Lead ${leadId})`);
    const checkout = await fetch(/https?:\/\/\S+\/p\/[\w-]+/.exec(text ?? '')![0], {
      method: 'POST',
      redirect: 'manual',
    });
    await system.sandbox.act.pay(checkout.headers.get('location')!.split('/').pop()!, {});
  };

  it('[S07] [S09] a visitor signs in, returns to the page they asked for, and signs out', async () => {
    const { page } = window;
    await signIn(page, system, '/console/inbox');
    expect(new URL(page.url()).pathname).toBe('/console/inbox');
    await page.locator('[data-menu] > summary').click();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.waitForURL('**/login');
    await page.goto(`${system.publicUrl}/console`);
    expect(new URL(page.url()).pathname).toBe('/login');
  });

  it("an unlock's progress appears live, without a reload", async () => {
    const { page } = window;
    await signIn(page, system);
    await page.locator('html[data-connection=live]').waitFor();
    await page.evaluate(() => document.body.setAttribute('data-same-page', 'yes'));
    const leadId = await offer();
    const row = page.locator('tr[data-row]', { hasText: leadId });
    await row.locator('[data-state=AWAIT_CONFIRM]').waitFor();
    await pay(leadId);
    await row.locator('[data-state=DONE]').waitFor();
    expect(await page.locator('body[data-same-page]').count()).toBe(1);

    await row.getByRole('link', { name: leadId }).click();
    await page.waitForURL('**/console/unlocks/*');
    await page.getByText('Send the details: done').first().waitFor();
    expect(await page.getByText('Sarah Johnson').count()).toBe(0);
    await page.getByRole('button', { name: /Show the text/ }).click();
    await page.getByText('Name: Sarah Johnson').waitFor();
  });

  it('parked work is shown, resumed by one click, and its unlock reaches DONE', async () => {
    const { page } = window;
    system.sandbox.fault({
      vendor: 'twilio',
      kind: 'error',
      status: 401,
      contains: 'here are the client details',
    });
    await signIn(page, system);
    const leadId = await offer();
    await system.text(amy.phone, leadId);
    await pay(leadId);
    const parked = page.locator('[data-item]', { hasText: leadId });
    await parked.waitFor();
    await expect.poll(() => parked.textContent()).toContain('Paid details weren’t delivered to');
    system.sandbox.clearFaults();
    await parked.getByText('Resume', { exact: true }).click();
    await parked.getByRole('button', { name: 'Resume this step' }).click();
    await page.getByText('Resumed', { exact: true }).waitFor();
    await page.locator('tr[data-row]', { hasText: leadId }).locator('[data-state=DONE]').waitFor();
    await parked.waitFor({ state: 'detached' });
  });

  it('keyboard shortcuts: / searches, j and k move, Enter opens, ? explains', async () => {
    const { page } = window;
    const older = await offer();
    const newer = await offer();
    await system.text(amy.phone, newer);
    await signIn(page, system);
    await page.keyboard.press('j');
    expect(await page.locator('.is-current').textContent()).toContain(newer);
    await page.keyboard.press('j');
    expect(await page.locator('.is-current').textContent()).toContain(older);
    await page.keyboard.press('k');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/console/unlocks/*');
    await page.keyboard.press('u');
    await page.waitForURL('**/console');
    await page.keyboard.press('?');
    expect(await page.locator('dialog[data-help]').isVisible()).toBe(true);
    await page.keyboard.press('Escape');
    await page.keyboard.press('/');
    await page.keyboard.type(older);
    await page.keyboard.press('Enter');
    await page.waitForURL(`**/console?*q=${older}`);
    expect(await page.locator('tr[data-row]').count()).toBe(1);
  });

  it('[S15] markup is shown as text: no script runs and the policy reports nothing', async () => {
    const { page } = window;
    const leadId = await offer({
      city: '<img src=x onerror=alert(1)>',
      service_type: '<script>alert(1)</script>',
    });
    await system.text(amy.phone, leadId);
    page.on('dialog', () => window.faults.push('a dialog opened'));
    await signIn(page, system);
    await page.locator('tr[data-row]', { hasText: leadId }).getByRole('link').click();
    await page.getByText('<img src=x onerror=alert(1)>').first().waitFor();
  });

  it('the queues page shows every queue', async () => {
    const { page } = window;
    await signIn(page, system, '/queues');
    for (const queue of [
      'distributor',
      'teaser-sender',
      'payment-linker',
      'revealer',
      'notifier',
      'expirer',
    ]) {
      await page.getByText(queue, { exact: true }).first().waitFor();
    }
    // With the queue in PostgreSQL ended jobs are removed; the marker that shows a flushed queue is always there.
    await page.goto(`${system.publicUrl}/queues/queue/teaser-sender?status=delayed`);
    await page.getByText('canary').first().waitFor();
  });

  it.each(['light', 'dark'] as const)('every page fits a phone screen (%s)', async (colorScheme) => {
    await offer();
    const phone = await openWindow(browser, { ...phoneWindow, colorScheme });
    await signIn(phone.page, system);
    await phone.page.locator('tr[data-row]').first().waitFor();
    await expectFits(phone.page);
    expect(await phone.page.evaluate(() => document.documentElement.classList.contains('dark'))).toBe(
      colorScheme === 'dark',
    );
    await phone.page.locator('tr[data-row] a').first().click();
    await phone.page.waitForURL('**/console/unlocks/*');
    await expectFits(phone.page);
    await phone.close();
    expect(phone.faults).toEqual([]);
  });
});
