/** The current time, injected so that tests control it. Deadlines are compared in the database, by its own clock. */
export type Clock = { now(): Date };

export const systemClock: Clock = { now: () => new Date() };
