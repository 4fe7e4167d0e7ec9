import { describe, expect, it } from 'vitest';
import { type DatabaseServer, readDatabaseUrl, withDatabase } from './database-url.ts';

const read = (url: string) => readDatabaseUrl('DATABASE_URL', url);
function serverOf(url: string): DatabaseServer & { notes: string[] } {
  const found = read(url);
  if (!found.ok) throw new Error(found.problem);
  return { ...found.server, notes: found.notes };
}
const unverified = { rejectUnauthorized: false };
const verified = { rejectUnauthorized: true };

describe('an address as hosts give it', () => {
  const plain = { host: 'db.example.com', port: 5432, user: 'u', password: 'p', database: 'leads' };
  it.each<[string, string, Partial<DatabaseServer>]>([
    ['postgres://', 'postgres://u:p@db.example.com/leads', { ...plain, tls: false }],
    ['postgresql://', 'postgresql://u:p@db.example.com:5432/leads', { ...plain, tls: false }],
    ['upper case', 'POSTGRES://u:p@db.example.com/leads', plain],
    ['in quotes', '"postgres://u:p@db.example.com/leads"', plain],
    [
      'Neon',
      'postgresql://neondb_owner:npg_Ab12@ep-cool-rain-a5.us-east-2.aws.neon.tech/neondb?sslmode=require&channel_binding=require',
      { user: 'neondb_owner', password: 'npg_Ab12', database: 'neondb', tls: unverified, options: null },
    ],
    [
      'Neon without SNI',
      'postgres://u:p@ep-cool-rain-a5-pooler.us-east-2.aws.neon.tech/neondb?options=endpoint%3Dep-cool-rain-a5&sslmode=verify-full&sslrootcert=system',
      { options: 'endpoint=ep-cool-rain-a5', tls: verified },
    ],
    [
      'Supabase through its pooler, for Prisma',
      'postgresql://postgres.abcd:p%40ss%2Fword@aws-0-us-east-1.pooler.supabase.com:6543/postgres?pgbouncer=true&connection_limit=1&schema=public',
      {
        user: 'postgres.abcd',
        password: 'p@ss/word',
        port: 6543,
        database: 'postgres',
        pooled: true,
        tls: false,
      },
    ],
    [
      'Heroku',
      'postgres://u1abc:p0123456789abcdef@ec2-3-210-1-1.compute-1.amazonaws.com:5432/d1abc?ssl=true',
      { tls: unverified },
    ],
    ['Heroku, no-verify', 'postgres://u:p@db.example.com/leads?sslmode=no-verify', { tls: unverified }],
    ['Render', 'postgresql://leads_user:p@dpg-abc-a.oregon-postgres.render.com/leads', { tls: false }],
    [
      'RDS with IAM roots',
      `postgres://u:p@leads.abc.us-east-1.rds.amazonaws.com:5432/leads?sslmode=verify-full&sslrootcert=package.json`,
      { tls: expect.objectContaining({ rejectUnauthorized: true, ca: expect.stringContaining('"name"') }) },
    ],
    [
      'verify-ca',
      'postgres://u:p@db.example.com/leads?sslmode=verify-ca&sslrootcert=package.json',
      { tls: expect.objectContaining({ rejectUnauthorized: true, anyName: true }) },
    ],
    [
      'require with roots is verify-ca, as libpq says',
      'postgres://u:p@db.example.com/leads?sslmode=require&sslrootcert=package.json',
      { tls: expect.objectContaining({ rejectUnauthorized: true, anyName: true }) },
    ],
    [
      'Azure',
      'postgres://u%40server:p@server.postgres.database.azure.com/leads?sslmode=require',
      { user: 'u@server' },
    ],
    [
      'Cloud SQL',
      'postgres://u:p@/leads?host=/cloudsql/project:region:name',
      { host: '/cloudsql/project:region:name' },
    ],
    [
      'a socket without a user',
      'postgres:///leads?host=/var/run/postgresql',
      { host: '/var/run/postgresql' },
    ],
    [
      'an encoded socket',
      'postgres://u:p@%2Fvar%2Frun%2Fpostgresql:5433/leads',
      { host: '/var/run/postgresql', port: 5433 },
    ],
    ['a socket never uses TLS', 'postgres://u:p@/leads?host=/run/pg&sslmode=require', { tls: false }],
    ['IPv6', 'postgres://u:p@[2001:db8::7]:6432/leads', { host: '2001:db8::7', port: 6432 }],
    ['IPv6 of this machine', 'postgres://u:p@[::1]/leads?sslmode=prefer', { host: '::1', tls: false }],
    ['prefer in a private network', 'postgres://u:p@postgres:5432/leads?sslmode=prefer', { tls: false }],
    [
      'prefer at an internal name',
      'postgres://u:p@postgres.railway.internal/leads?sslmode=prefer',
      { tls: false },
    ],
    [
      'prefer through the internet',
      'postgres://u:p@db.example.com/leads?sslmode=prefer',
      { tls: unverified },
    ],
    [
      'direct TLS',
      'postgres://u:p@db.example.com/leads?sslmode=require&sslnegotiation=direct',
      { tlsDirect: true },
    ],
    ['a password with a percent sign', 'postgres://u:100%25@db.example.com/leads', { password: '100%' }],
    [
      'a password with a lone percent sign',
      'postgres://u:100%!a%20b@db.example.com/leads',
      { password: '100%!a b' },
    ],
    [
      'a password with an at sign',
      'postgres://u:p@ss@db.example.com/leads',
      { password: 'p@ss', host: 'db.example.com' },
    ],
    [
      'a password of signs',
      `postgres://u:${encodeURIComponent(`:/?#[]@!$&'()*+,;= "<>`)}@db.example.com/leads`,
      { password: `:/?#[]@!$&'()*+,;= "<>` },
    ],
    [
      'letters beyond ASCII',
      'postgres://jos%C3%A9:p%C3%A4ss@db.example.com/l%C3%A4ds',
      { user: 'josé', password: 'päss', database: 'läds' },
    ],
    ['no database', 'postgres://u:p@db.example.com', { database: 'u' }],
    [
      'parameters instead of parts',
      'postgres:///?host=db.example.com&port=6432&user=u&password=p&dbname=leads',
      { ...plain, port: 6432 },
    ],
    [
      'options of the session',
      'postgres://u:p@db.example.com/leads?options=-c%20search_path%3Dsales',
      { options: '-c search_path=sales' },
    ],
    [
      'a connect timeout',
      'postgres://u:p@db.example.com/leads?connect_timeout=15',
      { connectTimeoutMs: 15_000 },
    ],
    [
      'no connect timeout',
      'postgres://u:p@db.example.com/leads?connect_timeout=0',
      { connectTimeoutMs: null },
    ],
    [
      'an application name',
      'postgres://u:p@db.example.com/leads?application_name=leads-eu',
      { applicationName: 'leads-eu' },
    ],
    ['any server', 'postgres://u:p@db.example.com/leads?target_session_attrs=any', plain],
    ['the primary', 'postgres://u:p@db.example.com/leads?target_session_attrs=read-write', plain],
  ])('%s', (_what, url, expected) => {
    expect(serverOf(url)).toMatchObject(expected);
  });

  it.each([
    ['channel_binding=require', /channel_binding is not used/],
    ['schema=sales', /schema is not used.*search_path/],
    ['pgbouncer=true', /DATABASE_DIRECT_URL/],
    ['statement_cache_size=0', /the parameter statement_cache_size is not used/],
    ['connection_limit=5', /connection_limit/],
    ['pool_timeout=10', /pool_timeout/],
    ['statement_timeout=1000', /statement_timeout/],
    ['keepalives_idle=30', /keepalives_idle/],
    ['gssencmode=require', /gssencmode/],
    ['sslmode=require', /not checked.*verify-full/],
    ['sslmode=prefer', /sslmode=prefer is read as require/],
    ['connect_timeout=soon', /connect_timeout is not a number/],
    ['%3Cb%3E=1', /the parameter with an unusual name/],
  ])('%s is said to have no effect, or what effect it has', (parameter, words) => {
    expect(serverOf(`postgres://u:p@db.example.com/leads?${parameter}`).notes.join('\n')).toMatch(words);
  });

  it.each([
    'channel_binding=prefer',
    'gssencmode=disable',
    'schema=public',
    'target_session_attrs=any',
    'sslmode=disable',
    'pgbouncer=false',
  ])('%s needs no word', (parameter) => {
    expect(serverOf(`postgres://u:p@db.example.com/leads?${parameter}`).notes).toEqual([]);
  });
});

