import { type ChildProcess, spawn } from 'node:child_process';
import type { Config } from '../../src/config.ts';
import { compiledProgram } from './compiled.ts';
import type { TestSystem } from './system.ts';

/** All workers in a process of their own beside a system without workers (`workers: []`); returns once they run. */
export async function startWorkerProcess(
  system: TestSystem,
  options: { crmLimits?: Config['crm']['ghl']['limits'] } = {},
): Promise<ChildProcess> {
  const { databaseUrl, databaseDirectUrl, redisUrl, publicUrl, namespace, sandbox } = system;
  const addresses = { databaseUrl, databaseDirectUrl, redisUrl, publicUrl, sandboxUrl: sandbox.url };
  const shared = JSON.stringify({ ...addresses, namespace, ...options });
  const child = spawn(process.execPath, [compiledProgram('test/harness/worker-process.ts'), shared], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise<void>((resolve, reject) => {
    child.stdout.once('data', () => resolve());
    child.once('exit', (code) => reject(new Error(`the worker ended at its start with ${code}`)));
  });
  child.removeAllListeners('exit');
  return child;
}

/** SIGKILL; returns once the process has ended. */
export async function kill(child: ChildProcess): Promise<void> {
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
}
