import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeLink } from '../../src/db/account/links.ts';
import { accountLinksOf } from '../../src/usecases/account/links.ts';
import { freshCodeFor } from '../harness/authenticator.ts';
import { type MadeSeller, makeBuyer, makeSeller } from '../harness/market.ts';
import { givePassword } from '../harness/passwords.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';
import { expectFits, openBrowser, openWindow } from './chromium.ts';

let system: TestSystem;
let browser: Browser;
const password = 'password123';
beforeAll(async () => {
  [system, browser] = await Promise.all([startSystem({ workers: [] }), openBrowser()]);
});
afterAll(async () => {
  await browser?.close();
  await system?.stop();
});

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

async function seller(): Promise<MadeSeller> {
  const made = await makeSeller(system);
  await givePassword(system, made.userId, password);
  const second = await makeSeller(system, { name: 'Another Seller With a Rather Long Company Name' });
  const { buyerId } = await makeBuyer(system, second);
  await system.rows(
    `INSERT INTO members (organization_id, user_id, role, buyer_id, created_at) VALUES ($1, $2, 'buyer', $3, now() + interval '1 second')`,
    [second.organizationId, made.userId, buyerId],
  );
  return made;
}

/** Nothing that axe-core finds, and no part beside the window, in both themes and three widths. */
async function expectAccessible(page: Page, name: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    for (const width of [1280, 390, 320]) {
      await page.setViewportSize({ width, height: 900 });
      await expectFits(page);
      // The colors of half a transition belong to no theme.
      await page.evaluate('Promise.allSettled(document.getAnimations().map(({ finished }) => finished))');
      await page.evaluate(axe);
      const found = await page.evaluate(
        `axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations.map(({ id, nodes }) => id + ' ' + nodes[0].html.slice(0, 200)))`,
      );
      expect(found, `${name}, ${colorScheme}, ${width}`).toEqual([]);
    }
  }
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize({ width: 1280, height: 900 });
}

describe('the account page in a browser', () => {
  it('a second factor is set up, asked for, and the page names sessions and organizations', async () => {
    const person = await seller();
    const { page, faults, close } = await openWindow(browser);
    const enter = async () => {
      await page.goto(`${system.publicUrl}/login?next=%2Faccount`);
      await page.getByLabel('Email').fill(person.email);
      await page.getByLabel('Password').fill(password);
      await page.getByRole('button', { name: 'Sign in' }).click();
    };
    await enter();
    await page.getByRole('heading', { name: 'Account', level: 1 }).waitFor();
    await expectAccessible(page, 'account');
    await page.getByLabel('Your password').fill(password);
    await page.getByRole('button', { name: 'Set up an authenticator app' }).click();
    const link = page.getByRole('link', { name: 'Open in an app on this device' });
    const uri = (await link.getAttribute('href'))!;
    await expectAccessible(page, 'set-up');
    await page.getByLabel('Code of the app').fill(freshCodeFor(uri));
    await page.getByRole('button', { name: 'Switch on' }).click();
    await page.getByText('The second factor is on.').waitFor();
    await expectAccessible(page, 'account-on');
    await page.context().clearCookies();
    await enter();
    await page.getByRole('heading', { name: 'Enter your code' }).waitFor();
    await expectAccessible(page, 'second-factor');
    await page.getByLabel('Code').fill(freshCodeFor(uri));
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.waitForURL((url) => url.pathname === '/account');
    expect(faults).toEqual([]);
    await close();
  });

  it('a buyer and a seller register with Google', async () => {
    const inviting = await makeSeller(system);
    const { page, faults, close } = await openWindow(browser);
    await page.goto(`${system.publicUrl}/register/buyer?code=${inviting.inviteCode}`);
    await page.getByText('You will buy leads from').waitFor();
    await expectAccessible(page, 'register-buyer');
    await page.getByLabel('Company (optional)').fill('Roofs & Sons');
    await page.getByRole('button', { name: 'Continue with Google' }).click();
    await page.getByLabel('Another account').fill('buyer@google.example');
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.waitForURL((url) => url.origin === system.publicUrl && url.pathname !== '/login');
    const [buyer] = await system.rows(
      `SELECT b.company_name FROM buyers b JOIN users u ON u.id = b.user_id WHERE u.email = 'buyer@google.example' AND b.organization_id = $1`,
      [inviting.organizationId],
    );
    expect(buyer).toEqual({ company_name: 'Roofs & Sons' });
    await page.context().clearCookies();
    await page.goto(`${system.publicUrl}/register`);
    await expectAccessible(page, 'register-seller');
    await page.getByRole('button', { name: 'Continue with Google' }).click();
    await page.getByLabel('Another account').fill('seller@google.example');
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.waitForURL((url) => url.origin === system.publicUrl && url.pathname.startsWith('/market'));
    expect(faults).toEqual([]);
    await close();
  });

  it('an address is verified by the password or a new one', async () => {
    const person = await seller();
    const id = await makeLink(system.runtime.db, person.userId, 'verify_email', 1);
    const { page, faults, close } = await openWindow(browser);
    await page.goto(accountLinksOf(system.runtime.config).url('verify_email', id));
    await page.getByText('An account was registered with').waitFor();
    await expectAccessible(page, 'verify-password');
    await page.getByRole('link', { name: 'Choose a new one' }).click();
    await page.getByLabel('Confirm password').waitFor();
    await expectAccessible(page, 'verify-new-password');
    expect(faults).toEqual([]);
    await close();
  });

  it('Google’s account picker leads back into the account', async () => {
    const person = await seller();
    const { page, faults, close } = await openWindow(browser);
    await page.goto(`${system.publicUrl}/login`);
    await page.getByRole('button', { name: 'Continue with Google' }).click();
    await page.getByLabel('Another account').fill(person.email);
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.waitForURL((url) => url.origin === new URL(system.publicUrl).origin);
    await page.goto(`${system.publicUrl}/account`);
    await page.locator('dd', { hasText: person.email }).waitFor();
    expect(faults).toEqual([]);
    await close();
  });
});
