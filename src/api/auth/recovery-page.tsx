import { CurrentPassword, EntryPage, NewPassword, type Problem, TextField } from './entry-parts.tsx';

const backToLogin = (
  <p class="sub">
    <a href="/login">Back to sign-in</a>
  </p>
);

export function ForgotPasswordPage({ email, problem }: { email?: string | undefined } & Problem) {
  return (
    <EntryPage
      title="Reset your password"
      text="You get an e-mail with a link that sets a new password. It works for one hour."
      problem={problem}
      action="/forgot-password"
      submit="Send the link"
      after={backToLogin}
    >
      <TextField
        label="Email"
        name="email"
        type="email"
        value={email}
        autocomplete="username"
        most={254}
        focused
      />
    </EntryPage>
  );
}

export function ResetPasswordPage(props: { token: string; email: string } & Problem) {
  return (
    <EntryPage
      title="Choose a new password"
      text={`For ${props.email}. You are signed out everywhere else.`}
      problem={props.problem}
      action={`/reset-password/${props.token}`}
      submit="Set the password"
      after={backToLogin}
    >
      <input type="hidden" name="email" value={props.email} autocomplete="username" />
      <NewPassword twice focused />
    </EntryPage>
  );
}

/** How a person shows that the account is theirs; see `OwnerProof`. */
export type VerificationWay = 'session' | 'password' | 'new_password';

/** A button and no link: programs that look for malware open links in mails, and would use this one up. */
export function VerifyEmailPage(props: { token: string; email: string; way: VerificationWay } & Problem) {
  const { email, way } = props;
  const path = `/verify-email/${props.token}`;
  const texts: Record<VerificationWay, string> = {
    session: `Confirm that ${email} is yours.`,
    password: `An account was registered with ${email}. Enter its password to confirm that it was you.`,
    new_password: `Choose a password for ${email}. It replaces the one that was chosen when the account was registered, and signs out all who use it.`,
  };
  return (
    <EntryPage
      title="Verify your email"
      text={texts[way]}
      problem={props.problem}
      action={way === 'new_password' ? `${path}?password=new` : path}
      submit={way === 'new_password' ? 'Set the password and verify' : 'Verify'}
      after={
        way === 'password' ? (
          <p class="sub">
            You did not choose this password, or forgot it?{' '}
            <a href={`${path}?password=new`}>Choose a new one</a>.
          </p>
        ) : (
          backToLogin
        )
      }
    >
      {way === 'session' ? null : <input type="hidden" name="email" value={email} autocomplete="username" />}
      {way === 'password' ? <CurrentPassword /> : null}
      {way === 'new_password' ? <NewPassword twice focused /> : null}
    </EntryPage>
  );
}
