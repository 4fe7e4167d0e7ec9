import { join } from 'node:path';
import { compile } from '../../scripts/compile.ts';

/**
 * Compiles the product and the programs of test/chaos into `folder`, once per run, because a process that is killed every
 * few seconds must restart quickly. Resolves with the path of the compiled test/chaos.
 */
export async function build(folder: string): Promise<string> {
  await compile('test/chaos/tsconfig.json', folder);
  return join(folder, 'test', 'chaos');
}
