import { type Campaign, findCampaign } from '../../db/marketplace/campaigns.ts';
import {
  insertSubscription,
  type NewSubscription,
  type Subscriber,
  type SubscribingState,
  type Subscription,
  subscribingState,
} from '../../db/marketplace/subscriptions.ts';
import { openToBuyers } from '../../domain/account/quotas.ts';
import { ContractError } from '../../domain/errors.ts';
import { newId } from '../../events/new-id.ts';
import type { Runtime } from '../runtime.ts';

const noCampaign = () => new ContractError(404, 'not_found', 'Campaign not found');
export const noStates = () =>
  new ContractError(400, 'invalid_input', 'State selection is not allowed for this campaign');

/**
 * Subscribes a buyer to a campaign. Throws the refusals of the contract, in its order: existence, ownership, state; and
 * StoredQuotaError when the buyers of its seller have as many as they may make by themselves.
 */
export async function subscribe(
  { db, quotas }: Pick<Runtime, 'db' | 'quotas'>,
  subscriber: Subscriber,
  order: Omit<NewSubscription, 'id'>,
  actor: string,
): Promise<{ subscription: Subscription; campaign: Campaign }> {
  const subscription = await quotas.stored('subscriptions', subscriber.organizationId, (most) =>
    insertSubscription(db, subscriber, { id: newId(), ...order, most: openToBuyers(most) }, actor),
  );
  if (!subscription)
    throw refusalOf(await subscribingState(db, subscriber.buyerId, order.campaignId), subscriber, order);
  const campaign = await findCampaign(db, subscriber, order.campaignId);
  if (!campaign) throw noCampaign();
  return { subscription, campaign };
}

function refusalOf(
  state: SubscribingState | null,
  { organizationId }: Subscriber,
  { states }: Pick<NewSubscription, 'states'>,
): ContractError {
  if (!state) return noCampaign();
  if (state.organizationId !== organizationId)
    return new ContractError(403, 'forbidden', 'This campaign does not belong to your seller');
  if (!state.buyerActive)
    return new ContractError(403, 'forbidden', 'Forbidden', 'This buyer’s account is not active.');
  if (state.status !== 'ACTIVE')
    return new ContractError(400, 'invalid_input', 'This campaign is not active');
  if (states.length > 0 && !state.allowStateSelection && !state.subscribed) return noStates();
  return new ContractError(400, 'invalid_input', 'Already subscribed to this campaign');
}
