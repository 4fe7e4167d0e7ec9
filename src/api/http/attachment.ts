import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { startSlice } from '../../engine/slices.ts';
import type { QuotaOwner, Quotas } from '../../usecases/account/quotas.ts';

/** Characters per write: a write for each line would cost more than the line. */
const pieceLength = 32_768;

type CsvFile = { fileName: string; csv: AsyncIterable<string> };

/**
 * Streams a CSV as a file to download, in slices between which other requests are served. Counts among the downloads of
 * `owner` until the response has been sent or the connection has ended. Throws 429.
 */
export async function sendCsv(
  reply: FastifyReply,
  { fileName, csv }: CsvFile,
  { quotas, owner }: { quotas: Quotas; owner: QuotaOwner },
): Promise<FastifyReply> {
  await quotas.take('exports', owner);
  await beginDownload(reply, quotas, owner);
  const ascii = fileName.replace(/[^\w. -]/g, '_');
  reply.headers({
    'content-type': 'text/csv; charset=utf-8',
    'content-disposition': `attachment; filename="${ascii}"; filename*=UTF-8''${encodeURIComponent(fileName)}`,
    'cache-control': 'no-store',
  });
  return reply.send(Readable.from(inPieces(csv), { objectMode: false }));
}

/** Resolves when there is a place, which is held until the response ends. */
function beginDownload({ raw }: FastifyReply, quotas: Quotas, owner: QuotaOwner): Promise<void> {
  return new Promise((resolve, reject) => {
    const work = () =>
      new Promise<void>((ended) => {
        resolve();
        // No event follows when the connection has ended already.
        if (raw.closed || raw.destroyed) ended();
        else raw.once('close', ended);
      });
    quotas.hold('downloads', owner, work).catch(reject);
  });
}

async function* inPieces(lines: AsyncIterable<string>): AsyncGenerator<string> {
  const slice = startSlice();
  let piece = '';
  for await (const line of lines) {
    piece += line;
    if (piece.length >= pieceLength) {
      yield piece;
      piece = '';
    }
    if (slice.isOver()) await slice.next();
  }
  if (piece !== '') yield piece;
}
