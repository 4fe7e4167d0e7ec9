import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type IngestPlace, makeIngestPlace } from './place.ts';

let place: IngestPlace;
beforeAll(async () => {
  place = await makeIngestPlace();
});
afterAll(() => place?.api.stop());

const sendAll = (leads: unknown[], headers: Record<string, string> = {}) =>
  place.api.app.inject({
    method: 'POST',
    url: '/api/leads/ingest/bulk',
    headers: { 'content-type': 'application/json', 'x-api-key': place.supplier.apiKey, ...headers },
    payload: JSON.stringify({ leads }),
  });
type Results = { results: { index: number; success: boolean; leadId?: string }[] };
const idsOf = (answer: { json(): Results }) => answer.json().results.map(({ leadId }) => leadId);

describe('POST /api/leads/ingest/bulk', () => {
  it('each lead has its own result, and those that are refused do not affect the others', async () => {
    const before = await place.api.count('distributions');
    const none = '0197a3c2-5b1e-7c44-9d55-2f6f3a1f0aff';
    const twice = place.lead();
    const leads = [
      place.lead(),
      'no lead',
      place.lead({ data: { firstName: 'Ann' } }),
      place.lead({ campaignId: none }),
      twice,
      place.lead({ state: 'Calif.' }),
      twice,
      place.lead({ test: true }),
    ];
    const answer = await sendAll(leads);
    expect(answer.statusCode).toBe(200);
    const { summary, results } = answer.json();
    expect(summary).toEqual({ received: 8, accepted: 4, rejected: 4 });
    expect(results).toMatchObject([
      { index: 0, success: true, leadId: expect.stringMatching(/^lead_/) },
      {
        index: 1,
        success: false,
        status: 400,
        error: 'Missing required fields: campaignId, categoryId, data',
      },
      { index: 2, success: false, status: 400, error: 'Missing required field: email' },
      { index: 3, success: false, status: 404, error: 'Campaign not found' },
      { index: 4, success: true },
      { index: 5, success: false, status: 400, error: 'Invalid state' },
      { index: 6, success: true, leadId: results[4].leadId },
      { index: 7, success: true },
    ]);
    expect(await place.api.count('distributions')).toBe(before + 3);
  });

  it('stores 1,000 leads with an event each', async () => {
    const before = await place.api.count('distributions');
    const answer = await sendAll(Array.from({ length: 1_000 }, () => place.lead()));
    expect(answer.json().summary).toEqual({ received: 1_000, accepted: 1_000, rejected: 0 });
    expect(await place.api.count('distributions')).toBe(before + 1_000);
    const [row] = await place.api.rows<{ n: number }>(
      `SELECT count(*)::int AS n FROM outbox o JOIN events e ON e.id = o.event_id JOIN leads l ON e.subject = 'lead:' || l.id
       WHERE o.worker = 'distributor' AND l.public_id = ANY($1)`,
      [idsOf(answer)],
    );
    expect(row!.n).toBe(1_000);
  });

  it('with an Idempotency-Key a repeated request gets the same leads, and a key of other leads is refused', async () => {
    const leads = [place.lead(), place.lead({ state: 'Calif.' }), place.lead()];
    const key = { 'idempotency-key': 'file-7' };
    const first = await sendAll(leads, key);
    await place.api.rows(`UPDATE recent_ingests SET at = now() - interval '1 hour'`);
    const before = await place.api.count('leads');
    expect((await sendAll(leads, key)).json()).toEqual(first.json());
    const changed = await sendAll([leads[0], place.lead(), place.lead()], key);
    expect(changed.json().results).toMatchObject([
      { success: true, leadId: idsOf(first)[0] },
      { success: true },
      { success: false, status: 409 },
    ]);
    expect(await place.api.count('leads')).toBe(before + 1);
  });

  it('the same request twenty times at once stores each lead once', async () => {
    const leads = Array.from({ length: 10 }, () => place.lead());
    const before = await place.api.count('leads');
    const key = { 'idempotency-key': 'raced' };
    const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => sendAll(leads, n % 2 ? key : {})));
    expect(new Set(answers.map((answer) => idsOf(answer).join(' '))).size).toBe(1);
    expect(await place.api.count('leads')).toBe(before + 10);
  });

  it('counts each lead against the quota', async () => {
    const tight = await makeIngestPlace({ env: { QUOTAS: 'leads=5' } });
    const lead = () => tight.lead();
    const send = (n: number) =>
      tight.api.app.inject({
        method: 'POST',
        url: '/api/leads/ingest/bulk',
        headers: { 'x-api-key': tight.supplier.apiKey },
        payload: { leads: Array.from({ length: n }, lead) },
      });
    expect((await send(4)).statusCode).toBe(200);
    expect((await send(2)).json()).toMatchObject({ status: 429, code: 'quota_exceeded' });
    expect(await tight.api.count('leads')).toBe(4);
    await tight.api.stop();
  });
});
