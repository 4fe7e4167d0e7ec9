import { join } from 'node:path';
import { compile } from '../../scripts/compile.ts';

/**
 * Compiles the product and the programs of test/chaos into `folder`, once per run: a process that is killed every few
 * seconds must be back at once, and compiling at each start costs more than all of the rest. Resolves with the path
 * that stands for test/chaos.
 */
export async function build(folder: string): Promise<string> {
  await compile('test/chaos/tsconfig.json', folder);
  return join(folder, 'test', 'chaos');
}
