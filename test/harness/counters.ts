import type { Runtime } from '../../src/usecases/runtime.ts';

/** The keys of the counters that processes share: in Redis, on every master of a cluster, or in PostgreSQL. */
export async function sharedCounters({ db, queues }: Pick<Runtime, 'db' | 'queues'>): Promise<string[]> {
  const { redis } = queues;
  if (!redis) {
    const rows = await db.query<{ key: string }>('SELECT key FROM quota_counters');
    return rows.map(({ key }) => key);
  }
  const nodes = 'nodes' in redis ? redis.nodes('master') : [redis];
  const found = await Promise.all(nodes.map((node) => node.keys('*-counter:*')));
  return found.flat();
}

/** Forgets the failed sign-ins of an account and of this machine's address. */
export async function forgetSignIns({ counters }: Pick<Runtime, 'counters'>, email: string): Promise<void> {
  await counters.reset({ name: 'sign_in_account', who: `${email} 127.0.0.1` });
  await counters.reset({ name: 'sign_in_everywhere', who: email });
  await counters.reset({ name: 'sign_in_address', who: '127.0.0.1' });
}
