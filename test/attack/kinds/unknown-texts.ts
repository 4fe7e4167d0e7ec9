import { createDatabase } from '../../../src/db/client.ts';
import { quotas } from '../../../src/domain/account/quotas.ts';
import { clientOf, flood } from '../client.ts';
import { atMost, figure, type Kind } from '../target.ts';

const parallel = 24;

/** Texts of numbers that were never offered anything: each is a row that means nothing. */
export const unknownTexts: Kind = {
  name: 'unknown-texts',
  about: 'Texts from numbers without an offer, until the day’s quota is used up or the time is.',
  flood: true,
  async attack({ url, attacker, seconds, databaseUrl }) {
    const client = clientOf(url, { key: attacker.key });
    const tally = await flood(seconds, parallel, (turn) =>
      client.send('POST', '/api/leads/sms-response', {
        json: {
          provider_phone: `+1305${4_000_000 + turn}`,
          message: 'hello '.repeat(200),
          timestamp: '2026-11-27T12:00:00Z',
        },
      }),
    );
    client.close();
    const db = createDatabase({ url: databaseUrl, max: 1 });
    const [stored] = await db.query<{ texts: number; phones: number }>(
      'SELECT (SELECT count(*)::int FROM inbox) AS texts, (SELECT count(*)::int FROM phones) AS phones',
    );
    await db.close();
    const { perOrganization } = quotas.unknown_texts;
    return [
      figure('answered', `${tally}`),
      atMost('texts stored', stored!.texts, perOrganization),
      figure('numbers stored', `${stored!.phones}`),
    ];
  },
};
