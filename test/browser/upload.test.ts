import { readFile } from 'node:fs/promises';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { asOperator, memberPassword, type Registered, register } from '../harness/company-people.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';
import { expectFits, openBrowser, openWindow, phoneWindow, type Watched } from './chromium.ts';

/** As a Spanish spreadsheet saves it: Windows-1252, semicolons, CRLF, headers in the customer's own words. */
const people = [
  ['José Núñez', '(305) 555-0101'],
  ["Zoë O'Brien", '305.555.0102'],
  ['Señora Ángela Ibáñez', '+1 305 555 0103'],
  ['André', '3055550104'],
  ['José Núñez', '+13055550101'],
  ['María', '1,30556E+10'],
  ['Óscar', 'no tiene'],
] as const;
const lines = ['Quién;Móvil de contacto;Presupuesto;;Observaciones', ''];
for (const [name, phone] of people) lines.push(`${name};${phone};"$150;200";;"Prefiere\r\nlas tardes"`);
const messy = Buffer.from(`${lines.join('\r\n')}\r\n`, 'latin1');

describe('uploading in a browser', () => {
  let system: TestSystem;
  let browser: Browser;
  let window: Watched;
  let company: Registered;
  beforeAll(async () => {
    [system, browser] = await Promise.all([startSystem(), openBrowser()]);
    company = await register(await asOperator(system), 1);
  });
  afterAll(async () => {
    await browser?.close();
    await system?.stop();
  });
  beforeEach(async () => {
    window = await openWindow(browser);
  });
  afterEach(async () => {
    await window.close();
    expect(window.faults).toEqual([]);
  });

  const signIn = async (path: string, { page } = window) => {
    await page.goto(system.publicUrl + path);
    await page.getByLabel('Email').fill(company.email);
    await page.getByLabel('Password').fill(memberPassword);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.waitForURL((url) => url.pathname === path);
  };
  const csv = (body: string | Buffer, name: string) => ({
    name,
    mimeType: 'text/csv',
    buffer: Buffer.from(body as string),
  });

  it('a member sets a password, uploads a messy file, corrects its mapping, follows the import and sees the contacts', async () => {
    const { page } = window;
    await page.goto(system.publicUrl + company.link);
    await page.getByLabel('Password', { exact: true }).fill(memberPassword);
    await page.getByLabel('Confirm password').fill(memberPassword);
    await page.getByRole('button', { name: /Set the password/ }).click();
    await page.getByRole('link', { name: 'Imports', exact: true }).click();

    await page.locator('input[type=file]').setInputFiles(csv(messy, 'clientes 2019.csv'));
    await page.getByText('Windows-1252, separated by semicolons').waitFor();
    await page.getByText('Select the column that holds the name.').waitFor();
    await page.evaluate(() => document.body.setAttribute('data-same-page', 'yes'));
    await page.getByLabel('Quién').selectOption('Name');
    await page.getByText('5 of 7 can be imported').waitFor();
    await page.getByLabel('Presupuesto').selectOption('create:Presupuesto');
    await page.getByText('Presupuesto: $150;200').first().waitFor();
    await page.getByText('See the rejected rows').click();
    for (const part of ['First rows', 'What will happen'])
      await page.getByRole('region', { name: part }).getByText('Phone is in scientific notation').waitFor();
    expect(await page.locator('body[data-same-page]').count()).toBe(1);
    await expectFits(page);

    await page.getByRole('button', { name: 'Start the import' }).click();
    await page.locator('[data-import-status]').waitFor();
    await page.evaluate(() => document.body.setAttribute('data-same-page', 'yes'));
    await page.locator('[data-import-status=done]').waitFor();
    await page.locator('[data-synced="4"]').waitFor();
    expect(await page.locator('body[data-same-page]').count()).toBe(1);
    const tiles = await page.locator('.tile').allTextContents();
    expect(tiles.map((text) => /\d+/.exec(text)?.[0])).toEqual(['7', '4', '1', '2']);

    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'Download 2 rejected rows' }).click(),
    ]);
    expect(download.suggestedFilename()).toBe('clientes 2019.rejected.csv');
    const rejects = await readFile((await download.path())!, 'utf8');
    expect(rejects).toMatch(/María,"1,30556E\+10".*phone: is in scientific notation/s);
    expect(rejects).toMatch(/Óscar,no tiene.*phone: /s);
    expect(rejects).not.toContain('Zoë');

    const contacts = await window.page.context().newPage();
    await contacts.goto(`${system.sandbox.url}/crm`);
    for (const name of ['José Núñez', "Zoë O'Brien", 'André'])
      await contacts.getByText(name).first().waitFor();
    await contacts.close();
  });

  it('the corrected file of rejected rows is accepted with its old mapping; the same file again asks first', async () => {
    const { page } = window;
    await signIn(`/dashboard/${company.number}/upload`);
    const corrected =
      'Quién,Móvil de contacto,Presupuesto,,Observaciones,Rejected because\r\nMaría,+13055550106,,,,x\r\n';
    await page.locator('input[type=file]').setInputFiles(csv(corrected, 'clientes.rejected.csv'));
    await page.getByText('as you chose before').first().waitFor();
    await page.getByText('1 of 1 can be imported').waitFor();
    await page.getByRole('button', { name: 'Start the import' }).click();
    await page.locator('[data-synced="1"]').waitFor();

    await page.goto(`${system.publicUrl}/dashboard/${company.number}/upload`);
    await page.locator('input[type=file]').setInputFiles(csv(messy, 'clientes again.csv'));
    await page.getByText('The same file was imported on').waitFor();
    await page.getByRole('button', { name: 'Start the import' }).click();
    expect(await page.locator('input[name=confirm]:invalid').count()).toBe(1);
    await page.getByLabel('Import it again').check();
    await page.getByRole('button', { name: 'Start the import' }).click();
    await page.locator('[data-import-status=done]').waitFor();
    const tiles = await page.locator('.tile').allTextContents();
    expect(tiles.map((text) => /\d+/.exec(text)?.[0])).toEqual(['7', '0', '5', '2']);
  });

  it('a file can be dropped; one that is too large or no CSV is refused with a sentence beside the field', async () => {
    const { page, faults } = window;
    await signIn(`/dashboard/${company.number}/upload`);
    const drop = async (name: string, body: string) => {
      const dataTransfer = await page.evaluateHandle(
        ([fileName, text]) => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([text!], fileName!));
          return transfer;
        },
        [name, body],
      );
      await page.dispatchEvent('[data-drop]', 'drop', { dataTransfer });
    };
    await drop('large.csv', 'a'.repeat(11 * 1024 * 1024));
    await page.getByText('large.csv is 11 MB: larger than the 10 MB').waitFor();
    await drop('book.csv', 'PK\x03\x04 [Content_Types].xml xl/');
    await page.getByText('This is an Excel workbook').waitFor();
    // The browser itself logs the refusal as an error.
    expect(faults.splice(0).every((fault) => fault.includes('400'))).toBe(true);
    await drop('leads.csv', 'name,phone\nDropped Person,+13055550188\n');
    await page.getByText('separated by commas, 2 columns').waitFor();
    await page.getByText('Encoding or columns look wrong?').click();
    await page.getByLabel('Separator').selectOption('Semicolons');
    await page.getByText('separated by semicolons, 1 column').waitFor();
    await page.getByLabel('Separator').selectOption('Detect automatically');
    await page.getByText('separated by commas, 2 columns').waitFor();
    await page.getByRole('button', { name: 'Discard' }).click();
    await page.locator('[data-import-status=cancelled]').waitFor();
  });

  it('without JavaScript: choose, send, check and start an import', async () => {
    const plain = await openWindow(browser, { javaScriptEnabled: false });
    const { page } = plain;
    await signIn(`/dashboard/${company.number}/upload`, plain);
    await page
      .locator('input[type=file]')
      .setInputFiles(csv('who,phone\nPlain Person,+13055550190\n', 'p.csv'));
    await page.getByRole('button', { name: 'Upload', exact: true }).click();
    await page.getByLabel('who').selectOption('Name');
    await page.getByRole('button', { name: 'Check again' }).click();
    await page.getByText('1 of 1 can be imported').waitFor();
    await page.getByRole('button', { name: 'Start the import' }).click();
    await page.locator('[data-import-status]').waitFor();
    await plain.close();
    expect(plain.faults).toEqual([]);
  });

  it("the dashboard shows the CRM's own error and retries by one click", async () => {
    const { page } = window;
    const fault = { vendor: 'ghl', kind: 'error', status: 422, count: 1 } as const;
    system.sandbox.fault(fault);
    await signIn(`/dashboard/${company.number}/lead`);
    await page.getByLabel('Name').fill('Failing First');
    await page.getByLabel('Phone').fill('305-555-0177');
    await page.getByRole('button', { name: 'Add the lead' }).click();
    await page.getByText('will be sent to the CRM').waitFor();
    await page.getByRole('link', { name: 'Dashboard' }).click();
    const row = page.locator('tr[data-row]', { hasText: 'Failing F.' });
    await row.locator('[data-status=failed]').waitFor();
    await row.getByRole('button', { name: 'Retry' }).click();
    await row.locator('[data-status=success]').waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('305 555 0177');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/dashboard/*?*q=*');
    expect(await page.locator('tr[data-row]').count()).toBe(1);
  });

  it.each(['light', 'dark'] as const)('every page fits a phone screen (%s)', async (colorScheme) => {
    const phone = await openWindow(browser, { ...phoneWindow, colorScheme });
    await signIn(`/dashboard/${company.number}`, phone);
    for (const path of ['', '/upload', '/lead', '/imports', '/settings']) {
      await phone.page.goto(`${system.publicUrl}/dashboard/${company.number}${path}`);
      await expectFits(phone.page);
    }
    await phone.page.goto(`${system.publicUrl}/dashboard/${company.number}/imports`);
    await phone.page.locator('tr[data-row] a').first().click();
    await phone.page.locator('[data-import-status]').waitFor();
    await expectFits(phone.page);
    await phone.close();
    expect(phone.faults).toEqual([]);
  });
});
