import type { CrmAccount } from '../../db/crm/call-slots.ts';
import { subjects } from '../../events/subjects.ts';
import type { Runtime } from '../runtime.ts';
import { accountKey, type FailureStreak, memoryOf } from './memory.ts';

type Deps = Pick<Runtime, 'db' | 'config' | 'relay' | 'log'>;

/** With more leads of one account failing in a row, the CRM is down rather than the leads wrong. */
const outageLeads = 5;
/** How long the rows wait before the CRM is tried again. */
export const outageMs = 60_000;

export type RecordedFailure = { streak: FailureStreak; isOutage: boolean };

/** Counts the leads that failed in a row. During an outage waiting costs no attempt. A streak ends with a pause. */
export function recordFailure(
  deps: Pick<Runtime, 'db' | 'config'>,
  account: CrmAccount,
  leadId: string,
): RecordedFailure {
  const { failures } = memoryOf(deps);
  const key = accountKey(account);
  const now = performance.now();
  const known = failures.get(key);
  const streak =
    known && now - known.last < 3 * outageMs
      ? known
      : { leads: new Set<string>(), since: now, last: now, alerted: false };
  failures.set(key, streak);
  streak.last = now;
  if (streak.leads.size <= outageLeads) {
    streak.leads.add(leadId);
    streak.since = now;
  }
  return { streak, isOutage: streak.leads.size > outageLeads };
}

/** Alerts an operator once per outage, when it lasts. An alert that cannot be stored does not stop the run. */
export async function alertOutage(
  { relay, config, log }: Deps,
  organizationId: string,
  { streak }: RecordedFailure,
  reason: string,
): Promise<void> {
  if (streak.alerted || streak.last - streak.since < config.timings.unwellAfterMs) return;
  // Set before the commit: other runs of the same outage are in progress.
  streak.alerted = true;
  const subject = subjects.company(organizationId);
  try {
    await relay.commit({ events: [{ type: 'crm.unwell', organizationId, subject, data: { reason } }] });
  } catch (error) {
    streak.alerted = false;
    log.warn({ error: error instanceof Error ? error.name : 'unknown' }, 'the outage alert was not stored');
  }
}
