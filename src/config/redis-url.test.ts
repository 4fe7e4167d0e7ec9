import { describe, expect, it } from 'vitest';
import { type RedisServer, readRedisUrl, redisNodes } from './redis-url.ts';

describe('REDIS_URL', () => {
  it.each<[string, RedisServer]>([
    ['redis://cache', { host: 'cache', port: 6379, db: 0 }],
    ['redis://cache:7000/2', { host: 'cache', port: 7000, db: 2 }],
    ['redis://cache/2/', { host: 'cache', port: 6379, db: 2 }],
    ['redis://cache?db=3', { host: 'cache', port: 6379, db: 3 }],
    ['redis://:p%40ss%2F@cache', { host: 'cache', port: 6379, db: 0, password: 'p@ss/' }],
    [
      'redis://default:pass@cache',
      { host: 'cache', port: 6379, db: 0, username: 'default', password: 'pass' },
    ],
    ['redis://:a,b:c@cache', { host: 'cache', port: 6379, db: 0, password: 'a,b:c' }],
    ['redis://[::1]:6380', { host: '::1', port: 6380, db: 0 }],
    ['redis://cache?family=6', { host: 'cache', port: 6379, db: 0, family: 6 }],
    ['REDISS://cache', { host: 'cache', port: 6379, db: 0, tls: { rejectUnauthorized: true } }],
    [
      'rediss://default:pass@cache:6380/1?ssl_cert_reqs=none',
      {
        host: 'cache',
        port: 6380,
        db: 1,
        username: 'default',
        password: 'pass',
        tls: { rejectUnauthorized: false },
      },
    ],
  ])('%s', (url, server) => {
    expect(readRedisUrl(url)).toMatchObject({ ok: true });
    const read = readRedisUrl(url);
    expect(read.ok && read.server).toEqual(server);
  });

  it.each([
    ['localhost:6379', /redis:\/\//],
    ['unix:///run/redis.sock', /redis:\/\//],
    ['redis:///run/redis.sock', /redis:\/\//],
    ['redis://:s3#cret@cache', /redis:\/\//],
    ['redis://:12/s3cret@cache', /percent-encoded/],
    ['redis://:s3%cret@cache', /%25/],
    ['redis://cache/leads', /number of a database/],
    ['redis://a:6379,b:6379', /redis:\/\//],
  ])('%s is refused with a sentence', (url, words) => {
    const read = readRedisUrl(url);
    expect(read.ok ? 'accepted' : read.problem).toMatch(words);
    expect(read.ok ? '' : read.problem).not.toContain('s3');
  });

  it('names the nodes of a cluster, and what it does not use', () => {
    expect(redisNodes('redis://:a,b@a:1, rediss://b:2')).toEqual(['redis://:a,b@a:1', 'rediss://b:2']);
    const read = readRedisUrl('redis://cache?protocol=3');
    expect(read.ok && read.notes).toEqual(['REDIS_URL: the parameter protocol is not used.']);
  });
});
