import pg from 'pg';
import { pgSettings } from '../server.ts';

/**
 * Pools for a queue backend that stores its jobs in PostgreSQL. They are created here because each client needs an error
 * listener: without one, losing Postgres while the backend holds a client would end the process.
 */
export type QueuePools = {
  open(max: number): pg.Pool;
  /** Clients that are still open. */
  clients(): number;
  /** Ends every pool once its clients are idle. */
  end(): Promise<unknown>;
  /** Ends the remaining clients. */
  cut(): Promise<unknown>;
};

type Connected = (error: Error | undefined, client: pg.PoolClient | undefined, done: () => void) => void;

/** Gives a wait for a connection that timed out the code of one, which pg leaves out: a lack of connections is no bug. */
class CodedPool extends pg.Pool {
  override connect(): Promise<pg.PoolClient>;
  override connect(callback: Connected): void;
  override connect(callback?: Connected): Promise<pg.PoolClient> | undefined {
    if (!callback)
      return super.connect().catch((error: Error) => {
        throw coded(error);
      });
    super.connect((error, client, done) => callback(error && coded(error), client, done));
    return undefined;
  }
}

const coded = (error: Error): Error =>
  'code' in error ? error : Object.assign(error, { code: 'CONNECT_TIMEOUT' });

export function createPools(url: string, schema: string, onError: (error: Error) => void): QueuePools {
  const settings = pgSettings(url);
  const pools: pg.Pool[] = [];
  const clients = new Set<pg.Client>();
  return {
    open(max) {
      const pool = new CodedPool({
        ...settings,
        max,
        options: [settings.options, `-c search_path=${schema}`].filter(Boolean).join(' '),
        connectionTimeoutMillis: 2_000,
        keepAlive: true,
      });
      pool.on('error', onError);
      pool.on('connect', (client) => {
        client.on('error', onError);
        clients.add(client);
      });
      pool.on('remove', (client) => clients.delete(client));
      pools.push(pool);
      return pool;
    },
    clients: () => clients.size,
    end: () => Promise.allSettled(pools.map((pool) => pool.end())),
    cut: () => Promise.allSettled([...clients].map((client) => client.end())),
  };
}
