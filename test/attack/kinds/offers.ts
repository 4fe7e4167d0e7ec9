import { clientOf, flood } from '../client.ts';
import { figure, type Kind } from '../target.ts';

const offers = 10_000;
const parallel = 4;

/** S36: one tenant's offers and expiries stand before everybody's in the queues. */
export const manyOffers: Kind = {
  name: 'offers',
  about: 'Ten thousand offers of one tenant, half of which expire within seconds.',
  flood: true,
  async attack({ url, attacker, seconds }) {
    const client = clientOf(url, { key: attacker.key });
    const providers = Array.from({ length: attacker.buyers }, (_, n) => `${attacker.slug}${n}`);
    const leads = offers / providers.length;
    let offered = 0;
    const began = performance.now();
    const tally = await flood(seconds, parallel, async (turn) => {
      if (turn > leads) return false;
      const json = {
        city: 'Miami',
        service_type: 'Massage',
        client_name: 'Sarah Johnson',
        client_phone: '+13055550199',
        provider_ids: providers,
        config: { ttl_hours: turn % 2 === 0 ? 24 : 4 / 3_600 },
      };
      const reply = await client.send('POST', '/api/leads', { json, timeoutMs: 30_000 });
      offered += reply.text.split('teaser queued').length - 1;
      return reply;
    });
    // The flood is in the queues; the victim is measured while it is worked off.
    await new Promise((resolve) =>
      setTimeout(resolve, Math.max(0, began + seconds * 1_000 - performance.now())),
    );
    client.close();
    return [figure('offers made; answered', `${offered}; ${tally}`)];
  },
};
