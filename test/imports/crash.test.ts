import type { ChildProcess } from 'node:child_process';
import { afterEach, describe, expect, it } from 'vitest';
import { plainCsv, uploaderOf } from '../harness/import-client.ts';
import { kill, startWorkerProcess } from '../harness/killable-worker.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

const good = 12_000;
/** Every tenth row is a duplicate of an earlier one, and every tenth has no valid phone. */
function mixedCsv(): string {
  const lines = plainCsv(good).split('\r\n').slice(0, -1);
  const rows = lines.slice(1).flatMap((line, n) => {
    if (n % 10 === 4) return [line, line];
    return n % 10 === 8 ? [line, `Person ${n},none,,`] : [line];
  });
  return [lines[0], ...rows].join('\n');
}

describe('the importing worker is killed', () => {
  let system: TestSystem;
  let child: ChildProcess | undefined;
  afterEach(async () => {
    if (child) await kill(child);
    await system.stop();
  });

  it('[F08] two kills during a file: every row is counted and stored once', async () => {
    system = await startSystem({ workers: [] });
    const company = await uploaderOf(system);
    child = await startWorkerProcess(system);
    const made = await company.upload(mixedCsv(), { start: 'true' });
    const id = made.body.import.import_id;
    const killedAt: number[] = [];
    for (const share of [0.2, 0.6]) {
      await system.until<{ next: number; status: string }>(
        'rows are being read',
        'SELECT next_row AS next, status FROM imports WHERE id = $1',
        [id],
        (row) => row!.status !== 'running' || row!.next > share * good,
        60_000,
      );
      await kill(child);
      const [row] = await system.rows<{ next: number; status: string }>(
        'SELECT next_row AS next, status FROM imports WHERE id = $1',
        [id],
      );
      if (row!.status === 'running') killedAt.push(row!.next);
      child = await startWorkerProcess(system);
    }
    const ended = await company.ended(id, 'done', 120_000);
    expect(ended).toMatchObject({
      total_rows: good * 1.2,
      processed_rows: good * 1.2,
      created: good,
      duplicates: good / 10,
      rejected: good / 10,
    });
    const [rows] = await system.rows<Record<string, number>>(
      `SELECT (SELECT count(*)::int FROM leads WHERE import_id = $1) AS leads,
         (SELECT count(*)::int FROM events WHERE type = 'lead.uploaded') AS events,
         (SELECT count(*)::int FROM import_rejects WHERE import_id = $1) AS rejects,
         (SELECT count(*)::int FROM import_chunks) AS chunks`,
      [id],
    );
    expect(rows).toEqual({ leads: good, events: good, rejects: good / 10, chunks: 0 });
    // The test proves nothing unless both kills hit a running import.
    expect(killedAt.length).toBe(2);
  }, 240_000);
});
