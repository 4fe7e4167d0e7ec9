import type { Machine } from './machine.ts';

/** Resolves when no work is late, at two looks in a row. What looks again at an open checkout does so forever. */
export async function quiet({ db }: Machine): Promise<void> {
  for (let quietLooks = 0; quietLooks < 2; ) {
    const [late] = await db.query<{ n: number }>(
      "SELECT count(*)::int AS n FROM outbox WHERE parked_at IS NULL AND due_at < now() - interval '3 s'",
    );
    quietLooks = late!.n === 0 ? quietLooks + 1 : 0;
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
}
