import { clientOf, Tally } from '../client.ts';
import { atMost, figure, holds, type Kind, phoneOf } from '../target.ts';

const first = 160;
const last = 189;
const later = '+13055299999';

/** S34: a STOP that a tenant submits for numbers of another tenant's buyers, or of no buyer yet. */
export const foreignStop: Kind = {
  name: 'foreign-stop',
  about: 'A tenant submits STOP for thirty buyers of another, and for a number that becomes a buyer later.',
  flood: false,
  async attack({ url, attacker, victim }) {
    const mallory = clientOf(url, { key: attacker.key });
    const other = clientOf(url, { key: victim.key });
    const numbers = Array.from({ length: last - first + 1 }, (_, n) => first + n);
    const stop = (phone: string) =>
      mallory.send('POST', '/api/leads/sms-response', {
        json: { provider_phone: phone, message: 'STOP', timestamp: '2026-11-27T12:00:00Z' },
      });
    const tally = new Tally();
    for (const phone of [...numbers.map((n) => phoneOf('victim', n)), later]) tally.add(await stop(phone));
    await other.send('POST', '/api/providers', {
      json: { external_id: 'victim-later', name: 'Late', phone: later },
    });
    const offered = await offer(other, [...numbers.map((n) => `victim${n}`), 'victim-later']);
    const silenced = offered.filter((message) => message === 'provider opted out').length;

    const ownPhone = phoneOf('attacker', 20);
    await offer(mallory, ['attacker20']);
    await stop(ownPhone);
    const own = await offer(mallory, ['attacker20']);
    mallory.close();
    other.close();
    return [
      figure('the STOPs were answered', `${tally}`),
      atMost('buyers of another tenant that are silenced', silenced, 0),
      holds('its own buyer’s STOP counts', own[0] === 'provider opted out', own[0]),
    ];
  },
};

/** The message of each provider's result. */
async function offer(client: ReturnType<typeof clientOf>, providers: string[]): Promise<string[]> {
  const json = {
    city: 'Miami',
    service_type: 'Massage',
    client_name: 'Sarah Johnson',
    client_phone: '+13055550199',
    provider_ids: providers,
  };
  const reply = await client.send('POST', '/api/leads', { json });
  const { provider_results: results = [] } = JSON.parse(reply.text) as {
    provider_results?: { message: string }[];
  };
  return results.map(({ message }) => message);
}
