import { quotas } from '../../../src/domain/account/quotas.ts';
import { clientOf, flood } from '../client.ts';
import { atMost, figure, type Kind } from '../target.ts';

const parallel = 20;

/** S35: every attempt to connect a CRM is a call outside, made for any caller. */
export const crmConnects: Kind = {
  name: 'crm-connects',
  about: 'Attempts to connect a CRM with wrong tokens, twenty at a time.',
  flood: true,
  async attack({ url, attacker, seconds, sandboxUrl }) {
    const client = clientOf(url, { key: attacker.key });
    const tally = await flood(seconds, parallel, (turn) =>
      client.send('PATCH', `/api/companies/${attacker.company}`, {
        json: { crm: { vendor: 'ghl', location_id: 'location-attacker', token: `pit-wrong-${turn}` } },
        timeoutMs: 20_000,
      }),
    );
    const sandbox = clientOf(sandboxUrl);
    const ledger = await sandbox.send('GET', '/_sandbox/ledger?vendor=ghl&reads=true&limit=100000');
    const { entries } = JSON.parse(ledger.text) as { entries: unknown[] };
    sandbox.close();
    client.close();
    const { perOrganization, seconds: window } = quotas.crm_attempts;
    const allowed = perOrganization * (1 + Math.ceil(seconds / window));
    return [
      figure('answered', `${tally}`),
      atMost('attempts that were made', tally.total - tally.of(429, 0), allowed),
      // One attempt asks the CRM at most three things.
      atMost('calls to the CRM', entries.length, 3 * allowed),
    ];
  },
};
