import { join } from 'node:path';
import { inject } from 'vitest';

/** The compiled file of a program, such as `src/cli/main.ts`: it starts in a third of the time. */
export const compiledProgram = (source: string): string =>
  join(inject('compiled'), source.replace(/\.ts$/, '.js'));
