import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import {
  acceptInvitation,
  emailConstraint,
  memberConstraint,
  type OpenInvitation,
} from '../../db/account/invitations.ts';
import { violatedUnique } from '../../db/constraints.ts';
import { openInvitation } from '../../usecases/account/invitations.ts';
import { accountLinksOf, countLinkUse } from '../../usecases/account/links.ts';
import { createPasswords } from '../../usecases/account/passwords.ts';
import type { Runtime } from '../../usecases/runtime.ts';
import { text } from '../http/fields.ts';
import { formOf } from '../http/forms.ts';
import { MessagePage } from '../web/message-page.tsx';
import { type Auth, findPerson, webHeaders } from './better-auth.ts';
import { entryPages, hidden, passwordsDiffer, refusalIn, type Show, sayExpired, toSignIn } from './entry.ts';
import { AcceptPage, InvitationPage, type InvitationView } from './invitation-page.tsx';

type Deps = Pick<Runtime, 'config' | 'db' | 'log' | 'counters'>;
type Asked = { request: FastifyRequest; reply: FastifyReply; token: string; invitation: OpenInvitation };

const nameShape = text(200);

/** The page that an invitation leads to: a new person makes an account, the owner of one accepts signed in. */
export function invitationRoutes(deps: Deps, auth: Auth): FastifyPluginAsync {
  const { config, db } = deps;
  const links = accountLinksOf(config);
  return async (app) => {
    const show = entryPages(app, deps);
    const asked = async (request: FastifyRequest, reply: FastifyReply): Promise<Asked | null> => {
      const { token } = request.params as { token: string };
      const invitation = await openInvitation({ db, links }, token);
      return invitation && { request, reply, token, invitation };
    };
    app.get('/invitation/:token', hidden, async (request, reply) => {
      const found = await asked(request, reply);
      return found ? showInvitation(auth, found, show) : sayExpired(show, reply);
    });
    app.post('/invitation/:token', hidden, async (request, reply) => {
      const found = await asked(request, reply);
      if (!found) return sayExpired(show, reply);
      return found.invitation.hasAccount
        ? acceptAsUser(deps, auth, found, show)
        : acceptAsNew(deps, auth, found, show);
    });
  };
}

const viewOf = ({ token, invitation }: Asked): InvitationView => ({ token, ...invitation });

/** Whose address has an account: signed in as another person, or not at all, the page says what to do. */
async function showInvitation(auth: Auth, asked: Asked, show: Show): Promise<FastifyReply> {
  const { request, reply, token, invitation } = asked;
  if (!invitation.hasAccount) return show(reply, InvitationPage({ view: viewOf(asked) }));
  const person = await findPerson(auth, webHeaders(request));
  if (person?.email === invitation.email) return show(reply, AcceptPage({ view: viewOf(asked) }));
  const text = person
    ? `This invitation is for ${invitation.email}, and you are signed in as ${person.email}. Sign out, then open it again.`
    : `${invitation.email} has an account. Sign in with it to accept.`;
  const ways = person
    ? undefined
    : [
        { href: `/login?next=${encodeURIComponent(`/invitation/${token}`)}`, label: 'Sign in' },
        { href: '/forgot-password', label: 'Reset your password' },
      ];
  return show(
    reply,
    MessagePage({ title: `Join ${invitation.organization}`, text, ...(ways ? { ways } : {}) }),
  );
}

async function acceptAsUser({ db }: Deps, auth: Auth, asked: Asked, show: Show): Promise<FastifyReply> {
  const { request, reply, invitation } = asked;
  const person = await findPerson(auth, webHeaders(request));
  if (person?.email !== invitation.email) return showInvitation(auth, asked, show);
  try {
    const accepted = await acceptInvitation(db, invitation.id, { userId: person.id });
    return accepted ? reply.redirect('/', 303) : sayExpired(show, reply);
  } catch (error) {
    if (violatedUnique(error) !== memberConstraint) throw error;
    const problem = `You are a member of ${invitation.organization} already. Ask the person who invited you to remove you first if your role is to change.`;
    return show(reply, AcceptPage({ view: viewOf(asked), problem }), 409);
  }
}

async function acceptAsNew(
  { config, db, counters }: Deps,
  auth: Auth,
  asked: Asked,
  show: Show,
): Promise<FastifyReply> {
  const { request, reply, invitation } = asked;
  const { name = '', password = '', again = '' } = formOf(request);
  const read = nameShape.safeParse(name);
  const refuse = (problem: string, status = 400) =>
    show(reply, InvitationPage({ view: { ...viewOf(asked), name }, problem }), status);
  if (!read.success) return refuse('Enter your name, at most 200 characters.');
  const problem = passwordsDiffer(password, again);
  if (problem) return refuse(problem);
  try {
    await countLinkUse({ counters }, invitation.id);
    const passwordHash = await createPasswords(config).hash(password);
    const accepted = await acceptInvitation(db, invitation.id, { name: read.data, passwordHash });
    if (!accepted) return sayExpired(show, reply);
    const body = { email: accepted.email, password };
    const answer = await auth.api.signInEmail({ body, headers: webHeaders(request), asResponse: true });
    return reply.header('set-cookie', answer.headers.getSetCookie()).redirect('/', 303);
  } catch (error) {
    if (violatedUnique(error) === emailConstraint) {
      const text = `${invitation.email} has an account since a moment ago. Sign in with it, then open the invitation again.`;
      return show(reply, MessagePage({ title: 'Sign in to accept', text, ways: [toSignIn] }), 409);
    }
    const { status, problem: refusal } = refusalIn(error, reply);
    return refuse(refusal, status);
  }
}
