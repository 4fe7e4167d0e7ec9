import { clientOf, flood } from '../client.ts';
import { figure, type Kind } from '../target.ts';

const parallel = 12;

/** S35: what a body costs is not its length, but the number of its values. */
export const tinyValues: Kind = {
  name: 'tiny-values',
  about: 'Twelve connections post bodies of up to 16 MB that consist of empty objects.',
  flood: true,
  async attack({ url, attacker, seconds }) {
    const client = clientOf(url, { key: attacker.key });
    const large = Buffer.from(`{"leads":[${'{},'.repeat(5_500_000)}{}]}`);
    const small = Buffer.from(`{"city":[${'[],'.repeat(340_000)}[]]}`);
    const headers = { 'content-type': 'application/json' };
    const tally = await flood(seconds, parallel, (turn) =>
      turn % 3 === 0
        ? client.send('POST', '/api/leads', { body: small, headers, timeoutMs: 30_000 })
        : client.send('POST', '/api/leads/bulk', { body: large, headers, timeoutMs: 30_000 }),
    );
    client.close();
    return [figure('answered', `${tally}`)];
  },
};
