/**
 * What a named database operation takes first: the pool, a transaction or the reader. Text with $1, $2 …; `name` makes
 * it a prepared statement, so equal names must mean equal texts.
 */
export type Queryable = {
  query<R>(text: string, values?: readonly unknown[], name?: string): Promise<R[]>;
};
