/**
 * The pool, a transaction or the reader: first argument of every named database operation. The text has placeholders
 * $1, $2 …; `name` makes it a prepared statement, so equal names require equal texts.
 */
export type Queryable = {
  query<R>(text: string, values?: readonly unknown[], name?: string): Promise<R[]>;
};
