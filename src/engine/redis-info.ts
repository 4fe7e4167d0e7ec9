import type { QueueServer } from '../domain/transport/checks.ts';

/** Reads what INFO of Redis or Valkey says about memory and persistence. `server`: how people know it. */
export function readRedisInfo(server: string, info: string): QueueServer {
  const field = (name: string) => new RegExp(`^${name}:(\\S+)`, 'm').exec(info)?.[1];
  const limit = Number(field('maxmemory') ?? 0);
  const failed = ['rdb_last_bgsave_status', 'aof_last_write_status', 'aof_last_bgrewrite_status'].some(
    (name) => field(name) === 'err',
  );
  return {
    server,
    usedBytes: Number(field('used_memory') ?? 0),
    limitBytes: limit > 0 ? limit : null,
    evictionPolicy: field('maxmemory_policy') ?? 'noeviction',
    persists: !failed,
  };
}
