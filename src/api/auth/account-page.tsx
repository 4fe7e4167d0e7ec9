import { type Chrome, Frame, roleNames } from '../web/layout.tsx';
import { Organizations, type OrganizationsView } from './account-organizations.tsx';
import { SecondFactor, type SecondFactorView } from './account-second-factor.tsx';
import { Secret } from './account-secret.tsx';
import { Sessions, type SessionView } from './account-sessions.tsx';

export type AccountView = {
  sessions: readonly SessionView[];
  secondFactor: SecondFactorView;
  organizations: OrganizationsView;
  /** What the person has to do before anything else opens. */
  needs: string | null;
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
        {view.needs ? (
          <p class="note tone-attention" role="alert">
            {view.needs}
          </p>
        ) : null}
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
        <Organizations view={view.organizations} />
        <SecondFactor view={view.secondFactor} errors={view.errors} email={email} />
        {view.secondFactor.hasPassword ? <Password view={view} email={email} /> : null}
        <Sessions sessions={view.sessions} now={view.now} />
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
        <Secret
          name="current"
          label="Current password"
          autocomplete="current-password"
          errors={view.errors}
        />
        <div class="pair">
          <Secret
            name="password"
            label="New password"
            autocomplete="new-password"
            errors={view.errors}
            hint={`At least ${view.shortest} characters.`}
          />
          <Secret name="again" label="Confirm password" autocomplete="new-password" errors={view.errors} />
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
