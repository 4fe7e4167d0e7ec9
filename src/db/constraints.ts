import pg from 'pg';

/** Name of the UNIQUE constraint or index a statement ran into; null when it failed for another reason. */
export function violatedUnique(error: unknown): string | null {
  for (let link = error; link instanceof Error; link = link.cause) {
    if (link instanceof pg.DatabaseError && link.code === '23505') return link.constraint ?? '';
  }
  return null;
}
