import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Browser, BrowserContext, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeLink } from '../../src/db/account/links.ts';
import { inviteByMail } from '../../src/usecases/account/invitations.ts';
import { accountLinksOf } from '../../src/usecases/account/links.ts';
import { asOperator, register } from '../harness/company-people.ts';
import { phoneOf } from '../harness/import-client.ts';
import { makeSeller } from '../harness/market.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';
import { openBrowser, signIn } from './chromium.ts';
import { marketPlaces } from './market-places.ts';

/** Every own page: what axe-core finds, whether it fits, and whether it can be used with keys alone. */

const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const axe = await readFile(createRequire(import.meta.url).resolve('axe-core'), 'utf8');
/** Pages checked at once. */
const together = 3;

let system: TestSystem;
let browser: Browser;
let number: number;
let places: Record<string, string>;
let strangers: Record<string, string>;
let market: Awaited<ReturnType<typeof marketPlaces>>;
/** The cookies of a signed-in operator. */
let session: Awaited<ReturnType<BrowserContext['storageState']>>;
beforeAll(async () => {
  [system, browser] = await Promise.all([startSystem(), openBrowser()]);
  ({ number, places, strangers } = await fill(system));
  market = await marketPlaces(system);
  const context = await browser.newContext();
  await signIn(await context.newPage(), system);
  session = await context.storageState();
  await context.close();
});
afterAll(async () => {
  await browser?.close();
  await system?.stop();
});

