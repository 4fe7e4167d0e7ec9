import { connect } from 'node:net';
import { clientOf, flood } from '../client.ts';
import { figure, type Goal, holds, type Kind } from '../target.ts';

const parallel = 20;
const bytes = 1_000_000;
const form = 'application/x-www-form-urlencoded';
const json = 'application/json';
const webhooks: Record<string, typeof json | typeof form> = {
  '/webhook/stripe': json,
  '/webhook/sendgrid/events': json,
  '/webhook/ghl': json,
  '/webhook/twilio/sms': form,
  '/webhook/twilio/status': form,
};

/** S35: a stranger's body is read before its signature is known to be wrong. */
export const unsignedWebhooks: Kind = {
  name: 'unsigned-webhooks',
  about: 'Strangers post bodies of one megabyte without a signature, from twenty addresses.',
  flood: true,
  async attack({ url, seconds }) {
    const paths = Object.keys(webhooks);
    const goals: Goal[] = [];
    for (const path of paths) {
      const status = await announced(url, path);
      goals.push(holds(`${path}: ${bytes} bytes are refused unread`, status === 413, `${status}`));
    }
    const bodies = {
      [json]: Buffer.from(`[${'{},'.repeat(bytes / 3 - 10)}{}]`),
      [form]: Buffer.from('a=%41&'.repeat(bytes / 6 - 10)),
    };
    const clients = Array.from({ length: parallel }, (_, n) =>
      clientOf(url, {
        from: process.platform === 'linux' ? `127.0.1.${n + 1}` : '127.0.0.1',
        connections: 4,
      }),
    );
    const tally = await flood(seconds, parallel, (turn) => {
      const path = paths[turn % paths.length]!;
      const type = webhooks[path]!;
      return clients[turn % parallel]!.send('POST', path, {
        body: bodies[type],
        headers: { 'content-type': type },
      });
    });
    for (const client of clients) client.close();
    return [...goals, figure('answered', `${tally}`)];
  },
};

/** Announces a body without sending it. Resolves with the status, or 0 when none came within two seconds. */
function announced(url: string, path: string): Promise<number> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port) });
    const done = (status: number) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(status);
    };
    const timer = setTimeout(() => done(0), 2_000);
    socket.on('error', () => done(0));
    socket.once('data', (data) => done(Number(/^HTTP\/1\.1 (\d+)/.exec(String(data))?.[1] ?? 0)));
    socket.write(
      `POST ${path} HTTP/1.1\r\nhost: ${hostname}:${port}\r\ncontent-type: ${webhooks[path]}\r\ncontent-length: ${bytes}\r\n\r\n`,
    );
  });
}
