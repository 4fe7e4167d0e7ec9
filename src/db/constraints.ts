import pg from 'pg';

/** Returns the name of the violated UNIQUE constraint or index, or null when the error has another cause. */
export function violatedUnique(error: unknown): string | null {
  for (let link = error; link instanceof Error; link = link.cause) {
    if (link instanceof pg.DatabaseError && link.code === '23505') return link.constraint ?? '';
  }
  return null;
}
