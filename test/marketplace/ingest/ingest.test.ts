import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createIngest } from '../../../src/usecases/marketplace/ingest.ts';
import { decisionWatchOf } from '../../../src/usecases/marketplace/ingest-wait.ts';
import { recordDecision, sellMarketLead } from '../../harness/market-leads.ts';
import { type IngestPlace, makeIngestPlace, makeSupplier, sendLead } from './place.ts';

let place: IngestPlace;
beforeAll(async () => {
  // A decision that is late on a busy machine is not what is asked here.
  place = await makeIngestPlace({ env: { INGEST_WAIT_MS: '30000' } });
});
afterAll(() => place?.api.stop());

const asyncly = { prefer: 'respond-async' };

type Row = {
  id: string;
  public: { data: object };
  contact: string;
  region: string | null;
  quality: string;
  status: string;
  hours: number;
};
const storedLead = async (publicId: string): Promise<Row> => {
  const [row] = await place.api.rows<Row>(
    `SELECT l.*, d.status, (extract(epoch FROM d.expires_at - d.received_at) / 3600)::int AS hours
     FROM leads l JOIN distributions d ON d.lead_id = l.id WHERE l.public_id = $1`,
    [publicId],
  );
  return row!;
};
const count = (table: string) => place.api.count(table);

/** The public id of the lead with this e-mail address, once it is stored. */
async function storedWith(lead: { data: Record<string, unknown> }): Promise<string> {
  const hash = place.api.runtime.vault.index(String(lead.data.email));
  for (;;) {
    const [row] = await place.api.rows<{ id: string }>(
      'SELECT public_id AS id FROM leads WHERE email_hash = $1',
      [hash],
    );
    if (row) return row.id;
    await new Promise(setImmediate);
  }
}

