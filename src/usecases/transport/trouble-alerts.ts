import { hostname } from 'node:os';
import { orNull, within } from '../../db/deadline.ts';
import { hasOpenAlert, insertAlertOnce, resolveAlerts } from '../../db/transport/alerts.ts';
import { hasSpace } from '../../db/transport/disk-probe.ts';
import { alert } from '../../domain/messaging/alerts.ts';
import type { CheckName, Finding, Measured } from '../../domain/transport/checks.ts';
import type { EngineRuntime } from '../../engine/runtime.ts';
import { subjects } from '../../events/subjects.ts';

/** How long a measurement or an alert waits for its answer. */
export const answerMs = 4_000;

/** What one alert is about, open while its key begins with `prefix`. `reason`: null when all is well. */
type Trouble = Finding & { prefix: string };

/** A machine's troubles are its own. No host name contains these separators, so none is the beginning of another. */
const ofMachine = (check: CheckName) => `unwell-${check}@${hostname()}/`;
const ofInstallation = (check: CheckName) => `unwell-${check}/`;
const databaseDisk = ofInstallation('disk');

/** A process says nothing about disks that it does not watch: another one's alert may be open. */
function troublesOf(findings: readonly Finding[], { volumes, databaseFull }: Measured): Trouble[] {
  return findings.flatMap((finding): Trouble[] => {
    const { check, reason } = finding;
    if (check === 'clock') return [{ ...finding, prefix: ofMachine(check) }];
    if (check !== 'disk') return [{ ...finding, prefix: ofInstallation(check) }];
    const database = { check, prefix: databaseDisk, reason: databaseFull ? reason : null };
    return databaseFull || volumes.length === 0
      ? [database]
      : [database, { ...finding, prefix: ofMachine(check) }];
  });
}

type Deps = Pick<EngineRuntime, 'db' | 'relay' | 'log'>;

/**
 * Raises an alert when a trouble begins, unless one is open or was raised within the hour, and resolves it when the
 * trouble ends. What cannot be stored is tried again by the next run.
 */
export function createReporter({
  db,
  relay,
  log,
}: Deps): (findings: readonly Finding[], measured: Measured) => Promise<void> {
  const logged = new Set<string>();
  /** Prefixes without an open alert. At first, alerts of an earlier process may be open. */
  const settled = new Set<string>();

  const raise = async ({ check, prefix }: Trouble, reason: string) => {
    const key = `${prefix}${new Date().toISOString().slice(0, 13)}`;
    const subject = subjects.installation(check);
    await relay.commit({
      guard: () =>
        insertAlertOnce(
          { key, organizationId: null, subject, ...alert('installation_unwell', { check, reason }) },
          prefix,
        ),
      events: [
        { type: 'installation.unwell', organizationId: null, subject, data: { key, code: check, reason } },
      ],
    });
  };
  /** Another process may have met the full disk: a write of our own must succeed before its alert is resolved. */
  const isOver = async ({ prefix, reason }: Trouble) => {
    if (reason !== null || settled.has(prefix)) return false;
    if (prefix !== databaseDisk) return true;
    const open = await orNull(answerMs, hasOpenAlert(db, prefix));
    return open === false || (open === true && (await orNull(answerMs, hasSpace(db))) === true);
  };
  return async (findings, measured) => {
    const over: Trouble[] = [];
    for (const trouble of troublesOf(findings, measured)) {
      const { check, prefix, reason } = trouble;
      if (await isOver(trouble)) over.push(trouble);
      if (reason === null) continue;
      settled.delete(prefix);
      if (!logged.has(prefix))
        log.error({ event: 'installation_unwell', check, reason }, 'the installation needs attention');
      logged.add(prefix);
      await within(answerMs, 'no answer', raise(trouble, reason)).catch((error: Error) =>
        log.warn({ check, error: error.message }, 'the alert was not stored, will retry'),
      );
    }
    if (over.length === 0) return;
    try {
      const prefixes = over.map(({ prefix }) => prefix);
      await within(answerMs, 'no answer', resolveAlerts(db, prefixes));
      for (const { check, prefix } of over) {
        settled.add(prefix);
        if (logged.delete(prefix)) log.info({ event: 'installation_well', check }, 'the trouble has passed');
      }
    } catch (error) {
      log.warn({ error: (error as Error).message }, 'the alerts were not resolved, will retry');
    }
  };
}
