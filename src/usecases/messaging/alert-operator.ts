import { createHash } from 'node:crypto';
import { type AlertDraft, insertAlert } from '../../db/transport/alerts.ts';
import { nameSubjects } from '../../db/transport/named-subjects.ts';
import { placeOf } from '../../domain/messaging/alert-place.ts';
import type { AlertKind } from '../../domain/messaging/alerts.ts';
import { renderOperatorAlert } from '../../domain/messaging/templates.ts';
import { reasonInWords } from '../../domain/transport/reason.ts';
import type { Run } from '../../engine/define.ts';
import { finish, type Outcome } from '../../engine/outcome.ts';
import { subjects } from '../../events/subjects.ts';
import type { Runtime } from '../runtime.ts';

/** An alert that is also mailed. */
export type OperatorAlert = AlertDraft & {
  kind: AlertKind;
  /** When it happened: of the event, so that every run of it counts the same hour. */
  occurredAt: Date;
  /** What alerts of one cause have in common; the subject unless given. */
  cause?: string;
};

type Deps = Pick<Runtime, 'config' | 'effects' | 'db'>;

/**
 * Raises an alert on the console, then mails it: one mail per cause and hour, however many alerts the cause raises. The
 * alert stays when its e-mail is refused.
 */
export async function alertOperator(
  { occurredAt, cause, ...alert }: OperatorAlert,
  { config, effects, db }: Deps,
  run: Run,
): Promise<Outcome> {
  await run.advance({ writes: [insertAlert(alert)] });
  if (!config.alertEmail) return finish({}, 'alert on the console');
  const [named] = await nameSubjects(db, [alert]);
  const place = placeOf(alert.kind, named!);
  const fallback = alert.kind === 'work_parked' ? '/console/parked' : '/console';
  const mail = renderOperatorAlert('en', {
    kind: alert.kind,
    details: alert.details,
    named: named!,
    detail: reasonInWords(alert.text),
    since: occurredAt,
    url: `${config.publicUrl}${place?.path ?? fallback}`,
  });
  const sent = await effects.email(run.effect, {
    key: mailKey(alert, cause ?? alert.subject, occurredAt),
    purpose: 'operator_alert',
    organizationId: alert.organizationId,
    subject: subjects.alert(alert.key),
    recipient: { kind: 'operator' },
    to: config.alertEmail,
    title: mail.subject,
    text: mail.text,
  });
  if (sent.state === 'wait') return sent.outcome;
  return finish(
    {},
    sent.state === 'accepted'
      ? 'operator alerted'
      : `alert on the console; its e-mail was refused (${sent.code})`,
  );
}

/** One key per kind, organization, cause and hour. */
function mailKey({ kind, organizationId }: AlertDraft, cause: string, at: Date): string {
  const same = [kind, organizationId ?? '', cause].join('\n');
  const hash = createHash('sha256').update(same).digest('hex').slice(0, 24);
  return `alert-mail-${kind}-${hash}-${at.toISOString().slice(0, 13)}`;
}
