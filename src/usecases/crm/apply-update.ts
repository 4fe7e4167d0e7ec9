import { type GhlEvent, parseGhlEvent } from '../../adapters/ghl/webhooks.ts';
import { findByContact, forgetContact, type ToldContact, takeNews } from '../../db/crm/syncs.ts';
import type { SealedContact } from '../../db/lead/leads.ts';
import { findReceived } from '../../db/transport/inbox.ts';
import { personHash } from '../../domain/crm/contact.ts';
import { corrected, newsIn } from '../../domain/crm/contact-update.ts';
import type { Run } from '../../engine/define.ts';
import { finish, type Outcome, skip, snooze } from '../../engine/outcome.ts';
import type { Runtime } from '../runtime.ts';

type Deps = Pick<Runtime, 'db' | 'vault'>;

const mostLooks = 5;

/** What the CRM told of a contact, applied to the leads that are this contact. Older news than the last are none. */
export async function applyNews(inboxId: string, { db, vault }: Deps, run: Run): Promise<Outcome> {
  const received = await findReceived(db, inboxId, 'ghl');
  if (!received?.body || !received.organizationId) return skip('nothing was kept of it');
  const told = parseGhlEvent(JSON.parse(vault.open(received.body)), received.receivedAt, Infinity);
  if (!told?.contactId) return skip('about no contact');
  const leads = await findByContact(db, received.organizationId, told.contactId);
  if (leads.length === 0) return skip('a contact that is no lead');
  if (told.type === 'ContactDelete') {
    const ids = leads.map(({ leadId }) => leadId);
    return finish(forgetContact(ids, told.contactId), 'the contact was deleted');
  }
  let taken = 0;
  for (const lead of leads) {
    const found = await take(lead, told, { db, vault }, run);
    if (found === 'busy') return snooze(1_000, 'other news of the same contact is being applied');
    if (found === 'taken') taken += 1;
  }
  return finish({}, taken > 0 ? `news for ${taken}` : 'nothing new');
}

/** Other news of the same contact may be applied beside us: then the lead is looked at again. */
async function take(
  lead: ToldContact,
  told: GhlEvent,
  { db, vault }: Deps,
  run: Run,
): Promise<'taken' | 'nothing' | 'busy'> {
  let seen: ToldContact | undefined = lead;
  for (let tried = 0; seen && tried < mostLooks; tried += 1) {
    const news = newsFor(seen, told, vault);
    if (!news) return 'nothing';
    if (await run.advance(takeNews(news, told.at))) return 'taken';
    if (seen.toldAt !== null && seen.toldAt > told.at) return 'nothing';
    const now = await findByContact(db, lead.organizationId, told.contactId!);
    seen = now.find(({ leadId }) => leadId === lead.leadId);
  }
  return seen ? 'busy' : 'nothing';
}

const isUpdate = ({ type }: GhlEvent) => type === 'ContactUpdate' || type === 'ContactDndUpdate';

function newsFor(lead: ToldContact, told: GhlEvent, vault: Deps['vault']) {
  const { person, dnd } = newsIn(told, lead);
  // What we believe already, said anew, still makes what was said before it old.
  if (!person && !dnd && !isUpdate(told)) return null;
  const news = { leadId: lead.leadId, dnd: told.smsOptOut, writtenHash: personHash(told) };
  const kept = { contact: null, before: lead.contact, phoneHash: null, emailHash: null, phoneValid: false };
  if (!person || lead.contact === null) return { ...news, ...kept };
  const contact = corrected(vault.openJson<SealedContact>(lead.contact), told);
  const { phone, email } = contact;
  return {
    ...news,
    contact: vault.sealJson(contact),
    before: lead.contact,
    phoneHash: phone ? vault.index(phone) : null,
    emailHash: email ? vault.index(email.toLowerCase()) : null,
    phoneValid: /^\+[1-9]\d{6,14}$/.test(phone ?? ''),
  };
}
