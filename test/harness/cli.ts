import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { compiledProgram } from './compiled.ts';

export type CliResult = { code: number; out: string; err: string };

type Installation = {
  databaseUrl: string | null;
  databaseDirectUrl: string | null;
  publicUrl?: string | null;
};

export type Cli = {
  /** Runs `leadgate` with these arguments. Commands run one after the other. */
  run(...args: string[]): Promise<CliResult>;
  stop(): Promise<void>;
};

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A process that runs commands of `leadgate` on this installation: to start one takes a second of a processor. */
export function startCli({ databaseUrl, databaseDirectUrl, publicUrl }: Installation): Cli {
  const child = spawn(process.execPath, [compiledProgram('test/harness/cli-process.ts')], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: {
      PATH: process.env.PATH,
      DATABASE_URL: databaseUrl ?? '',
      DATABASE_DIRECT_URL: databaseDirectUrl ?? '',
      ...(publicUrl ? { PUBLIC_URL: publicUrl } : {}),
    },
  });
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`the command line ended with ${code}`);
  });
  ended.catch(() => undefined);
  let last: Promise<unknown> = Promise.resolve();
  return {
    run(...args) {
      const result = last.then(async () => {
        const answer = once(child, 'message');
        child.send(args);
        const [printed] = await Promise.race([answer, ended]);
        return printed as CliResult;
      });
      last = result.catch(() => undefined);
      return result;
    },
    async stop() {
      child.disconnect();
      await ended.catch(() => undefined);
    },
  };
}
