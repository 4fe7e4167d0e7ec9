import { type SQL, sql } from 'drizzle-orm';
import type { AlertDetails } from '../../domain/messaging/alerts.ts';
import { newId } from '../../events/new-id.ts';
import type { Queryable } from '../client.ts';
import { type Part, run } from '../commit.ts';

export type AlertDraft = {
  /** One alert per cause: a repeat changes nothing. */
  key: string;
  /** domain/messaging/alerts.ts names them. */
  kind: string;
  organizationId: string | null;
  /** By id; no personal data. */
  subject: string;
  text: string;
  /** For its title. */
  details: AlertDetails | null;
};

const detailsOf = ({ details }: AlertDraft): SQL =>
  sql`${details === null ? null : JSON.stringify(details)}::jsonb`;

export function insertAlert(alert: AlertDraft): Part {
  return {
    name: 'alert',
    statement: (when) => sql`INSERT INTO alerts (id, key, kind, organization_id, subject, text, details)
      SELECT ${newId()}::uuid, ${alert.key}, ${alert.kind}, ${alert.organizationId}::uuid, ${alert.subject}, ${alert.text}, ${detailsOf(alert)} WHERE ${when}
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

/** Resolves the open alerts with these keys, and those whose key goes on after a dash. */
export function resolveAlertsPart(keys: readonly string[]): Part {
  return {
    name: 'alerts_passed',
    statement: (when) => sql`UPDATE alerts SET resolved_at = now()
      WHERE resolved_at IS NULL AND ${when}
        AND EXISTS (SELECT 1 FROM unnest(${sql.param([...keys])}::text[]) AS k(key) WHERE alerts.key = k.key OR starts_with(alerts.key, k.key || '-'))`,
  };
}

/**
 * As the guard of a change: matches when there is no open alert about this trouble (its keys begin with `prefix`), so
 * that a trouble which lasts, or which several processes see, raises one alert.
 */
export const insertAlertOnce = (alert: AlertDraft, prefix: string): SQL =>
  sql`INSERT INTO alerts (id, key, kind, organization_id, subject, text, details)
    SELECT ${newId()}::uuid, ${alert.key}::text, ${alert.kind}::text, ${alert.organizationId}::uuid, ${alert.subject}::text, ${alert.text}::text, ${detailsOf(alert)}
    WHERE NOT EXISTS (SELECT 1 FROM alerts a WHERE a.resolved_at IS NULL AND starts_with(a.key, ${prefix}::text))
    ON CONFLICT (key) DO NOTHING RETURNING id`;

export async function hasOpenAlert(db: Queryable, prefix: string): Promise<boolean> {
  const rows = await run(
    db,
    sql`SELECT 1 FROM alerts WHERE resolved_at IS NULL AND starts_with(key, ${prefix}::text) LIMIT 1`,
  );
  return rows.length > 0;
}

/** Resolves the open alerts whose keys begin with one of the prefixes. */
export async function resolveAlerts(db: Queryable, prefixes: readonly string[]): Promise<void> {
  await run(
    db,
    sql`UPDATE alerts a SET resolved_at = now() FROM unnest(${sql.param([...prefixes])}::text[]) AS p(prefix)
      WHERE a.resolved_at IS NULL AND starts_with(a.key, p.prefix)`,
  );
}
