/** The floors of docs/architecture.md: a file imports only from its own floor's folder or from a lower floor. */
const compositionRoots = '^src/(main|system|runtime)\\.ts|^src/(api|workers)/main\\.ts|^src/(cli|demo)/';
const floors = [
  ['^src/(config\\.ts|config/|events/)'],
  ['^src/domain/'],
  ['^src/db/', '^src/adapters/'],
  ['^src/engine/'],
  ['^src/usecases/'],
  ['^src/workers/(?!main\\.ts)', '^src/api/(?!main\\.ts)'],
  [compositionRoots],
];
const pattern = (from) => floors.slice(from).flat().join('|');
const notTests = '\\.test\\.ts$';

/** Rooms of api that every other room may use; the other rooms do not know each other. */
const sharedRooms = ['http', 'auth', 'web'];

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    ...floors.slice(0, -1).map((floor, level) => ({
      name: `floor-${level}-looks-up`,
      comment: 'A file imports only from its own floor or a lower one.',
      severity: 'error',
      from: { path: floor.join('|'), pathNot: notTests },
      to: { path: pattern(level + 1) },
    })),
    {
      name: 'events-are-pure',
      severity: 'error',
      from: { path: '^src/events/' },
      to: { path: '^src/config(\\.ts|/)' },
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
      to: { path: '^src/workers/' },
    },
    {
      name: 'engine-knows-no-vertical',
      comment: 'The engine runs workers. What a lead, an unlock or a CRM is stays in the verticals.',
      severity: 'error',
      from: { path: '^src/engine/', pathNot: notTests },
      to: { path: '^src/(domain|db)/(?!transport/)[^/]+/', pathNot: '^src/db/schema/' },
    },
    {
      name: 'rooms-of-api-apart',
      comment: `A room of api knows its own files and ${sharedRooms.join(', ')}; what two rooms share belongs to a use case.`,
      severity: 'error',
      from: { path: '^src/api/([^/]+)/', pathNot: notTests },
      to: { path: '^src/api/[^/]+/', pathNot: `^src/api/($1|${sharedRooms.join('|')})/` },
    },
    {
      name: 'shared-rooms-know-no-other',
      comment: 'http is below auth and web; auth may draw pages with web.',
      severity: 'error',
      from: { path: '^src/api/(http|web)/', pathNot: notTests },
      to: { path: '^src/api/(?!(http|web)/)' },
    },
    {
      name: 'http-knows-no-room',
      comment: 'http is the lowest room of api.',
      severity: 'error',
      from: { path: '^src/api/http/', pathNot: notTests },
      to: { path: '^src/api/(?!http/)' },
    },
    {
      name: 'views-know-no-pages',
      comment: 'Pages show view models; a view model does not know its page.',
      severity: 'error',
      from: { path: '^src/api/[^/]+/[^/]*(view|timeline)[^/]*\\.ts$' },
      to: { path: '^src/api/[^/]+/pages/' },
    },
    {
      name: 'sql-only-in-db',
      comment:
        'drizzle and SQL stay in src/db: a caller uses a named function. Exception: the embedded server identifies its own cluster and creates its database.',
      severity: 'error',
      from: { path: '^src/(?!db/)', pathNot: `${notTests}|^src/embedded-postgres/server\\.ts$` },
      to: { path: 'node_modules/(drizzle-orm|pg|postgres)/' },
    },
    {
      name: 'sandbox-aside',
      comment: 'The vendor simulator is imported by composition roots and tests only.',
      severity: 'error',
      from: { path: '^src/', pathNot: `^src/sandbox/|${compositionRoots}` },
      to: { path: '^src/sandbox/' },
    },
    {
      name: 'sandbox-knows-nothing-of-us',
      severity: 'error',
      from: { path: '^src/sandbox/' },
      to: { path: '^src/(?!sandbox/|config\\.ts)' },
    },
    {
      name: 'embedded-postgres-aside',
      comment: 'A database server that comes with npm: imported by composition roots and tests only.',
      severity: 'error',
      from: { path: '^src/', pathNot: `^src/embedded-postgres/|${compositionRoots}` },
      to: { path: '^src/embedded-postgres/' },
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
