import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { FastifyInstance } from 'fastify';

const inBrotli = promisify(brotliCompress);
const inGzip = promisify(gzip);

/** Shorter pages fit into one packet as they are. */
const leastBytes = 1_024;
/** Above this, a page costs more time to compress than to send. */
const quality = 4;

/**
 * Sends pages compressed. Only answers to GET: the answer to a form may show a secret beside what was typed, and the size
 * of the two together would tell about the secret.
 */
export function compressPages(app: FastifyInstance): void {
  app.addHook('onSend', async (request, reply, payload) => {
    const type = reply.getHeader('content-type');
    const isPage = typeof type === 'string' && type.startsWith('text/html');
    if (!isPage || request.method !== 'GET' || typeof payload !== 'string') return payload;
    const vary = reply.getHeader('vary');
    reply.header('vary', vary ? `${vary}, accept-encoding` : 'accept-encoding');
    const accepted = request.headers['accept-encoding'] ?? '';
    if (payload.length < leastBytes || reply.hasHeader('content-encoding')) return payload;
    const encoding = /\bbr\b/.test(accepted) ? 'br' : /\bgzip\b/.test(accepted) ? 'gzip' : null;
    if (encoding === null) return payload;
    const body =
      encoding === 'br'
        ? await inBrotli(payload, { params: { [constants.BROTLI_PARAM_QUALITY]: quality } })
        : await inGzip(payload, { level: quality });
    reply.header('content-encoding', encoding).removeHeader('content-length');
    return body;
  });
}
