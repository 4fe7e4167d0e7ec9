import { clientOf } from '../client.ts';
import { atMost, figure, type Goal, holds, type Kind, type Target } from '../target.ts';

/** What phones turn into a link. */
const baits = [
  'evil.zip',
  'evil.pizza',
  'EVIL.Zip/free',
  'host:8080/x',
  'evil.co',
  'evil。zip',
  'sub.evil.photography',
  '192.0.2.7/x',
  'xn--80ak6aa92e.xn--p1ai',
];
const linkLike = /[\p{L}\p{N}-][.。．｡][\p{L}\p{N}-]{2,}|:\d{2,5}\/|\d+\.\d+\.\d+\.\d+/u;

/** S16: fields of a lead become texts to phones; and a price in a currency it was not meant for. */
export const links: Kind = {
  name: 'links',
  about: 'Bare domains in the fields of leads, and a currency without a price.',
  flood: false,
  async attack(target) {
    const client = clientOf(target.url, { key: target.attacker.key });
    const goals: Goal[] = [];
    const texts = await Promise.all(baits.map((bait, number) => teaserWith(target, bait, number)));
    const arrived = texts.filter((text) => text !== null);
    const linked = baits.filter((_, number) => linkLike.test(texts[number] ?? ''));
    goals.push(figure('teasers that arrived', `${arrived.length} of ${baits.length}`));
    goals.push({
      ...atMost('baits that reached a phone as a link', linked.length, 0),
      value: linked.join(' ') || '0',
    });

    const json = { ...leadOf('Miami', []), lead_id: 'lead_dong', config: { currency: 'vnd' } };
    const made = await client.send('POST', '/api/leads', { json });
    const { lead } = JSON.parse((await client.send('GET', '/api/leads/lead_dong')).text) as {
      lead?: { price_cents: number; currency: string };
    };
    const kept = lead?.currency === 'vnd' && lead.price_cents === 2_000;
    goals.push(holds('a currency without a price does not turn $20 into ₫2,000', !kept, `${made.status}`));
    client.close();
    return goals;
  },
};

const leadOf = (city: string, providers: string[]) => ({
  city,
  service_type: city,
  preferred_time_window: city,
  budget_range: city,
  client_name: 'Sarah Johnson',
  client_phone: '+13055550199',
  provider_ids: providers,
});

/** The teaser of a lead whose fields are this bait, without its own words; null when it was not sent. */
async function teaserWith({ url, attacker, sandboxUrl }: Target, bait: string, number: number) {
  const client = clientOf(url, { key: attacker.key });
  const sandbox = clientOf(sandboxUrl);
  const id = `lead_bait${number}x`;
  const made = await client.send('POST', '/api/leads', {
    json: { ...leadOf(bait, [`attacker${40 + number}`]), lead_id: id },
  });
  if (made.status !== 201) return null;
  const wait = `/_sandbox/ledger/wait?operation=message.create&accepted=true&contains=${id}&timeoutMs=8000`;
  const found = await sandbox.send('GET', wait);
  client.close();
  sandbox.close();
  const { entries = [] } = JSON.parse(found.text) as { entries?: { text: string }[] };
  return entries[0]?.text.replaceAll(id, '') ?? null;
}
