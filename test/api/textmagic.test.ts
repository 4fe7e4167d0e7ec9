import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiTest, startApi } from '../harness/api-app.ts';

let api: ApiTest;
beforeAll(async () => {
  api = await startApi({ env: { SMS_PROVIDER: 'textmagic' } });
});
afterAll(() => api?.stop());

describe('TextMagic', () => {
  const path = () => `/webhook/textmagic/${api.config.textmagic.webhookToken}`;
  const notified = () =>
    api.rows<{ kind: string; id: string }>(
      `SELECT kind, external_id AS id FROM inbox WHERE source = 'textmagic-callback' ORDER BY id`,
    );

  it('[S02] [S03] a wrong token is a 404 and stores nothing, for every method', async () => {
    const before = [await api.count('inbox'), await api.count('events')];
    for (const token of [
      'x',
      api.config.textmagic.webhookToken.slice(0, -1),
      `${api.config.textmagic.webhookToken}x`,
      '%00',
    ]) {
      for (const method of ['GET', 'HEAD', 'POST', 'PUT'] as const) {
        const response = await api.app.inject({
          method,
          url: `/webhook/textmagic/${token}`,
          ...(method === 'POST' ? { payload: { id: 9 } } : {}),
        });
        expect(response.statusCode).toBe(404);
      }
    }
    expect([await api.count('inbox'), await api.count('events')]).toEqual(before);
  });

  it('[S02] callbacks are refused while another vendor is configured, because the sandbox token is public', async () => {
    const other = await startApi({ env: { SMS_PROVIDER: 'twilio' } });
    try {
      const url = `/webhook/textmagic/${other.config.textmagic.webhookToken}`;
      expect((await other.app.inject({ method: 'POST', url, payload: { id: 9 } })).statusCode).toBe(404);
      expect(await other.count('inbox')).toBe(0);
    } finally {
      await other.stop();
    }
  });

  it('GET and HEAD return 200 and change nothing', async () => {
    const before = await api.count('inbox');
    for (const method of ['GET', 'HEAD'] as const)
      expect((await api.app.inject({ method, url: `${path()}?id=5&text=Y` })).statusCode).toBe(200);
    expect(await api.count('inbox')).toBe(before);
  });

  it('reads only the message id, from each of the supported body formats', async () => {
    const boundary = 'XX';
    const fields = (id: number) => ({
      id: String(id),
      sender: '13055550160',
      receiver: '15005550007',
      text: 'Y',
      messageTime: '2026-11-21T10:00:00+0000',
    });
    const multipart = (id: number) =>
      `${Object.entries(fields(id))
        .map(
          ([name, value]) =>
            `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
        )
        .join('')}--${boundary}--\r\n`;
    const posts = [
      {
        method: 'POST',
        payload: multipart(101),
        headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
      },
      {
        method: 'POST',
        payload: new URLSearchParams(fields(102)).toString(),
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      },
      {
        method: 'PUT',
        payload: JSON.stringify({ ...fields(103), id: 103 }),
        headers: { 'content-type': 'application/json' },
      },
    ] as const;
    const before = await api.count('phones');
    for (const post of [...posts, ...posts])
      expect((await api.app.inject({ url: path(), ...post })).statusCode).toBe(200);
    const rows = await api.rows<{ external_id: string; sender: null; body: null }>(
      `SELECT external_id, sender, body FROM inbox WHERE source = 'textmagic-callback' ORDER BY external_id`,
    );
    expect(rows).toEqual(
      [101, 102, 103].map((id) => ({ external_id: `reply:${id}`, sender: null, body: null })),
    );
    const events = await api.rows(
      `SELECT o.worker FROM events e JOIN outbox o ON o.event_id = e.id WHERE e.type = 'reply.notified'`,
    );
    expect(events).toEqual(Array(3).fill({ worker: 'inbound' }));
    expect(await api.count('phones')).toBe(before);
  });

  it.each([
    ['a form called text', 'id=301&sender=13055550160&text=Y', 'text/plain', 'reply:301'],
    ['a form called text in UTF-8', 'id=302&text=Y', 'text/plain; charset=utf-8', 'reply:302'],
    ['a form without a content type', 'id=303&text=Y', undefined, 'reply:303'],
    ['JSON called text', '{"id":304,"text":"Y"}', 'text/plain', 'reply:304'],
    ['JSON without a content type', ' {"id":"305","text":"Y"}', undefined, 'reply:305'],
    ['a form of another name', 'id=306&status=d', 'application/octet-stream', 'receipt:306:d'],
  ])('reads %s', async (_what, payload, contentType, externalId) => {
    const headers = contentType === undefined ? {} : { 'content-type': contentType };
    const answer = await api.app.inject({ method: 'POST', url: path(), payload, headers });
    expect([answer.statusCode, answer.body]).toEqual([200, 'OK']);
    const rows = await api.rows<{ id: string }>(
      `SELECT external_id AS id FROM inbox WHERE source = 'textmagic-callback' AND external_id = $1`,
      [externalId],
    );
    expect(rows).toHaveLength(1);
  });

  it.each(['', '{', 'no fields at all', '<xml/>'])('answers 200 to %j of no known type', async (payload) => {
    const headers = { 'content-type': 'text/plain' };
    const answer = await api.app.inject({ method: 'POST', url: path(), payload, headers });
    expect(answer.statusCode).toBe(200);
  });

  it('a delivery callback is stored as a pointer to the receipt', async () => {
    await api.app.inject({
      method: 'POST',
      url: path(),
      payload: { id: 201, status: 'd', referenceId: 'x' },
    });
    expect(await notified()).toContainEqual({ kind: 'receipt', id: 'receipt:201:d' });
  });

  it('a body without an id, or a malformed one, is never a 500', async () => {
    const before = await api.count('inbox');
    for (const payload of ['{}', '[]', 'null', '{"id":{}}', '{"id":"../../x"}']) {
      expect(
        (
          await api.app.inject({
            method: 'POST',
            url: path(),
            payload,
            headers: { 'content-type': 'application/json' },
          })
        ).statusCode,
      ).toBe(200);
    }
    expect(
      (
        await api.app.inject({
          method: 'POST',
          url: path(),
          payload: '{',
          headers: { 'content-type': 'application/json' },
        })
      ).statusCode,
    ).toBe(400);
    const broken = { 'content-type': 'multipart/form-data; boundary=XX' };
    expect(
      (await api.app.inject({ method: 'POST', url: path(), payload: '--YY', headers: broken })).statusCode,
    ).toBeLessThan(500);
    expect(await api.count('inbox')).toBe(before);
  });
});
