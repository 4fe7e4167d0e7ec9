/**
 * Returns the result of `work`, or throws an error that names it after `ms`. The work itself is not cancelled. An answer that
 * arrived in time counts also when this process was too busy to read it: what waits is read before the deadline is judged.
 */
export async function within<T>(ms: number, what: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const judge = () => reject(new Error(`${what} within ${ms} ms`));
    timer = setTimeout(() => setImmediate(() => setImmediate(judge)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Null when there was an error, or no answer in time. */
export const orNull = <T>(ms: number, work: Promise<T>): Promise<T | null> =>
  within(ms, 'no answer', work).catch(() => null);

/** Whether `work` settled within `ms`. For shutdown, which must complete even when something hangs. */
export async function settledWithin(ms: number, work: Promise<unknown>): Promise<boolean> {
  const ended = work.then(
    () => true,
    () => true,
  );
  return within(ms, 'not settled', ended).catch(() => false);
}
