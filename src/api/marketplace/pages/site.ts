import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { findSeller } from '../../../db/marketplace/sellers.ts';
import type { MarketRole } from '../../../domain/account/roles.ts';
import { ContractError, RefusedError } from '../../../domain/errors.ts';
import type { Runtime } from '../../../usecases/runtime.ts';
import type { Access } from '../../auth/access.ts';
import { partyOf } from '../../auth/caller.ts';
import { readForms, sendPage } from '../../http/forms.ts';
import { pageErrors } from '../../web/error-page.ts';
import type { FormState } from '../../web/form-parts.tsx';
import { render } from '../../web/layout.tsx';
import type { MarketVisit } from './frame.tsx';

/** What the routes of these pages share. */
export type MarketSite = {
  runtime: Runtime;
  visit(request: FastifyRequest): Promise<MarketVisit>;
  /** `formsTo`: other origins that a form of the page may lead to. */
  send(reply: FastifyReply, page: unknown, formsTo?: readonly string[]): Promise<FastifyReply>;
};

export const createMarketSite = (runtime: Runtime): MarketSite => ({
  runtime,
  async visit(request) {
    const { person, organizationId, role } = partyOf(request);
    const seller = await findSeller(runtime.db, organizationId);
    return { person, role, companyName: seller?.companyName ?? '' };
  },
  send: async (reply, page, formsTo) =>
    sendPage(reply, runtime.config, await render(page), undefined, formsTo),
});

/** A category has up to 100 fields with their options. */
const largestForm = 256 * 1024;

/** For a scope of pages: forms, errors as pages, and these roles alone; browsers without a session are sent to sign in. */
export function preparePages(
  app: FastifyInstance,
  { runtime }: Pick<MarketSite, 'runtime'>,
  access: Access,
  ...roles: MarketRole[]
): void {
  readForms(app, largestForm);
  app.addHook('onRequest', access.signedIn);
  app.addHook('onRequest', access.market(...roles));
  app.setErrorHandler(pageErrors(runtime));
}

/** `branding.logoUrl` is the field logoUrl of a form; of a list's items the list is. */
function lastName(path: string): string {
  const parts = path.split('.').filter((part) => !/^\d+$/.test(part));
  return parts.at(-1) ?? path;
}

/**
 * What a refused form shows: the values as typed, and the refusal at the field it names, else above the form. `fieldAt`: the
 * field of a path in what was read. Rethrows anything but a refusal.
 */
export function refusedForm(error: unknown, values: Record<string, string>, fieldAt = lastName): FormState {
  if (!(error instanceof RefusedError) || error.status >= 500) throw error;
  const errors: Record<string, string[]> = {};
  for (const { path, message } of error.fields ?? []) {
    const field = fieldAt(path);
    errors[field] = [...(errors[field] ?? []), message];
  }
  if (Object.keys(errors).length > 0) return { values, errors };
  return { values, errors, problem: error instanceof ContractError ? error.wording : error.message };
}
