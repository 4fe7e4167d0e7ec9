import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { changeSeller, findSeller } from '../../../db/marketplace/sellers.ts';
import { brandingKeys } from '../../../domain/marketplace/seller-settings.ts';
import { inviteUrl, rotateInviteCode } from '../../../usecases/marketplace/invite-code.ts';
import { sellerOf } from '../../auth/caller.ts';
import { missing } from '../../http/contract.ts';
import { formOf } from '../../http/forms.ts';
import { type FormState, untouched } from '../../web/form-parts.tsx';
import { settingsOf, shownSettings } from '../sellers.ts';
import { SettingsPage } from './settings-page.tsx';
import { type MarketSite, refusedForm } from './site.ts';

const hidden = { schema: { hide: true } };

/** The settings of a seller, and the invite code of its buyers. */
export function settingsPages(app: FastifyInstance, site: MarketSite): void {
  const { db, config } = site.runtime;
  const show = async (request: FastifyRequest, reply: FastifyReply, form: FormState) => {
    const [visit, seller] = await Promise.all([
      site.visit(request),
      findSeller(db, sellerOf(request).organizationId),
    ]);
    if (!seller) throw missing('Seller not found');
    const invite = { code: seller.inviteCode, url: inviteUrl(config.publicUrl, seller.inviteCode) };
    return site.send(reply, SettingsPage({ visit, settings: shownSettings(seller), invite, form }));
  };
  app.get('/market/settings', hidden, async (request, reply) => show(request, reply, untouched));
  app.post('/market/settings', hidden, async (request, reply) => {
    const { organizationId, person } = sellerOf(request);
    const values = formOf(request);
    const branding = Object.fromEntries(
      brandingKeys.flatMap((key) => (values[key] === undefined ? [] : [[key, values[key]]])),
    );
    try {
      await changeSeller(db, organizationId, settingsOf({ ...values, branding }), person.id);
      return reply.redirect('/market/settings', 303);
    } catch (error) {
      return show(request, reply.status(400), refusedForm(error, values));
    }
  });
  app.post('/market/settings/invite-code', hidden, async (request, reply) => {
    const { organizationId, person } = sellerOf(request);
    await rotateInviteCode({ db }, organizationId, person.id);
    return reply.redirect('/market/settings', 303);
  });
}
