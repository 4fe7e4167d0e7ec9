import { sql } from 'drizzle-orm';
import type { Queryable } from '../client.ts';
import { run } from '../commit.ts';

/** A chunk of a file; `body` is sealed. */
export type Chunk = { number: number; bytes: number; body: string };

/** Returns false when the upload was cancelled or interrupted, or when this chunk is already stored. */
export async function appendChunk(db: Queryable, importId: string, chunk: Chunk): Promise<boolean> {
  const rows = await run(
    db,
    sql`WITH open AS (
      UPDATE imports SET bytes = bytes + ${chunk.bytes}::integer, chunks = chunks + 1, updated_at = now()
      WHERE id = ${importId}::uuid AND status = 'uploading' AND chunks = ${chunk.number}::integer RETURNING id)
    INSERT INTO import_chunks (import_id, number, bytes, body)
    SELECT id, ${chunk.number}::integer, ${chunk.bytes}::integer, ${chunk.body}::text FROM open RETURNING number`,
  );
  return rows.length > 0;
}

/** The sealed chunks of a file in order, a few at a time. Ends early when they were deleted. */
export async function* readChunks(db: Queryable, importId: string): AsyncGenerator<string> {
  const together = 4;
  for (let first = 0; ; first += together) {
    const rows = await run<{ body: string }>(
      db,
      sql`SELECT body FROM import_chunks WHERE import_id = ${importId}::uuid AND number >= ${first}::integer
        AND number < ${first + together}::integer ORDER BY number`,
    );
    for (const { body } of rows) yield body;
    if (rows.length < together) return;
  }
}
