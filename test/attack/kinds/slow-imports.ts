import { setTimeout as pause } from 'node:timers/promises';
import { createDatabase } from '../../../src/db/client.ts';
import { atMost, type Kind, phoneOf } from '../target.ts';
import { openUpload } from './uploads.ts';

const connections = 30;

/** S32: a transaction that waits for an upload holds a connection of the pool as long as its client likes. */
export const slowImports: Kind = {
  name: 'slow-imports',
  about: 'Thirty connections import providers, one row per second.',
  flood: true,
  async attack(target) {
    const db = createDatabase({ url: target.databaseUrl, max: 1 });
    const uploads = Array.from({ length: connections }, (_, number) => {
      const upload = openUpload(target, '/api/providers/import', 'text/csv');
      // More rows than are stored at once, so that the transaction has begun when the rows become slow.
      const rows = Array.from({ length: 600 }, (_, row) => rowOf(number * 10_000 + row)).join('');
      upload.write(`external_id,name,phone\n${rows}`);
      return upload;
    });
    let waiting = 0;
    for (let second = 0; second < target.seconds; second += 1) {
      await pause(1_000);
      for (const [number, upload] of uploads.entries()) upload.write(rowOf(number * 10_000 + 5_000 + second));
      waiting = Math.max(waiting, await waitingTransactions(db));
    }
    for (const upload of uploads) upload.destroy();
    await db.close();
    return [atMost('transactions that wait for their client', waiting, 0)];
  },
};

const rowOf = (number: number) => `slow${number},Slow,${phoneOf('attacker', 300_000 + number)}\n`;

async function waitingTransactions(db: ReturnType<typeof createDatabase>): Promise<number> {
  const [row] = await db.query<{ n: number }>(
    `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database()
     AND state = 'idle in transaction' AND state_change < now() - interval '500 ms'`,
  );
  return row!.n;
}
