import { Agent, type ClientRequest, request } from 'node:http';
import type { Target } from '../target.ts';

/** An upload that the caller feeds. `status` is null while it is open, and 0 when it was cut off. */
export type OpenUpload = {
  status: number | null;
  write(text: string): void;
  end(): void;
  destroy(): void;
  /** Resolves once the response has begun or the connection has ended. */
  answered: Promise<void>;
};

export function openUpload(
  { url, attacker }: Pick<Target, 'url' | 'attacker'>,
  path: string,
  contentType: string,
  headers: Record<string, string> = {},
): OpenUpload {
  const agent = new Agent({ maxSockets: 1 });
  let outgoing: ClientRequest | null = null;
  const upload: OpenUpload = {
    status: null,
    write: (text) => void (upload.status === null && outgoing?.write(text)),
    end: () => void outgoing?.end(),
    destroy: () => void outgoing?.destroy(),
    answered: new Promise((resolve) => {
      outgoing = request(
        url + path,
        {
          method: 'POST',
          agent,
          headers: { authorization: `Bearer ${attacker.key}`, 'content-type': contentType, ...headers },
        },
        (incoming) => {
          upload.status = incoming.statusCode ?? 0;
          incoming.on('error', () => undefined).resume();
          resolve();
        },
      );
      outgoing.on('error', () => {
        upload.status ??= 0;
        resolve();
      });
    }),
  };
  return upload;
}
