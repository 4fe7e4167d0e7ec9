import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { changePartyBuyer } from '../../../db/marketplace/buyers.ts';
import { buyerOf } from '../../auth/caller.ts';
import { missing } from '../../http/contract.ts';
import { formOf } from '../../http/forms.ts';
import { type FormState, untouched } from '../../web/form-parts.tsx';
import { settingsByBuyer } from '../buyers.ts';
import { ProfilePage } from './profile-page.tsx';
import { type MarketSite, refusedForm } from './site.ts';
import { ownRecord } from './subscriptions.ts';

const hidden = { schema: { hide: true } };

/** What a buyer sets of himself. */
export function profilePages(app: FastifyInstance, site: MarketSite): void {
  const show = async (request: FastifyRequest, reply: FastifyReply, form: FormState) => {
    const [visit, buyer] = await Promise.all([site.visit(request), ownRecord(site, buyerOf(request))]);
    return site.send(reply, ProfilePage({ visit, buyer, form }));
  };
  app.get('/market/profile', hidden, async (request, reply) => show(request, reply, untouched));
  app.post('/market/profile', hidden, async (request, reply) => {
    const { organizationId, buyerId, person } = buyerOf(request);
    const values = formOf(request);
    const { companyName, phoneNumber } = values;
    try {
      const settings = settingsByBuyer({ companyName, phoneNumber });
      const by = { actor: person.id };
      if (!(await changePartyBuyer(site.runtime.db, organizationId, buyerId, settings, by)))
        throw missing('Buyer not found');
      return reply.redirect('/market/profile', 303);
    } catch (error) {
      return show(request, reply.status(400), refusedForm(error, values));
    }
  });
}
