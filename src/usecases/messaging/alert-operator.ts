import { type AlertDraft, insertAlert } from '../../db/transport/alerts.ts';
import { type AlertKind, renderOperatorAlert } from '../../domain/messaging/templates.ts';
import type { Run } from '../../engine/define.ts';
import { finish, type Outcome } from '../../engine/outcome.ts';
import type { Runtime } from '../../engine/runtime.ts';

type Deps = Pick<Runtime, 'config' | 'effects'>;

/** Puts an alert on the console at once, then mails it. A refused mail leaves the alert where it is. */
export async function alertOperator(
  alert: AlertDraft & { kind: AlertKind },
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
    recipientKind: 'operator',
    organizationId: alert.organizationId,
    unlockId: null,
    buyerId: null,
    to: config.alertEmail,
    ...mail,
  });
  if (sent.state === 'wait') return sent.outcome;
  return finish(
    {},
    sent.state === 'accepted'
      ? 'operator told'
      : `alert on the console; its e-mail was refused (${sent.code})`,
  );
}
