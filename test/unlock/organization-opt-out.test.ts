import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { createKey } from '../../src/db/account/api-keys.ts';
import { createOrganization } from '../../src/db/account/organizations.ts';
import { sampleLead } from '../harness/sample-lead.ts';
import type { Buyer, Offer } from '../harness/story.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

/** Two organizations offer leads to a buyer each at the same phone, over a carrier that does not confirm STOP itself. */
let system: TestSystem;
let as: { authorization: string };
beforeAll(async () => {
  system = await startSystem({ env: { SMS_PROVIDER: 'textmagic' } });
  const { db } = system.runtime;
  const organizationId = uuidv7();
  const other = { name: 'Other', slug: 'other', footer: '', supportContact: 'help@other.example' };
  await createOrganization(db, { id: organizationId, ...other });
  const scopes = ['leads:write', 'providers:write', 'replies:write'] as const;
  const { key } = await createKey(db, { organizationId, owner: 'organization', name: 'other', scopes });
  as = { authorization: `Bearer ${key}` };
});
afterAll(() => system?.stop());

let buyer: Buyer;
let theirs: Offer;
let mine: Offer;
beforeEach(async () => {
  buyer = await system.story.buyer();
  const { externalId: external_id, name, phone } = buyer;
  await system.api('POST', '/api/providers', { external_id, name, phone }, as);
  const lead = { ...sampleLead, provider_ids: [external_id] };
  theirs = { leadId: (await system.api('POST', '/api/leads', lead, as)).body.lead_id, secret: '' };
  await system.story.reaches(theirs, buyer, 'AWAIT_CONFIRM');
  mine = await system.story.offer([buyer]);
});

const submit = (message: string) =>
  system.api(
    'POST',
    '/api/leads/sms-response',
    { provider_phone: buyer.phone, message, timestamp: new Date().toISOString() },
    as,
  );
const answers = () =>
  system.story
    .texts(buyer)
    .map((entry) => entry.text ?? '')
    .filter((text) => !text.includes('new client inquiry'));

it('[S34] STOP submitted by one organization ends and confirms its own offers only', async () => {
  await submit('STOP');
  await system.story.reaches(theirs, buyer, 'OPTED_OUT');
  await system.story.settled();
  expect((await system.story.unlock(mine, buyer)).status).toBe('AWAIT_CONFIRM');
  expect(answers()).toEqual([expect.stringMatching(/^Other: you have opted out/)]);

  await system.story.link(mine, buyer);
  expect((await system.story.unlock(theirs, buyer)).status).toBe('OPTED_OUT');
});

it('[S34] HELP submitted by one organization is answered by it, once a day, beside the answer of another', async () => {
  system.story.says(buyer, 'HELP');
  await system.text(buyer.phone, 'Gold Touch List');
  for (const message of ['HELP', 'help']) await submit(message);
  await system.story.settled();
  expect(answers().map((text) => text.slice(0, 5))).toEqual(['Gold ', 'Other']);
});

it('[S34] texts of one organization use up no other’s texts to the same number', async () => {
  await system.rows('UPDATE organizations SET sms_per_number_hour = 2');
  const more = { ...sampleLead, provider_ids: [buyer.externalId] };
  const second = await system.api('POST', '/api/leads', more, as);
  await system.story.reaches({ leadId: second.body.lead_id, secret: '' }, buyer, 'AWAIT_CONFIRM');
  const own = await system.story.lead([buyer]);
  await system.story.reaches(own, buyer, 'AWAIT_CONFIRM');
  await system.rows('UPDATE organizations SET sms_per_number_hour = 20');
});

it('[S34] STOP submitted by an organization while its paid details wait: they go by e-mail, and no text follows', async () => {
  const { externalId } = buyer;
  const email = `${externalId}@example.com`;
  await system.rows('UPDATE buyers SET email = $2 WHERE external_id = $1', [externalId, email]);
  const { session } = await system.story.checkout(theirs, buyer);
  const details = system.sandbox.fault({
    vendor: 'textmagic',
    kind: 'rate_limit',
    contains: 'client details:\n',
  });
  system.sandbox.act.pay(session);
  await system.sandbox.waitFor(
    (e) => e.outcome === 'faulted' && e.to?.replace('+', '') === buyer.phone.slice(1),
  );
  const before = system.story.texts(buyer).length;
  await submit('STOP');
  system.sandbox.clearFaults(details.id);
  await system.story.reaches(theirs, buyer, 'DONE');
  await system.story.settled();
  const after = system.story.texts(buyer).slice(before);
  expect(after.map(({ text }) => text)).toEqual([expect.stringMatching(/^Other: you have opted out/)]);
  expect(system.sandbox.ledger.list({ to: email, accepted: true })).toHaveLength(1);
});
