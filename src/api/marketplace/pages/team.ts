import type { FastifyInstance, FastifyRequest } from 'fastify';
import { listInvitations, revokeInvitation } from '../../../db/account/invitations.ts';
import { listTeam, removeFromTeam } from '../../../db/account/team.ts';
import { inviteByMail } from '../../../usecases/account/invitations.ts';
import { sellerOf } from '../../auth/caller.ts';
import { readInvitation } from '../../auth/team.ts';
import { missing, pageOf, pagination } from '../../http/contract.ts';
import { formOf } from '../../http/forms.ts';
import { type FormState, untouched } from '../../web/form-parts.tsx';
import { idOf } from '../fields.ts';
import { type MarketSite, refusedForm } from './site.ts';
import { TeamPage } from './team-page.tsx';

const hidden = { schema: { hide: true } };
const mostInvitations = 200;

/** The people of a seller: who they are, whom it invites, and an end to either. */
export function teamPages(app: FastifyInstance, site: MarketSite): void {
  const { runtime } = site;
  const { db } = runtime;
  const show = async (request: FastifyRequest, form: FormState) => {
    const { organizationId } = sellerOf(request);
    const page = pageOf(request);
    const [visit, { members, total }, invitations] = await Promise.all([
      site.visit(request),
      listTeam(db, organizationId, { limit: page.limit, offset: (page.page - 1) * page.limit }),
      listInvitations(db, organizationId, mostInvitations),
    ]);
    return TeamPage({ visit, members, pagination: pagination(page, total), invitations, form });
  };
  const byWhom = (request: FastifyRequest) => {
    const { organizationId, person } = sellerOf(request);
    return { organizationId, actor: person.id };
  };
  app.get('/market/team', hidden, async (request, reply) => site.send(reply, await show(request, untouched)));
  app.post('/market/team/invitations', hidden, async (request, reply) => {
    const values = formOf(request);
    try {
      await inviteByMail(runtime, byWhom(request), readInvitation(values));
      return reply.redirect('/market/team', 303);
    } catch (error) {
      const form = refusedForm(error, values);
      return site.send(reply.status(400), await show(request, form));
    }
  });
  app.post('/market/team/invitations/:id/revoke', hidden, async (request, reply) => {
    const { organizationId, actor } = byWhom(request);
    const id = idOf(request.params, 'Invitation not found');
    if (!(await revokeInvitation(db, organizationId, actor, id))) throw missing('Invitation not found');
    return reply.redirect('/market/team', 303);
  });
  app.post('/market/team/:id/remove', hidden, async (request, reply) => {
    const id = idOf(request.params, 'Member not found');
    if (!(await removeFromTeam(db, byWhom(request), id))) throw missing('Member not found');
    return reply.redirect('/market/team', 303);
  });
}
