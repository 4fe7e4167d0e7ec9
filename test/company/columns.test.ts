import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mostDryRows } from '../../src/usecases/imports/dry-run.ts';
import { asMember, asOperator, type Registered, register } from '../harness/company-people.ts';
import type { Visitor } from '../harness/console-client.ts';
import { phoneOf, plainCsv, type Uploader, uploaderOf } from '../harness/import-client.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

let system: TestSystem;
let mine: Registered;
let member: Visitor;
let uploader: Uploader;
beforeAll(async () => {
  system = await startSystem({
    workers: ['importer', 'ghl-syncer'],
    crmLimits: null,
    sandbox: { ghl: { rateLimit: null } },
  });
  mine = await register(await asOperator(system), 1);
  member = await asMember(system, mine);
  uploader = await uploaderOf(system);
});
afterAll(() => system?.stop());

/** Uploads a file on the page and returns the address of its preview. */
async function upload(body: string): Promise<string> {
  const form = new FormData();
  form.append('file', new Blob([body], { type: 'text/csv' }), 'leads.csv');
  const answer = await fetch(`${system.publicUrl}/dashboard/${mine.number}/upload`, {
    method: 'POST',
    body: form,
    headers: {
      cookie: member.cookie(),
      origin: new URL(system.publicUrl).origin,
      accept: 'application/json',
    },
  });
  return ((await answer.json()) as { location: string }).location;
}
const page = async (path: string) => (await member.get(path)).text();
const check = async (path: string, form: Record<string, string>) =>
  (await member.post(`${path}/preview`, form)).text();
const columns = (...choices: string[]) =>
  Object.fromEntries(choices.map((choice, i) => [`column-${i}`, choice]));
const field = async (name: string) => {
  const answer = await fetch(`${system.sandbox.url}/locations/location1/customFields`, {
    method: 'POST',
    headers: {
      authorization: 'Bearer pit-sandbox-location1',
      version: '2021-07-28',
      'content-type': 'application/json',
    },
    body: JSON.stringify({ name }),
  });
  return ((await answer.json()) as { customField: { id: string } }).customField.id;
};
const counted = (html: string) =>
  /<b>([\d,]+) new<\/b>, ([\d,]+) duplicates?,[^\d]*([\d,]+) rejected/.exec(html)?.slice(1).map(Number);

describe('a column that the CRM has no field for', () => {
  it('is refused by the page, the API and the CSV route, and nothing is stored or shown as ready', async () => {
    const path = await upload(`name,phone,How much\nSarah,${phoneOf(1)},$10\n`);
    const html = await check(path, columns('name', 'phone', 'custom:How much'));
    expect(html).toContain('The CRM has no field for “How much”');
    expect(html).not.toContain('data-sample="ok"');
    const started = await member.post(`${path}/start`, columns('name', 'phone', 'custom:How much'));
    expect(started.status).toBe(400);
    expect(await started.text()).toContain('The CRM has no field for “How much”');

    const mapping = ['name', 'phone', 'custom:How much'];
    const received = await uploader.upload(`name,phone,How much\nSarah,${phoneOf(2)},$10\n`);
    const route = `/api/imports/${received.body.import.import_id}`;
    const preview = await uploader.call('POST', `${route}/preview`, { mapping });
    expect(preview.body.preview).toMatchObject({
      problem: expect.stringContaining('How much'),
      dry_run: null,
    });
    for (const body of [{ mapping }, {}])
      expect(await uploader.call('POST', `${route}/start`, body)).toMatchObject({
        status: 400,
        body: { code: 'invalid_mapping' },
      });
    const csv = new Blob([`name,phone,How much\nSarah,${phoneOf(3)},$10\n`]);
    const direct = await uploader.form('/leads/csv', csv, { mapping: JSON.stringify(mapping) });
    expect([direct.status, direct.body.code]).toEqual([400, 'invalid_mapping']);
    expect(await system.rows("SELECT 1 FROM leads WHERE channel = 'crm_upload'")).toEqual([]);
  });

  it("goes to one of the CRM's fields, to a new one or to the notes, as chosen, and arrives there", async () => {
    const known = await field('Budget');
    const path = await upload(
      `name,phone,How much,Roof,Extra\nRoofed Person,${phoneOf(10)},$10,flat,call late\n`,
    );
    const first = await page(path);
    expect(first).toContain(`value="crm:${known}"`);
    expect(first).toContain('value="create:Roof"');
    const choices = columns('name', 'phone', `crm:${known}`, 'create:Roof', 'note:Extra');
    const checked = await check(path, choices);
    expect(checked).toContain('Budget: $10');
    expect(checked).toMatch(/data-sample="ok"/);
    expect(system.sandbox.ledger.list({ vendor: 'ghl', operation: 'field.create' })).toHaveLength(1);
    expect((await member.post(`${path}/start`, choices)).status).toBe(303);
    await system.until(
      'the contact',
      "SELECT 1 FROM lead_syncs WHERE status = 'success'",
      [],
      (_row, all) => all.length === 1,
    );
    const [found] = system.sandbox.act.ghl.contacts({ location: 'location1' });
    const contact = system.sandbox.act.ghl.contact(String(Object(found).id));
    const created = system.sandbox.ledger.list({ vendor: 'ghl', operation: 'field.create' }).at(-1)!.vendorId;
    expect(contact).toMatchObject({ notes: [{ body: 'Extra: call late' }] });
    expect(Object(contact).customFields).toEqual([
      { id: known, value: '$10' },
      { id: created, value: 'flat' },
    ]);
    // The next file with these columns is mapped in the same way, and creates nothing.
    const again = await page(
      await upload(`name,phone,How much,Roof,Extra\nNext One,${phoneOf(11)},$20,steep,\n`),
    );
    expect(again).toMatch(/value="custom:Budget" selected/);
    expect(again).toMatch(/value="custom:Roof" selected/);
    expect(again).toMatch(/value="note:Extra" selected/);
  });

  it('is not created twice in the CRM, and a refused mapping creates nothing', async () => {
    await field('Size');
    const path = await upload(`name,phone,size\nSized Person,${phoneOf(20)},XL\n`);
    const made = () => system.sandbox.ledger.list({ vendor: 'ghl', operation: 'field.create' }).length;
    const before = made();
    expect((await member.post(`${path}/start`, columns('name', '', 'create:size'))).status).toBe(400);
    expect((await member.post(`${path}/start`, columns('name', 'phone', 'crm:gone'))).status).toBe(400);
    expect((await member.post(`${path}/start`, columns('name', 'phone', 'create:size'))).status).toBe(303);
    expect(made()).toBe(before);
  });

  it('counts as one when its field was removed from the CRM or never existed', async () => {
    const settings = `/dashboard/${mine.number}/settings`;
    await member.post(`${settings}/mapping`, { 'name-0': 'Ghost', 'field-0': 'never-was' });
    expect(await page(settings)).toContain('has no field with this ID');
    const path = await upload(`name,phone,Ghost\nHaunted Person,${phoneOf(25)},boo\n`);
    expect(await check(path, columns('name', 'phone', 'custom:Ghost'))).toContain('has no field for “Ghost”');
    expect((await member.post(`${path}/start`, columns('name', 'phone', 'custom:Ghost'))).status).toBe(400);
  });

  it('says why the CRM did not create a field, and imports nothing', async () => {
    const path = await upload(`name,phone,Shoe\nShod Person,${phoneOf(30)},44\n`);
    const call = { vendor: 'ghl', method: 'POST', path: 'customFields' } as const;
    system.sandbox.fault({ ...call, kind: 'error', status: 403, count: 1 });
    const answer = await member.post(`${path}/start`, columns('name', 'phone', 'create:Shoe'));
    expect(answer.status).toBe(400);
    expect(await answer.text()).toContain('did not create the field “Shoe”');
    expect(await page(path)).toContain('Start the import');
  });
});

