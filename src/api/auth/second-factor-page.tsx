import { Document, Logo } from '../web/layout.tsx';

/** Asks for the code of the second factor, after the password. */
export function SecondFactorPage({ next, problem }: { next: string; problem: string | null }) {
  return (
    <Document title="Second factor" class="alone">
      <main class="sign-in">
        <Logo />
        <h1>Enter your code</h1>
        {problem ? (
          <p class="problem" role="alert" id="code-problem">
            {problem}
          </p>
        ) : null}
        <form method="post" action="/login/second-factor">
          <input type="hidden" name="next" value={next} />
          <label>
            Code
            <input
              class="input"
              name="code"
              autocomplete="one-time-code"
              maxlength={64}
              autocapitalize="off"
              spellcheck={false}
              required
              autofocus
              aria-invalid={problem ? 'true' : undefined}
              aria-describedby={problem ? 'code-problem' : 'code-hint'}
            />
          </label>
          <p class="sub" id="code-hint">
            Six digits from your authenticator app, or one of your recovery codes.
          </p>
          <button type="submit" class="btn">
            Continue
          </button>
        </form>
        <form method="post" action="/logout">
          <button type="submit" class="btn" data-variant="outline">
            Use another account
          </button>
        </form>
      </main>
    </Document>
  );
}
