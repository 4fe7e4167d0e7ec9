import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseLeadPhone } from '../../src/domain/phone/lead-phone.ts';
import { asOperator } from '../harness/company-people.ts';
import { addLeads, makeCompany, type TestCompany } from '../harness/crm.ts';
import { anotherCompany, phoneOf, type Uploader } from '../harness/import-client.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

let system: TestSystem;
beforeAll(async () => {
  system = await startSystem({
    timings: { backoffMs: [20, 40] },
    crmLimits: null,
    sandbox: { ghl: { rateLimit: null } },
  });
});
afterAll(() => system?.stop());

const ghl = () => system.sandbox.act.ghl;
type Contact = {
  id: string;
  firstName?: string;
  lastName?: string;
  phone: string | null;
  email: string | null;
  history: unknown[];
};
const contactsOf = (location: string) => ghl().contacts({ location, limit: 1_000 }) as unknown as Contact[];
const nameOf = ({ firstName, lastName }: Contact) => [firstName, lastName].filter(Boolean).join(' ');
const notesOf = (id: string) =>
  (ghl().contact(id) as unknown as { notes: { body: string }[] }).notes.map(({ body }) => body);

type Job = {
  lead_id: string;
  status: string;
  contact_id: string;
  error: string | null;
  remark: string | null;
};
type Synced = { id: string; contactId: string; status: string };

const synced = (organizationId: string, count: number) =>
  system.until<Synced>(
    `${count} leads in the CRM`,
    `SELECT lead_id AS id, contact_id AS "contactId", status FROM lead_syncs WHERE organization_id = $1
      AND status IN ('success', 'failed') ORDER BY lead_id`,
    [organizationId],
    (_row, all) => all.length === count,
  );

/** A company that uploads with a key of its own, and whose leads go to a location of its own. */
let made = 0;
async function uploader(): Promise<Uploader & { location: string }> {
  made += 1;
  const location = `merge${made}`;
  const company = await anotherCompany(system, location);
  await system.rows(
    `INSERT INTO crm_connections (organization_id, vendor, account_id, api_version) VALUES ($1, 'ghl', $2, 'v2')`,
    [company.organizationId, location],
  );
  return { ...company, location };
}
const jobOf = async (company: Uploader, id: string): Promise<Job> =>
  (await company.call('GET', `/api/jobs/${id}`)).body;

const single = ({ call, number }: Uploader, lead: object) =>
  call('POST', '/leads/single', { ...lead, company_id: number });
const bulk = ({ call, number }: Uploader, leads: readonly object[]) =>
  call('POST', '/api/leads/bulk', { leads: leads.map((lead) => ({ ...lead, company_id: number })) });

const shared = 'office@acme.example';
const five = ['Ann Lee', 'Bob', 'Cid Moe', 'Dee', 'Eve Poe'].map((name, n) => ({
  name,
  phone: phoneOf(n),
  email: n === 2 ? 'Office@Acme.Example' : shared,
}));
const rotated = (by: number) => [...five.slice(by), ...five.slice(0, by)];

const ways: [string, (company: Uploader, leads: typeof five) => Promise<unknown>][] = [
  [
    'one at a time',
    async (company, leads) => {
      for (const lead of leads) expect((await single(company, lead)).status).toBe(201);
    },
  ],
  ['all at the same time', (company, leads) => Promise.all(leads.map((lead) => single(company, lead)))],
  ['in bulk', (company, leads) => bulk(company, leads)],
  [
    'in a CSV file',
    ({ upload }, leads) => {
      const rows = leads.map(({ name, phone, email }) => `${name},${phone},${email}`);
      return upload(['Full Name,Phone,Email', ...rows].join('\n'), { start: 'true' });
    },
  ],
  [
    'by the form',
    async ({ number }, leads) => {
      const operator = await asOperator(system);
      for (const lead of leads) await operator.post(`/dashboard/${number}/lead`, { ...lead, notes: '' });
    },
  ],
];

