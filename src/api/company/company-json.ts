import { z } from 'zod';
import type { Company } from '../../db/account/companies.ts';

/** A company as the API returns it. Credentials are never included, only whether there are any. */
export const companySchema = z.object({
  company_id: z.number().int(),
  company_name: z.string(),
  owner_name: z.string(),
  owner_email: z.string(),
  owner_phone: z.string(),
  ghl_location_id: z.string().nullable(),
  default_region: z.string().describe('Region (ISO 3166) of phones without a country code'),
  dedupe_days: z.number().describe('A phone repeated within this many days is a duplicate; 0: never'),
  tags: z.array(z.string()).describe('Added to every contact'),
  source_label: z.string().nullable(),
  field_mapping: z
    .record(z.string(), z.string())
    .describe('Name of a custom field -> id of the field in the CRM'),
  rate_share: z
    .number()
    .int()
    .describe('Share of the location’s API calls that leadgate may use, in percent'),
  crm: z.object({
    connected: z.boolean(),
    kind: z.enum(['token', 'oauth']),
    api_version: z.string(),
    paused_at: z.string().nullable(),
    pause_reason: z.string().nullable(),
  }),
  created_at: z.string(),
});

export const companyJson = (company: Company): z.infer<typeof companySchema> => ({
  company_id: company.number,
  company_name: company.name,
  owner_name: company.ownerName,
  owner_email: company.ownerEmail,
  owner_phone: company.ownerPhone,
  ghl_location_id: company.vendor === 'ghl' ? company.accountId : null,
  default_region: company.defaultRegion,
  dedupe_days: company.dedupeWindowMs / 86_400_000,
  tags: company.tags,
  source_label: company.sourceLabel,
  field_mapping: company.fieldMapping,
  rate_share: company.rateShare,
  crm: {
    connected: company.connected,
    kind: company.connectionKind,
    api_version: company.apiVersion,
    paused_at: company.pausedAt && new Date(company.pausedAt).toISOString(),
    pause_reason: company.pauseReason,
  },
  created_at: new Date(company.createdAt).toISOString(),
});
