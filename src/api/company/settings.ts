import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { getCountries } from 'libphonenumber-js';
import { z } from 'zod';
import { changeCompany } from '../../db/account/companies.ts';
import { listMembers, makePasswordToken, passwordLinkHours, removeMember } from '../../db/account/members.ts';
import { resumeConnection } from '../../db/crm/credentials.ts';
import { readCrmToken, readSettings } from '../../domain/account/company.ts';
import { uploadScopes } from '../../domain/account/scopes.ts';
import { RefusedError } from '../../domain/errors.ts';
import { isEmail } from '../../domain/lead/email.ts';
import { inviteMember, passwordLink } from '../../usecases/account/invite.ts';
import { createCompanyKey, mayRevoke, revokeCompanyKey } from '../../usecases/account/keys.ts';
import { connectCompany } from '../../usecases/crm/connect.ts';
import { callerOf, operatorsOnly, personOf, quotaOwnerOf } from '../auth/caller.ts';
import { sendToConsent } from '../auth/crm-consent.ts';
import { formOf } from '../http/forms.ts';
import { notFound } from '../http/problem.ts';
import { regionName } from './labels.ts';
import type { SettingsView } from './pages/settings-form.ts';
import { SettingsPage } from './pages/settings-page.tsx';
import { type CompanySite, companyOf } from './site.ts';
import type { FormState } from './view-types.ts';

const hidden = { schema: { hide: true } };
const operators = { ...hidden, preHandler: operatorsOnly };
const uuid = z.uuid();
/** Characters that the database cannot store. */
const unreadable = /[\0\p{Cs}]/u;

const regions = getCountries()
  .map((code) => [code, regionName(code)] as const)
  .sort(([, a], [, b]) => a.localeCompare(b, 'en'));

type Sent = Partial<Pick<SettingsView, 'sent' | 'newKey' | 'newLink' | 'saved'>>;
type Show = (request: FastifyRequest, reply: FastifyReply, sent?: Sent) => Promise<FastifyReply>;

const savedTexts: Record<string, string> = {
  crm: 'The CRM is connected. Waiting leads are sent automatically.',
  resumed: 'Syncing was resumed. If the CRM still rejects the credentials, the company is paused again.',
  leads: 'Saved. This applies to leads uploaded from now on.',
  mapping: 'Saved. This applies to contacts sent from now on.',
  key: 'The key is revoked.',
  member: 'Removed. This person can no longer see the company.',
};

/** The settings of a company: its CRM, how leads are imported, API keys, members. */
export function companySettings(site: CompanySite): FastifyPluginAsync {
  const { views, runtime } = site;
  const show: Show = async (request, reply, sent = {}) => {
    const row = companyOf(request);
    const [visit, lists, crm] = await Promise.all([
      site.visit(request),
      views.settings(row),
      views.crmFields(row),
    ]);
    const { publicUrl } = runtime.config;
    const caller = callerOf(request);
    const keys = lists.keys.map((key) => ({ ...key, revocable: mayRevoke(caller, key) }));
    const crmFields = crm?.fields ?? null;
    const view = { ...lists, keys, crmFields, publicUrl, regions, now: new Date(), ...sent };
    return site.send(reply, SettingsPage({ visit, company: views.company(row), view }));
  };
  return async (app) => {
    app.get<{ Querystring: { saved?: string } }>(
      '/dashboard/:company_id/settings',
      hidden,
      async (request, reply) => {
        const { saved = '' } = request.query;
        return show(request, reply, {
          saved: Object.hasOwn(savedTexts, saved) ? savedTexts[saved] : undefined,
        });
      },
    );
    // A link instead of a form: browsers apply form-action to every redirect of a form.
    app.get('/dashboard/:company_id/settings/crm/oauth', hidden, async (request, reply) => {
      const { organizationId, vendor } = companyOf(request);
      if (!vendor) throw notFound('CRM');
      return sendToConsent(reply, runtime, vendor, { organizationId, actor: personOf(request).id });
    });
    settings(app, site, show);
    keys(app, site, show);
    people(app, site, show);
  };
}

