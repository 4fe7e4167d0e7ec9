import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import type { CountryCode } from 'libphonenumber-js';
import { judgeGiven } from '../../domain/lead/given.ts';
import { uploadLeads } from '../../usecases/lead/upload.ts';
import { quotaOwnerOf } from '../auth/caller.ts';
import { causeOf } from '../http/cause.ts';
import { formOf } from '../http/forms.ts';
import { type Added, LeadPage } from './pages/lead-page.tsx';
import { type CompanySite, companyOf } from './site.ts';
import { type FormState, untouched } from './view-types.ts';

const hidden = { schema: { hide: true } };
/** With the fields that have a warning. */
const added = /^(created|duplicate)\.(lead_[A-Za-z0-9_]{1,64})((?:\.(?:phone|email))*)$/;

/** The form that adds one lead. */
export function companyLead(site: CompanySite): FastifyPluginAsync {
  const { runtime, views } = site;
  const show = async (
    request: FastifyRequest,
    reply: FastifyReply,
    form: FormState,
    before: Added = null,
  ) => {
    const [visit, company] = await Promise.all([site.visit(request), views.company(companyOf(request))]);
    return site.send(reply, LeadPage({ visit, company, form, added: before }));
  };
  return async (app) => {
    app.get<{ Querystring: { added?: string } }>(
      '/dashboard/:company_id/lead',
      hidden,
      async (request, reply) => {
        const found = added.exec(String(request.query.added ?? ''));
        const before = found
          ? {
              kind: found[1] === 'created' ? ('created' as const) : ('duplicate' as const),
              leadId: found[2]!,
              warned: found[3]!.split('.').slice(1),
            }
          : null;
        return show(request, reply, untouched, before);
      },
    );
    app.post('/dashboard/:company_id/lead', hidden, async (request, reply) => {
      const company = companyOf(request);
      const form = formOf(request);
      const { name = '', phone = '', email = '', notes = '' } = form;
      // Judged as the same lead sent to the API would be.
      const given = { name, phone, email, notes };
      const judged = judgeGiven(given, company.defaultRegion as CountryCode, null);
      if (!judged.ok) return show(request, reply.status(400), { values: form, errors: judged.errors });
      await runtime.quotas.take('leads', quotaOwnerOf(request, company.organizationId));
      const outcomes = await uploadLeads(runtime, company, [judged.lead], {
        publish: true,
        nameFirst: true,
        cause: causeOf(request),
      });
      const [outcome] = outcomes ?? [];
      views.changed();
      const kind = outcome?.kind ?? 'created';
      const result = [kind, outcome?.publicId ?? '', ...Object.keys(judged.warnings ?? {})].join('.');
      return reply.redirect(`/dashboard/${company.number}/lead?added=${result}`, 303);
    });
  };
}
