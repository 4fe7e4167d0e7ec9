import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { startSlice } from '../../engine/slices.ts';

/** Characters per write: a write for each line would cost more than the line. */
const pieceLength = 32_768;

/** Streams a CSV as a file to download, in slices between which other requests are served. */
export function sendCsv(
  reply: FastifyReply,
  { fileName, csv }: { fileName: string; csv: AsyncIterable<string> },
): FastifyReply {
  const ascii = fileName.replace(/[^\w. -]/g, '_');
  reply.headers({
    'content-type': 'text/csv; charset=utf-8',
    'content-disposition': `attachment; filename="${ascii}"; filename*=UTF-8''${encodeURIComponent(fileName)}`,
    'cache-control': 'no-store',
  });
  return reply.send(Readable.from(inPieces(csv), { objectMode: false }));
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
