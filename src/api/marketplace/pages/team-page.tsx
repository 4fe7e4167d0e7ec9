import type { Invitation } from '../../../db/account/invitations.ts';
import type { TeamMember } from '../../../db/account/team.ts';
import type { MemberRole } from '../../../domain/account/roles.ts';
import { Field, type FormState, Problem } from '../../web/form-parts.tsx';
import { ConfirmForm, When } from '../../web/parts.tsx';
import { MarketPage, type MarketVisit, Pages } from './frame.tsx';

const roleLabels: Record<MemberRole, string> = {
  seller: 'Seller: everything of this marketplace',
  company: 'Company: uploads only',
  buyer: 'Buyer',
  supplier: 'Supplier',
};
/** Buyers and suppliers are invited from their own pages, which know whose people they are. */
const invited = ['seller', 'company'] as const;

type Props = {
  visit: MarketVisit;
  members: TeamMember[];
  pagination: { page: number; pages: number; total: number };
  invitations: Invitation[];
  form: FormState;
};

export function TeamPage({ visit, members, pagination, invitations, form }: Props) {
  return (
    <MarketPage title="Team" at="team" visit={visit}>
      <section class="panel">
        <div class="panel-head">
          <h2>People</h2>
          <span class="sub">{pagination.total.toLocaleString('en-US')}</span>
        </div>
        <table class="rows cards">
          <thead>
            <tr>
              <th>Name</th>
              <th>Role</th>
              <th>Since</th>
              <th>
                <span class="visually-hidden">Remove</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {members.map((member) => (
              <tr>
                <td>
                  {member.name}
                  <span class="sub clip">{member.email}</span>
                </td>
                <td data-label="Role">{roleLabels[member.role]}</td>
                <td data-label="Since">
                  <When at={new Date(member.createdAt)} />
                </td>
                <td>
                  {member.userId === visit.person.id ? (
                    <span class="sub">You</span>
                  ) : (
                    <ConfirmForm
                      action={`/market/team/${member.userId}/remove`}
                      label="Remove"
                      about={member.name}
                      question={`${member.name} loses access to ${visit.companyName}, and the API keys that they made stop working.`}
                      confirm="Remove"
                    />
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
        <Pages page={pagination.page} pages={pagination.pages} href={(page) => `/market/team?page=${page}`} />
      </section>
      {invitations.length > 0 ? <Invitations invitations={invitations} /> : null}
      <section class="panel form-panel">
        <div class="panel-head">
          <h2>Invite a person</h2>
        </div>
        <form class="form" method="post" action="/market/team/invitations">
          <Problem form={form} />
          <div class="pair">
            <Field name="name" label="Name" form={form} max={200} optional />
            <Field name="email" label="E-mail" form={form} type="email" max={254} />
          </div>
          <Field
            name="role"
            label="Role"
            form={form}
            options={invited.map((role) => [role.toUpperCase(), roleLabels[role]] as const)}
            hint="The link in the mail works once, for this address alone, for three days."
          />
          <div class="form-end">
            <button type="submit" class="btn">
              Send invitation
            </button>
          </div>
        </form>
      </section>
    </MarketPage>
  );
}

function Invitations({ invitations }: { invitations: Invitation[] }) {
  return (
    <section class="panel">
      <div class="panel-head">
        <h2>Invited</h2>
      </div>
      <table class="rows cards">
        <thead>
          <tr>
            <th>E-mail</th>
            <th>Role</th>
            <th>Link works until</th>
            <th>
              <span class="visually-hidden">Revoke</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {invitations.map((invitation) => (
            <tr>
              <td>
                {invitation.email}
                <span class="sub clip">{invitation.name}</span>
              </td>
              <td data-label="Role">{roleLabels[invitation.role]}</td>
              <td data-label="Link works until">
                <When at={new Date(invitation.expiresAt)} />
              </td>
              <td>
                <ConfirmForm
                  action={`/market/team/invitations/${invitation.id}/revoke`}
                  label="Revoke"
                  about={invitation.email}
                  question="The link in the mail stops working."
                  confirm="Revoke"
                />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