/** Puts something of each kind on the pages. Returns their addresses by name. */
async function fill(system: TestSystem) {
  const operator = await asOperator(system);
  const invited = await register(operator, 1);
  const { number } = invited;
  const empty = await register(operator, 2);
  const { story } = system;
  const company = `/dashboard/${number}`;

  const seller = await makeSeller(system);
  const { db, config } = system.runtime;
  const links = accountLinksOf(config);
  const resetId = await makeLink(db, seller.userId, 'reset_password', 1);
  const verifyId = await makeLink(db, seller.userId, 'verify_email', 1);
  const by = { organizationId: seller.organizationId, actor: seller.userId };
  const colleague = {
    email: 'new@people.example',
    name: '',
    role: 'seller',
    buyerId: null,
    supplierId: null,
  } as const;
  const invitationId = await inviteByMail(system.runtime, by, colleague);

  const [buyer, other] = await story.buyers(2);
  const open = await story.offer([buyer!, other!]);
  const link = await story.link(open, buyer!);
  const sold = await story.deal();
  const soldLink = await story.accept(sold);
  await system.sandbox.act.pay(await story.session(soldLink));
  await story.reaches(sold, sold.buyer, 'DONE');
  const ended = await story.offer([buyer!]);
  const endedLink = await story.link(ended, buyer!);
  await system.rows(
    `UPDATE lead_unlocks SET status = 'EXPIRED', reason = 'ttl', closed_at = now()
      WHERE lead_id = (SELECT id FROM leads WHERE public_id = $1)`,
    [ended.leadId],
  );
  await system.sandbox.act.reply('+13055550188', { text: 'Who is this, and what do you want?' });
  system.sandbox.fault({ vendor: 'twilio', kind: 'error', status: 401, contains: 'Parked City' });
  await story.lead([other!], {}, { city: 'Parked City' });
  await system.until('parked work', 'SELECT 1 FROM outbox WHERE parked_at IS NOT NULL', [], (row) => !!row);
  await system.until('an unclear text', 'SELECT 1 FROM inbox WHERE handled_at IS NULL', [], (row) => !!row);
  system.sandbox.clearFaults();

  system.sandbox.fault({ vendor: 'ghl', kind: 'error', status: 422, contains: 'Fails', count: 1 });
  const upload = async (csv: string, name: string) => {
    const form = new FormData();
    form.append('file', new Blob([csv], { type: 'text/csv' }), name);
    const answer = await fetch(`${system.publicUrl}${company}/upload`, {
      method: 'POST',
      body: form,
      headers: { cookie: operator.cookie(), origin: system.publicUrl, accept: 'application/json' },
    });
    return ((await answer.json()) as { location: string }).location;
  };
  const csv = `name,phone\nSarah Johnson,${phoneOf(1)}\nFails Always,${phoneOf(2)}\nNo Phone,\n`;
  const done = await upload(csv, 'a long name of a file that was exported from somewhere else in 2019.csv');
  await operator.post(`${done}/start`, { 'column-0': 'name', 'column-1': 'phone' });
  await system.until(
    'both syncs',
    "SELECT 1 FROM lead_syncs WHERE status IN ('success', 'failed')",
    [],
    (_row, all) => all.length === 2,
  );
  await operator.post(`${company}/settings/keys`, { key_name: 'Our website' });
  const ready = await upload(
    `name,phone,How much is it,Notes\n${'Long name '.repeat(6)},${phoneOf(3)},$10,x\nNo Phone,,,\n`,
    'ready.csv',
  );
  const nameless = await upload(
    `Karim Moe,${phoneOf(4)},k@example.com\nAda Lee,${phoneOf(5)},a@example\n`,
    'nameless.csv',
  );
  const stopped = await upload(
    `name,phone\nHeld Person,${phoneOf(6)}\nHeld Too,${phoneOf(7)}\n`,
    'stopped.csv',
  );
  await system.rows("UPDATE crm_connections SET paused_at = now(), pause_reason = 'No token.'");
  await operator.post(`${stopped}/start`, { 'column-0': 'name', 'column-1': 'phone' });
  const isDone = (row: unknown) => Object(row).status === 'done';
  await system.until(
    'a read file',
    'SELECT status FROM imports WHERE id = $1',
    [stopped.split('/').pop()],
    isDone,
  );
  await operator.post(`${stopped}/cancel`, {});
  await system.rows('UPDATE crm_connections SET paused_at = NULL, pause_reason = NULL');
  const [unlock] = await system.rows<{ id: string }>(
    'SELECT u.id FROM lead_unlocks u JOIN leads l ON l.id = u.lead_id WHERE l.public_id = $1',
    [sold.leadId],
  );
  return {
    number,
    places: {
      console: '/console',
      'console, filtered': '/console?status=paid&q=nothing',
      unlock: `/console/unlocks/${unlock!.id}`,
      parked: '/console/parked',
      inbox: '/console/inbox',
      companies: '/companies',
      register: '/company/register',
      dashboard: company,
      'dashboard, nothing found': `${company}?q=lead_nothing`,
      'dashboard, empty': `/dashboard/${empty.number}`,
      imports: `${company}/imports`,
      'imports, empty': `/dashboard/${empty.number}/imports`,
      import: done,
      'import, stopped': stopped,
      preview: ready,
      'preview, without column names': nameless,
      lead: `${company}/lead`,
      settings: `${company}/settings`,
      account: '/account',
      'not found': '/dashboard/999999',
      'unknown address': '/nowhere',
    },
    strangers: {
      'sign in': '/login',
      'set password': invited.link,
      'register as a seller': '/register',
      'register as a buyer': `/register/buyer?code=${seller.inviteCode}`,
      'forgotten password': '/forgot-password',
      'new password': links.url('reset_password', resetId).slice(system.publicUrl.length),
      'verify an address': links.url('verify_email', verifyId).slice(system.publicUrl.length),
      invitation: links.url('invitation', invitationId).slice(system.publicUrl.length),
      'old link': `/set-password/${'x'.repeat(43)}`,
      'pay page': link.slice(system.publicUrl.length),
      'paid page': soldLink.slice(system.publicUrl.length),
      'paid page, details': soldLink.slice(system.publicUrl.length),
      'ended pay page': endedLink.slice(system.publicUrl.length),
      'unknown pay page': '/p/unknown',
      problems: '/docs/problems',
      'no access': '/queues',
    },
  };
}

type Finding = { rule: string; elements: string[] };

const all = { type: 'tag', values: rules };
const colors = { type: 'rule', values: ['color-contrast', 'link-in-text-block'] };

/** The violations of a page as it is shown. The source of axe-core is in the page; the options are plain JSON. */
async function findings(page: Page, runOnly: typeof all): Promise<Finding[]> {
  const { violations } = (await page.evaluate(
    `axe.run(document, ${JSON.stringify({ runOnly, resultTypes: ['violations'] })})`,
  )) as AxeResults;
  return violations.map(({ id, nodes }) => ({
    rule: id,
    elements: nodes.slice(0, 5).map(({ html }) => html.slice(0, 160)),
  }));
}

/** Elements that are cut off at the side by the window or by a part of the page that cannot be scrolled. */
const clipped = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const found: string[] = [];
    const { clientWidth, scrollWidth } = document.documentElement;
    if (scrollWidth > clientWidth) found.push('the page itself');
    for (const element of document.querySelectorAll('main :is(table, select, input, button, time, h1, h2)')) {
      const box = element.getBoundingClientRect();
      if (box.width === 0 || element.closest('.visually-hidden, .menu-list')) continue;
      let right = clientWidth;
      for (let around = element.parentElement; around; around = around.parentElement) {
        const { overflowX } = getComputedStyle(around);
        if (overflowX === 'auto' || overflowX === 'scroll') right = Number.POSITIVE_INFINITY;
        if (overflowX !== 'visible') right = Math.min(right, around.getBoundingClientRect().right);
        if (right !== clientWidth) break;
      }
      if (box.right > right + 1 || box.left < -1) found.push(element.outerHTML.slice(0, 160));
    }
    return found;
  });

