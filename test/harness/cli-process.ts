import { runCommand } from '../../src/cli/run.ts';
import type { CliResult } from './cli.ts';

/** Runs the commands that its parent sends, one after the other, and answers each with what it printed. */
process.on('message', async (args: string[]) => {
  const [write, writeError] = [process.stdout.write, process.stderr.write];
  const printed = { out: '', err: '' };
  const keep = (name: keyof typeof printed) => (chunk: string | Uint8Array) => {
    printed[name] += String(chunk);
    return true;
  };
  Object.assign(process.stdout, { write: keep('out') });
  Object.assign(process.stderr, { write: keep('err') });
  await runCommand(args);
  Object.assign(process.stdout, { write });
  Object.assign(process.stderr, { write: writeError });
  process.send!({ code: Number(process.exitCode ?? 0), ...printed } satisfies CliResult);
  process.exitCode = undefined;
});
