import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, symlink } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Compiles the sources of a tsconfig into `folder`, with assets and packages, so that programs run as in production. For
 * programs whose start time or memory is measured.
 */
export async function compile(tsconfig: string, folder: string): Promise<void> {
  const compiler = join('node_modules', 'typescript', 'bin', 'tsc');
  const child = spawn(process.execPath, [compiler, '-p', tsconfig, '--outDir', folder], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`${tsconfig} does not compile (${code})`);
  await cp('package.json', join(folder, 'package.json'));
  for (const assets of [join('src', 'api', 'web', 'static'), join('src', 'sandbox', 'page')])
    await cp(assets, join(folder, assets), { recursive: true, filter: (path) => !/\.tsx?$/.test(path) });
  for (const used of ['node_modules', 'drizzle'])
    await symlink(join(process.cwd(), used), join(folder, used));
}