describe('five people with one e-mail address', () => {
  it.each(ways.flatMap(([way, send], n) => [[way, n, send] as const, [way, n + 2, send] as const]))(
    '[F71] %s, beginning with person %i: five contacts, each with its own phone and name',
    async (_way, first, send) => {
      const company = await uploader();
      await send(company, rotated(first % five.length));
      const rows = await synced(company.organizationId, 5);
      const contacts = contactsOf(company.location);
      const people = contacts.map((contact) => ({ name: nameOf(contact), phone: contact.phone }));
      expect(people).toHaveLength(5);
      expect(people).toEqual(expect.arrayContaining(five.map(({ name, phone }) => ({ name, phone }))));
      // One of them has the address; the others have it in a note, and their log says so.
      expect(contacts.filter(({ email }) => email !== null)).toHaveLength(1);
      const jobs = await Promise.all(rows.map(({ id }) => jobOf(company, id)));
      const owner = jobs.find(({ remark }) => remark === null)!;
      for (const job of jobs.filter((each) => each !== owner)) {
        expect(job).toMatchObject({ status: 'success', error: null });
        expect(job.remark).toMatch(/e-mail address is in a note only/);
        expect(job.remark).toContain(owner.lead_id);
        expect(notesOf(job.contact_id).join()).toMatch(/office@acme\.example/i);
      }
      expect(ghl().location(company.location)).toMatchObject({ contacts: 5, overwritten: 0 });
    },
  );

  it('the log on the dashboard says whose address it is', async () => {
    const company = await uploader();
    await bulk(company, five.slice(0, 2));
    await synced(company.organizationId, 2);
    const operator = await asOperator(system);
    const html = await (await operator.get(`/dashboard/${company.number}`)).text();
    expect(html).toMatch(/The e-mail address is in a note only: GoHighLevel keeps one contact per address/);
  });

  it('a lead without a usable phone adds a note to the contact that has its address, and changes none of its fields', async () => {
    const company = await uploader();
    await single(company, five[0]!);
    await synced(company.organizationId, 1);
    const guest = { name: 'Gus Roe', phone: '555-0199', email: shared, notes: 'Call me', tags: ['vip'] };
    expect((await single(company, guest)).status).toBe(201);
    const rows = await synced(company.organizationId, 2);
    const [contact, ...others] = contactsOf(company.location);
    expect(others).toEqual([]);
    expect(contact).toMatchObject({
      firstName: 'Ann',
      lastName: 'Lee',
      phone: five[0]!.phone,
      tags: ['old_lead_reactivation'],
    });
    expect(contact!.history).toHaveLength(1);
    expect(notesOf(contact!.id)).toEqual(['Call me\n\nAnother lead with this e-mail address: Gus Roe']);
    const [ann, gus] = await Promise.all(rows.map(({ id }) => jobOf(company, id)));
    expect(gus!.remark).toContain(`Merged into the contact of ${ann!.lead_id}`);
    expect(ann!.remark).toContain(`Merged with ${gus!.lead_id}`);
  });

  it('the same person keeps the address in a later upload', async () => {
    const company = await uploader();
    await system.rows('UPDATE companies SET dedupe_window_ms = 0 WHERE organization_id = $1', [
      company.organizationId,
    ]);
    for (const notes of ['first', 'second']) await single(company, { ...five[0], notes });
    const rows = await synced(company.organizationId, 2);
    expect(new Set(rows.map(({ contactId }) => contactId)).size).toBe(1);
    expect(contactsOf(company.location)).toMatchObject([{ email: shared, phone: five[0]!.phone }]);
    for (const { id } of rows)
      expect((await jobOf(company, id)).remark ?? '').not.toMatch(/Merged|in a note/);
  });
});

it('[F71] of two runs that begin at the same moment, one writes the address', async () => {
  const company = await makeCompany(system.runtime);
  const [ann, bob] = five as [(typeof five)[0], (typeof five)[0]];
  const { db, vault } = system.runtime;
  const held = db.withTx(async (tx) => {
    // Both runs have looked and found no owner; they wait for the key.
    await tx.query(
      `INSERT INTO crm_addresses (vendor, account_id, email_hash, lead_id, person)
        VALUES ('ghl', $1, $2, gen_random_uuid(), 'x')`,
      [company.location, vault.index(shared)],
    );
    await addLeads(system.runtime, company, [ann, bob]);
    await system.until<{ n: number }>(
      'both runs wait',
      `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'transactionid'`,
      [],
      (row) => row?.n === 2,
    );
    throw new Error('undone');
  });
  await expect(held).rejects.toThrow('undone');
  await synced(company.organizationId, 2);
  const contacts = contactsOf(company.location);
  expect(contacts.map(nameOf).toSorted()).toEqual(['Ann Lee', 'Bob']);
  expect(contacts.map(({ email }) => email).toSorted()).toEqual([shared, null].toSorted());
});

