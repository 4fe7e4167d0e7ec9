import type { ChargeResult, Payment } from '../../adapters/payments.ts';
import type { TopUp } from '../../db/payment/wallet-top-ups.ts';
import type { Advice } from '../../domain/payment/declines.ts';
import { descriptions } from '../../domain/payment/wallet-texts.ts';
import type { EffectResult, EffectRun } from '../../engine/posting.ts';
import { subjects } from '../../events/subjects.ts';
import type { Runtime } from '../runtime.ts';

type Deps = Pick<Runtime, 'effects' | 'payments' | 'config'>;

/** What Stripe answered to a charge, as it is recorded: without the secret that lets a browser confirm it. */
export type Charged =
  | { kind: 'succeeded'; paymentIntent: string }
  | { kind: 'needs_action'; paymentIntent: string }
  | { kind: 'processing'; paymentIntent: string }
  | { kind: 'declined'; paymentIntent: string | null; code: string; advice: Advice; message: string };

/** One key per attempt: Stripe replays a decline to a repeated key, and repeats no charge. */
export const chargeKey = ({ id, kind, attempts }: TopUp): string =>
  kind === 'recharge' ? `recharge:${id}:${attempts + 1}` : `top-up:${id}`;

/** Where the bank's page of a charge leads back to. */
export const returnPage = ({ publicUrl }: Pick<Runtime['config'], 'publicUrl'>, topUpId: string) =>
  `${publicUrl}/market/wallet/top-ups/${topUpId}`;

/**
 * Charges the card of a top-up once, however often this is called for one attempt. After a decline the same payment is
 * tried again, so that it can be paid only once.
 */
export function chargeTopUp(deps: Deps, topUp: TopUp, run: EffectRun): Promise<EffectResult<Charged>> {
  const key = chargeKey(topUp);
  return deps.effects.keyed<Charged>(run, {
    key,
    vendor: 'stripe',
    kind: 'charge',
    organizationId: topUp.organizationId,
    subject: subjects.top_up(topUp.id),
    call: async (idempotencyKey) => answerOf(await callStripe(deps, topUp, idempotencyKey)),
    find: async (_key, since) => {
      const { paymentIntent, customerId: customer } = topUp;
      // A payment that is known is confirmed again, which charges it once.
      if (paymentIntent !== null || customer === null) return null;
      const made = await deps.payments.findCharge({ customer, metadata: metadataOf(topUp), since });
      return made && answerOf(made);
    },
  });
}

const metadataOf = ({ id, buyerId }: TopUp) => ({ kind: 'top_up', top_up_id: id, buyer_id: buyerId });

function answerOf(result: ChargeResult): { vendorId: string | null; result: Charged } {
  const charged = chargedOf(result);
  return { vendorId: charged.paymentIntent, result: charged };
}

function callStripe(
  { payments, config }: Pick<Deps, 'payments' | 'config'>,
  topUp: TopUp,
  idempotencyKey: string,
): Promise<ChargeResult> {
  const { id, kind, amountMinor, currency, customerId, card, paymentIntent } = topUp;
  if (customerId === null || card === null) throw new Error('a top-up is charged without a card');
  const offSession = kind === 'recharge';
  if (paymentIntent !== null)
    return payments.confirmCharge({ idempotencyKey, paymentIntent, paymentMethod: card, offSession });
  return payments.chargeCard({
    idempotencyKey,
    amount: amountMinor,
    currency,
    customer: customerId,
    paymentMethod: card,
    offSession,
    description: offSession ? descriptions.recharge : descriptions.topUp,
    metadata: metadataOf(topUp),
    ...(!offSession && { returnUrl: returnPage(config, id) }),
  });
}

function chargedOf(result: ChargeResult): Charged {
  switch (result.kind) {
    case 'succeeded':
      return { kind: 'succeeded', paymentIntent: result.payment.paymentIntent };
    case 'declined': {
      const { paymentIntent, advice, message, code, declineCode } = result;
      return { kind: 'declined', paymentIntent, code: declineCode || code, advice, message };
    }
    default:
      return { kind: result.kind, paymentIntent: result.paymentIntent };
  }
}

/** What a captured payment differs in from the top-up that it names; null when all agrees. */
export function mismatchOf(
  topUp: TopUp,
  payment: Payment,
  live: boolean,
): 'metadata' | 'customer' | 'amount' | 'currency' | 'livemode' | null {
  if (payment.metadata.kind !== 'top_up' || payment.metadata.top_up_id !== topUp.id) return 'metadata';
  if (payment.customer === null || payment.customer !== topUp.customerId) return 'customer';
  if (payment.amountReceived !== topUp.amountMinor) return 'amount';
  if (payment.currency !== topUp.currency) return 'currency';
  return payment.livemode === live ? null : 'livemode';
}
