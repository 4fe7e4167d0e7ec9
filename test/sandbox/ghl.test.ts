import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { location, openGhl, phone } from '../harness/ghl-clients.ts';

const { sandbox, ghl, reset, close, call, upsert, v1 } = await openGhl();
beforeEach(reset);
afterAll(close);

describe('contacts', () => {
  it('upsert creates a contact and finds it again, unchanged to the byte', async () => {
    const name = { firstName: "Seán O'Brien 李小龙 🎷", lastName: `${'Ñ'.repeat(300)}` };
    const made = await upsert({ ...name, email: 'Amy@Example.com', source: 'CSV', tags: ['Old_Lead'] });
    expect(made).toMatchObject({
      status: 200,
      body: { new: true, contact: { ...name, locationId: location, email: 'Amy@Example.com', phone } },
    });
    expect(made.body.contact).toMatchObject({ tags: ['old_lead'], source: 'CSV', dnd: false });
    const again = await upsert({ email: 'amy@example.COM', city: 'Miami' });
    expect(again.body).toMatchObject({ new: false, contact: { ...name, city: 'Miami', source: 'CSV' } });
    const id = made.body.contact.id;
    expect(id).toMatch(/^[A-Za-z0-9]{20}$/);
    expect((await call('GET', `/contacts/${id}`)).body.contact).toEqual(again.body.contact);
    expect(sandbox.ledger.list({ vendor: 'ghl', reference: location })).toMatchObject([
      { operation: 'contact.upsert', outcome: 'accepted', to: phone, vendorId: id },
      { operation: 'contact.upsert', outcome: 'accepted', to: phone, vendorId: id },
    ]);
    expect(ghl.location(location)).toMatchObject({ contacts: 1, created: 1, updated: 1, writtenMore: 1 });
  });

  it('an upsert with tags replaces them, the tag calls add and remove', async () => {
    const { id } = (await upsert({ tags: ['vip'] })).body.contact;
    expect((await upsert({})).body.contact.tags).toEqual(['vip']);
    expect((await upsert({ tags: ['imported'] })).body.contact.tags).toEqual(['imported']);
    const added = await call('POST', `/contacts/${id}/tags`, { json: { tags: ['Roofing', 'imported'] } });
    expect(added).toMatchObject({ status: 201, body: { tags: ['imported', 'roofing'] } });
    const taken = await call('DELETE', `/contacts/${id}/tags`, { json: { tags: ['imported'] } });
    expect(taken).toMatchObject({ status: 200, body: { tags: ['roofing'] } });
    expect(sandbox.ledger.list({ operation: 'contact.tags.add' })).toMatchObject([
      { vendorId: id, to: phone, text: 'roofing, imported', reference: location },
    ]);
    expect((await call('POST', `/contacts/${id}/tags`, { json: {} })).status).toBe(422);
  });

  it('create and update refuse a duplicate and name the existing contact', async () => {
    const first = (await upsert({ name: 'Amy Lee' })).body.contact;
    const duplicate = { locationId: location, phone: '(305) 555-0142' };
    expect(await call('POST', '/contacts/', { json: duplicate })).toMatchObject({
      status: 400,
      body: {
        statusCode: 400,
        message: 'This location does not allow duplicated contacts.',
        meta: { contactId: first.id, contactName: 'Amy Lee', matchingField: 'phone' },
      },
    });
    const other = await call('POST', '/contacts/', {
      json: { locationId: location, email: 'b@example.com' },
    });
    expect(other.status).toBe(201);
    const update = await call('PUT', `/contacts/${other.body.contact.id}`, { json: { phone } });
    expect(update).toMatchObject({ status: 400, body: { meta: { contactId: first.id } } });
    ghl.location(location, { allowDuplicateContact: true });
    expect((await call('POST', '/contacts/', { json: duplicate })).status).toBe(201);
    expect((await upsert({ createNewIfDuplicateAllowed: true })).body.new).toBe(true);
    expect(ghl.location(location)).toMatchObject({ contacts: 4, sharedPhones: 1 });
  });

  it.each([
    [['email', 'phone'] as const, 'email'],
    [['phone', 'email'] as const, 'phone'],
  ])('duplicates match in the order %j, first match wins', async (sequence, wins) => {
    ghl.location(location, { contactUniqueIdentifiers: [...sequence] });
    const byPhone = (await upsert({ firstName: 'phone' })).body.contact;
    const email = 'amy@example.com';
    const byEmail = (await upsert({ phone: undefined, email, firstName: 'email' })).body.contact;
    const both = (await upsert({ email, city: 'Miami' })).body;
    expect(both).toMatchObject({ new: false, contact: { firstName: wins, city: 'Miami' } });
    const [winner, other] = wins === 'email' ? [byEmail, byPhone] : [byPhone, byEmail];
    expect(both.contact).toMatchObject({ id: winner.id, email: winner.email, phone: winner.phone });
    expect((await call('GET', `/contacts/${other.id}`)).body.contact.city).toBeUndefined();
  });

  it('an upsert merges: it replaces what is sent, keeps the rest, leaves a taken phone, and keeps the history', async () => {
    const email = 'office@acme.example';
    const first = (await upsert({ firstName: 'Ann', lastName: 'Lee', email })).body.contact;
    const merged = await upsert({ firstName: 'Bob', phone: '+13055550143', email });
    expect(merged.body).toMatchObject({
      new: false,
      contact: { id: first.id, firstName: 'Bob', lastName: 'Lee', phone: '+13055550143' },
    });
    expect((await upsert({ phone: '+13055550144' })).body.new).toBe(true);
    const left = await upsert({ firstName: 'Cid', lastName: '', phone: '+13055550144', email });
    expect(left.body.contact).toMatchObject({ id: first.id, firstName: 'Cid', phone: '+13055550143' });
    expect(ghl.contact(first.id).history).toMatchObject([
      { name: 'Ann Lee', phone, email },
      { name: 'Bob Lee', phone: '+13055550143', email },
      { name: 'Cid', phone: '+13055550143', email },
    ]);
    expect(ghl.location(location)).toMatchObject({ contacts: 2, overwritten: 1 });
    expect(ghl.contacts({ query: '+13055550144', location })).toMatchObject([{ history: [{ name: '' }] }]);
  });

  it('an invalid body lists every error', async () => {
    const wrong = await upsert({ customField: {}, email: 'not-an-address', phone: '12', tags: 'x' });
    expect(wrong).toMatchObject({ status: 422, body: { statusCode: 422, error: 'Unprocessable Entity' } });
    expect(wrong.body.message).toEqual([
      'phone must be a valid phone number',
      'property customField should not exist',
      'email must be an email',
      'each value in tags must be a string',
      'tags must be an array',
    ]);
    const { id } = (await upsert({})).body.contact;
    const put = await call('PUT', `/contacts/${id}`, { json: { locationId: location } });
    expect(put.body.message).toEqual(['property locationId should not exist']);
    expect((await upsert({ phone: undefined })).status).toBe(400);
    expect((await upsert({ locationId: undefined })).status).toBe(422);
    expect((await call('GET', '/contacts/unknown')).body.message).toBe('Contact with id unknown not found');
    expect(sandbox.ledger.list({ outcome: 'refused', to: '+12' })).toMatchObject([{ reference: location }]);
  });

  it('custom fields, notes, workflows, search and deletion', async () => {
    const fields = `/locations/${location}/customFields`;
    const field = (await call('POST', fields, { json: { name: 'Job type', dataType: 'TEXT' } })).body
      .customField;
    expect(field).toMatchObject({ fieldKey: 'contact.job_type' });
    expect((await call('GET', fields)).body.customFields).toMatchObject([{ id: field.id, name: 'Job type' }]);
    const customFields = [
      { id: field.id, field_value: 'Roof' },
      { id: 'unknown', field_value: 1 },
      { key: 'job_type', value: 'ignored: that is the name in answers' },
    ];
    const { contact } = (await upsert({ customFields })).body;
    expect(contact.customFields).toEqual([{ id: field.id, value: 'Roof' }]);
    const note = await call('POST', `/contacts/${contact.id}/notes`, { json: { body: 'Call after 5' } });
    expect(note).toMatchObject({ status: 201, body: { note: { body: 'Call after 5' } } });
    expect((await call('GET', `/contacts/${contact.id}/notes`)).body.notes).toHaveLength(1);
    expect((await call('POST', `/contacts/${contact.id}/workflow/wf_1`, { json: {} })).body).toEqual({
      succeded: true,
    });
    const query = `locationId=${location}&number=${encodeURIComponent(phone)}`;
    expect((await call('GET', `/contacts/search/duplicate?${query}`)).body.contact.id).toBe(contact.id);
    await call('DELETE', `/contacts/${contact.id}`);
    expect((await call('GET', `/contacts/search/duplicate?${query}`)).body.contact).toBeNull();
    expect(ghl.contacts()).toEqual([]);
  });

  it('v1 takes custom fields as a map, returns a list, and updates a known contact', async () => {
    const path = `/locations/${location}/customFields`;
    const field = (await call('POST', path, { json: { name: 'Job' } })).body.customField;
    const made = await v1('POST', '/contacts/', {
      phone,
      name: 'Amy Lee',
      customField: { [field.id]: 'Roof' },
    });
    expect(made).toMatchObject({
      status: 200,
      body: { contact: { contactName: 'Amy Lee', customField: [{ id: field.id, value: 'Roof' }] } },
    });
    const { id } = made.body.contact;
    expect((await v1('POST', '/contacts/', { phone, tags: ['a'] })).body.contact).toMatchObject({ id });
    expect((await v1('POST', `/contacts/${id}/tags/`, { tags: ['b'] })).body.tags).toEqual(['a', 'b']);
    const found = await v1('GET', `/contacts/lookup?phone=${encodeURIComponent(phone)}`);
    expect(found.body.contacts).toMatchObject([{ id, firstName: 'Amy' }]);
    expect((await v1('GET', '/contacts/lookup?email=no@example.com')).status).toBe(404);
    expect((await v1('GET', '/custom-fields/')).body.customFields).toMatchObject([{ id: field.id }]);
    expect((await v1('POST', '/contacts/', { email: 'x' })).body.email.rule).toBe('invalid');
    const private_ = await call('GET', '/v1/contacts/', { token: `pit-sandbox-${location}` });
    expect(private_).toMatchObject({ status: 401, body: { msg: 'Api key is invalid.' } });
  });
});

