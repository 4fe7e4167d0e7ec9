import { quotas } from '../../../src/domain/account/quotas.ts';
import { clientOf, flood, Tally } from '../client.ts';
import { atMost, figure, type Kind } from '../target.ts';

const parallel = 10;
const rows = 20_000;

/** S35: routes that need much CPU per request. */
export const previews: Kind = {
  name: 'previews',
  about: 'Previews of a wide file, the documentation, metrics and the longest lists, without a pause.',
  flood: true,
  async attack({ url, attacker, seconds }) {
    const client = clientOf(url, { key: attacker.key });
    const header = Array.from({ length: 100 }, (_, n) => `column ${n}`).join(',');
    const row = `\n${Array.from({ length: 100 }, (_, n) => `v${n}`).join(',')}`;
    const body = `name,phone,${header}${`\nAnn,+13055550142,${row.slice(1)}`.repeat(rows / 100)}`;
    const upload = await client.send('POST', '/api/imports', {
      body,
      headers: { 'content-type': 'text/csv' },
      timeoutMs: 30_000,
    });
    const id = (JSON.parse(upload.text) as { import?: { import_id: string } }).import?.import_id;
    const counts = { previews: new Tally(), pages: new Tally() };
    const pages = ['/docs', '/openapi.json', '/metrics', '/docs/reference.js', '/api/leads?limit=200'];
    await flood(seconds, parallel, async (turn) => {
      if (turn % 2 === 0) {
        const reply = await client.send('GET', pages[(turn / 2) % pages.length]!);
        counts.pages.add(reply);
        return reply;
      }
      const json = { encoding: turn % 4 === 1 ? 'utf-8' : 'windows-1252' };
      const reply = await client.send('POST', `/api/imports/${id}/preview`, { json });
      counts.previews.add(reply);
      return reply;
    });
    client.close();
    // The window of the quota may turn once during the flood.
    const allowed = quotas.previews.perOrganization * (1 + Math.ceil(seconds / quotas.previews.seconds));
    return [
      atMost('previews computed', counts.previews.of(200), allowed),
      figure('previews; pages', `${counts.previews}; ${counts.pages}`),
    ];
  },
};
