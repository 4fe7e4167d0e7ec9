import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { CommandError } from './session.ts';

/** From a pipe, the first line; from a terminal, typed twice without echo. */
export async function readPassword(): Promise<string> {
  if (!process.stdin.isTTY) {
    const lines = createInterface({ input: process.stdin });
    for await (const line of lines) return line;
    throw new CommandError('Standard input contains no password.');
  }
  const first = await askWithoutEcho('Password: ');
  if (first !== (await askWithoutEcho('Repeat the password: ')))
    throw new CommandError('The passwords do not match.');
  return first;
}

async function askWithoutEcho(question: string): Promise<string> {
  process.stdout.write(question);
  const discarded = new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal = createInterface({ input: process.stdin, output: discarded, terminal: true });
  try {
    return await terminal.question('');
  } finally {
    terminal.close();
    process.stdout.write('\n');
  }
}
