import { Document, Logo } from '../web/layout.tsx';

export function LoginPage(props: {
  next: string;
  email?: string;
  problem?: string;
  google: boolean;
  registers: boolean;
}) {
  return (
    <Document title="Sign in" class="alone">
      <main class="sign-in">
        <Logo />
        <h1>Sign in</h1>
        {props.problem ? (
          <p class="problem" role="alert">
            {props.problem}
          </p>
        ) : null}
        <form method="post" action="/login">
          <input type="hidden" name="next" value={props.next} />
          <label>
            Email
            <input
              class="input"
              type="email"
              name="email"
              value={props.email ?? ''}
              autocomplete="username"
              required
              autofocus={!props.email}
            />
          </label>
          <label>
            Password
            <input
              class="input"
              type="password"
              name="password"
              autocomplete="current-password"
              required
              autofocus={Boolean(props.email)}
            />
          </label>
          <button type="submit" class="btn">
            Sign in
          </button>
        </form>
        {props.google ? (
          <form method="post" action="/login/google">
            <button type="submit" class="btn" data-variant="outline">
              Continue with Google
            </button>
          </form>
        ) : null}
        <p class="sub">
          <a href="/forgot-password">Forgot your password?</a>
        </p>
        {props.registers ? (
          <p class="sub">
            New here? <a href="/register">Sell leads</a> or <a href="/register/buyer">buy leads</a>. Operators
            create their account on the command line:{' '}
            <code>leadgate operator create --email you@example.com</code>
          </p>
        ) : (
          <p class="sub">
            Need an account? Ask your leadgate operator. Operators create theirs on the command line:{' '}
            <code>leadgate operator create --email you@example.com</code>
          </p>
        )}
      </main>
    </Document>
  );
}
