import { fastifySSE } from '@fastify/sse';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Database } from '../../../db/client.ts';
import { type Campaign, findCampaign } from '../../../db/marketplace/campaigns.ts';
import { readCandidates } from '../../../db/marketplace/distribution.ts';
import {
  type CampaignStanding,
  campaignPulse,
  campaignStanding,
} from '../../../db/marketplace/distributions.ts';
import { findSeller } from '../../../db/marketplace/sellers.ts';
import { ruleText } from '../../../domain/marketplace/decision-words.ts';
import { isOfferable, marketRefusal } from '../../../domain/matching/market-rules.ts';
import type { Runtime } from '../../../usecases/runtime.ts';
import { sellerOf } from '../../auth/caller.ts';
import { missing } from '../../http/contract.ts';
import { createHeartbeat, type Heartbeat } from '../../http/heartbeat.ts';
import { createStreams, eventStream } from '../../http/streams.ts';
import { createTtlCache, type TtlCache } from '../../http/ttl-cache.ts';
import { unknownCampaign } from '../campaigns.ts';
import { idOf } from '../fields.ts';
import type { MarketSite } from './site.ts';

/** Whether a subscription can buy the campaign's next lead. */
export type BuyerStanding = {
  soldToday: number;
  /** What stands in its way, in words; null when nothing does. */
  blockedBy: string | null;
  /** Its wallet is short, so that it is offered leads by text. */
  byOffer: boolean;
};
export type Standing = CampaignStanding & {
  /** By the ids of subscriptions. */
  buyers: ReadonlyMap<string, BuyerStanding>;
  soldToday: number;
  /** Subscriptions that can buy now. */
  able: number;
};

const momentMs = 800;

/** How campaigns stand now. Many viewers of one cost as much as one. */
export function createStandings({ db, sms: { ourNumber } }: Pick<Runtime, 'db' | 'sms'>): {
  of(campaign: Campaign): Promise<Standing>;
} {
  const cache: TtlCache = createTtlCache();
  return { of: (campaign) => cache.get(campaign.id, momentMs, () => standingOf(db, campaign, ourNumber)) };
}

async function standingOf({ reader }: Database, campaign: Campaign, ourNumber: string): Promise<Standing> {
  const { id, organizationId, name, status, distributionLogic, priceMinor, maxSales, updatedAt } = campaign;
  const seller = await findSeller(reader, organizationId);
  const timeZone = seller?.timeZone ?? 'UTC';
  const version = updatedAt.toISOString();
  const facts = { version, active: status === 'ACTIVE', logic: distributionLogic, priceMinor, maxSales };
  const [counts, candidates] = await Promise.all([
    campaignStanding(reader, id),
    readCandidates(reader, { ...facts, id, organizationId, name, repeatWindowDays: 0, timeZone }, ourNumber),
  ]);
  // A lead without a state, of a person that no buyer has bought.
  const lead = { state: null, boughtBy: new Set<string>(), offeredTo: new Set<string>(), isOfferable: true };
  const buyers = new Map(
    candidates.map((candidate): [string, BuyerStanding] => {
      const refusal = marketRefusal({ lead, campaign: facts, candidate });
      const takesOffer = refusal?.rule === 'wallet' && isOfferable({ lead, campaign: facts, candidate });
      const blockedBy = refusal && !takesOffer ? ruleText(refusal.rule, refusal.seen) : null;
      return [candidate.subscriptionId, { soldToday: candidate.soldToday, blockedBy, byOffer: takesOffer }];
    }),
  );
  const all = [...buyers.values()];
  return {
    ...counts,
    buyers,
    soldToday: all.reduce((sum, { soldToday }) => sum + soldToday, 0),
    able: all.filter(({ blockedBy }) => blockedBy === null).length,
  };
}

/** Announces that something of a campaign changed, not what: the page fetches itself with its own session. */
export async function campaignStream(
  app: FastifyInstance,
  { runtime: { db, log } }: MarketSite,
): Promise<void> {
  await app.register(fastifySSE, { heartbeatInterval: 15_000 });
  const beats = new Map<string, { heartbeat: Heartbeat; watchers: number }>();
  app.addHook('preClose', async () => {
    for (const { heartbeat } of beats.values()) heartbeat.close();
  });
  const streams = createStreams(app);
  const beatOf = (campaignId: string) => {
    let beat = beats.get(campaignId);
    if (!beat) {
      const pulse = () => campaignPulse(db.reader, campaignId);
      beat = { heartbeat: createHeartbeat({ pulse, log }), watchers: 0 };
      beats.set(campaignId, beat);
    }
    return beat;
  };
  const options = { schema: { hide: true }, ...eventStream };
  app.get('/market/campaigns/:id/live', options, async (request, reply) => {
    const campaignId = await ownCampaign(db, request);
    const stream = streams.open(reply, sellerOf(request).organizationId);
    const beat = beatOf(campaignId);
    beat.watchers += 1;
    const stop = beat.heartbeat.watch(() => stream.send({ event: 'changed', data: 1 }));
    stream.onClose(() => {
      stop();
      beat.watchers -= 1;
      if (beat.watchers === 0) beats.delete(campaignId);
    });
    stream.send({ event: 'hello', data: 1, retry: 2_000 });
  });
}

async function ownCampaign(db: Database, request: FastifyRequest): Promise<string> {
  const id = idOf(request.params, unknownCampaign);
  const campaign = await findCampaign(db, sellerOf(request), id);
  if (!campaign) throw missing(unknownCampaign);
  return campaign.id;
}
