import { Command } from '../../web/parts.tsx';
import type { FormState, Visit } from '../view-types.ts';
import { Field, home, OuterPage, Problem } from './frame.tsx';

export function RegisterPage({ visit, form }: { visit: Visit; form: FormState }) {
  return (
    <OuterPage title="Register a company" place="companies" visit={visit} still>
      <section class="panel form-panel">
        <div class="panel-head">
          <h1>Register a company</h1>
          <a class="quiet" href="/companies" data-up>
            Companies
          </a>
        </div>
        <form class="form" method="post" action="/companies">
          <Problem form={form} />
          <Field name="company_name" label="Company" form={form} max={200} autofocus />
          <div class="pair">
            <Field name="owner_name" label="Owner" form={form} max={200} />
            <Field
              name="owner_email"
              label="Owner’s email"
              type="email"
              form={form}
              max={254}
              hint="Used to sign in. One company per email."
            />
          </div>
          <div class="pair">
            <Field name="owner_phone" label="Owner’s phone" type="tel" form={form} max={40} />
            <Field
              name="ghl_location_id"
              label="GoHighLevel location ID"
              form={form}
              max={100}
              hint="In GoHighLevel: Settings, Business Profile. The last part of the address after /location/."
            />
          </div>
          <div class="form-end">
            <button type="submit" class="btn">
              Register
            </button>
            <a class="btn" data-variant="ghost" href="/companies">
              Cancel
            </a>
          </div>
        </form>
      </section>
    </OuterPage>
  );
}

export type Registered = {
  number: number;
  name: string;
  ownerName: string;
  ownerEmail: string;
  /** Null when the owner has a password already. */
  link: string | null;
  hours: number;
};

/** The response to the form: the only time the link is shown. */
export function RegisteredPage({ visit, registered }: { visit: Visit; registered: Registered }) {
  const { name, number, link } = registered;
  return (
    <OuterPage title={`${name} is registered`} place="companies" visit={visit} still>
      <section class="panel form-panel">
        <div class="panel-head">
          <h1>{name} is registered</h1>
          <span class="quiet">Company {number}</span>
        </div>
        <div class="form">
          {link ? (
            <InviteLink name={registered.ownerName} link={link} hours={registered.hours} />
          ) : (
            <p>
              {registered.ownerEmail} already has an account and can now see this company after signing in.
            </p>
          )}
          <div class="form-end">
            <a class="btn" href={`/dashboard/${number}/settings#crm`}>
              Connect CRM
            </a>
            <a class="btn" data-variant="outline" href={`/dashboard/${number}/upload`}>
              Upload leads
            </a>
            <a class="btn" data-variant="ghost" href={home({ number })}>
              Dashboard
            </a>
          </div>
        </div>
      </section>
    </OuterPage>
  );
}

export function InviteLink(props: { name: string; link: string; hours: number }) {
  return (
    <div class="secret">
      <p>
        <b>Send this link to {props.name}.</b> It sets their password, works once, and expires in{' '}
        {props.hours} hours. You won’t be able to see it again.
      </p>
      <Command id="invite-link" text={props.link} />
    </div>
  );
}