it('a run that is repeated after a lost answer finds the same decision', async () => {
  const company = await makeCompany(system.runtime);
  const { location } = company;
  for (const path of ['/upsert', '/tags', '/notes'])
    system.sandbox.fault({ vendor: 'ghl', path, kind: 'reset_after', count: 2 });
  await addLeads(system.runtime, company, five);
  await synced(company.organizationId, 5);
  const contacts = contactsOf(location);
  expect(contacts.map(nameOf).toSorted()).toEqual(five.map(({ name }) => name).toSorted());
  expect(contacts.filter(({ email }) => email !== null)).toHaveLength(1);
  expect(contacts.map(({ id }) => notesOf(id).length).toSorted()).toEqual([0, 1, 1, 1, 1]);
});

it('[F71] two people with one phone are one contact with one of their names, and both logs say so', async () => {
  const company = await makeCompany(system.runtime);
  const phone = phoneOf(0);
  await addLeads(system.runtime, company, [
    { name: 'Ann Lee', phone },
    { name: 'Bob', phone },
  ]);
  const rows = await synced(company.organizationId, 2);
  const [contact, ...others] = contactsOf(company.location);
  expect(others).toEqual([]);
  expect(['Ann Lee', 'Bob']).toContain(nameOf(contact!));
  const logged = await logOf(company);
  expect(logged.map(({ remark }) => remark ?? '')).toEqual([
    expect.stringMatching(/^Merged with lead_/),
    expect.stringMatching(/^Merged with lead_/),
  ]);
  // The reports of both writes change neither lead.
  await system.sandbox.webhooks.wait({ vendor: 'ghl', objectId: contact!.id, event: 'ContactUpdate' });
  await system.until('all updates are applied', 'SELECT 1 FROM outbox', [], (row) => row === undefined);
  const names = await system.rows<{ contact: string }>(
    'SELECT contact FROM leads WHERE organization_id = $1 ORDER BY id',
    [company.organizationId],
  );
  expect(names.map((row) => system.runtime.vault.openJson<{ name: string }>(row.contact).name)).toEqual([
    'Ann Lee',
    'Bob',
  ]);
  expect(rows.every(({ status }) => status === 'success')).toBe(true);
});

async function logOf({ organizationId }: TestCompany) {
  const { processingLog } = await import('../../src/db/crm/processing-log.ts');
  const { shownRemark } = await import('../../src/domain/crm/remark.ts');
  const query = { status: null, importId: null, search: null, before: null, limit: 100 };
  const rows = await processingLog(system.runtime.db, organizationId, query);
  return rows.map((row) => ({ ...row, remark: shownRemark(row) }));
}

it('a report about a contact waits while another lead with its phone is written, and then changes neither', async () => {
  const company = await makeCompany(system.runtime);
  const phone = phoneOf(0);
  const { vault } = system.runtime;
  await addLeads(system.runtime, company, [{ name: 'Ann Lee', phone }]);
  const [ann] = await synced(company.organizationId, 1);
  // Bob is written: the contact is his, and his run has not recorded it yet.
  const [bob] = await system.rows<{ id: string }>(
    `INSERT INTO leads (id, organization_id, public_id, channel, public, contact, phone_hash, phone_valid)
      VALUES (gen_random_uuid(), $1, 'lead_bob', 'crm_upload', '{}', 'sealed', $2, true) RETURNING id`,
    [company.organizationId, vault.index(phone)],
  );
  const syncOf = [bob!.id, company.organizationId];
  await system.rows(
    `INSERT INTO lead_syncs (lead_id, connection_id, organization_id, status)
      SELECT $1, id, $2, 'processing' FROM crm_connections WHERE organization_id = $2`,
    syncOf,
  );
  ghl().edit(ann!.contactId, { firstName: 'Bob', lastName: '' });
  await system.until(
    'the report waits',
    `SELECT 1 FROM attempts WHERE detail = 'a lead with the same phone is being written'`,
    [],
    (row) => row !== undefined,
  );
  await system.rows(
    `UPDATE lead_syncs SET status = 'success', contact_id = $3, written_hash = 'bob' WHERE lead_id = $1 AND organization_id = $2`,
    [...syncOf, ann!.contactId],
  );
  await system.rows('UPDATE outbox SET due_at = now()');
  await system.until('it is applied', 'SELECT 1 FROM outbox', [], (row) => row === undefined);
  const [row] = await system.rows<{ contact: string }>('SELECT contact FROM leads WHERE id = $1', [ann!.id]);
  expect(vault.openJson<{ name: string }>(row!.contact).name).toBe('Ann Lee');
});

