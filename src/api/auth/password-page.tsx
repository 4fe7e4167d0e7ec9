import { Document, Logo } from '../web/layout.tsx';

/** The form of an invitation link. */
export function PasswordPage(props: {
  token: string;
  name: string;
  email: string;
  shortest: number;
  problem?: string;
}) {
  return (
    <Document title="Set your password" class="alone">
      <main class="sign-in">
        <Logo />
        <h1>Welcome, {props.name}</h1>
        <p class="sub">Choose a password to sign in with {props.email}.</p>
        {props.problem ? (
          <p class="problem" role="alert">
            {props.problem}
          </p>
        ) : null}
        <form method="post" action={`/set-password/${props.token}`}>
          <input type="hidden" name="email" value={props.email} autocomplete="username" />
          <label>
            Password
            <input
              class="input"
              type="password"
              name="password"
              autocomplete="new-password"
              minlength={props.shortest}
              maxlength={128}
              required
              autofocus
              aria-describedby="password-hint"
            />
          </label>
          <p class="sub" id="password-hint">
            At least {props.shortest} characters.
          </p>
          <label>
            Confirm password
            <input
              class="input"
              type="password"
              name="again"
              autocomplete="new-password"
              maxlength={128}
              required
            />
          </label>
          <button type="submit" class="btn">
            Set the password and sign in
          </button>
        </form>
      </main>
    </Document>
  );
}
