import type { Machine } from './machine.ts';

/** Resolves when no work is overdue in two polls in a row. Work due later, such as reconciling open checkouts, may remain. */
export async function untilSettled({ db }: Machine): Promise<void> {
  for (let pollsWithoutOverdue = 0; pollsWithoutOverdue < 2; ) {
    const [late] = await db.query<{ n: number }>(
      "SELECT count(*)::int AS n FROM outbox WHERE parked_at IS NULL AND due_at < now() - interval '3 s'",
    );
    pollsWithoutOverdue = late!.n === 0 ? pollsWithoutOverdue + 1 : 0;
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
}
