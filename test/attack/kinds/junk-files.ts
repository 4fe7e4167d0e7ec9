import { createDatabase } from '../../../src/db/client.ts';
import { clientOf, flood } from '../client.ts';
import { atMost, figure, type Kind } from '../target.ts';

const bytes = 4_900_000;
const parallel = 4;
/** A file is stopped when its first 10,000 rows are all refused; the slice that was being read may still be stored. */
const mostRejects = 20_000;

/** S36: a file of rows that are all refused keeps importers busy and is stored many times its size. */
export const junkFiles: Kind = {
  name: 'junk-files',
  about: 'Files of 4.9 MB whose rows are all refused, uploaded and started without a pause.',
  flood: true,
  async attack({ url, attacker, seconds, databaseUrl }) {
    const client = clientOf(url, { key: attacker.key });
    const rows = 'a,b\n'.repeat(bytes / 4);
    const tally = await flood(seconds, parallel, (turn) =>
      client.send('POST', '/api/imports?start=true', {
        body: `name,phone\nfile ${turn},none\n${rows}`,
        headers: { 'content-type': 'text/csv' },
        timeoutMs: 30_000,
      }),
    );
    client.close();
    const db = createDatabase({ url: databaseUrl, max: 1 });
    const [stored] = await db.query<{ most: number; all: number; mb: number }>(
      `SELECT coalesce(max(n), 0)::int AS most, coalesce(sum(n), 0)::int AS all, (pg_total_relation_size('import_rejects') / 1048576)::int AS mb
       FROM (SELECT count(*) AS n FROM import_rejects GROUP BY import_id) AS files`,
    );
    await db.close();
    return [
      figure('uploads were answered', `${tally}`),
      atMost('rejected rows stored of one file', stored!.most, mostRejects),
      figure('rejected rows stored in all', `${stored!.all}, ${stored!.mb} MB`),
    ];
  },
};
