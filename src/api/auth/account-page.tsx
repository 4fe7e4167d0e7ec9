import { type Chrome, Frame, roleNames } from '../web/layout.tsx';
import { Ago } from '../web/parts.tsx';

/** A browser in which the person is signed in. */
export type SessionView = { at: Date; agent: string; address: string | null; isThis: boolean };

export type AccountView = {
  sessions: readonly SessionView[];
  shortest: number;
  done: string | null;
  /** What is wrong with the fields of the form, or with the request as a whole. */
  errors: Readonly<Record<string, string>>;
  problem: string | null;
  now: Date;
};

/** Who is signed in here, and what they can change about it. */
export function AccountPage({ chrome, view }: { chrome: Chrome; view: AccountView }) {
  const { name, email, role } = chrome.person;
  return (
    <Frame title="Account" chrome={{ ...chrome, tab: 'account' }}>
      <div class="account">
        <h1>Account</h1>
        {view.done ? <output class="note tone-good">{view.done}</output> : null}
        <section class="panel" aria-labelledby="who-title">
          <div class="panel-head">
            <h2 id="who-title">You</h2>
          </div>
          <dl class="facts">
            {[
              ['Name', name],
              ['Email', email],
              ['Role', roleNames[role]],
            ].map(([label, value]) => (
              <div>
                <dt>{label}</dt>
                <dd>{value}</dd>
              </div>
            ))}
          </dl>
        </section>
        <section class="panel" aria-labelledby="display-title">
          <div class="panel-head">
            <h2 id="display-title">Display</h2>
            <span class="quiet">kept in this browser</span>
          </div>
          <div class="form">
            <div class="form-field">
              <label for="zone">Time zone</label>
              <select class="select" id="zone" data-zone>
                <option value="">The zone of this browser</option>
              </select>
            </div>
            <div class="form-end">
              <button type="button" class="btn" data-variant="outline" data-theme-switch>
                Light or dark
              </button>
            </div>
          </div>
        </section>
        <Password view={view} email={email} />
        <Sessions view={view} />
      </div>
    </Frame>
  );
}

function Password({ view, email }: { view: AccountView; email: string }) {
  return (
    <section class="panel" aria-labelledby="password-title">
      <div class="panel-head">
        <h2 id="password-title">Password</h2>
      </div>
      <form class="form" method="post" action="/account/password">
        {view.problem ? (
          <p class="problem" role="alert">
            {view.problem}
          </p>
        ) : null}
        <input type="hidden" name="email" value={email} autocomplete="username" />
        <Secret name="current" label="Current password" autocomplete="current-password" view={view} />
        <div class="pair">
          <Secret
            name="password"
            label="New password"
            autocomplete="new-password"
            view={view}
            hint={`At least ${view.shortest} characters.`}
          />
          <Secret name="again" label="Confirm password" autocomplete="new-password" view={view} />
        </div>
        <div class="form-end">
          <button type="submit" class="btn">
            Change password
          </button>
          <span class="sub">You stay signed in here and are signed out everywhere else.</span>
        </div>
      </form>
    </section>
  );
}

function Secret(props: {
  name: string;
  label: string;
  autocomplete: string;
  view: AccountView;
  hint?: string;
}) {
  const { name } = props;
  const error = props.view.errors[name];
  const described = [props.hint ? `${name}-hint` : '', error ? `${name}-error` : ''].filter(Boolean);
  return (
    <div class="form-field">
      <label for={name}>{props.label}</label>
      <input
        class="input"
        type="password"
        id={name}
        name={name}
        autocomplete={props.autocomplete}
        maxlength={128}
        required
        aria-describedby={described.join(' ') || undefined}
        aria-invalid={error ? 'true' : undefined}
        autofocus={Boolean(error)}
      />
      {error ? (
        <p class="field-error" id={`${name}-error`}>
          {error}
        </p>
      ) : null}
      {props.hint ? (
        <p class="sub" id={`${name}-hint`}>
          {props.hint}
        </p>
      ) : null}
    </div>
  );
}

function Sessions({ view }: { view: AccountView }) {
  return (
    <section class="panel" aria-labelledby="sessions-title">
      <div class="panel-head">
        <h2 id="sessions-title">Where you are signed in</h2>
      </div>
      <ul class="items">
        {view.sessions.map(({ at, agent, address, isThis }) => (
          <li class="item-row">
            <div>
              <span class="item-title">{agent}</span>
              <span class="sub">
                {address ? `${address}, ` : ''}signed in <Ago at={at} now={view.now} />
              </span>
            </div>
            {isThis ? <span class="state tone-good">This browser</span> : null}
          </li>
        ))}
      </ul>
      {view.sessions.length > 1 ? (
        <form class="form" method="post" action="/account/sessions">
          <div class="form-end">
            <button type="submit" class="btn" data-variant="outline">
              Sign out everywhere else
            </button>
          </div>
        </form>
      ) : null}
    </section>
  );
}
