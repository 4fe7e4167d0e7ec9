import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { addLeads, makeCompany, type SyncRow, syncColumns, type TestCompany } from '../harness/crm.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

/** In front of the sandbox: a location whose settings refuse the upsert of a contact it has, as the vendor documents. */
async function refusingVendor(url: () => string) {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    if (request.url === '/contacts/upsert') {
      const { locationId, phone } = JSON.parse(body.toString('utf8')) as {
        locationId: string;
        phone: string;
      };
      const known = system.sandbox.act.ghl.contacts({ location: locationId, query: phone })[0] as
        | { id?: string }
        | undefined;
      if (known) {
        const meta = { contactId: known.id, contactName: 'x', matchingField: 'phone' };
        const message = 'This location does not allow duplicated contacts.';
        response.writeHead(400, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ statusCode: 400, message, meta }));
        return;
      }
    }
    const { authorization = '', version = '', 'content-type': type } = request.headers;
    const answer = await fetch(url() + request.url, {
      method: request.method,
      headers: { authorization, version: String(version), ...(type && { 'content-type': type }) },
      ...(body.length > 0 && { body }),
    });
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

let system: TestSystem;
let vendor: Awaited<ReturnType<typeof refusingVendor>>;
beforeAll(async () => {
  vendor = await refusingVendor(() => system.sandbox.url);
  system = await startSystem({
    env: { GHL_API_BASE_URL: vendor.url },
    crmLimits: null,
    sandbox: { ghl: { rateLimit: null } },
  });
});
afterAll(async () => {
  await system?.stop();
  await vendor?.close();
});

const synced = (company: TestCompany) =>
  system.until<SyncRow>(
    'the end of the sync',
    `SELECT ${syncColumns} FROM lead_syncs WHERE organization_id = $1`,
    [company.organizationId],
    (row) => row?.status === 'success' || row?.status === 'failed',
  );
const ghl = () => system.sandbox.act.ghl;

it('a refused duplicate updates the existing contact, keeps its tags and creates none', async () => {
  const company = await makeCompany(system.runtime);
  const known = ghl().create(company.location, { phone: '+13052000000', firstName: 'Old', tags: ['vip'] });
  await addLeads(system.runtime, company, [{ name: 'Amy Lee', city: 'Miami', notes: 'Call' }]);
  const [row] = await synced(company);
  expect(row).toMatchObject({ status: 'success', contactId: known.id, attempts: 1 });
  expect(ghl().contact(row!.contactId!)).toMatchObject({
    firstName: 'Amy',
    lastName: 'Lee',
    city: 'Miami',
    tags: ['vip', 'old_lead_reactivation'],
    notes: [{ body: 'Call' }],
  });
  expect(ghl().location(company.location)).toMatchObject({ contacts: 1, created: 1 });
});

it('an address of another contact stays with that contact', async () => {
  const company = await makeCompany(system.runtime);
  ghl().create(company.location, { phone: '+13052000000' });
  const other = ghl().create(company.location, { email: 'amy@example.com', firstName: 'Other' });
  await addLeads(system.runtime, company, [{ name: 'Amy Lee', email: 'amy@example.com' }]);
  const [row] = await synced(company);
  expect(row).toMatchObject({ status: 'success' });
  expect(row!.contactId).not.toBe(other.id);
  expect(ghl().contact(row!.contactId!)).toMatchObject({ firstName: 'Amy', email: null });
  expect(ghl().contact(String(other.id))).toMatchObject({ firstName: 'Other', email: 'amy@example.com' });
});