/** Pages that a button leads to: its name. */
const pressed: Record<string, string> = { 'paid page, details': 'Show details' };

const wide = { width: 1280, height: 900 };
const phone = { width: 390, height: 844 };
/** The narrowest window that a page must fit (WCAG 1.4.10). */
const narrowest = { width: 320, height: 700 };

/** Axe's own script and the style that stops transitions are not the page's. */
const open = (options: object = {}) =>
  browser.newContext({ viewport: wide, bypassCSP: true, colorScheme: 'light', ...options });

/** What an open page violates or cuts off, by window and theme. What axe finds differs between themes only in colors. */
async function faultsOf(page: Page): Promise<Record<string, (Finding | string)[]>> {
  const found: Record<string, (Finding | string)[]> = {};
  for (const { width, height } of [wide, phone, narrowest]) {
    await page.setViewportSize({ width, height });
    found[`${width} px, cut off`] = await clipped(page);
    if (width === narrowest.width) break;
    found[`${width} px, light`] = await findings(page, all);
    await page.emulateMedia({ colorScheme: 'dark' });
    found[`${width} px, dark`] = await findings(page, colors);
    await page.emulateMedia({ colorScheme: 'light' });
  }
  return Object.fromEntries(Object.entries(found).filter(([, faults]) => faults.length > 0));
}

/** Without transitions: the colors of half a transition belong to no theme. */
const still = `${['*', '*::before', '*::after', '*::details-content'].join()} {
  transition: none !important; animation: none !important;
}`;

async function look(context: BrowserContext, name: string, path: string) {
  const page = await context.newPage();
  try {
    await page.goto(system.publicUrl + path);
    const button = pressed[name];
    if (button) await page.getByRole('button', { name: button }).click();
    await page.addStyleTag({ content: still });
    // A question is part of its page.
    await page.evaluate(() => {
      for (const question of document.querySelectorAll('details.confirm')) question.setAttribute('open', '');
    });
    await page.addScriptTag({ content: axe });
    return await faultsOf(page);
  } finally {
    await page.close();
  }
}

async function lookAtAll(context: BrowserContext, pages: Record<string, string>) {
  const open = Object.entries(pages);
  const found: Record<string, object> = {};
  const work = async () => {
    for (let next = open.shift(); next; next = open.shift()) {
      const faults = await look(context, ...next);
      if (Object.keys(faults).length > 0) found[next[0]] = faults;
    }
  };
  await Promise.all(Array.from({ length: together }, work));
  await context.close();
  return found;
}

describe('no page violates WCAG 2.2 AA or best practice, in either theme, and nothing is cut off', () => {
  it('without a session', async () => {
    expect(await lookAtAll(await open(), strangers)).toEqual({});
  }, 180_000);

  it('with a session', async () => {
    expect(await lookAtAll(await open({ storageState: session }), places)).toEqual({});
  }, 180_000);

  it.each(['seller', 'buyer'] as const)(
    'as a %s of the marketplace',
    async (side) => {
      const { cookie, places } = market[side];
      const [name = '', value = ''] = cookie.split(/=(.*)/);
      const context = await open();
      await context.addCookies([{ name, value, url: system.publicUrl }]);
      expect(await lookAtAll(context, places)).toEqual({});
    },
    180_000,
  );
});

