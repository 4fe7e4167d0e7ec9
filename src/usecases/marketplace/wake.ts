import { beginDrains, findDueCampaigns } from '../../db/marketplace/pending.ts';
import type { Runtime } from '../runtime.ts';

/** Begins to try the waiting leads of the campaigns that are due, in one of the processes. */
export async function wakeDueCampaigns({ db, relay }: Pick<Runtime, 'db' | 'relay'>): Promise<void> {
  const due = await findDueCampaigns(db);
  if (due.length > 0) await relay.commit(beginDrains(due));
}