const backTo = (request: FastifyRequest, reply: FastifyReply, saved: string, section = saved) =>
  reply.redirect(`/dashboard/${companyOf(request).number}/settings?saved=${saved}#${section}`, 303);

function settings(app: FastifyInstance, { runtime, views }: CompanySite, show: Show): void {
  const path = '/dashboard/:company_id/settings';
  app.post(`${path}/crm`, hidden, async (request, reply) => {
    const { organizationId } = companyOf(request);
    // The submitted token is not sent back.
    const { token = '', ...values } = formOf(request);
    const refuse = (status: number, form: FormState) =>
      show(request, reply.status(status), { sent: { section: 'crm', form } });
    const { location_id, api_version, rate_share } = values;
    const read = readCrmToken({ token: token.trim(), location_id, api_version, rate_share });
    if (!read.ok) return refuse(400, { values, errors: read.errors });
    try {
      await runtime.quotas.take('crm_attempts', quotaOwnerOf(request, organizationId));
      await connectCompany(runtime, organizationId, {
        ...read.value,
        actor: personOf(request).id,
        byOperator: callerOf(request).organizations === null,
      });
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      return refuse(error.status, { values, errors: {}, problem: error.message });
    }
    views.changed();
    return backTo(request, reply, 'crm');
  });
  app.post(`${path}/crm/resume`, hidden, async (request, reply) => {
    const { organizationId } = companyOf(request);
    await resumeConnection(runtime.db, organizationId, personOf(request).id);
    views.changed();
    return backTo(request, reply, 'resumed', 'crm');
  });
  const change = async (
    request: FastifyRequest,
    reply: FastifyReply,
    section: 'leads' | 'mapping',
    given: Record<string, unknown>,
  ) => {
    const { organizationId, defaultRegion } = companyOf(request);
    const read = readSettings(given, defaultRegion);
    if (!read.ok) {
      const form = { values: formOf(request), errors: read.errors, problem: problemIn(section, read.errors) };
      return show(request, reply.status(400), { sent: { section, form } });
    }
    await changeCompany(runtime.db, organizationId, read.value);
    views.changed();
    return backTo(request, reply, section);
  };
  app.post(`${path}/leads`, hidden, async (request, reply) => {
    const { tags, source_label, dedupe_days, default_region } = formOf(request);
    return change(request, reply, 'leads', { tags, source_label, dedupe_days, default_region });
  });
  app.post(`${path}/mapping`, hidden, async (request, reply) => {
    const form = formOf(request);
    const { fields, problem } = fieldsIn(form);
    if (!problem) return change(request, reply, 'mapping', { field_mapping: fields });
    const sent = { section: 'mapping' as const, form: { values: form, errors: {}, problem } };
    return show(request, reply.status(400), { sent });
  });
}

/** The mapping is a table, so its errors are shown above it. */
const problemIn = (section: string, errors: Record<string, string[]>): string | undefined =>
  section === 'mapping' ? `Nothing was saved: ${errors.field_mapping?.join(', ')}.` : undefined;

/** The rows of the form; an empty row removes a field. */
function fieldsIn(form: Record<string, string>): { fields: Record<string, string>; problem?: string } {
  const kept = new Map<string, string>();
  // Not sent by our page; it must not clear the mapping.
  if (!Object.hasOwn(form, 'name-0')) return { fields: {}, problem: 'Nothing was saved: no field was sent.' };
  for (let i = 0; Object.hasOwn(form, `name-${i}`); i += 1) {
    const name = form[`name-${i}`]!.trim();
    const id = (form[`field-${i}`] ?? '').trim();
    if (name === '' && id === '') continue;
    if (name === '' || id === '')
      return { fields: {}, problem: `Nothing was saved: row ${i + 1} needs a name and the id of a field.` };
    if (kept.has(name)) return { fields: {}, problem: `Nothing was saved: “${name}” is used twice.` };
    kept.set(name, id);
  }
  return { fields: Object.fromEntries(kept) };
}