describe('a contact that the company had in its CRM', () => {
  it('keeps no last name of another person, and the log says that it existed', async () => {
    const company = await makeCompany(system.runtime);
    ghl().create(company.location, { phone: phoneOf(0), firstName: 'Ann', lastName: 'Lee' });
    await addLeads(system.runtime, company, [{ name: 'Bob', phone: phoneOf(0) }]);
    await synced(company.organizationId, 1);
    expect(contactsOf(company.location).map(nameOf)).toEqual(['Bob']);
    const [row] = await logOf(company);
    expect(row!.remark).toMatch(/had a contact with this phone or e-mail address already; it was updated/);
  });

  it('a phone that stays with another contact is said in the log and kept in the note', async () => {
    const company = await uploader();
    const { location } = company;
    const other = ghl().create(location, { phone: '+13055550150', firstName: 'Old' }) as unknown as Contact;
    ghl().create(location, { email: 'ann@example.com', phone: '+13055550151', firstName: 'Ann' });
    await company.upload('Full Name,Phone,Email\nAnn Lee,305-555-0150,ann@example.com\n', { start: 'true' });
    const [row] = await synced(company.organizationId, 1);
    expect(row!.contactId).not.toBe(other.id);
    const job = await jobOf(company, row!.id);
    expect(job.remark).toMatch(/The phone stayed with another contact in GoHighLevel/);
    expect(notesOf(row!.contactId)).toEqual(['Phone, of another contact: +13055550150']);
    expect(ghl().contact(other.id)).toMatchObject({ firstName: 'Old', phone: '+13055550150' });
    const operator = await asOperator(system);
    const html = await (await operator.get(`/dashboard/${company.number}?q=${job.lead_id}`)).text();
    expect(html).toContain('The phone stayed with another contact in GoHighLevel');
    // The report of this write is not taken for a correction.
    await system.until('no work is left', 'SELECT 1 FROM outbox', [], (found) => found === undefined);
    const [lead] = await system.rows<{ hash: string }>('SELECT phone_hash AS hash FROM leads WHERE id = $1', [
      row!.id,
    ]);
    expect(lead!.hash).toBe(system.runtime.vault.index('+13055550150'));
  });

  it('an address that stays with another contact is said, where phones are compared first', async () => {
    const company = await makeCompany(system.runtime);
    ghl().location(company.location, { contactUniqueIdentifiers: ['phone', 'email'] });
    ghl().create(company.location, { phone: phoneOf(0), firstName: 'Ann' });
    ghl().create(company.location, { email: 'ann@example.com', firstName: 'Other' });
    await addLeads(system.runtime, company, [
      { name: 'Ann Lee', phone: phoneOf(0), email: 'ann@example.com' },
    ]);
    const [row] = await synced(company.organizationId, 1);
    expect((await logOf(company))[0]!.remark).toMatch(/The e-mail address stayed with another contact/);
    expect(notesOf(row!.contactId)).toEqual(['E-mail, of another contact: ann@example.com']);
  });
});

it('an address that the CRM gave to another contact belongs to that lead from then on', async () => {
  const company = await makeCompany(system.runtime);
  const [ann, bob] = [
    { name: 'Ann Lee', phone: phoneOf(0), email: 'old@acme.example' },
    { name: 'Bob', phone: phoneOf(1), email: 'new@acme.example' },
  ];
  await addLeads(system.runtime, company, [ann]);
  const [row] = await synced(company.organizationId, 1);
  ghl().edit(row!.contactId, { email: 'new@acme.example' });
  await system.until<{ n: number }>(
    'the correction',
    `SELECT count(*)::int AS n FROM crm_addresses WHERE lead_id = $1 AND email_hash = $2`,
    [row!.id, system.runtime.vault.index('new@acme.example')],
    (found) => found?.n === 1,
  );
  expect(await system.rows('SELECT 1 FROM crm_addresses WHERE lead_id = $1', [row!.id])).toHaveLength(1);
  await addLeads(system.runtime, company, [bob]);
  await synced(company.organizationId, 2);
  const contacts = contactsOf(company.location);
  expect(contacts.map((contact) => [nameOf(contact), contact.email]).toSorted()).toEqual([
    ['Ann Lee', 'new@acme.example'],
    ['Bob', null],
  ]);
});

