import { setTimeout as pause } from 'node:timers/promises';
import { createDatabase } from '../../../src/db/client.ts';
import { vendorsAt } from '../../chaos/vendors.ts';
import { clientOf } from '../client.ts';
import { holds, type Kind, phoneOf } from '../target.ts';

const buyer = 60;
const phone = phoneOf('attacker', buyer);
const secret = 'Sarah Readrefund';
const leadId = 'lead_readrefund';
const patienceMs = 15_000;

/** S37: details that were read on the pay page cannot be taken back by a refund. */
export const readThenRefund: Kind = {
  name: 'read-then-refund',
  about: 'A buyer reads the details on the pay page before their text is sent, and gets the money back.',
  flood: false,
  async attack({ url, attacker, sandboxUrl, databaseUrl }) {
    const client = clientOf(url, { key: attacker.key });
    const vendors = vendorsAt(sandboxUrl);
    const db = createDatabase({ url: databaseUrl, max: 1 });
    const reaches = async <R>(
      what: string,
      query: string,
      ok: (row: R | undefined) => boolean,
    ): Promise<R> => {
      const deadline = Date.now() + patienceMs;
      for (;;) {
        const [row] = await db.query<R>(query, [leadId]);
        if (row && ok(row)) return row;
        if (Date.now() > deadline) throw new Error(`timed out: ${what}, still ${JSON.stringify(row)}`);
        // Rows send no signal.
        await pause(50);
      }
    };
    const status = (wanted: string) =>
      reaches<{ status: string }>(wanted, unlockNow, (row) => row?.status === wanted);
    try {
      await client.send('POST', '/api/leads', { json: leadOf() });
      await status('AWAIT_CONFIRM');
      await vendors.reply(phone, `Y ${leadId}`);
      await status('AWAITING_PAYMENT');
      const page = await payPage(vendors, url);
      const checkout = await client.send('POST', page);
      const session = checkout.headers.location?.split('/').pop() ?? '';
      // The carrier's rate limit holds the details text back.
      const fault = {
        vendor: 'twilio',
        kind: 'rate_limit',
        retryAfter: 3,
        contains: phone,
        method: 'POST',
      } as const;
      await vendors.fault(fault);
      const paid = await vendors.control<{ paymentIntent: { id: string } }>(
        'POST',
        `checkout/${session}/pay`,
        {},
      );
      await status('PAID');
      const read = await client.send('POST', `${page}/details`);
      await vendors.control('POST', `payments/${paid.paymentIntent.id}/refund`, {});
      await reaches<{ refunded: boolean }>('the refund', paymentNow, (row) => row?.refunded === true);
      await vendors.clearFaults();
      const [after] = await db.query<{ status: string; sold: number; flagged: boolean }>(afterwards, [
        leadId,
      ]);
      return [
        holds('the details were read before the refund', read.text.includes(secret), `${read.status}`),
        holds('the slot stays sold', after!.status !== 'EXPIRED' && after!.sold === 1, `${after!.status}`),
        holds('the buyer is flagged', after!.flagged),
      ];
    } finally {
      await vendors.clearFaults();
      await db.close();
      client.close();
    }
  },
};

const leadOf = () => ({
  lead_id: leadId,
  city: 'Miami',
  service_type: 'Massage',
  client_name: secret,
  client_phone: '+13055550199',
  provider_ids: [`attacker${buyer}`],
  config: { price_cents: 20_000, currency: 'usd', max_sales: 1 },
});

async function payPage(vendors: ReturnType<typeof vendorsAt>, url: string): Promise<string> {
  const { entries } = await vendors.ledger(
    `operation=message.create&accepted=true&contains=${encodeURIComponent(`(Lead ${leadId})`)}`,
  );
  const link = /https?:\/\/\S+(\/p\/[\w-]+)/.exec(entries[0]?.text ?? '')?.[1];
  if (!link) throw new Error(`no pay link of ${url} was sent`);
  return link;
}

const ofLead = 'JOIN leads l ON l.id = u.lead_id WHERE l.public_id = $1';
const unlockNow = `SELECT u.status FROM lead_unlocks u ${ofLead}`;
const paymentNow = `SELECT p.refunded_minor > 0 AS refunded FROM payments p JOIN lead_unlocks u ON p.unlock_id = u.id ${ofLead}`;
const afterwards = `SELECT u.status, b.flagged_at IS NOT NULL AS flagged,
    (SELECT count(*)::int FROM sold_slots s WHERE s.lead_id = u.lead_id AND s.unlock_id IS NOT NULL) AS sold
  FROM lead_unlocks u JOIN buyers b ON b.id = u.buyer_id ${ofLead}`;
