import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { commitChange } from '../../src/db/commit.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

let system: TestSystem;
beforeAll(async () => {
  system = await startSystem();
});
afterAll(() => system?.stop());

it('[F06] work that was committed but never published is found and done by the sweeper', async () => {
  const leadId = uuidv7();
  const lost = {
    type: 'lead.received' as const,
    organizationId: null,
    subject: `lead:${leadId}`,
    data: { leadId },
  };
  // What a process leaves that dies between COMMIT and publishing: one row reserved for its publisher, one due.
  await commitChange(system.runtime.db, { events: [lost] }, { visibilityMs: 500 });
  await commitChange(system.runtime.db, { events: [lost] }, { visibilityMs: 0, isFull: () => true });
  const left = () => system.rows<{ id: number; worker: string }>('SELECT id, worker FROM outbox');
  expect(await left()).not.toEqual([]);
  const deadline = performance.now() + 10_000;
  while ((await left()).length > 0 && performance.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, 20));
  expect(await left()).toEqual([]);
});