describe('rate limits', () => {
  it('allow so many calls per window and location, report it in headers, and refuse the rest with 429', async () => {
    sandbox.configure({ ghl: { rateLimit: { max: 3, intervalMs: 60_000, daily: 1000 } } });
    const answers = [];
    for (let n = 0; n < 4; n += 1) answers.push(await upsert());
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 429]);
    expect(answers.map(({ headers }) => headers['x-ratelimit-remaining'])).toEqual(['2', '1', '0', '0']);
    expect(answers[3]?.headers).toMatchObject({
      'x-ratelimit-max': '3',
      'x-ratelimit-interval-milliseconds': '60000',
      'x-ratelimit-limit-daily': '1000',
      'x-ratelimit-daily-remaining': '997',
    });
    expect(answers[3]?.headers['retry-after']).toBeUndefined();
    const other = { token: 'pit-sandbox-leadgate', json: { locationId: 'another', phone } };
    expect((await call('POST', '/contacts/upsert', other)).status).toBe(200);
    expect(ghl.location(location)).toMatchObject({ calls: 3, limited: 1, peak: 3 });
    sandbox.configure({ ghl: { rateLimit: null } });
    const free = await upsert();
    expect([free.status, free.headers['x-ratelimit-max']]).toEqual([200, undefined]);
  });

  it('apply per day too', async () => {
    sandbox.configure({ ghl: { rateLimit: { max: 100, intervalMs: 1, daily: 1 } } });
    expect((await upsert()).status).toBe(200);
    expect((await upsert()).headers['x-ratelimit-daily-remaining']).toBe('0');
    expect((await upsert()).status).toBe(429);
  });
});
