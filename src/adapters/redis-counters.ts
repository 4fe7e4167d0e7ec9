import type { CounterStore, Sum } from '../domain/account/counters.ts';

/** The commands used here. A Redis Cluster runs each script on the master of its only key. */
export type RedisCommands = {
  eval(script: string, keys: number, ...values: (string | number)[]): Promise<unknown>;
  del(key: string): Promise<unknown>;
  zrem(key: string, member: string): Promise<unknown>;
};

/** A key without an expiry would count forever. */
const addScript = `local used = redis.call('incrby', KEYS[1], ARGV[1])
local ms = redis.call('pttl', KEYS[1])
if ms < 0 then
  redis.call('pexpire', KEYS[1], ARGV[2])
  ms = tonumber(ARGV[2])
end
return {used, ms}`;

const nowMs = `local time = redis.call('time')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`;
const occupyScript = `${nowMs}redis.call('zremrangebyscore', KEYS[1], '-inf', now)
if redis.call('zcard', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call('zadd', KEYS[1], now + ARGV[3], ARGV[1])
redis.call('pexpire', KEYS[1], ARGV[3])
return 1`;
const renewScript = `${nowMs}redis.call('zadd', KEYS[1], 'XX', now + ARGV[2], ARGV[1])
return redis.call('pexpire', KEYS[1], ARGV[2])`;

/** Counters in the Redis of the queues. They are lost with it, and start again at zero. */
export function createRedisCounters(redis: RedisCommands, namespace: string): CounterStore {
  const place = (key: string) => `${namespace}-places:${key}`;
  const counter = (key: string) => `${namespace}-counter:${key}`;
  return {
    async add(additions) {
      const answers = await Promise.allSettled(
        additions.map(async ({ key, units, seconds }): Promise<Sum> => {
          const answer = await redis.eval(addScript, 1, counter(key), units, seconds * 1000);
          const [used, endsInMs] = answer as [number, number];
          return { used, endsInMs };
        }),
      );
      // The keys of the masters that answered were counted, and must not be added again.
      const failed = answers.find((each) => each.status === 'rejected');
      if (failed && answers.every(({ status }) => status === 'rejected')) throw failed.reason;
      return answers.map((each) => (each.status === 'fulfilled' ? each.value : null));
    },
    async reset(key) {
      await redis.del(counter(key));
    },
    occupy: async ({ key, id, limit, ms }) =>
      (await redis.eval(occupyScript, 1, place(key), id, limit, ms)) === 1,
    async renew(places, ms) {
      await Promise.all(places.map(({ key, id }) => redis.eval(renewScript, 1, place(key), id, ms)));
    },
    async vacate({ key, id }) {
      await redis.zrem(place(key), id);
    },
  };
}
