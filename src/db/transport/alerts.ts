import { sql } from 'drizzle-orm';
import { v7 as uuidv7 } from 'uuid';
import type { Part } from '../commit.ts';

export type AlertDraft = {
  /** One alert per cause: a repeat changes nothing. */
  key: string;
  /** domain/messaging/alerts.ts names them. */
  kind: string;
  organizationId: string | null;
  /** By id; no personal data. */
  subject: string;
  text: string;
};

export function insertAlert(alert: AlertDraft): Part {
  return {
    name: 'alert',
    statement: (when) => sql`INSERT INTO alerts (id, key, kind, organization_id, subject, text)
      SELECT ${uuidv7()}::uuid, ${alert.key}, ${alert.kind}, ${alert.organizationId}::uuid, ${alert.subject}, ${alert.text} WHERE ${when}
      ON CONFLICT (key) DO NOTHING`,
  };
}

/** Resolves the open alert about a parked outbox row. */
export function resolveParkedAlert(outboxId: number): Part {
  return {
    name: 'alert',
    statement: (when) => sql`UPDATE alerts SET resolved_at = now()
      WHERE resolved_at IS NULL AND key LIKE ${`parked-${outboxId}-%`} AND ${when}`,
  };
}
