import type { AlertKind } from './alerts.ts';

/** What is known of the thing an alert or failed step is about. */
type Thing = { unlockId: string | null; companyNumber: number | null; importId: string | null };

/** The page of the thing itself, and the words of a link to it. */
export type Place = { path: string; label: string };

export function placeOf(kind: AlertKind | null, { unlockId, companyNumber, importId }: Thing): Place | null {
  if (unlockId !== null) return { path: `/console/unlocks/${unlockId}`, label: 'Open the offer' };
  if (companyNumber === null) return null;
  const company = `/dashboard/${companyNumber}`;
  if (kind === 'crm_paused' || kind === 'crm_unwell')
    return { path: `${company}/settings`, label: 'Open CRM settings' };
  if (importId !== null) return { path: `${company}/imports/${importId}`, label: 'Open the import' };
  return { path: company, label: 'Open the company' };
}
