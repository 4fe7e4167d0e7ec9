import { sql } from 'drizzle-orm';
import { idInSubject } from '../../events/subjects.ts';
import { openRun, type Subject } from '../transport/outbox.ts';
import { findUnlock, type UnlockView, unlockView } from './unlocks.ts';

/** The subject of unlock events: the unlock with its lead, buyer and organization. */
export const unlockSubject: Subject<UnlockView> = {
  open: (fence, { db }) =>
    openRun(db, fence, {
      columns: sql`unlock.*`,
      join: sql`LEFT JOIN LATERAL (${unlockView}
        WHERE u.id = CASE WHEN e.subject ~ '^unlock:[0-9a-f-]{36}$' THEN substr(e.subject, 8)::uuid END) unlock ON true`,
      read: (columns) => (isUnlock(columns) ? columns : null),
    }),
  async look(event, _fence, { db }) {
    const id = idInSubject('unlock', event.subject);
    return id === null ? null : findUnlock(db, id);
  },
};

/** The columns of the outer join are all null when there is no such unlock. */
const isUnlock = (columns: Record<string, unknown>): columns is UnlockView => columns.id !== null;
