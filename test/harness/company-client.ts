import { type Company, registerCompany } from '../../src/db/account/companies.ts';
import type { Scope } from '../../src/domain/account/scopes.ts';
import type { UploadedContact } from '../../src/usecases/lead/upload.ts';
import type { ApiTest } from './api-app.ts';

let registered = 0;

/** Registers a company and creates a key for it. */
export async function makeCompany(
  api: ApiTest,
  scopes: Scope[] = ['leads:read', 'leads:write', 'companies:read', 'companies:write'],
): Promise<{ company: Company; key: string; as: Record<string, string> }> {
  registered += 1;
  const company = await registerCompany(api.runtime, {
    name: `Company ${registered}`,
    ownerName: 'Olga Owner',
    ownerEmail: `olga${registered}@company.example`,
    ownerPhone: '+13055550100',
    account: { vendor: 'ghl', accountId: `loc${registered}` },
    defaultRegion: 'US',
  });
  const key = await api.makeKey(scopes, { organizationId: company.organizationId });
  return { company, key, as: { authorization: `Bearer ${key}` } };
}

let phones = 0;
/** A real number of its own each time. */
export const newPhone = (): string => `+1305${2_000_000 + ++phones}`;

/** A lead as a program of this company uploads it. */
export const leadOf = (company: Company, fields: Record<string, unknown> = {}) => ({
  name: 'Sarah Johnson',
  phone: newPhone(),
  company_id: company.number,
  ...fields,
});

export async function countLeads(api: ApiTest, { organizationId }: Company): Promise<number> {
  const [row] = await api.rows<{ n: number }>(
    'SELECT count(*)::int AS n FROM leads WHERE organization_id = $1',
    [organizationId],
  );
  return row!.n;
}

/** The decrypted contacts of a company's uploaded leads, oldest first. */
export async function contactsOf(api: ApiTest, { organizationId }: Company): Promise<UploadedContact[]> {
  const rows = await api.rows<{ contact: string }>(
    "SELECT contact FROM leads WHERE organization_id = $1 AND channel = 'crm_upload' ORDER BY id",
    [organizationId],
  );
  return rows.map(({ contact }) => api.runtime.vault.openJson<UploadedContact>(contact));
}
