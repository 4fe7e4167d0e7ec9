import type { SealedContact } from '../../db/lead/leads.ts';
import type { LockedValues } from '../../db/marketplace/leads.ts';
import type { UnlockView } from '../../db/unlock/unlocks.ts';
import { leadContactOf } from '../../domain/marketplace/lead-contact.ts';
import type { Runtime } from '../runtime.ts';

/** What the buyer of an unlock gets. Throws when it cannot be decrypted, or was erased. */
export function openContact(
  { vault }: Pick<Runtime, 'vault'>,
  { contact, openValues }: Pick<UnlockView, 'contact' | 'openValues'>,
): SealedContact {
  if (contact === null) throw new Error('the contact of this lead was erased');
  if (openValues === null) return vault.openJson<SealedContact>(contact);
  return leadContactOf({ ...vault.openJson<LockedValues>(contact), ...openValues });
}
