import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, symlink } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Compiles what the given tsconfig names into `folder`, ready to run there as production runs: plain JavaScript with its
 * assets and packages beside it. For programs whose start or memory is the subject.
 */
export async function compile(tsconfig: string, folder: string): Promise<void> {
  const compiler = join('node_modules', 'typescript', 'bin', 'tsc');
  const child = spawn(process.execPath, [compiler, '-p', tsconfig, '--outDir', folder], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`${tsconfig} does not compile (${code})`);
  await cp('package.json', join(folder, 'package.json'));
  for (const assets of [join('src', 'api', 'static'), join('src', 'sandbox', 'page')])
    await cp(assets, join(folder, assets), { recursive: true, filter: (path) => !/\.tsx?$/.test(path) });
  await symlink(join(process.cwd(), 'node_modules'), join(folder, 'node_modules'));
}
