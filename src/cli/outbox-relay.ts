import { commitChange } from '../db/commit.ts';
import type { Relay } from '../engine/relay.ts';
import type { Session } from './session.ts';

/** Commits changes with their events from a process without queues. */
export function createOutboxRelay({ db }: Pick<Session, 'db'>): Relay {
  // The rows wait in the outbox: the workers' sweeper publishes them within a second.
  const commitOptions = () => ({ visibilityMs: 0, isFull: () => true });
  return {
    commitOptions,
    publish: () => undefined,
    commit: (change, options = {}) => commitChange(db, change, { ...commitOptions(), ...options }),
  };
}
