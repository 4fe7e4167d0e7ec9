import type { MemberRole } from '../../domain/account/roles.ts';
import { EntryPage, NewPassword, type Problem, TextField } from './entry-parts.tsx';

const asWhat: Record<MemberRole, string> = {
  seller: 'as a seller',
  company: 'to upload its leads',
  buyer: 'as a buyer',
  supplier: 'as a supplier',
};

export type InvitationView = {
  token: string;
  organization: string;
  invitedBy: string | null;
  email: string;
  name: string;
  role: MemberRole;
};

/** For a person without an account: accepting makes one. */
export function InvitationPage({ view, problem }: { view: InvitationView } & Problem) {
  return (
    <EntryPage
      title={`Join ${view.organization}`}
      text={`${view.invitedBy ?? view.organization} invites ${view.email} ${asWhat[view.role]}.`}
      problem={problem}
      action={`/invitation/${view.token}`}
      submit="Accept and create the account"
    >
      <input type="hidden" name="email" value={view.email} autocomplete="username" />
      <TextField label="Your name" name="name" value={view.name} autocomplete="name" focused={!view.name} />
      <NewPassword twice focused={Boolean(view.name)} />
    </EntryPage>
  );
}

/** For the signed-in owner of the invited address. */
export function AcceptPage({ view, problem }: { view: InvitationView } & Problem) {
  return (
    <EntryPage
      title={`Join ${view.organization}`}
      text={`${view.invitedBy ?? view.organization} invites you, ${view.email}, ${asWhat[view.role]}.`}
      problem={problem}
      action={`/invitation/${view.token}`}
      submit="Accept"
    >
      {null}
    </EntryPage>
  );
}
