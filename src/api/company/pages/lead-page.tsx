import { regionName } from '../labels.ts';
import type { CompanyView, FormState, Visit } from '../view-types.ts';
import { CompanyPage, Field, home, Problem } from './frame.tsx';

/** The result of the previous form, shown above the next one. */
export type Added = { kind: 'created' | 'duplicate'; leadId: string; warned: readonly string[] } | null;

export function LeadPage(props: { visit: Visit; company: CompanyView; form: FormState; added: Added }) {
  const { visit, company, form, added } = props;
  return (
    <CompanyPage title="Add a lead" visit={visit} company={company} tab="lead" still>
      <section class="panel form-panel">
        <div class="panel-head">
          <h2>Add a lead</h2>
        </div>
        <form class="form" method="post" action={home(company, '/lead')}>
          {added ? <AddedNote company={company} added={added} /> : null}
          <Problem form={form} />
          <div class="pair">
            <Field name="name" label="Name" form={form} max={1000} autofocus hint="First and last name." />
            <Field
              name="phone"
              label="Phone"
              type="tel"
              form={form}
              max={500}
              hint={`Numbers without a country code are read as numbers in ${withArticle(regionName(company.region))}.`}
            />
          </div>
          <Field name="email" label="Email" type="email" form={form} max={320} optional />
          <Field name="notes" label="Notes" form={form} rows={4} max={10_000} optional />
          <div class="form-end">
            <button type="submit" class="btn">
              Add the lead
            </button>
            <a class="btn" data-variant="ghost" href={home(company, '/imports')}>
              Upload a file instead
            </a>
          </div>
        </form>
      </section>
    </CompanyPage>
  );
}

function AddedNote({ company, added }: { company: CompanyView; added: NonNullable<Added> }) {
  const link = (
    <a href={home(company, `?q=${added.leadId}`)} class="mono">
      {added.leadId}
    </a>
  );
  const when = {
    connected: '',
    paused: ' once it is reconnected: sending is paused',
    unconnected: ' once it is connected',
  }[company.crm.state];
  return added.kind === 'created' ? (
    <output class={`note tone-${added.warned.length > 0 ? 'wait' : 'good'}`}>
      {link} is stored, and will be sent to the CRM{when}.
      {added.warned.map((field) => ` ${warnings[field] ?? ''}`)}
    </output>
  ) : (
    <output class="note tone-wait">A lead with this phone exists already: {link}. Nothing was stored.</output>
  );
}

const warnings: Readonly<Record<string, string>> = {
  phone: 'Its phone is not a valid number: it was kept as typed and cannot be texted.',
  email: 'Its email address could not be read, and was left out.',
};

const withArticle = (name: string): string =>
  /^(United|Netherlands|Philippines|Bahamas)/.test(name) ? `the ${name}` : name;
