import { defineConfig } from 'vitest/config';

// The files of a worker share their modules: loading the sources again for every file took a third of the time.
const shared = { isolate: false };
/** These limits end what hangs. A slow machine takes three times as long as a usual one. */
const slow = {
  ...shared,
  testTimeout: 180_000,
  hookTimeout: 180_000,
  expect: { poll: { timeout: 30_000 } },
};

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'pure',
          include: ['src/**/*.test.ts'],
          provide: { tables: Number(process.env.TABLES ?? 300) },
          ...slow,
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/**/*.test.ts'],
          exclude: ['test/redis/**', 'test/browser/**'],
          globalSetup: ['test/harness/global-setup.ts'],
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
          ...slow,
        },
      },
      {
        // Tests of the Redis backend only; they need REDIS_URL.
        test: {
          name: 'redis',
          include: ['test/redis/*.test.ts'],
          globalSetup: ['test/harness/global-setup.ts'],
          fileParallelism: false,
          sequence: { groupOrder: 3 },
          ...slow,
        },
      },
      {
        test: {
          name: 'browser',
          include: ['test/browser/*.test.ts'],
          globalSetup: ['test/harness/global-setup.ts'],
          fileParallelism: false,
          sequence: { groupOrder: 2 },
          ...slow,
        },
      },
    ],
  },
});
