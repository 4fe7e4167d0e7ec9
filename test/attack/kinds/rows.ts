import { createDatabase } from '../../../src/db/client.ts';
import { quotas } from '../../../src/domain/account/quotas.ts';
import { clientOf, flood, Tally } from '../client.ts';
import { atMost, figure, type Kind } from '../target.ts';

const parallel = 32;
const files = 150;
/** Files of one company that may wait to be started (usecases/imports/receive.ts). */
const mostWaiting = 50;

/** Rows that a key can make without end, and a limit that requests pass side by side. */
export const rows: Kind = {
  name: 'rows',
  about: 'A new Idempotency-Key of 255 characters with every lead, then 150 uploads at once.',
  flood: true,
  async attack({ url, attacker, seconds, databaseUrl }) {
    const client = clientOf(url, { key: attacker.key, connections: 200 });
    const leads = await flood(seconds, parallel, (turn) =>
      client.send('POST', '/api/leads', {
        json: { city: 'Miami', service_type: 'Massage', client_name: 'S', client_phone: '+13055550199' },
        headers: { 'idempotency-key': `${turn}-${'k'.repeat(255 - String(turn).length - 1)}` },
      }),
    );
    const uploads = new Tally();
    const upload = async (number: number) =>
      uploads.add(
        await client.send('POST', '/api/imports', {
          body: `name,phone\nAnn,+1305${6_000_000 + number}\n`,
          headers: { 'content-type': 'text/csv' },
          timeoutMs: 30_000,
        }),
      );
    await Promise.all(Array.from({ length: files }, (_, number) => upload(number)));
    client.close();
    const db = createDatabase({ url: databaseUrl, max: 1 });
    const [stored] = await db.query<{ keys: number; waiting: number }>(
      `SELECT (SELECT count(*)::int FROM idempotency_keys WHERE organization_id = $1) AS keys,
        (SELECT count(*)::int FROM imports WHERE organization_id = $1 AND status IN ('uploading', 'ready')) AS waiting`,
      [attacker.organizationId],
    );
    await db.close();
    return [
      figure('leads were answered', `${leads}`),
      atMost('Idempotency-Keys stored', stored!.keys, quotas.idempotency_keys.perOrganization),
      figure('uploads were answered', `${uploads}`),
      atMost('files that wait to be started', stored!.waiting, mostWaiting),
    ];
  },
};
