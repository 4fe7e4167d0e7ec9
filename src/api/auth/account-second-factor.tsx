import { raw } from 'hono/html';
import { renderSVG } from 'uqr';
import { Secret } from './account-secret.tsx';

/** `confirming`: a secret was made, and its first code is awaited. */
export type SecondFactorView = {
  state: 'off' | 'confirming' | 'on';
  hasPassword: boolean;
  /** The `otpauth://` address of a secret that was just made; shown once. */
  uri: string | null;
  /** Recovery codes that were just made; shown once. */
  codes: readonly string[] | null;
};

type Props = { view: SecondFactorView; errors: Readonly<Record<string, string>>; email: string };

/** Setting up, renewing and switching off the second factor. */
export function SecondFactor({ view, errors, email }: Props) {
  return (
    <section class="panel" id="second-factor" aria-labelledby="factor-title">
      <div class="panel-head">
        <h2 id="factor-title">Second factor</h2>
        {view.state === 'on' ? <span class="state tone-good">On</span> : <span class="quiet">off</span>}
      </div>
      {view.uri ? <SetUp uri={view.uri} /> : null}
      {view.codes ? <Codes codes={view.codes} /> : null}
      {view.state === 'confirming' ? <Confirm errors={errors} /> : null}
      {view.state === 'off' ? (
        <ProofForm
          view={view}
          errors={errors}
          email={email}
          action="/account/second-factor"
          id="enable"
          button="Set up an authenticator app"
          hint="Signing in then asks for a code of the app as well."
        />
      ) : null}
      {view.state === 'on' ? (
        <>
          <ProofForm
            view={view}
            errors={errors}
            email={email}
            action="/account/second-factor/codes"
            id="codes"
            button="Make new recovery codes"
            hint="The codes you have stop working."
          />
          <ProofForm
            view={view}
            errors={errors}
            email={email}
            action="/account/second-factor/off"
            id="off"
            button="Switch off the second factor"
            hint="Organizations that ask for one stay closed to you."
          />
        </>
      ) : null}
    </section>
  );
}

function SetUp({ uri }: { uri: string }) {
  const secret = new URL(uri).searchParams.get('secret') ?? '';
  return (
    <div class="form factor-setup">
      <p>Scan the code with an authenticator app, or enter the key there.</p>
      <div class="qr" role="img" aria-label="QR code for your authenticator app">
        {raw(renderSVG(uri, { border: 2, ecc: 'M' }))}
      </div>
      <p class="sub">
        Key: <code class="factor-key">{secret.match(/.{1,4}/g)?.join(' ')}</code>
      </p>
      <p class="sub">
        <a href={uri}>Open in an app on this device</a>
      </p>
    </div>
  );
}

function Codes({ codes }: { codes: readonly string[] }) {
  return (
    <div class="form">
      <p>
        Keep these recovery codes in a safe place. Each opens your account once when the app is not at hand.
        They are shown only now.
      </p>
      <ul class="recovery-codes">
        {codes.map((code) => (
          <li>
            <code>{code}</code>
          </li>
        ))}
      </ul>
    </div>
  );
}

function Confirm({ errors }: Pick<Props, 'errors'>) {
  return (
    <form class="form" method="post" action="/account/second-factor/confirm#second-factor">
      <Secret
        name="code"
        type="text"
        label="Code of the app"
        autocomplete="one-time-code"
        errors={errors}
        hint="Six digits. The second factor is on once this code was right."
      />
      <div class="form-end">
        <button type="submit" class="btn">
          Switch on
        </button>
        <a href="/account">Start over</a>
      </div>
    </form>
  );
}

function ProofForm(props: Props & { action: string; id: string; button: string; hint: string }) {
  const id = `${props.id}-password`;
  const problem = props.errors[props.id];
  return (
    <form class="form" method="post" action={`${props.action}#second-factor`}>
      {problem ? (
        <p class="problem" role="alert">
          {problem}
        </p>
      ) : null}
      {props.view.hasPassword ? (
        <>
          <input type="hidden" name="email" value={props.email} autocomplete="username" />
          <Secret
            name="password"
            id={id}
            label="Your password"
            autocomplete="current-password"
            errors={props.errors}
          />
        </>
      ) : null}
      <div class="form-end">
        <button type="submit" class="btn" data-variant="outline">
          {props.button}
        </button>
        <span class="sub">{props.hint}</span>
      </div>
    </form>
  );
}
