import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';

/** Streams a CSV as a file to download. */
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
  return reply.send(Readable.from(csv));
}