describe('an address that cannot be used is refused with a sentence that holds no secret', () => {
  it.each([
    ['another database', 'mysql://u:s3cret@db/leads', /must be a postgres:\/\/ URL/],
    ['a driver of another language', 'postgresql+asyncpg://u:s3cret@db/leads', /must be a postgres:\/\/ URL/],
    ['JDBC', 'jdbc:postgresql://db/leads?password=s3cret', /must be a postgres:\/\/ URL/],
    ['a command', "psql 'postgres://u:s3cret@db/leads'", /must be a postgres:\/\/ URL/],
    ['words', 'host=db password=s3cret', /must be a postgres:\/\/ URL/],
    ['a # in the password', 'postgres://u:s3#cret@db.example.com/leads', /percent-encoded/],
    ['a / in the password', 'postgres://u:s3/cret@db.example.com/leads', /percent-encoded/],
    ['a / after digits', 'postgres://u:33/s3cret@db.example.com/leads', /percent-encoded/],
    ['a ? in the password', 'postgres://u:33?s3cret@db.example.com/leads', /percent-encoded/],
    ['several hosts', 'postgres://u:s3cret@a.example.com/leads?host=a,b', /several hosts/],
    [
      'several hosts with ports',
      'postgres://u:s3cret@a.example.com:5432,b.example.com:5432/leads',
      /several hosts/,
    ],
    ['a bad port', 'postgres://u:s3cret@db.example.com/leads?port=x', /port/],
    [
      'an unknown mode',
      'postgres://u:s3cret@db.example.com/leads?sslmode=maybe',
      /sslmode that does not exist/,
    ],
    [
      'a file that is not there',
      'postgres://u:s3cret@db.example.com/leads?sslmode=verify-full&sslrootcert=/no/such',
      /sslrootcert that cannot be read/,
    ],
    ['a standby', 'postgres://u:s3cret@db.example.com/leads?target_session_attrs=standby', /primary/],
  ])('%s', (_what, url, words) => {
    const found = read(url);
    if (found.ok) throw new Error(JSON.stringify(found.server));
    expect(found.problem).toMatch(words);
    expect(found.problem).toMatch(/^DATABASE_URL /);
    expect(found.problem).not.toMatch(/s3|cret@/);
  });
});

it('another database of the same server keeps everything else', () => {
  for (const url of [
    'postgres://u:p%40@db.example.com:6432/leads?sslmode=require',
    'postgres://u:p@/leads?host=/run/pg',
    'postgres:///?host=db.example.com&dbname=leads',
  ]) {
    const { database, ...rest } = serverOf(withDatabase(url, 'other'));
    expect(database).toBe('other');
    const { database: before, ...same } = serverOf(url);
    expect(before).toBe('leads');
    expect(rest).toEqual(same);
  }
});
