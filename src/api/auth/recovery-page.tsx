import { EntryPage, NewPassword, type Problem, TextField } from './entry-parts.tsx';

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

/** A button and no link: programs that look for malware open links in mails, and would use this one up. */
export function VerifyEmailPage(props: { token: string; email: string }) {
  return (
    <EntryPage
      title="Verify your email"
      text={`Confirm that ${props.email} is yours.`}
      action={`/verify-email/${props.token}`}
      submit="Verify"
      after={backToLogin}
    >
      {null}
    </EntryPage>
  );
}
