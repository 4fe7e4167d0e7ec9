import { EntryPage, NewPassword, type Problem, TextField } from './entry-parts.tsx';

/** What was typed into the form, without the password. */
export type Typed = Readonly<Record<string, string | undefined>>;

/** `google`: whether signing in with Google is set up. */
type Shown = { typed: Typed; google: boolean } & Problem;

export function SellerRegistrationPage({ typed, google, problem }: Shown) {
  return (
    <EntryPage
      title="Create a seller account"
      text="Sell leads of your own categories to buyers whom you invite."
      problem={problem}
      action="/register"
      submit="Create the account"
      google={google ? 'SELLER' : undefined}
      after={
        <p class="sub">
          Buying leads? <a href="/register/buyer">Register with an invite code</a>. Have an account?{' '}
          <a href="/login">Sign in</a>.
        </p>
      }
    >
      <TextField
        label="Company"
        name="companyName"
        value={typed.companyName}
        autocomplete="organization"
        focused
      />
      <TextField label="Your name" name="name" value={typed.name} autocomplete="name" />
      <TextField
        label="Email"
        name="email"
        type="email"
        value={typed.email}
        autocomplete="username"
        most={254}
      />
      <NewPassword />
    </EntryPage>
  );
}

export function BuyerRegistrationPage({ typed, google, seller, problem }: Shown & { seller: string | null }) {
  return (
    <EntryPage
      title="Create a buyer account"
      text={
        seller === null
          ? 'You need the invite code of the seller whose leads you want to buy.'
          : `You will buy leads from ${seller}.`
      }
      problem={problem}
      action="/register/buyer"
      submit="Create the account"
      google={google ? 'BUYER' : undefined}
      after={
        <p class="sub">
          Have an account? <a href="/login">Sign in</a>.
        </p>
      }
    >
      <TextField
        label="Invite code"
        name="inviteCode"
        value={typed.inviteCode}
        most={20}
        focused={!typed.inviteCode}
      />
      <TextField
        label="Your name"
        name="name"
        value={typed.name}
        autocomplete="name"
        focused={Boolean(typed.inviteCode)}
      />
      <TextField
        label="Company (optional)"
        name="companyName"
        value={typed.companyName}
        autocomplete="organization"
        optional
      />
      <TextField
        label="Email"
        name="email"
        type="email"
        value={typed.email}
        autocomplete="username"
        most={254}
      />
      <TextField
        label="Phone (optional)"
        name="phoneNumber"
        type="tel"
        value={typed.phoneNumber}
        autocomplete="tel"
        most={40}
        optional
      />
      <NewPassword />
    </EntryPage>
  );
}
