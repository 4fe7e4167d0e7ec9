import { validate as isUuid } from 'uuid';
import type { FoundSms } from '../../adapters/sms.ts';
import { bookReceipt, findReceiptTarget } from '../../db/messaging/receipts.ts';
import { findNotification } from '../../db/transport/inbox.ts';
import { PermanentError } from '../../domain/errors.ts';
import type { Run } from '../../engine/define.ts';
import { finish, type Outcome, skip } from '../../engine/outcome.ts';
import type { Cause } from '../../events/envelope.ts';
import type { Runtime } from '../runtime.ts';
import { receiveReply } from './receive-reply.ts';

type Deps = Pick<Runtime, 'db' | 'vault' | 'sms' | 'relay'>;

/**
 * Follows up on an unsigned callback: it is only a hint, so the text or delivery status it names is fetched from the
 * vendor by id, and what the vendor returns is processed.
 */
export async function fetchInbound(inboxId: string, deps: Deps, run: Run, cause: Cause): Promise<Outcome> {
  const hint = await findNotification(deps.db, inboxId);
  if (!hint?.vendorId) return skip('the callback names no message');
  if (!deps.sms.fetchInbound) return skip('the current vendor has no unsigned callbacks');
  if (hint.kind === 'receipt') return fetchStatus(hint.vendorId, deps, cause);
  const text = await deps.sms.fetchInbound(hint.vendorId);
  if (!text) return skip('the vendor has no such text');
  const { action } = await receiveReply(deps, {
    source: 'textmagic',
    externalId: text.vendorId,
    ourNumber: deps.sms.ourNumber,
    from: text.from,
    body: text.body,
    now: run.now,
    cause,
  });
  return finish({}, `text fetched: ${action}`);
}

async function fetchStatus(vendorId: string, { db, sms, relay }: Deps, cause: Cause): Promise<Outcome> {
  const found = await knownStatus(sms, vendorId);
  if (!found) return skip('the vendor knows no such message');
  const receipt = {
    vendor: sms.vendor,
    effectId: found.reference && isUuid(found.reference) ? found.reference : null,
    vendorId: found.vendorId,
    status: found.status,
    code: found.failure ?? null,
    vendorCode: found.vendorCode ?? null,
  };
  const message = await findReceiptTarget(db, receipt);
  if (!message) return skip('not a message of this system');
  await relay.commit(bookReceipt(message, receipt), { cause });
  return finish({}, `delivery status fetched: ${found.status}`);
}

/**
 * Returns null for a message that the vendor does not know: anyone with the address can send callbacks, so such an id is
 * neither a failure of ours nor a reason for an alert.
 */
async function knownStatus(sms: Deps['sms'], vendorId: string): Promise<FoundSms | null> {
  try {
    return await sms.status(vendorId);
  } catch (error) {
    const isUnknown = error instanceof PermanentError && ['not_found', 'bad_request'].includes(error.code);
    if (isUnknown) return null;
    throw error;
  }
}
