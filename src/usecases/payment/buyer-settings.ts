import { changeBuyerSettings } from '../../db/payment/wallets.ts';
import type { Runtime } from '../runtime.ts';
import { rechargeIfLow } from './cards.ts';

type Settings = Parameters<typeof changeBuyerSettings>[2];
const ofRecharge = [
  'autoRechargeEnabled',
  'autoRechargeThresholdMinor',
  'autoRechargeAmountMinor',
] as const satisfies (keyof Settings)[];

/**
 * Changes the given settings of a buyer, by whichever door they come, and charges at once where those of auto-recharge ask
 * for it. Amounts in cents. Returns false when the organization has no such buyer.
 */
export async function changeSettings(
  deps: Pick<Runtime, 'db' | 'relay' | 'config'>,
  buyer: { organizationId: string; buyerId: string },
  settings: Settings,
  actor: string,
): Promise<boolean> {
  const found = await changeBuyerSettings(deps.db, buyer, settings, actor);
  if (found && ofRecharge.some((name) => settings[name] !== undefined)) await rechargeIfLow(deps, buyer);
  return found;
}