it('a lead with neither a usable phone nor an address fails without a call, and says why', async () => {
  const company = await uploader();
  await single(company, { name: 'Ann Lee', phone: '+1-555-1234' });
  const [row] = await synced(company.organizationId, 1);
  const job = await jobOf(company, row!.id);
  expect(job).toMatchObject({
    status: 'failed',
    error: expect.stringMatching(/no phone that GoHighLevel accepts/),
  });
  expect(system.sandbox.ledger.list({ reference: company.location })).toEqual([]);
});

it('further phone columns are shown in the preview and kept in the note', async () => {
  const company = await uploader();
  const csv = [
    'Full Name,Phone 1,Mobile,Home Phone,Work Phone',
    'Ann Lee,305-555-0150,786-555-0151,,305-555-0150',
    'Bob Moe,,786-555-0152,305-555-0153,',
  ].join('\n');
  const { body } = await company.upload(csv);
  expect(body.preview.rows.map((row: { other_phones: string[] }) => row.other_phones)).toEqual([
    ['+13055550150'],
    ['+13055550153'],
  ]);
  const operator = await asOperator(system);
  const page = await operator.get(`/dashboard/${company.number}/imports/${body.import.import_id}`);
  expect(await page.text()).toContain('also +13055550150');
  await company.call('POST', `/api/imports/${body.import.import_id}/start`, {});
  const rows = await synced(company.organizationId, 2);
  expect(rows.flatMap(({ contactId }) => notesOf(contactId)).toSorted()).toEqual([
    'Other phone: +13055550150',
    'Other phone: +13055550153',
  ]);
});

const person = fc.record({
  name: fc.constantFrom('Ann Lee', 'Bob', 'Cid Moe', 'Dee', 'Eve Poe', 'Cher', '李小龙'),
  // A few numbers, one of them without a country, so that many leads share one.
  phone: fc.constantFrom(phoneOf(0), phoneOf(1), phoneOf(2), phoneOf(3), phoneOf(4), '555-0199'),
  email: fc.option(fc.constantFrom(shared, 'Office@ACME.example', 'a@b.example', 'c@d.example')),
});

it('[F71] for random people who share addresses and phones, each contact is one of them, or the log says merged', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(person, { minLength: 2, maxLength: 9 }),
      fc.boolean(),
      async (people, emailFirst) => {
        const company = await makeCompany(system.runtime);
        const contactUniqueIdentifiers = emailFirst
          ? (['email', 'phone'] as const)
          : (['phone', 'email'] as const);
        ghl().location(company.location, { contactUniqueIdentifiers: [...contactUniqueIdentifiers] });
        const leads = people.map((each) => {
          const parsed = parseLeadPhone(each.phone, 'US');
          return { ...each, phoneValid: parsed.ok && parsed.valid };
        });
        const ids = await addLeads(system.runtime, company, leads);
        await synced(company.organizationId, leads.length);
        const log = new Map((await logOf(company)).map((row) => [row.id, row]));
        const contacts = new Map(contactsOf(company.location).map((contact) => [contact.id, contact]));
        const numbers = new Set(leads.flatMap(({ phone, phoneValid }) => (phoneValid ? [phone] : [])));
        for (const number of numbers)
          expect([...contacts.values()].filter(({ phone }) => phone === number)).toHaveLength(1);
        for (const [n, lead] of leads.entries()) {
          const row = log.get(ids[n]!)!;
          if (row.status === 'failed') {
            expect([lead.phoneValid, lead.email]).toEqual([false, null]);
            continue;
          }
          const contact = contacts.get(row.contactId!)!;
          const isItself =
            nameOf(contact) === lead.name && (!lead.phoneValid || contact.phone === lead.phone);
          if (!isItself) expect(row.remark).toMatch(/^Merged with lead_/);
          if (lead.phoneValid) expect(contact.phone).toBe(lead.phone);
        }
        for (const contact of contacts.values())
          expect(
            leads.some(
              (lead) =>
                lead.name === nameOf(contact) &&
                (contact.phone === null ? !lead.phoneValid : lead.phone === contact.phone),
            ),
          ).toBe(true);
      },
    ),
    { numRuns: 25 },
  );
});