function keys(app: FastifyInstance, { runtime: { db, quotas } }: CompanySite, show: Show): void {
  const path = '/dashboard/:company_id/settings/keys';
  app.post(path, hidden, async (request, reply) => {
    const { organizationId } = companyOf(request);
    const form = formOf(request);
    const name = (form.key_name ?? '').trim();
    if (name === '' || name.length > 100 || unreadable.test(name)) {
      const errors = { key_name: ['needs 1 to 100 characters that say what the key is for'] };
      return show(request, reply.status(400), { sent: { section: 'keys', form: { values: form, errors } } });
    }
    const given = { name, scopes: uploadScopes, idempotencyKey: null };
    const { key } = await createCompanyKey({ db, quotas }, organizationId, given, callerOf(request));
    return show(request, reply.status(201), { newKey: { name, key } });
  });
  app.post(`${path}/:key_id/revoke`, hidden, async (request, reply) => {
    const id = uuid.safeParse((request.params as { key_id: string }).key_id);
    const { organizationId } = companyOf(request);
    const revoked = id.success && (await revokeCompanyKey(db, organizationId, id.data, callerOf(request)));
    if (!revoked) throw notFound('key');
    return backTo(request, reply, 'key', 'keys');
  });
}

/** Members of the company. Only operators add and remove them. */
function people(app: FastifyInstance, { runtime }: CompanySite, show: Show): void {
  const { db, config } = runtime;
  const path = '/dashboard/:company_id/people';
  app.post(path, operators, async (request, reply) => {
    const company = companyOf(request);
    const form = formOf(request);
    const name = (form.member_name ?? '').trim();
    const email = (form.member_email ?? '').trim();
    const errors: Record<string, string[]> = {};
    if (name === '') errors.member_name = ['is missing'];
    else if (name.length > 200 || unreadable.test(name))
      errors.member_name = ['is too long or contains an invalid character'];
    if (!isEmail(email)) errors.member_email = ['is not an e-mail address'];
    if (Object.keys(errors).length > 0)
      return show(request, reply.status(400), {
        sent: { section: 'members', form: { values: form, errors } },
      });
    const link = await inviteMember(runtime, company, { name, email }, personOf(request).id).catch(
      (error: unknown) => {
        if (error instanceof RefusedError) return error;
        throw error;
      },
    );
    if (link instanceof RefusedError) {
      const refused = { values: form, errors, problem: link.message };
      return show(request, reply.status(link.status), { sent: { section: 'members', form: refused } });
    }
    if (!link) return show(request, reply, { saved: `${email} can sign in with their existing password.` });
    return show(request, reply.status(201), { newLink: { name, link, hours: passwordLinkHours } });
  });
  const memberOf = async (request: FastifyRequest) => {
    const { user_id: id } = request.params as { user_id: string };
    const { organizationId } = companyOf(request);
    const member = (await listMembers(db, organizationId)).find(({ userId }) => userId === id);
    if (!member) throw notFound('member');
    return { organizationId, ...member };
  };
  app.post(`${path}/:user_id/link`, operators, async (request, reply) => {
    const { organizationId, userId, name } = await memberOf(request);
    const token = await makePasswordToken(db, organizationId, userId, personOf(request).id);
    if (!token) throw new RefusedError(409, 'operator', 'Operators’ passwords are set on the command line.');
    const newLink = { name, link: passwordLink(config, token), hours: passwordLinkHours };
    return show(request, reply.status(201), { newLink });
  });
  app.post(`${path}/:user_id/remove`, operators, async (request, reply) => {
    const { organizationId, userId } = await memberOf(request);
    const keys = await removeMember(db, organizationId, userId, personOf(request).id);
    if (!keys || keys.length === 0) return backTo(request, reply, 'member', 'people');
    const names = keys.map(({ name, prefix }) => `${name} (${prefix}…)`).join(', ');
    return show(request, reply, {
      saved: `${savedTexts.member} The keys this person had made are revoked: ${names}.`,
    });
  });
}
