import { fieldById } from '../../../usecases/crm/fields.ts';
import { When } from '../../web/parts.tsx';
import type { CompanyView } from '../view-types.ts';
import { CompanyPage, Field, home, Problem, TryAgain } from './frame.tsx';
import { Keys, People } from './settings-access.tsx';
import { formOf, type SettingsProps } from './settings-form.ts';

export function SettingsPage(props: SettingsProps) {
  const { visit, company, view } = props;
  return (
    <CompanyPage title="Settings" visit={visit} company={company} tab="settings" still>
      {view.saved ? <output class="note tone-good">{view.saved}</output> : null}
      <div class="settings">
        <nav class="settings-nav" aria-label="Sections">
          <a href="#crm">CRM</a>
          <a href="#leads">Leads</a>
          <a href="#mapping">Fields</a>
          <a href="#keys">API keys</a>
          <a href="#people">People</a>
        </nav>
        <div class="sections">
          <Crm {...props} />
          <Leads {...props} />
          <Mapping {...props} />
          <Keys {...props} />
          <People {...props} />
        </div>
      </div>
    </CompanyPage>
  );
}

function Crm({ company, view }: SettingsProps) {
  const { crm } = company;
  const form = formOf(view, 'crm');
  return (
    <section class="panel" id="crm" aria-labelledby="crm-title">
      <div class="panel-head">
        <h2 id="crm-title">{crm.label}</h2>
        <span class="quiet">
          {crm.accountId ? `${crm.hints.account} ${crm.accountId}` : `no ${crm.hints.account} yet`}
        </span>
      </div>
      <div class="form">
        <CrmState company={company} />
      </div>
      <form class="form" method="post" action={home(company, '/settings/crm')}>
        <Problem form={form} />
        {crm.oauth ? (
          <>
            <div class="form-end">
              <a class="btn" href={home(company, '/settings/crm/oauth')}>
                {crm.state === 'unconnected' ? `Connect by signing in to ${crm.label}` : 'Reconnect'}
              </a>
            </div>
            <p class="or">
              <span>or with a token</span>
            </p>
          </>
        ) : null}
        <div class="pair">
          <Field
            name="token"
            label="Private integration token"
            type="password"
            form={form}
            max={2000}
            autocomplete="new-password"
            hint={`${crm.hints.token} Stored encrypted and never shown again.`}
          />
          <Field
            name="location_id"
            label={`ID of the ${crm.hints.account}`}
            form={form}
            value={crm.accountId ?? ''}
            max={100}
            hint={crm.hints.accountId}
          />
        </div>
        <div class="pair">
          <Field
            name="api_version"
            label="API"
            form={form}
            value={crm.version}
            options={crm.apis.map(({ version, label }) => [version, label])}
          />
          <Field
            name="rate_share"
            label="Share of the API rate limit (%)"
            type="number"
            form={form}
            value={String(crm.rateShare)}
            min={1}
            max={100}
            hint={crm.hints.limits}
          />
        </div>
        <div class="form-end">
          <button type="submit" class="btn" data-variant={crm.oauth ? 'outline' : undefined}>
            {crm.state === 'unconnected' ? 'Connect with this token' : 'Replace the token'}
          </button>
        </div>
      </form>
    </section>
  );
}

const connectedBy = (label: string) => ({
  oauth: `by signing in to ${label}`,
  token: 'with a token',
  shared: 'using this installation’s shared token',
});

function CrmState({ company }: { company: CompanyView }) {
  const { crm } = company;
  if (crm.state === 'unconnected')
    return (
      <p class="note tone-wait">
        <b>Not connected yet.</b> You can already upload leads: they are sent once it is connected.
      </p>
    );
  if (crm.state === 'paused')
    return (
      <div class="note tone-bad with-button" role="alert">
        <p>
          <b>
            Paused
            {crm.pausedAt ? (
              <>
                {' '}
                since <When at={crm.pausedAt} />
              </>
            ) : null}
            .
          </b>{' '}
          {crm.reason ?? `${crm.label} rejects the credentials.`} Sending resumes automatically once you
          reconnect, or try again with the present credentials.
        </p>
        <TryAgain company={company} />
      </div>
    );
  return (
    <p class="note tone-good">
      <b>Connected</b> {connectedBy(crm.label)[crm.kind]}, API {crm.version.replace(/^v/, 'version ')}.
    </p>
  );
}