describe('POST /api/leads/ingest', () => {
  it('stores the lead, how it stands and one event in one statement', async () => {
    const lead = place.lead({ state: 'california', quality: 'HOT' });
    const answer = await place.send(lead, asyncly);
    expect(answer.statusCode).toBe(201);
    expect(answer.headers['preference-applied']).toBe('respond-async');
    const { leadId } = answer.json();
    expect(answer.json()).toEqual({
      success: true,
      leadId,
      distributed: false,
      warning: 'Lead stored, distribution pending',
    });
    const row = await storedLead(leadId);
    expect(row).toMatchObject({
      channel: 'marketplace',
      campaign_id: place.campaignId,
      category_id: place.categoryId,
      supplier_id: place.supplier.id,
      public: { data: { roofAge: 12 } },
      region: 'CA',
      quality: 'HOT',
      status: 'PENDING',
      hours: 72,
    });
    expect(place.api.runtime.vault.openJson(row.contact)).toEqual({
      firstName: 'Ann',
      email: lead.data.email,
      coverage: 'full',
    });
    const events = await place.api.rows('SELECT * FROM events WHERE subject = $1', [`lead:${row.id}`]);
    expect(events).toMatchObject([{ type: 'lead.received', data: { leadId: row.id } }]);
    const outbox = await place.api.rows('SELECT worker FROM outbox WHERE event_id = $1', [
      (events[0] as { id: string }).id,
    ]);
    expect(outbox).toEqual([{ worker: 'distributor' }]);
  });

  it('a lead without a state has the one of its data, and WARM without a quality', async () => {
    const lead = place.lead();
    lead.data.homeState = 'Texas';
    const { leadId } = (await place.send(lead, asyncly)).json();
    expect(await storedLead(leadId)).toMatchObject({ region: 'TX', quality: 'WARM' });
  });

  it('answers with the decision: who bought it, or that no buyer was eligible', async () => {
    const sold = place.lead();
    const unsold = place.lead();
    const answers = [place.send(sold), place.send(unsold)];
    const [soldId, unsoldId] = [await storedWith(sold), await storedWith(unsold)];
    await sellMarketLead(place.api, soldId, place.buyer);
    await recordDecision(place.api, unsoldId, []);
    const [one, other] = await Promise.all(answers);
    expect([one!.statusCode, one!.json()]).toEqual([
      201,
      {
        success: true,
        leadId: soldId,
        distributed: true,
        buyersAssigned: 1,
        message: 'Lead distributed to 1 buyer(s)',
      },
    ]);
    expect(other!.json()).toEqual({
      success: true,
      leadId: unsoldId,
      distributed: false,
      buyersAssigned: 0,
      message: 'Lead received but not distributed (no eligible buyers)',
    });
  });

  it('a client that goes away before the decision frees its place, and its lead stays', async () => {
    const watch = decisionWatchOf(place.api.runtime.db);
    const base = await place.api.app.listen({ port: 0, host: '127.0.0.1' });
    const gone = new AbortController();
    const lead = place.lead();
    const request = fetch(`${base}/api/leads/ingest`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': place.supplier.apiKey },
      body: JSON.stringify(lead),
      signal: gone.signal,
    }).catch((error: Error) => error.name);
    const publicId = await storedWith(lead);
    while (watch.waiting() === 0) await new Promise(setImmediate);
    gone.abort();
    expect(await request).toBe('AbortError');
    while (watch.waiting() > 0) await new Promise(setImmediate);
    expect(await storedLead(publicId)).toMatchObject({ status: 'PENDING' });
  });

  it('a test lead, by its own word or its supplier’s, says who would have got it', async () => {
    const inTest = await makeSupplier(place.ask, place.seller, [place.categoryId], { testMode: true });
    const seen = { balanceMinor: 100, priceMinor: 2_500 };
    const refused = { buyerId: place.buyer.buyerId, subscriptionId: place.campaignId, rule: 'wallet', seen };
    const taken = { ...refused, buyerId: place.seller.userId, rule: null };
    const leads = [place.lead({ test: true }), place.lead()];
    const answers = [place.send(leads[0]!), sendLead(place.api, inTest, leads[1])];
    for (const lead of leads) {
      const publicId = await storedWith(lead);
      expect(await storedLead(publicId)).toMatchObject({ status: 'TEST' });
      await recordDecision(place.api, publicId, [refused, taken]);
    }
    for (const answer of await Promise.all(answers)) {
      expect(answer.json()).toMatchObject({
        distributed: false,
        buyersAssigned: 0,
        message: 'Test lead: would be distributed to 1 buyer(s)',
        test: true,
        decisions: [
          { buyerId: taken.buyerId, outcome: 'ASSIGNED', rule: null },
          { buyerId: refused.buyerId, outcome: 'REFUSED', rule: 'wallet' },
        ],
      });
      // A balance is the buyer's and the seller's.
      expect(answer.body).not.toContain('balance');
    }
  });
});

