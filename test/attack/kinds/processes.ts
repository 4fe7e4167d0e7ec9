import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { clientOf } from '../client.ts';

/** An API process of its own; `output` is what it wrote. */
export type Program = { up: boolean; url: string; output: string; stop(): void };

const patienceMs = 20_000;

/** Resolves when the API answers, or has ended, which a refused start does. */
export async function startApi(folder: string, env: Record<string, string>): Promise<Program> {
  const port = await freePort();
  const child = spawn(process.execPath, [join(folder, 'src', 'api', 'main.js')], {
    env: { PORT: `${port}`, LOG_LEVEL: 'error', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const program: Program = {
    up: false,
    url: `http://127.0.0.1:${port}`,
    output: '',
    stop: () => void child.kill('SIGKILL'),
  };
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data: Buffer) => {
      program.output += String(data);
    });
  const client = clientOf(program.url, { connections: 1 });
  const deadline = Date.now() + patienceMs;
  while (child.exitCode === null && Date.now() < deadline && !program.up) {
    program.up = (await client.send('GET', '/health')).status > 0;
    await pause(50);
  }
  client.close();
  return program;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}