describe('with keys alone', () => {
  const visit = async (path: string) => {
    const context = await open({ storageState: session });
    const page = await context.newPage();
    page.setDefaultTimeout(15_000);
    await page.goto(system.publicUrl + path);
    return { page, close: () => context.close() };
  };
  /** A field of a section that was just opened cannot take the focus before the browser has drawn it. */
  const focusOn = (field: Locator) =>
    expect
      .poll(async () => {
        await field.focus();
        return field.evaluate((element) => element === document.activeElement);
      })
      .toBe(true);
  const focused = (page: Page) =>
    page.evaluate(() => {
      const at = document.activeElement;
      return at instanceof HTMLElement
        ? `${at.tagName.toLowerCase()} ${at.id || at.getAttribute('name') || ''}`.trim()
        : '';
    });

  it('the first Tab leads past the navigation', async () => {
    const { page, close } = await visit(places.dashboard!);
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.textContent?.trim())).toBe('Skip to content');
    await page.keyboard.press('Enter');
    expect(await focused(page)).toBe('main main');
    await close();
  });

  it('arrow keys pass the options of a filter by; Enter applies it, and the focus stays', async () => {
    const { page, close } = await visit(places.dashboard!);
    await focusOn(page.getByLabel('State', { exact: true }));
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    expect(new URL(page.url()).search).toBe('');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/dashboard/*?*status=success*');
    await page.locator('select[name=status]:focus').waitFor();
    await close();
  });

  it('the encoding of a file is read again on Enter, not on the first arrow key', async () => {
    const { page, close } = await visit(places.preview!);
    await page.getByText('Encoding or columns look wrong?').click();
    await focusOn(page.getByLabel('Separator'));
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    expect(await page.getByText('separated by commas').count()).toBe(1);
    await page.keyboard.press('Enter');
    await page.getByText('separated by semicolons').waitFor();
    await page.locator('select[name=delimiter]:focus').waitFor();
    await page.getByLabel('Separator').selectOption('');
    await page.getByText('separated by commas').waitFor();
    await close();
  });

  it('j and k move the focus to the next and previous row, and single keys can be turned off', async () => {
    const { page, close } = await visit('/companies');
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    await page.keyboard.press('k');
    const name = await page.locator('tr[data-row] a').first().textContent();
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe(name);
    await page.keyboard.press('?');
    await page.getByLabel('Use these shortcuts').uncheck();
    await page.getByRole('button', { name: 'Close' }).click();
    await page.keyboard.press('j');
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe(name);
    await close();
  });

  it('after a refused form the focus is on the first wrong field', async () => {
    const { page, close } = await visit(places.lead!);
    await page.getByLabel('Name').fill('Sarah Johnson');
    await page.getByLabel('Phone').fill('12');
    await page.keyboard.press('Enter');
    await page.locator('#phone:focus').waitFor();
    expect(await page.locator('#phone').getAttribute('aria-describedby')).toContain('phone-error');
    await page.goto(`${system.publicUrl}/account`);
    await page.getByLabel('Current password').fill('not this one');
    await page.getByLabel('New password').fill('a new and long one');
    await page.getByLabel('Confirm password').fill('a new and long one');
    await page.keyboard.press('Enter');
    await page.locator('#current:focus').waitFor();
    await page.getByText('This is not your current password.').waitFor();
    await close();
  });

  it('after an action the focus is on the row that it changed, and after a saved form on what it says', async () => {
    const { page, close } = await visit(places.dashboard!);
    await focusOn(page.getByRole('button', { name: /^Retry lead_/ }));
    await page.keyboard.press('Enter');
    await page.getByText('Retrying', { exact: true }).waitFor();
    await page.waitForFunction(() => document.activeElement?.closest('[data-live=log]') != null);
    await page.goto(`${system.publicUrl}${places.settings}`);
    await page.getByLabel('Source').fill('Spreadsheet');
    await page.keyboard.press('Enter');
    await page.locator('output.note:focus').waitFor();
    await close();
  });

  it('the account menu opens and closes with keys, and times are in the chosen zone', async () => {
    const { page, close } = await visit(places.account!);
    await page.getByLabel('Time zone').selectOption('Asia/Tokyo');
    await page.goto(`${system.publicUrl}${places.unlock}`);
    expect(await page.locator('.line-time time').first().getAttribute('title')).toContain('Japan');
    await focusOn(page.locator('[data-menu] > summary'));
    await page.keyboard.press('Enter');
    await page.getByRole('link', { name: 'Account and password' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('link', { name: 'Account and password' }).waitFor({ state: 'hidden' });
    expect(await focused(page)).toBe('summary');
    await close();
  });
});

it('every page of a company is named after what it shows', async () => {
  const context = await open({ storageState: session });
  const page = await context.newPage();
  const titles: string[] = [];
  for (const path of ['', '/imports', '/lead', '/settings']) {
    await page.goto(`${system.publicUrl}/dashboard/${number}${path}`);
    titles.push(`${await page.title()} | ${(await page.locator('h1').textContent())?.replace(/\s+/g, ' ')}`);
  }
  expect(titles).toEqual([
    'Dashboard · Company 1 · leadgate | Company 1: Dashboard',
    'Imports · Company 1 · leadgate | Company 1: Imports',
    'Add a lead · Company 1 · leadgate | Company 1: Add a lead',
    'Settings · Company 1 · leadgate | Company 1: Settings',
  ]);
  await context.close();
});