function Leads({ company, view }: SettingsProps) {
  const form = formOf(view, 'leads');
  return (
    <section class="panel" id="leads" aria-labelledby="leads-title">
      <div class="panel-head">
        <h2 id="leads-title">Lead intake</h2>
      </div>
      <form class="form" method="post" action={home(company, '/settings/leads')}>
        <Problem form={form} />
        <Field
          name="tags"
          label="Tags"
          form={form}
          value={company.tags.join(', ')}
          max={2000}
          optional
          hint="Added to every contact, separated by commas. Existing tags of a contact are kept."
        />
        <div class="pair">
          <Field
            name="source_label"
            label="Source"
            form={form}
            value={company.sourceLabel ?? ''}
            max={200}
            optional
            hint="Used when a lead has no source of its own."
          />
          <Field
            name="dedupe_days"
            label="Duplicate window (days)"
            type="number"
            form={form}
            value={String(Math.round((company.dedupeWindowMs / 86_400_000) * 100) / 100)}
            min={0}
            max={3650}
            hint="Repeats of a phone within this window are skipped. 0 = never skip."
          />
        </div>
        <Field
          name="default_region"
          label="Phones without a country code are from"
          form={form}
          value={company.region}
          options={view.regions}
        />
        <div class="form-end">
          <button type="submit" class="btn">
            Save
          </button>
        </div>
      </form>
    </section>
  );
}

const spare = 3;

function Mapping({ company, view }: SettingsProps) {
  const { crm } = company;
  const form = formOf(view, 'mapping');
  const known = Object.entries(company.fieldMapping);
  const isMissing = (id: string) =>
    id !== '' && view.crmFields !== null && fieldById(view.crmFields, id) === undefined;
  const rows = [...known, ...Array.from({ length: spare }, () => ['', ''] as [string, string])];
  return (
    <section class="panel" id="mapping" aria-labelledby="mapping-title">
      <div class="panel-head">
        <h2 id="mapping-title">Custom fields</h2>
      </div>
      <form class="form" method="post" action={home(company, '/settings/mapping')}>
        <Problem form={form} />
        <p class="sub">
          Values of a custom field are written to the {crm.label} custom field with this id.{' '}
          {crm.hints.fields} <code class="mono">notes</code> can be mapped, too.
        </p>
        <datalist id="crm-fields">
          {(view.crmFields ?? []).map((field) => (
            <option value={field.id}>{field.name}</option>
          ))}
        </datalist>
        <table class="fields">
          <thead>
            <tr>
              <th>Name here</th>
              <th>Field ID in {crm.label}</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(([name, id], i) => (
              <tr>
                <td>
                  <input
                    class="input"
                    name={`name-${i}`}
                    value={form.values[`name-${i}`] ?? name}
                    maxlength={200}
                    aria-label={`Name of field ${i + 1}`}
                    placeholder={i === known.length ? 'Budget' : undefined}
                    autocomplete="off"
                  />
                </td>
                <td>
                  <input
                    class="input mono"
                    name={`field-${i}`}
                    value={form.values[`field-${i}`] ?? id}
                    maxlength={100}
                    list={view.crmFields ? 'crm-fields' : undefined}
                    aria-label={`${crm.label} ID of field ${i + 1}`}
                    aria-describedby={isMissing(id) ? `field-${i}-error` : undefined}
                    autocomplete="off"
                    spellcheck={false}
                  />
                  {isMissing(id) ? (
                    <p class="field-error" id={`field-${i}-error`}>
                      {crm.label} has no field with this ID: values for it are ignored there.
                    </p>
                  ) : null}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
        <div class="form-end">
          <button type="submit" class="btn">
            Save
          </button>
          <span class="sub">To remove a field, clear its row.</span>
        </div>
      </form>
    </section>
  );
}
