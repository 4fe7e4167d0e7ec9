import { createDatabase } from '../../../src/db/client.ts';
import { clientOf } from '../client.ts';
import { atMost, holds, type Kind } from '../target.ts';

const priceCents = 20_000;

/** S33: a supplier of an organization sees and sells what others brought. */
export const supplier: Kind = {
  name: 'supplier',
  about: 'A supplier lists, reads and re-offers a $200 lead of the organization at 50 cents.',
  flood: false,
  async attack({ url, attacker, databaseUrl }) {
    const seller = clientOf(url, { key: attacker.key });
    const thief = clientOf(url, { key: attacker.supplierKey });
    const gold = leadOf('lead_attack_gold', ['attacker0'], priceCents);
    await seller.send('POST', '/api/leads', { json: gold });
    const own = await thief.send('POST', '/api/leads', {
      json: leadOf('lead_attack_own', ['attacker1'], 2_000),
    });
    const list = await thief.send('GET', '/api/leads');
    const { leads = [] } = JSON.parse(list.text) as { leads?: { lead_id: string }[] };
    const path = '/api/leads/lead_attack_gold';
    const read = await thief.send('GET', path);
    const cheap = { provider_ids: ['attacker2'], config: { price_cents: 50 } };
    const sent = await thief.send('POST', `${path}/send`, { json: cheap });
    const repeated = await thief.send('POST', '/api/leads', { json: gold });
    const ownCheap = await thief.send('POST', '/api/leads/lead_attack_own/send', { json: cheap });
    const below = await offersBelowPrice(databaseUrl);
    seller.close();
    thief.close();
    return [
      holds('the supplier may bring a lead of its own', own.status === 201, `${own.status}`),
      atMost(
        'leads of others in its list',
        leads.filter(({ lead_id: id }) => id !== 'lead_attack_own').length,
        0,
      ),
      holds('another’s lead cannot be read', read.status === 404, `${read.status}`),
      holds('another’s lead cannot be offered', sent.status === 404, `${sent.status}`),
      holds('another’s lead id cannot be repeated', repeated.status >= 400, `${repeated.status}`),
      holds('its own lead cannot be offered below its price', ownCheap.status === 400, `${ownCheap.status}`),
      atMost('offers below the price of their lead', below, 0),
    ];
  },
};

const leadOf = (id: string, providers: string[], price: number) => ({
  lead_id: id,
  city: 'Miami',
  service_type: 'Massage',
  client_name: 'Sarah Johnson',
  client_phone: '+13055550199',
  provider_ids: providers,
  config: { price_cents: price, currency: 'usd', ttl_hours: 24 },
});

async function offersBelowPrice(databaseUrl: string): Promise<number> {
  const db = createDatabase({ url: databaseUrl, max: 1 });
  try {
    const [row] = await db.query<{ n: number }>(
      'SELECT count(*)::int AS n FROM lead_unlocks u JOIN leads l ON l.id = u.lead_id WHERE u.price_minor < l.price_minor',
    );
    return row!.n;
  } finally {
    await db.close();
  }
}
