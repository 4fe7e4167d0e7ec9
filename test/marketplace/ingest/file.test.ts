import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type IngestPlace, makeIngestPlace } from './place.ts';

let place: IngestPlace;
beforeAll(async () => {
  place = await makeIngestPlace();
});
afterAll(() => place?.api.stop());

const importUrl = (campaignId = place.campaignId) => `/api/campaigns/${campaignId}/leads/import`;
const upload = (csv: string, headers: Record<string, string> = {}, url = importUrl()) =>
  place.api.app.inject({
    method: 'POST',
    url,
    headers: { ...place.seller.as, 'content-type': 'text/csv', ...headers },
    payload: csv,
  });
const distributions = () => place.api.count('distributions');

describe('POST /api/campaigns/:id/leads/import', () => {
  it('stores the valid rows as leads of the campaign, and tells why others are not', async () => {
    const before = await distributions();
    const csv = [
      'First Name,EMAIL,roof_age,state,Quality,Notes',
      'Ann,ann@file.example,12,Texas,hot,call late',
      'Bob,,3,,,',
      'Cid,cid@file.example,old,,,',
      'Ann, ann@file.example,12,TX,HOT,call late ',
      'Dee,dee@file.example,,Calif.,,',
      'Eve,eve@file.example,,,,',
    ].join('\n');
    const answer = await upload(csv);
    expect([answer.statusCode, answer.json()]).toEqual([
      200,
      {
        message: 'Import finished',
        summary: { rows: 6, accepted: 2, rejected: 4 },
        rejectedRows: [
          { row: 3, errors: ['Missing required field: email'] },
          { row: 4, errors: ['Invalid value for field: roofAge'] },
          { row: 5, errors: ['row: repeated in this file'] },
          { row: 6, errors: ['Invalid state'] },
        ],
      },
    ]);
    expect(await distributions()).toBe(before + 2);
    const [ann] = await place.api.rows<Record<string, unknown> & { contact: string }>(
      'SELECT l.*, d.status FROM leads l JOIN distributions d ON d.lead_id = l.id WHERE email_hash = $1',
      [place.api.runtime.vault.index('ann@file.example')],
    );
    expect(ann).toMatchObject({
      campaign_id: place.campaignId,
      supplier_id: null,
      public: { data: { roofAge: 12 } },
      region: 'TX',
      quality: 'HOT',
      status: 'PENDING',
    });
    expect(place.api.runtime.vault.openJson(ann!.contact)).toMatchObject({ Notes: 'call late' });
    const [raised] = await place.api.rows<{ n: number }>(
      'SELECT count(*)::int AS n FROM events WHERE subject = $1',
      [`lead:${ann!.id}`],
    );
    expect(raised!.n).toBe(1);
  });

  it('sent again with its Idempotency-Key it stores nothing, or what is missing', async () => {
    const rows = Array.from({ length: 1_200 }, (_, n) => `P${n},p${n}@again.example`);
    const csv = (count: number) => ['firstName,email', ...rows.slice(0, count)].join('\n');
    const key = { 'idempotency-key': 'monday' };
    const before = await distributions();
    expect((await upload(csv(1_000), key)).json().summary.accepted).toBe(1_000);
    expect((await upload(csv(1_200), key)).json().summary).toEqual({
      rows: 1_200,
      accepted: 1_200,
      rejected: 0,
    });
    expect(await distributions()).toBe(before + 1_200);
  });

  it('with ?test=true each row is a test', async () => {
    await upload('firstName,email\nTess,tess@file.example', {}, `${importUrl()}?test=true`);
    const [row] = await place.api.rows(
      'SELECT d.status FROM leads l JOIN distributions d ON d.lead_id = l.id WHERE email_hash = $1',
      [place.api.runtime.vault.index('tess@file.example')],
    );
    expect(row).toEqual({ status: 'TEST' });
  });

  it.each([
    ['a file without a required column', 'firstName\nAnn', 400],
    ['an empty file', '', 400],
    ['50,001 rows', `firstName,email\n${'A,a@b.example\n'.repeat(50_001)}`, 413],
  ])('%s is refused as a whole', async (_, csv, status) => {
    const before = await distributions();
    const answer = await upload(csv);
    expect([answer.statusCode, typeof answer.json().error]).toEqual([status, 'string']);
    expect(await distributions()).toBe(before);
  });

  it('a paused campaign takes no file', async () => {
    const url = `/api/campaigns/${place.campaignId}`;
    await place.ask(place.seller, 'PUT', url, { status: 'PAUSED' });
    const answer = await upload('firstName,email\nAnn,ann@late.example');
    expect([answer.statusCode, answer.json().error]).toEqual([400, 'Campaign is not active']);
    await place.ask(place.seller, 'PUT', url, { status: 'ACTIVE' });
  });
});
