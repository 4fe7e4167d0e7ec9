import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, symlink } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Compiles the product and the programs of test/chaos into `folder`, once per run: a process that is killed every few
 * seconds must be back at once, and compiling at each start costs more than all of the rest. Resolves with the path
 * that stands for test/chaos.
 */
export async function build(folder: string): Promise<string> {
  const compiler = join('node_modules', 'typescript', 'bin', 'tsc');
  const parameters = [compiler, '-p', 'test/chaos/tsconfig.json', '--outDir', folder];
  const child = spawn(process.execPath, parameters, { stdio: ['ignore', 'inherit', 'inherit'] });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`the product does not compile (${code})`);
  await cp('package.json', join(folder, 'package.json'));
  await cp(join('src', 'api', 'static'), join(folder, 'src', 'api', 'static'), { recursive: true });
  await symlink(join(process.cwd(), 'node_modules'), join(folder, 'node_modules'));
  return join(folder, 'test', 'chaos');
}
