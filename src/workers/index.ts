import type { AnyWorker } from '../engine/define.ts';
import type { WorkerName } from '../events/routes.ts';
import type { Runtime } from '../usecases/runtime.ts';
import { accountKeeper } from './account-keeper.ts';
import { distributor } from './distributor.ts';
import { expirer } from './expirer.ts';
import { ghlSyncer } from './ghl-syncer.ts';
import { importer } from './importer.ts';
import { inbound } from './inbound.ts';
import { notifier } from './notifier.ts';
import { paymentLinker } from './payment-linker.ts';
import { revealer } from './revealer.ts';
import { teaserSender } from './teaser-sender.ts';

export const workers = {
  distributor,
  'teaser-sender': teaserSender,
  'payment-linker': paymentLinker,
  revealer,
  notifier,
  expirer,
  importer,
  inbound,
  'ghl-syncer': ghlSyncer,
  'account-keeper': accountKeeper,
} satisfies { [N in WorkerName]: AnyWorker<Runtime> & { name: N } };
