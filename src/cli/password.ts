import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { CommandError } from './session.ts';

/** From a pipe: its first line. From a terminal: typed twice, unseen. */
export async function readPassword(): Promise<string> {
  if (!process.stdin.isTTY) {
    const lines = createInterface({ input: process.stdin });
    for await (const line of lines) return line;
    throw new CommandError('No password came on standard input.');
  }
  const first = await askUnseen('Password: ');
  if (first !== (await askUnseen('The same again: '))) throw new CommandError('The two differ.');
  return first;
}

async function askUnseen(question: string): Promise<string> {
  process.stdout.write(question);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal = createInterface({ input: process.stdin, output: nowhere, terminal: true });
  try {
    return await terminal.question('');
  } finally {
    terminal.close();
    process.stdout.write('\n');
  }
}
