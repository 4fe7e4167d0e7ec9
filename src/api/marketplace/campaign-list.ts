import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Queryable } from '../../db/client.ts';
import { type Campaign, campaignsAfter, listCampaigns } from '../../db/marketplace/campaigns.ts';
import { newestSubscriptions, ownSubscriptions } from '../../db/marketplace/subscriptions.ts';
import type { CampaignStatus } from '../../domain/marketplace/campaign.ts';
import type { Party } from '../auth/caller.ts';
import { type Page, pagination } from '../http/contract.ts';
import { inTurn } from '../http/turns.ts';
import { buyerCampaign, sellerCampaign } from './catalog-json.ts';

/** Without `page` and `limit` a list has this many campaigns at most. */
export const mostInAll = 10_000;
/** A whole list is read and sent in batches of this many, so that memory does not grow with it. */
const batchSize = 200;
/** Where a list that was cut at `mostInAll` goes on. */
const nextPage = { limit: 1_000, page: mostInAll / 1_000 + 1 };

/** Of each campaign at most the newest 100 subscriptions are listed, and about this many in one answer: at least one of each. */
const mostListed = 1_000;
const listedOfEach = (campaigns: number) => Math.min(100, Math.ceil(mostListed / Math.max(1, campaigns)));

type List = {
  db: Queryable;
  party: Party;
  /** Whose turns are taken. */
  request: FastifyRequest;
};

function byCampaign<T extends { campaignId: string }>(rows: readonly T[]): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const row of rows) {
    const group = groups.get(row.campaignId);
    if (group) group.push(row);
    else groups.set(row.campaignId, [row]);
  }
  return groups;
}

/** Campaigns as their viewer sees them: a seller with the newest subscriptions of each, a buyer with his own. */
export async function shownCampaigns(
  db: Queryable,
  party: Party,
  campaigns: readonly Campaign[],
  each = listedOfEach(campaigns.length),
) {
  const ids = campaigns.map(({ id }) => id);
  if (party.role === 'buyer') {
    const own = byCampaign(await ownSubscriptions(db, party, ids));
    return campaigns.map((campaign) => buyerCampaign(campaign, own.get(campaign.id) ?? []));
  }
  const sold = byCampaign(await newestSubscriptions(db, party.organizationId, ids, each));
  return campaigns.map((campaign) => sellerCampaign(campaign, sold.get(campaign.id) ?? []));
}

export async function campaignPage({ db, party, request }: List, status: CampaignStatus | null, page: Page) {
  return inTurn(request, async () => {
    const filter = { status, limit: page.limit, offset: (page.page - 1) * page.limit };
    const { campaigns, total } = await listCampaigns(db, party, filter);
    return { campaigns: await shownCampaigns(db, party, campaigns), pagination: pagination(page, total) };
  });
}

/**
 * All campaigns, up to `mostInAll`. More than one batch is streamed at the pace of the client: a failure before the first
 * one is answered as one, and a later one ends the connection, so that no client takes a part for the whole.
 */
export async function allCampaigns(list: List, status: CampaignStatus | null, reply: FastifyReply) {
  const { db, party, request } = list;
  const first = await inTurn(request, async () => {
    const { campaigns, total } = await listCampaigns(db, party, { status, limit: batchSize, offset: 0 });
    const each = listedOfEach(Math.min(total, mostInAll));
    return { campaigns: await shownCampaigns(db, party, campaigns, each), total, each };
  });
  const { campaigns, total, each } = first;
  const whole = { campaigns, pagination: pagination({ page: 1, limit: mostInAll }, total) };
  if (campaigns.length < batchSize || total <= batchSize) return whole;
  if (total > mostInAll) {
    const query = new URLSearchParams({
      ...(status ? { status } : {}),
      page: `${nextPage.page}`,
      limit: `${nextPage.limit}`,
    });
    reply.header('link', `</api/campaigns?${query}>; rel="next"`);
  }
  reply.type('application/json; charset=utf-8');
  return reply.send(Readable.from(inBatches(list, status, { ...whole, each }), { objectMode: false }));
}

type Shown = Awaited<ReturnType<typeof shownCampaigns>>;
type Begun = { campaigns: Shown; pagination: ReturnType<typeof pagination>; each: number };

/** The JSON of the answer, batch by batch. */
async function* inBatches(
  { db, party, request }: List,
  status: CampaignStatus | null,
  { campaigns: first, pagination, each }: Begun,
): AsyncGenerator<string> {
  yield `{"campaigns":${JSON.stringify(first).slice(0, -1)}`;
  let sent = first.length;
  let last = first.at(-1)!.id;
  while (sent < mostInAll) {
    const after = last;
    const batch = await inTurn(request, async () => {
      const rows = await campaignsAfter(db, party, {
        status,
        limit: Math.min(batchSize, mostInAll - sent),
        after,
      });
      return shownCampaigns(db, party, rows, each);
    });
    if (batch.length === 0) break;
    yield `,${JSON.stringify(batch).slice(1, -1)}`;
    sent += batch.length;
    last = batch.at(-1)!.id;
  }
  yield `],"pagination":${JSON.stringify(pagination)}}`;
}
