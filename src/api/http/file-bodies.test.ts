import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import fastify, { type FastifyRequest } from 'fastify';
import { expect, it } from 'vitest';
import { acceptFiles, withUploadedFile } from './file-bodies.ts';
import { uploadedFile } from './uploaded-file.ts';

const readers: Record<string, (request: FastifyRequest) => Promise<unknown>> = {
  withUploadedFile: (request) => withUploadedFile(request, { maxCsvBytes: 1_000 }, async () => null),
  uploadedFile,
};

it.each(Object.keys(readers))('[S35] %s ends when the client left before the form was read', async (name) => {
  const app = fastify();
  await acceptFiles(app);
  app.addHook('onRequest', async ({ raw }, reply) => {
    const gone = once(reply.raw, 'close');
    raw.socket.destroy();
    await gone;
  });
  const outcome = new Promise((resolve) => {
    app.post('/', (request) => readers[name]!(request).catch((error: Error) => resolve(error.message)));
  });
  await app.listen({ port: 0, host: '127.0.0.1' });
  try {
    const client = connect((app.server.address() as AddressInfo).port, '127.0.0.1');
    client.on('error', () => undefined);
    client.write(
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=B\r\nContent-Length: 900\r\n\r\n--B',
    );
    expect(await outcome).toMatch(/interrupted/);
  } finally {
    await app.close();
  }
});
