import { createKey } from '../../src/db/account/api-keys.ts';
import { type CompanyOptions, makeCompany, type TestCompany } from './crm.ts';
import { type Uploader, uploaderOf } from './import-client.ts';
import type { TestSystem } from './system.ts';

/** A company with a CRM of its own and a key to upload with. */
export async function crmUploader(
  system: TestSystem,
  options: CompanyOptions = {},
): Promise<Uploader & TestCompany> {
  const company = await makeCompany(system.runtime, options);
  const { organizationId } = company;
  const { key } = await createKey(system.runtime.db, {
    organizationId,
    owner: 'organization',
    name: 'uploads',
    scopes: ['leads:read', 'leads:write'],
  });
  return { ...company, ...(await uploaderOf(system, `company-${organizationId}`, key)) };
}
