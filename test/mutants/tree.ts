import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Edit } from './mutant.ts';

/** A copy of the source tree for mutants, with the installed packages of the original. */
export type Tree = {
  folder: string;
  /** Applies the edits. Throws PatchError and changes nothing unless every `find` occurs exactly once. */
  apply(edits: readonly Edit[]): Promise<void>;
  /** Restores every changed file. */
  restore(): Promise<void>;
  remove(): Promise<void>;
};

/** The edit no longer fits the source and must be updated. */
export class PatchError extends Error {}

const root = fileURLToPath(new URL('../../', import.meta.url));
const copied = ['package.json', 'tsconfig.json', 'vitest.config.ts', 'scripts', 'src', 'test', 'drizzle'];

export async function copyTree(): Promise<Tree> {
  const folder = await mkdtemp(join(tmpdir(), 'leadgate-mutants-'));
  try {
    for (const entry of copied) await cp(join(root, entry), join(folder, entry), { recursive: true });
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction');
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
  const originals = new Map<string, string>();
  return {
    folder,
    async apply(edits) {
      const changed = new Map<string, string>();
      for (const edit of edits) {
        const before = changed.get(edit.file) ?? (await readFile(join(folder, edit.file), 'utf8'));
        if (!originals.has(edit.file)) originals.set(edit.file, before);
        changed.set(edit.file, patched(before, edit));
      }
      for (const [file, text] of changed) await writeFile(join(folder, file), text);
    },
    async restore() {
      for (const [file, text] of originals) await writeFile(join(folder, file), text);
    },
    // This removes the symbolic link to node_modules, not its target.
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

function patched(text: string, { file, find, replace }: Edit): string {
  const [before, after, ...more] = text.split(find);
  if (before === undefined || after === undefined || more.length > 0) {
    throw new PatchError(
      `${file} contains ${after === undefined ? 'no' : 'more than one'} ${JSON.stringify(find)}`,
    );
  }
  return before + replace + after;
}
