import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { mutants } from './catalogue.ts';

const textOf = (file: string): string =>
  readFileSync(fileURLToPath(new URL(`../../${file}`, import.meta.url)), 'utf8');

it.each(mutants.map((mutant) => [mutant.name, mutant] as const))(
  '%s fits the sources as they are',
  (_name, { edits }) => {
    const missing = edits
      .filter(({ file, find }) => !textOf(file).includes(find))
      .map(({ file, find }) => ({ file, find }));
    expect(missing).toEqual([]);
  },
);
