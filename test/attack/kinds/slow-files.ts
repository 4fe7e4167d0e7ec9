import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { quotas } from '../../../src/domain/account/quotas.ts';
import { clientOf } from '../client.ts';
import { atMost, figure, type Kind, type Target } from '../target.ts';
import { openUpload } from './uploads.ts';

const connections = 60;
const readers = 60;
const rejectedRows = 5_000;

/** Files that never end, and downloads that are never read. */
export const slowFiles: Kind = {
  name: 'slow-files',
  about: 'Sixty uploads that never end, and sixty readers of an export that read nothing.',
  flood: true,
  async attack(target) {
    const importId = await makeExport(target);
    const uploads = Array.from({ length: connections }, () => {
      const upload = openUpload(target, '/api/imports', 'text/csv');
      upload.write('name,phone\n');
      return upload;
    });
    const sockets = Array.from({ length: readers }, () => readNothing(target, importId));
    for (let second = 0; second < target.seconds; second += 1) {
      for (const upload of uploads) upload.write(`Slow ${second},+13055550142\n`.repeat(50));
      await pause(1_000);
    }
    const open = uploads.filter(({ status }) => status === null).length;
    const statuses = new Set(uploads.map(({ status }) => status ?? 'open'));
    for (const upload of uploads) upload.destroy();
    for (const socket of sockets) socket.destroy();
    return [
      atMost('uploads that one organization keeps open', open, quotas.uploads.perOrganization),
      figure('the others were answered', [...statuses].join(', ')),
    ];
  },
};

/** An import with rejected rows, whose export is as long as a connection's buffers, and more. */
async function makeExport(target: Target): Promise<string> {
  const client = clientOf(target.url, { key: target.attacker.key });
  const rows = Array.from({ length: rejectedRows }, (_, n) => `${'n'.repeat(200)}${n},none\n`).join('');
  const body = `name,phone\nAnn,+13055550142\n${rows}`;
  const headers = { 'content-type': 'text/csv' };
  const reply = await client.send('POST', '/leads/csv', { body, headers, timeoutMs: 30_000 });
  client.close();
  const { import_id: id } = JSON.parse(reply.text) as { import_id?: string };
  if (!id) throw new Error(`the file was answered ${reply.status} ${reply.text.slice(0, 200)}`);
  return id;
}

function readNothing({ url, attacker }: Target, importId: string) {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  socket.on('error', () => undefined);
  socket.pause();
  socket.write(
    `GET /api/imports/${importId}/rejects.csv HTTP/1.1\r\nhost: ${hostname}:${port}\r\nauthorization: Bearer ${attacker.key}\r\n\r\n`,
  );
  return socket;
}
