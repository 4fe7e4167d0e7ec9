import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { problems } from '../../src/domain/problems.ts';
import { type ApiTest, startApi } from '../harness/api-app.ts';

let api: ApiTest;
beforeAll(async () => {
  api = await startApi({ pages: true });
});
afterAll(() => api?.stop());

/** As Chromium sends it. */
const browser = {
  accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8',
};
const stranger = { remoteAddress: '203.0.113.9' };

describe('an error answers a browser with a page and a program with a problem document', () => {
  const addresses: [string, string, number][] = [
    ['an unknown address', '/nothing/here', 404],
    ['an unknown file', '/assets/none.css', 404],
    ['an unknown static file', '/static/none.css', 404],
    ['an address with a NUL character', '/%00', 404],
    ['an address that is not UTF-8', '/companies?q=%ff', 400],
    ['an address that cannot be decoded', '/%c0%80', 400],
    ['the API without a key', '/api/leads', 401],
    ['an unknown lead', '/api/leads/lead_unknown', 401],
    ['metrics without a key', '/metrics', 401],
    ['the return from a CRM that denied access', '/oauth/ghl/callback?error=access_denied', 400],
    ['the return from a CRM with a foreign state', '/oauth/ghl/callback?code=1&state=x.y', 400],
  ];
  it.each(addresses)('%s: %s', async (_what, url, status) => {
    const page = await api.app.inject({ url, headers: browser, ...stranger });
    expect(page.statusCode).toBe(status);
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(page.body).toMatch(/<h1>[^<]+<\/h1>/);
    expect(page.body).toMatch(/<a class="btn" href="\/[^"]*"/);
    expect(page.headers['content-security-policy']).toContain("default-src 'self'");
    for (const accept of [undefined, '*/*', 'application/json', 'application/json, text/html;q=0.5']) {
      const answer = await api.app.inject({ url, headers: accept ? { accept } : {}, ...stranger });
      expect([answer.statusCode, answer.headers['content-type']], accept).toEqual([
        status,
        'application/problem+json; charset=utf-8',
      ]);
    }
  });

  it('a page for a visitor without a session leads to the sign-in and back', async () => {
    const page = await api.app.inject({ url: '/api/leads?limit=2', headers: browser, ...stranger });
    expect(page.body).toContain('href="/login?next=%2Fapi%2Fleads%3Flimit%3D2"');
  });
});

describe('/docs/problems', () => {
  it('explains every code, under the anchor that the type of a problem names', async () => {
    const page = await api.app.inject('/docs/problems');
    expect([page.statusCode, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    for (const code of Object.keys(problems)) expect(page.body).toContain(`id="${code}"`);
    const { type } = (await api.app.inject('/api/leads/x')).json<{ type: string }>();
    const [path, anchor] = type.split('#');
    expect((await api.app.inject(path!)).body).toContain(`id="${anchor}"`);
  });

  it('no other file writes the type of a problem', () => {
    const root = new URL('../../src/', import.meta.url);
    const sources = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) =>
      /\.tsx?$/.test(name),
    );
    const writing = sources.filter((name) =>
      readFileSync(new URL(name, root), 'utf8').includes('/docs/problems#'),
    );
    expect(writing).toEqual(['api/http/problem.ts']);
  });

  it('the API documentation leads back to the dashboard and to the codes', async () => {
    const { body } = await api.app.inject('/docs');
    expect(body).toContain('<a href="/">');
    expect(body).toContain('<a href="/docs/problems">');
  });
});

it('the address of details that were shown leads back to the pay page', async () => {
  const answer = await api.app.inject(`/p/${'A'.repeat(22)}/details`);
  expect([answer.statusCode, answer.headers.location]).toEqual([303, `/p/${'A'.repeat(22)}`]);
  for (const token of ['x', 'A%0D%0Ab', '%2F%2Fevil.example', '%C3%A9'.repeat(22)]) {
    const wrong = await api.app.inject(`/p/${token}/details`);
    expect([wrong.statusCode, wrong.headers['content-type']], token).toEqual([
      404,
      'text/html; charset=utf-8',
    ]);
  }
});
