/** The floors of docs/architecture.md: a file imports only from its own floor's folder or from a lower floor. */
const floors = [
  ['^src/(config\\.ts|config/|events/)'],
  ['^src/domain/'],
  ['^src/db/', '^src/adapters/'],
  ['^src/workers/kit/'],
  ['^src/workers/(?!kit/|main\\.ts)', '^src/api/(?!main\\.ts)'],
  ['^src/(main|demo|demo-story|system)\\.ts', '^src/api/main\\.ts', '^src/workers/main\\.ts', '^src/cli/'],
];
const pattern = (from) => floors.slice(from).flat().join('|');

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    ...floors.slice(0, -1).map((floor, level) => ({
      name: `floor-${level}-looks-up`,
      comment: 'A file imports only from its own floor or a lower one.',
      severity: 'error',
      from: { path: floor.join('|'), pathNot: '\\.test\\.ts$' },
      to: { path: pattern(level + 1) },
    })),
    {
      name: 'events-are-pure',
      severity: 'error',
      from: { path: '^src/events/' },
      to: { path: '^src/config\\.ts' },
    },
    {
      name: 'db-and-adapters-apart',
      severity: 'error',
      from: { path: '^src/db/' },
      to: { path: '^src/adapters/' },
    },
    {
      name: 'adapters-and-db-apart',
      severity: 'error',
      from: { path: '^src/adapters/' },
      to: { path: '^src/db/' },
    },
    {
      name: 'workers-and-api-apart',
      severity: 'error',
      from: { path: '^src/workers/(?!main)' },
      to: { path: '^src/api/' },
    },
    {
      name: 'api-and-workers-apart',
      severity: 'error',
      from: { path: '^src/api/(?!main)' },
      to: { path: '^src/workers/(?!kit/)' },
    },
    {
      name: 'sandbox-aside',
      comment: 'The vendor simulator is imported by composition roots and tests only.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(sandbox/|main|demo|system)' },
      to: { path: '^src/sandbox/' },
    },
    {
      name: 'sandbox-knows-nothing-of-us',
      severity: 'error',
      from: { path: '^src/sandbox/' },
      to: { path: '^src/(?!sandbox/|config\\.ts)' },
    },
    {
      name: 'domain-is-pure',
      comment: 'Pure rules: no I/O. node:crypto computes, it does not reach out.',
      severity: 'error',
      from: { path: '^src/domain/' },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?crypto$' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.tsx', '.js'] },
  },
};
