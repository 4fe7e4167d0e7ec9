import { type GhlConfig, ghlConfig, ghlVariables } from './ghl.ts';

/**
 * The CRMs that a connection can lead to, by the name that stands in connections, inbox rows and paths
 * (`/webhook/<name>`, `/oauth/<name>/callback`). A new CRM is listed here and in adapters/crms.ts.
 */
export type CrmConfigs = { ghl: GhlConfig };
export type CrmName = keyof CrmConfigs;

export const crmVariables = { ...ghlVariables };
type Variables = { [name in keyof typeof crmVariables]?: string | undefined };

/** `sandboxUrl`: null in production, which never talks to the sandbox. */
export function crmConfigs(
  e: Variables,
  sandboxUrl: string | null,
  sandboxKeys: { ghl: string },
): CrmConfigs {
  return { ghl: ghlConfig(e, sandboxUrl, sandboxKeys.ghl) };
}
