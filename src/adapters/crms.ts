import type { Config, CrmName } from '../config.ts';
import type { CrmApi, CrmVendor } from './crm.ts';
import { createGhl } from './ghl/vendor.ts';

/** Every CRM that companies and buyers can connect, by name. */
export type Crms = Readonly<Record<CrmName, CrmVendor>>;

/** One client per CRM for the whole process. `timeoutMs` bounds each call (10 s). */
export const createCrms = (config: Config['crm'], options: { timeoutMs?: number } = {}): Crms => ({
  ghl: createGhl(config.ghl, options),
});

export const isCrm = (crms: Crms, name: string): name is CrmName => Object.hasOwn(crms, name);

/** The API that a connection speaks. Throws when this version of the program does not know it. */
export function apiOf(crms: Crms, connection: { vendor: CrmName; apiVersion: string }): CrmApi {
  const { vendor, apiVersion } = connection;
  const api = crms[vendor].apis.find(({ version }) => version === apiVersion);
  if (!api) throw new Error(`${vendor} has no API ${apiVersion}`);
  return api;
}
