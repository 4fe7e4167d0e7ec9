import { Ago, Command, ConfirmForm, Empty } from '../../web/parts.tsx';
import type { CompanyView } from '../view-types.ts';
import { Field, home, Problem } from './frame.tsx';
import { InviteLink } from './register-page.tsx';
import { formOf, type SettingsProps } from './settings-form.ts';

const curl = (url: string, key: string, company: CompanyView) =>
  `curl -X POST ${url}/api/leads/bulk \\
  -H "X-API-Key: ${key}" -H "Content-Type: application/json" \\
  -d '{"leads":[{"name":"Sarah Johnson","phone":"+1 305 555 0123","company_id":${company.number}}]}'`;

/** API keys of programs that upload leads for the company. */
export function Keys({ company, view }: SettingsProps) {
  const form = formOf(view, 'keys');
  return (
    <section class="panel" id="keys" aria-labelledby="keys-title">
      <div class="panel-head">
        <h2 id="keys-title">API keys</h2>
      </div>
      {view.newKey ? (
        <div class="form">
          <div class="secret">
            <p>
              <b>The key “{view.newKey.name}”. Copy it now: it is shown only this once.</b>
            </p>
            <Command id="new-key" text={view.newKey.key} />
            <p class="sub">Example:</p>
            <Command id="new-key-curl" text={curl(view.publicUrl, view.newKey.key, company)} />
          </div>
        </div>
      ) : null}
      {view.keys.length === 0 ? (
        <Empty title="No key yet.">
          <p>A key lets another program upload leads for this company, and nothing else.</p>
        </Empty>
      ) : (
        <ul class="items">
          {view.keys.map((key) => (
            <li class="item-row" data-key={key.prefix}>
              <div>
                <span class="item-title">{key.name}</span>
                <span class="sub">
                  <span class="mono">{key.prefix}…</span> {key.scopes.join(', ')}; created{' '}
                  <Ago at={key.createdAt} now={view.now} />,{' '}
                  {key.lastUsedAt ? (
                    <>
                      used <Ago at={key.lastUsedAt} now={view.now} />
                    </>
                  ) : (
                    'never used'
                  )}
                </span>
              </div>
              {key.revocable ? (
                <ConfirmForm
                  action={home(company, `/settings/keys/${key.id}/revoke`)}
                  label="Revoke"
                  about={`the key ${key.name}`}
                  question={`Programs that use the key “${key.name}” are refused from then on. This cannot be undone.`}
                  confirm="Revoke the key"
                />
              ) : (
                <span class="quiet">Operators can revoke it.</span>
              )}
            </li>
          ))}
        </ul>
      )}
      <form class="form line-form" method="post" action={home(company, '/settings/keys')}>
        <Problem form={form} />
        <Field name="key_name" label="New key for" form={form} max={100} placeholder="Our website" />
        <button type="submit" class="btn" data-variant="outline">
          Create key
        </button>
      </form>
    </section>
  );
}

/** The members of the company. Operators add and remove them. */
export function People({ visit, company, view }: SettingsProps) {
  const form = formOf(view, 'members');
  const operator = visit.person.role === 'operator';
  return (
    <section class="panel" id="people" aria-labelledby="people-title">
      <div class="panel-head">
        <h2 id="people-title">People</h2>
        <span class="quiet">
          They can see only this company. Removing a person revokes the keys this person made.
        </span>
      </div>
      {view.newLink ? (
        <div class="form">
          <InviteLink {...view.newLink} />
        </div>
      ) : null}
      {view.members.length === 0 ? (
        <Empty title="This company has no members yet.">
          <p>{operator ? 'Add a person below to get a link for them.' : 'Operators can add people.'}</p>
        </Empty>
      ) : (
        <ul class="items">
          {view.members.map((member) => (
            <li class="item-row" data-member={member.email}>
              <div>
                <span class="item-title">{member.name}</span>
                <span class="sub">
                  {member.email}
                  {member.hasPassword ? '' : ', has not set a password yet'}
                </span>
              </div>
              {operator ? (
                <div class="buttons">
                  <form method="post" action={home(company, `/people/${member.userId}/link`)}>
                    <button type="submit" class="btn" data-size="sm" data-variant="outline">
                      {member.hasPassword ? 'New password link' : 'New link'}
                      <span class="visually-hidden"> for {member.name}</span>
                    </button>
                  </form>
                  <ConfirmForm
                    action={home(company, `/people/${member.userId}/remove`)}
                    label="Remove"
                    about={member.name}
                    question={`${member.name} can no longer see this company, and the keys this person made are revoked.`}
                    confirm={`Remove ${member.name}`}
                  />
                </div>
              ) : null}
            </li>
          ))}
        </ul>
      )}
      {operator ? (
        <form class="form line-form" method="post" action={home(company, '/people')}>
          <Problem form={form} />
          <Field name="member_name" label="Name" form={form} max={200} />
          <Field name="member_email" label="Email" type="email" form={form} max={254} />
          <button type="submit" class="btn" data-variant="outline">
            Add
          </button>
        </form>
      ) : null}
    </section>
  );
}
