import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RouteEntry } from '../../src/api/app.ts';
import { parseReply } from '../../src/domain/messaging/reply.ts';
import {
  DEFAULT_FOOTER,
  renderPaymentLink,
  renderReveal,
  renderTeaser,
} from '../../src/domain/messaging/templates.ts';
import { startApi } from '../harness/api-app.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

/** Holds docs/contracts.md and the product together: every route, example, text and variable that the page names. */

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const page = read('docs/contracts.md');

const blocksOf = (language: string) =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)\\n\`\`\`$`, 'gm'))].map(
    ([, body]) => body!,
  );
const section = (title: string) => page.split(`\n## ${title}\n`)[1]!.split('\n## ')[0]!;

describe('the routes of docs/contracts.md', () => {
  it('are those of the application', async () => {
    const api = await startApi();
    const table = api.app.getDecorator<RouteEntry[]>('routeTable');
    await api.stop();
    const routes = table
      .filter(({ method, url }) => !['HEAD', 'OPTIONS'].includes(method) && !/^\/(static|docs)\//.test(url))
      .map(({ method, url }) => `${method} ${url.replace(/:(\w+)/g, '{$1}')}`);
    const documented = [...section('Routes').matchAll(/^\| `([A-Z]+ \/\S*)` \| .{3,} \|$/gm)].map(
      ([, route]) => route,
    );
    expect(documented.length).toBeGreaterThan(45);
    expect([...documented].sort()).toEqual([...new Set(routes)].sort());
  });
});

describe('the texts of docs/contracts.md, byte for byte', () => {
  const price = { minor: 2_000, currency: 'usd' };
  const leadId = 'lead_abc12345';
  it.each([
    [
      'teaser',
      renderTeaser('en', {
        buyerName: 'Amy',
        city: 'Miami',
        serviceType: '60 min Mobile Massage',
        preferredTimeWindow: 'Evening (6-9 PM)',
        budgetRange: '$150-200',
        price,
        leadId,
      }),
    ],
    [
      'payment link',
      renderPaymentLink('en', { buyerName: 'Amy', price, url: 'https://leads.example.com/p/abc', leadId }),
    ],
    [
      'details',
      renderReveal('en', {
        buyerName: 'Amy',
        name: 'Sarah Johnson',
        phone: '+1234567890',
        email: 'sarah.johnson@email.com',
        address: '123 Ocean Drive, Miami Beach, FL 33139',
        notes: 'Client prefers deep tissue massage',
        footer: DEFAULT_FOOTER,
      }),
    ],
  ])('%s', (name, text) => {
    expect(blocksOf(`text ${name}`)).toEqual([text]);
  });
});

describe('the replies of docs/contracts.md', () => {
  const rows = [...section('Replies').matchAll(/^\| (`.*`) \| (\w+) \|$/gm)].flatMap(([, texts, kind]) =>
    [...texts!.matchAll(/`([^`]+)`/g)].map(([, text]) => [text!, kind!] as const),
  );
  it('are there', () => expect(rows.length).toBeGreaterThan(30));
  it.each(rows)('%s is %s', (text, kind) => {
    expect(parseReply(text).kind).toBe(kind);
  });
});

describe('the variables of docs/contracts.md', () => {
  it('are in .env.example', () => {
    const named = [...section('Environment').matchAll(/`([A-Z][A-Z0-9_]+)`/g)].map(([, name]) => name!);
    expect(named.length).toBeGreaterThan(30);
    const documented = new Set(
      [...read('.env.example').matchAll(/^([A-Z0-9_]+)=/gm)].map(([, name]) => name),
    );
    expect(named.filter((name) => !documented.has(name))).toEqual([]);
  });
});

type Example = { method: string; path: string; body: string; status: number; answer: string };

function exampleOf(block: string): Example {
  const [, method, path, body, status, answer] =
    /^([A-Z]+) (\S+)(?:\n([\s\S]*?))?\n\n(\d{3})\n([\s\S]*)$/.exec(block)!;
  return { method: method!, path: path!, body: body ?? '', status: Number(status), answer: answer! };
}

const placeholders: Record<string, unknown> = {
  '<text>': expect.stringMatching(/\S/),
  '<number>': expect.any(Number),
  '<time>': expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/),
  '<lead id>': expect.stringMatching(/^lead_[a-z0-9]{8}$/),
  '<id>': expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
};
const expected = (answer: string): unknown =>
  JSON.parse(answer, (_key, value) =>
    typeof value === 'string' && value in placeholders ? placeholders[value] : value,
  );

describe('the examples of docs/contracts.md', () => {
  let system: TestSystem;
  const named: Record<string, string> = {};
  beforeAll(async () => {
    system = await startSystem();
  });
  afterAll(() => system?.stop());

  /** Without a key, as the page says. A body that is no JSON is a file. */
  async function send({ method, path, body }: Example): Promise<Response> {
    const url = system.publicUrl + path.replace(/\{(\w+)\}/g, (_all, name: string) => named[name]!);
    if (body === '') return fetch(url, { method });
    if (body.startsWith('{'))
      return fetch(url, { method, headers: { 'content-type': 'application/json' }, body });
    const form = new FormData();
    form.append('company_id', '1');
    form.append('file', new Blob([`${body}\n`]), 'leads.csv');
    return fetch(url, { method, body: form });
  }

  const examples = blocksOf('http').map(exampleOf);
  it('are there', () => expect(examples.length).toBeGreaterThan(13));

  // In the page's order: an answer names what the requests after it use.
  it.each(examples.map((example) => [`${example.method} ${example.path}`, example.status, example] as const))(
    '%s: %i',
    async (_name, status, example) => {
      const response = await send(example);
      const answer = (await response.json()) as Record<string, unknown>;
      expect([response.status, answer]).toEqual([status, expected(example.answer)]);
      for (const [key, value] of Object.entries(answer)) if (typeof value === 'string') named[key] = value;
    },
  );

  it('and the dashboard as a program reads it', async () => {
    const response = await fetch(`${system.publicUrl}/dashboard/1`, {
      headers: { accept: 'application/json' },
    });
    expect(Object.keys((await response.json()) as object)).toEqual(['company', 'statistics']);
  });
});
