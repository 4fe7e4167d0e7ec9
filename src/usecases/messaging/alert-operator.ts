import { type AlertDraft, insertAlert } from '../../db/transport/alerts.ts';
import type { AlertKind } from '../../domain/messaging/alerts.ts';
import { renderOperatorAlert } from '../../domain/messaging/templates.ts';
import type { Run } from '../../engine/define.ts';
import { finish, type Outcome } from '../../engine/outcome.ts';
import { subjects } from '../../events/subjects.ts';
import type { Runtime } from '../runtime.ts';

/** An alert that is also mailed. */
export type OperatorAlert = AlertDraft & { kind: AlertKind };

type Deps = Pick<Runtime, 'config' | 'effects'>;

/** Raises an alert on the console, then mails it. The alert stays when its e-mail is refused. */
export async function alertOperator(
  alert: OperatorAlert,
  { config, effects }: Deps,
  run: Run,
): Promise<Outcome> {
  await run.advance({ writes: [insertAlert(alert)] });
  if (!config.alertEmail) return finish({}, 'alert on the console');
  const mail = renderOperatorAlert('en', {
    kind: alert.kind,
    subject: alert.subject,
    detail: alert.text,
    url: `${config.publicUrl}/console`,
  });
  const sent = await effects.email(run.effect, {
    key: `alert-${alert.key}`,
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
