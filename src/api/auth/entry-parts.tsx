import type { Child } from 'hono/jsx';
import { longestPassword, shortestPassword } from '../../domain/account/password.ts';
import { Document, Logo } from '../web/layout.tsx';

/** What is wrong with a form as a whole. */
export type Problem = { problem?: string | undefined };

/** A page of one form for people who are not signed in. */
export function EntryPage(props: {
  title: string;
  heading?: string;
  text?: string | undefined;
  problem?: string | undefined;
  action: string;
  submit: string;
  /** The role of the account that Google may make instead; absent where it cannot. */
  google?: 'SELLER' | 'BUYER' | undefined;
  children: Child;
  after?: Child;
}) {
  return (
    <Document title={props.title} class="alone">
      <main class="sign-in">
        <Logo />
        <h1>{props.heading ?? props.title}</h1>
        {props.text ? <p class="sub">{props.text}</p> : null}
        {props.problem ? (
          <p class="problem" role="alert">
            {props.problem}
          </p>
        ) : null}
        <form method="post" action={props.action}>
          {props.children}
          <button type="submit" class="btn">
            {props.submit}
          </button>
          {props.google ? (
            <button
              type="submit"
              class="btn"
              data-variant="outline"
              name="role"
              value={props.google}
              formaction="/login/google"
              formnovalidate
            >
              Continue with Google
            </button>
          ) : null}
        </form>
        {props.after}
      </main>
    </Document>
  );
}

export function TextField(props: {
  label: string;
  name: string;
  type?: 'text' | 'email' | 'tel';
  value?: string | undefined;
  autocomplete?: string;
  optional?: boolean;
  most?: number;
  focused?: boolean;
}) {
  return (
    <label>
      {props.label}
      <input
        class="input"
        type={props.type ?? 'text'}
        name={props.name}
        value={props.value ?? ''}
        autocomplete={props.autocomplete ?? 'off'}
        maxlength={props.most ?? 200}
        required={!props.optional}
        autofocus={props.focused}
      />
    </label>
  );
}

/** A new password, typed once or twice. */
export function NewPassword({ twice = false, focused = false }: { twice?: boolean; focused?: boolean }) {
  return (
    <>
      <label>
        Password
        <input
          class="input"
          type="password"
          name="password"
          autocomplete="new-password"
          minlength={shortestPassword}
          maxlength={longestPassword}
          required
          autofocus={focused}
          aria-describedby="password-hint"
        />
      </label>
      <p class="sub" id="password-hint">
        At least {shortestPassword} characters.
      </p>
      {twice ? (
        <label>
          Confirm password
          <input
            class="input"
            type="password"
            name="again"
            autocomplete="new-password"
            maxlength={longestPassword}
            required
          />
        </label>
      ) : null}
    </>
  );
}

export function CurrentPassword() {
  return (
    <label>
      Password
      <input
        class="input"
        type="password"
        name="password"
        autocomplete="current-password"
        maxlength={longestPassword}
        required
        autofocus
      />
    </label>
  );
}
