import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { companyTaken, registerCompany } from '../../db/account/companies.ts';
import { findMembership, passwordLinkHours } from '../../db/account/members.ts';
import { readRegistration } from '../../domain/account/company.ts';
import { marketRoles } from '../../domain/account/roles.ts';
import { inviteMember } from '../../usecases/account/invite.ts';
import { callerOf, operatorsOnly, sessionOf } from '../auth/caller.ts';
import { formOf } from '../http/forms.ts';
import { CompaniesPage } from './pages/companies-page.tsx';
import { HomePage } from './pages/home-page.tsx';
import { RegisteredPage, RegisterPage } from './pages/register-page.tsx';
import type { CompanySite } from './site.ts';
import { untouched } from './view-types.ts';

const hidden = { schema: { hide: true } };
const operators = { ...hidden, preHandler: operatorsOnly };

const listQuery = z.object({
  q: z
    .string()
    .max(100)
    .transform((typed) => typed.replace(/\p{Cc}/gu, '').trim())
    .catch(''),
  after: z.coerce.number().int().positive().max(2_147_483_647).nullable().catch(null),
});

/** The pages that belong to no single company: home, the list of companies, registering one. */
export function homePages(app: FastifyInstance, site: CompanySite): void {
  const { views } = site;
  // Everyone has one home: operators the console, sellers and buyers the marketplace, a member of one company its dashboard.
  app.get('/', hidden, async (request, reply) => {
    if (callerOf(request).organizations === null) return reply.redirect('/console', 303);
    const { person, organizationId: id } = sessionOf(request);
    const membership = await findMembership(site.runtime.db, person.id, { id });
    if (marketRoles.some((role) => role === membership?.role)) return reply.redirect('/market', 303);
    const own = await views.onlyCompany(callerOf(request));
    if (own) return reply.redirect(`/dashboard/${own.number}`, 303);
    const [visit, view] = await Promise.all([site.visit(request), views.home(callerOf(request))]);
    return site.send(reply, HomePage({ visit, view }));
  });
  app.get('/companies', operators, async (request, reply) => {
    const { q, after } = listQuery.parse(request.query);
    const [visit, view] = await Promise.all([site.visit(request), views.companies(q, after)]);
    return site.send(reply, CompaniesPage({ visit, view }));
  });
  app.get('/company/register', operators, async (request, reply) =>
    site.send(reply, RegisterPage({ visit: await site.visit(request), form: untouched })),
  );
  registration(app, site);
}

function registration(app: FastifyInstance, site: CompanySite): void {
  const { views, runtime } = site;
  app.post('/companies', operators, async (request, reply) => {
    const visit = await site.visit(request);
    const values = formOf(request);
    const read = readRegistration(values);
    if (!read.ok)
      return site.send(reply.status(400), RegisterPage({ visit, form: { values, errors: read.errors } }));
    try {
      const company = await registerCompany(runtime, read.value, { by: visit.person.id });
      const owner = { name: company.ownerName, email: company.ownerEmail };
      const link = await inviteMember(runtime, company, owner, visit.person.id);
      views.changed();
      const registered = {
        number: company.number,
        name: company.name,
        ownerName: company.ownerName,
        ownerEmail: company.ownerEmail,
        link,
        hours: passwordLinkHours,
      };
      return site.send(reply.status(201), RegisteredPage({ visit, registered }));
    } catch (error) {
      const taken = companyTaken(error);
      if (!taken) throw error;
      const errors = Object.fromEntries((taken.fields ?? []).map(({ path, message }) => [path, [message]]));
      return site.send(reply.status(taken.status), RegisterPage({ visit, form: { values, errors } }));
    }
  });
}