describe('the same lead twice', () => {
  it('of 20 at once one is stored, and all have the answer of the first', async () => {
    const lead = place.lead();
    const before = [await count('leads'), await count('events')];
    const answers = await Promise.all(Array.from({ length: 20 }, () => place.send(lead, asyncly)));
    expect(new Set(answers.map((answer) => answer.json().leadId)).size).toBe(1);
    expect(new Set(answers.map(({ statusCode }) => statusCode))).toEqual(new Set([201]));
    expect([await count('leads'), await count('events')]).toEqual(before.map((n) => n + 1));
  });

  it('sent to several processes at once one is stored, with one event', async () => {
    const { api, seller, supplier } = place;
    const owner = { organizationId: seller.organizationId, supplierId: supplier.id };
    const ingests = Array.from({ length: 4 }, () => createIngest(api.runtime));
    for (let round = 0; round < 5; round += 1) {
      const judged = await ingests[0]!.judge(place.lead(), owner);
      if (!judged.ok) throw new Error(judged.refusal.wording);
      const before = [await count('leads'), await count('distributions'), await count('events')];
      const sender = { ...owner, key: null, cause: { correlationId: supplier.id, causationId: null } };
      const stored = await Promise.all(ingests.map((each) => each.store(judged.lead, sender)));
      expect(new Set(stored.map(({ publicId }) => publicId)).size).toBe(1);
      expect([await count('leads'), await count('distributions'), await count('events')]).toEqual(
        before.map((n) => n + 1),
      );
    }
  });

  it('after ten seconds it is a second lead, and other content and other suppliers are others at once', async () => {
    const lead = place.lead();
    const ids = async (...headers: Record<string, string>[]) =>
      Promise.all(
        headers.map(async (each) => (await place.send(lead, { ...asyncly, ...each })).json().leadId),
      );
    const [first] = await ids({});
    await place.api.rows(`UPDATE recent_ingests SET at = now() - interval '9 seconds'`);
    expect(await ids({})).toEqual([first]);
    await place.api.rows(`UPDATE recent_ingests SET at = now() - interval '10 seconds'`);
    const [second] = await ids({});
    expect(second).not.toBe(first);
    expect(await ids({})).toEqual([second]);
    const hot = await place.send({ ...lead, quality: 'HOT' }, asyncly);
    const other = await makeSupplier(place.ask, place.seller, [place.categoryId]);
    const sameOfOther = await sendLead(place.api, other, lead, asyncly);
    expect(new Set([first, second, hot.json().leadId, sameOfOther.json().leadId]).size).toBe(4);
  });

  it('an Idempotency-Key has the answer of its first request for days, also one that came with known content', async () => {
    const lead = place.lead();
    const withKey = async (key: string, body = lead) =>
      (await place.send(body, { ...asyncly, 'idempotency-key': key })).json();
    const { leadId } = await withKey('a');
    expect((await withKey('b')).leadId).toBe(leadId);
    await place.api.rows(`UPDATE recent_ingests SET at = now() - interval '1 hour'`);
    expect((await withKey('a')).leadId).toBe(leadId);
    expect((await withKey('b')).leadId).toBe(leadId);
    expect(await withKey('a', place.lead())).toMatchObject({ status: 409, code: 'idempotency_key_reused' });
  });

  it('a key of another request refuses its own lead, and none that shares the statement', async () => {
    const { api, seller, supplier } = place;
    const owner = { organizationId: seller.organizationId, supplierId: supplier.id };
    const ingest = createIngest(api.runtime);
    const leadOf = async () => {
      const judged = await ingest.judge(place.lead(), owner);
      if (!judged.ok) throw new Error(judged.refusal.wording);
      return judged.lead;
    };
    const [first, second, third] = [await leadOf(), await leadOf(), await leadOf()];
    const cause = { correlationId: supplier.id, causationId: null };
    const keyOf = (requestHash: string) => ({
      organizationId: owner.organizationId,
      key: 'shared',
      route: 'POST /',
      requestHash,
    });
    await ingest.store(first, { ...owner, key: keyOf('first'), cause });
    const outcomes = await Promise.allSettled([
      ingest.store(second, { ...owner, key: null, cause }),
      ingest.store(second, { ...owner, key: keyOf('second'), cause }),
      ingest.store(third, { ...owner, key: null, cause }),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });

  it('of one key at once with other leads beside it one is stored, and the others are not held up', async () => {
    const [lead, ...others] = Array.from({ length: 6 }, () => place.lead());
    const key = { ...asyncly, 'idempotency-key': 'raced' };
    await place.send(lead!, key);
    await place.api.rows(`UPDATE recent_ingests SET at = now() - interval '1 hour'`);
    const before = await count('leads');
    const raced = { ...asyncly, 'idempotency-key': 'raced-too' };
    const answers = await Promise.all([
      ...others.map((each) => place.send(each, asyncly)),
      place.send(place.lead(), raced),
      place.send(place.lead(), raced),
    ]);
    const statuses = answers.map(({ statusCode }) => statusCode).sort();
    expect(statuses).toEqual([201, 201, 201, 201, 201, 201, 409]);
    expect(await count('leads')).toBe(before + 6);
  });
});
