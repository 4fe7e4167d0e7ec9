import type { TestProject } from 'vitest/node';
import { startTestPostgres } from './database.ts';

export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const { stop, serverUrl, template } = await startTestPostgres();
  project.provide('postgres', { serverUrl, template });
  return stop;
}
