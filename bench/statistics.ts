import pg from 'pg';

/** What the database server counts. All figures but the log's position belong to one database. */

export type TableCounts = {
  table: string;
  inserted: number;
  updated: number;
  hot: number;
  deleted: number;
  indexes: number;
};
export type StatementCost = {
  text: string;
  calls: number;
  planMs: number;
  executeMs: number;
  logBytes: number;
};
export type Counted = {
  statements: number;
  commits: number;
  logBytes: number;
  fullPageImages: number;
  tables: TableCounts[];
  costs: StatementCost[];
};

async function withClient<T>(url: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

/** Settings that count each statement. They take effect when the server starts again. */
export const countStatements = (url: string): Promise<void> =>
  withClient(url, async (client) => {
    await client.query(`ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'`);
    await client.query(`ALTER SYSTEM SET pg_stat_statements.track_planning = on`);
  });

/** Begins to count. Returns a function that ends the count; both are called while the product is idle. */
export async function startCount(url: string): Promise<() => Promise<Counted>> {
  const logStart = await withClient(url, async (client) => {
    await client.query('CREATE EXTENSION IF NOT EXISTS pg_stat_statements');
    await client.query(`SELECT pg_stat_reset(), pg_stat_reset_shared('wal'), pg_stat_statements_reset()`);
    return positionOf(client);
  });
  return () =>
    withClient(url, async (client) => {
      const logBytes = (await positionOf(client)) - logStart;
      const [server] = await rowsOf<{ commits: number; images: number }>(
        client,
        `SELECT xact_commit::float8 AS commits, (SELECT wal_fpi::float8 FROM pg_stat_wal) AS images
         FROM pg_stat_database WHERE datname = current_database()`,
      );
      const tables = await rowsOf<TableCounts>(
        client,
        `SELECT CASE schemaname WHEN 'public' THEN '' ELSE schemaname || '.' END ||
            regexp_replace(relname, '_y?[0-9]{4}_?m?[0-9]{2}$', '') AS table,
          sum(n_tup_ins)::float8 AS inserted, sum(n_tup_upd)::float8 AS updated, sum(n_tup_hot_upd)::float8 AS hot,
          sum(n_tup_del)::float8 AS deleted,
          max((SELECT count(*) FROM pg_index i WHERE i.indrelid = relid))::float8 AS indexes
         FROM pg_stat_user_tables GROUP BY 1 HAVING sum(n_tup_ins + n_tup_upd + n_tup_del) > 0
         ORDER BY sum(n_tup_ins + n_tup_upd + n_tup_del) DESC`,
      );
      const costs = await rowsOf<StatementCost>(
        client,
        `SELECT query AS text, calls::float8 AS calls, total_plan_time AS "planMs", total_exec_time AS "executeMs",
           wal_bytes::float8 AS "logBytes"
         FROM pg_stat_statements WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
           AND query NOT LIKE '%pg_stat%'
         ORDER BY total_plan_time + total_exec_time DESC`,
      );
      return {
        statements: costs.reduce((sum, { calls }) => sum + calls, 0),
        commits: server!.commits,
        logBytes,
        fullPageImages: server!.images,
        tables,
        costs,
      };
    });
}

async function rowsOf<R>(client: pg.Client, text: string): Promise<R[]> {
  return (await client.query(text)).rows as R[];
}

async function positionOf(client: pg.Client): Promise<number> {
  const [row] = await rowsOf<{ at: number }>(
    client,
    `SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8 AS at`,
  );
  return row!.at;
}

/** Resolves when `question`, which asks for a boolean, is answered with true. Throws after a minute. */
export const until = (url: string, question: string): Promise<void> =>
  withClient(url, async (client) => {
    const deadline = Date.now() + 60_000;
    for (;;) {
      const [row] = await rowsOf<{ reached: boolean }>(client, `SELECT (${question}) AS reached`);
      if (row?.reached) return;
      if (Date.now() > deadline) throw new Error(`not reached within a minute: ${question}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  });
