/** Passed wherever "now" matters, so that a test decides what time it is. Deadlines are judged by the database. */
export type Clock = { now(): Date };

export const systemClock: Clock = { now: () => new Date() };
