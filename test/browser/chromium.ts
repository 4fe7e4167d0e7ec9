import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { expect } from 'vitest';
import type { TestSystem } from '../harness/system.ts';

/** The distribution's Chromium; as root it runs only without its own sandbox. */
export const openBrowser = (): Promise<Browser> =>
  chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
  });

export const phoneWindow: BrowserContextOptions = {
  viewport: { width: 390, height: 844 },
  deviceScaleFactor: 2,
  isMobile: true,
  hasTouch: true,
};

export type Watched = { page: Page; faults: string[]; close(): Promise<void> };

/** A browser window that records every error a page reports, policy violations included. */
export async function openWindow(browser: Browser, options: BrowserContextOptions = {}): Promise<Watched> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const faults: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type()))
      faults.push(`${message.text()} (${message.location().url})`);
  });
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('response', (response) => {
    if (response.status() >= 400) faults.push(`${response.status()} ${response.url()}`);
  });
  return { page, faults, close: () => context.close() };
}

export async function signIn(page: Page, system: TestSystem, path = '/console'): Promise<void> {
  await page.goto(system.publicUrl + path);
  await page.getByLabel('Email').fill(system.operator.email);
  await page.getByLabel('Password').fill(system.operator.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForURL((url) => url.pathname.startsWith(path));
}

/** Fails when a page is wider than its window. A phone widens `innerWidth` to the page, but not `clientWidth`. */
export async function expectFits(page: Page): Promise<void> {
  const [window, content] = await page.evaluate(() => {
    const { clientWidth, scrollWidth } = document.documentElement;
    return [clientWidth, scrollWidth] as const;
  });
  expect(content).toBeLessThanOrEqual(window);
}
