import { createKey } from '../../src/db/account/api-keys.ts';
import type { TestSystem } from './system.ts';

// biome-ignore lint/suspicious/noExplicitAny: each test asserts the shape it reads.
export type Answer = { status: number; body: any };

export type Uploader = {
  number: number;
  organizationId: string;
  key: string;
  /** Posts a CSV as the request body. */
  upload(
    csv: string | Uint8Array | ReadableStream,
    fields?: Record<string, string>,
    headers?: Record<string, string>,
  ): Promise<Answer>;
  /** Posts a multipart form with the fields before the file, as older clients do. */
  form(path: string, file: Blob | null, fields: Record<string, string>, name?: string): Promise<Answer>;
  call(method: string, path: string, body?: unknown): Promise<Answer>;
  text(path: string): Promise<{ status: number; headers: Headers; body: string }>;
  /** Resolves with the import once it has this status. */
  ended(
    id: string,
    status?: string,
    timeoutMs?: number,
  ): Promise<{ import_id: string } & Record<string, unknown>>;
};

/** An upload client for a company: the demo organization unless another slug and key are given. */
export async function uploaderOf(system: TestSystem, slug = 'demo', key = system.apiKey): Promise<Uploader> {
  const [row] = await system.rows<{ id: string; number: number }>(
    `WITH o AS (SELECT id, number FROM organizations WHERE slug = $1),
     c AS (INSERT INTO companies (organization_id, owner_name, owner_email, owner_phone)
       SELECT id, 'Olga', $1 || '@owners.example', '+13055550100' FROM o ON CONFLICT DO NOTHING)
     SELECT id, number FROM o`,
    [slug],
  );
  const authorization = { authorization: `Bearer ${key}` };
  const answer = async (response: Response): Promise<Answer> => {
    const text = await response.text();
    return { status: response.status, body: text.startsWith('{') ? JSON.parse(text) : text };
  };
  const call: Uploader['call'] = async (method, path, body) =>
    answer(
      await fetch(system.publicUrl + path, {
        method,
        headers: {
          ...authorization,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        body: body === undefined ? undefined : JSON.stringify(body),
      }),
    );
  return {
    number: row!.number,
    organizationId: row!.id,
    key,
    call,
    async upload(csv, fields = {}, headers = {}) {
      const streamed = typeof csv !== 'string' && !(csv instanceof Uint8Array);
      return answer(
        await fetch(`${system.publicUrl}/api/imports?${new URLSearchParams(fields)}`, {
          method: 'POST',
          headers: { ...authorization, 'content-type': 'text/csv', ...headers },
          body: csv as BodyInit,
          ...(streamed ? { duplex: 'half' } : {}),
        } as RequestInit),
      );
    },
    async form(path, file, fields, name = 'leads.csv') {
      const form = new FormData();
      for (const [field, value] of Object.entries(fields)) form.append(field, value);
      if (file) form.append('file', file, name);
      return answer(
        await fetch(system.publicUrl + path, { method: 'POST', headers: authorization, body: form }),
      );
    },
    async text(path) {
      const response = await fetch(system.publicUrl + path, { headers: authorization });
      // Not text(), which strips a byte order mark.
      const bytes = Buffer.from(await response.arrayBuffer());
      return { status: response.status, headers: response.headers, body: bytes.toString('utf8') };
    },
    async ended(id, status = 'done', timeoutMs = 30_000) {
      await system.until<{ status: string }>(
        `import ${status}`,
        'SELECT status, problem FROM imports WHERE id = $1',
        [id],
        (found) => found?.status === status,
        timeoutMs,
      );
      return (await call('GET', `/api/imports/${id}`)).body.import;
    },
  };
}

/** A company of its own, with a key. */
export async function anotherCompany(system: TestSystem, slug: string): Promise<Uploader> {
  const [row] = await system.rows<{ id: string }>(
    `INSERT INTO organizations (id, name, slug, footer, support_contact)
     VALUES (gen_random_uuid(), $1, $1, '', 'x@' || $1 || '.example') RETURNING id`,
    [slug],
  );
  const { key } = await createKey(system.runtime.db, {
    organizationId: row!.id,
    owner: 'organization',
    name: 'uploads',
    scopes: ['leads:read', 'leads:write'],
  });
  return uploaderOf(system, slug, key);
}

/** `count` leads with valid phones, in the columns of a plain export. */
export function plainCsv(count: number, first = 0): string {
  const rows = ['Full Name,Phone Number,Email,Notes'];
  for (let n = first; n < first + count; n += 1)
    rows.push(`Person ${n},${phoneOf(n)},p${n}@example.com,"note, ${n}"`);
  return `${rows.join('\r\n')}\r\n`;
}

/** Miami numbers: 305 2xx xxxx to 305 9xx xxxx. */
export const phoneOf = (n: number): string => `+1305${String(2_000_000 + n)}`;
