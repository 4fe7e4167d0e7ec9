import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { compile } from '../../scripts/compile.ts';
import { startTestPostgres } from './database.ts';

export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const { stop, ...postgres } = await startTestPostgres();
  project.provide('postgres', postgres);
  const compiled = await mkdtemp(join(tmpdir(), 'leadgate-compiled-'));
  if (project.name !== 'browser') await compile('test/harness/tsconfig.json', compiled);
  project.provide('compiled', compiled);
  return async () => {
    await stop();
    await rm(compiled, { recursive: true, force: true });
  };
}