describe('a preview counts the whole file', () => {
  const csv = [
    'name,phone',
    `Ana,${phoneOf(40)}`,
    `Bob,${phoneOf(41)}`,
    `Ana again,${phoneOf(40)}`,
    'Odd,+1-555-1234',
    'No phone,',
    `Cleo,${phoneOf(42)}`,
  ].join('\n');

  it('new, duplicates within it and of earlier uploads, rejected: as the import does then', async () => {
    const known = await upload(`name,phone\nCleo before,${phoneOf(42)}\n`);
    await member.post(`${known}/start`, columns('name', 'phone'));
    const id = known.split('/').pop()!;
    await system.until(
      'the first',
      'SELECT status FROM imports WHERE id = $1',
      [id],
      (row) => Object(row).status === 'done',
    );
    const path = await upload(csv);
    const html = await page(path);
    expect(counted(html)).toEqual([3, 2, 1]);
    expect(html).toContain('1 of the new has a phone that is not valid');
    expect(html).toContain('Phone is missing');
    await member.post(`${path}/start`, columns('name', 'phone'));
    const [row] = await system.until<{
      created: number;
      duplicates: number;
      rejected: number;
      status: string;
    }>(
      'the import',
      'SELECT created, duplicates, rejected, status FROM imports WHERE id = $1',
      [path.split('/').pop()],
      (found) => found?.status === 'done',
    );
    expect(row).toMatchObject({ created: 3, duplicates: 2, rejected: 1 });
  });

  it('a long file up to a number of rows, which it says', async () => {
    const received = await uploader.upload(plainCsv(mostDryRows + 1_000, 100_000));
    const { body } = await uploader.call(
      'POST',
      `/api/imports/${received.body.import.import_id}/preview`,
      {},
    );
    const { rows, complete, ...counts } = body.preview.dry_run;
    expect(complete).toBe(false);
    expect(rows).toBeLessThanOrEqual(mostDryRows);
    expect(counts).toEqual({ new: rows, duplicates: 0, rejected: 0 });
  });
});

describe('a company whose CRM is paused', () => {
  it('reads “paused” and no time left, on the dashboard, in the log and on its files', async () => {
    await system.rows("UPDATE crm_connections SET paused_at = now(), pause_reason = 'No token.'");
    const path = await upload(`name,phone\nHeld Person,${phoneOf(60)}\n`);
    await member.post(`${path}/start`, columns('name', 'phone'));
    await system.until(
      'it was read',
      'SELECT status FROM imports WHERE id = $1',
      [path.split('/').pop()],
      (row) => Object(row).status === 'done',
    );
    const dashboard = await page(`/dashboard/${mine.number}`);
    expect(dashboard).toContain('the CRM is paused');
    expect(dashboard).toMatch(/data-status="pending">Paused</);
    expect(dashboard).not.toMatch(/about [^<]* left/);
    for (const place of [path, `/dashboard/${mine.number}/imports`, `/dashboard/${mine.number}`])
      expect(await page(place), place).toMatch(/data-import="done">Paused</);
    expect(await page(path)).toContain('Sending is paused: No token.');
    await system.rows('UPDATE crm_connections SET paused_at = NULL, pause_reason = NULL');
  });
});
