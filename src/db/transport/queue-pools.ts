import pg from 'pg';

/**
 * Pools for a queue backend that keeps its jobs in PostgreSQL. They are ours because each client needs a listener: a
 * client that the backend holds while Postgres goes away would end the process with its error.
 */
export type QueuePools = {
  open(max: number): pg.Pool;
  /** Clients that are still open. */
  clients(): number;
  /** Ends every pool once its clients are idle. */
  end(): Promise<unknown>;
  /** Ends the clients that are left. */
  cut(): Promise<unknown>;
};

export function createPools(url: string, schema: string, onError: (error: Error) => void): QueuePools {
  const pools: pg.Pool[] = [];
  const clients = new Set<pg.Client>();
  return {
    open(max) {
      const pool = new pg.Pool({
        connectionString: url,
        max,
        options: `-c search_path=${schema}`,
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
