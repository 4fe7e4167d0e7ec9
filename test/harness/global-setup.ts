import type { TestProject } from 'vitest/node';
import { startTestPostgres } from './database.ts';

export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const { stop, ...postgres } = await startTestPostgres();
  project.provide('postgres', postgres);
  return stop;
}
