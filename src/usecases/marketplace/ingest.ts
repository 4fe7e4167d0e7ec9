import { randomBytes } from 'node:crypto';
import { inBatches } from '../../db/batches.ts';
import { CommitOutcomeUnknownError } from '../../db/client.ts';
import { violatedUnique } from '../../db/constraints.ts';
import {
  type AskedFacts,
  findIngestFacts,
  findRecentIngest,
  type Ingested,
  type IngestedLead,
  type IngestOwner,
  insertIngested,
  insertKeyOf,
  storedOf,
} from '../../db/marketplace/ingest.ts';
import { firstAnswer, type IdempotencyKey } from '../../db/transport/idempotency.ts';
import { RefusedError } from '../../domain/errors.ts';
import { newLeadId } from '../../domain/lead/lead.ts';
import {
  contentOf,
  type GivenLead,
  type IngestFacts,
  idOf,
  type JudgedIngest,
  type JudgedLead,
  judgeIngest,
  refusalOfShape,
} from '../../domain/marketplace/ingest.ts';
import { startSlice } from '../../engine/slices.ts';
import type { Cause } from '../../events/envelope.ts';
import { newId } from '../../events/new-id.ts';
import { subjects } from '../../events/subjects.ts';
import type { Runtime } from '../runtime.ts';

type Deps = Pick<Runtime, 'db' | 'relay' | 'vault'>;

type Sender = IngestOwner & {
  /** Null for a lead that no Idempotency-Key came with. */
  key: IdempotencyKey | null;
  /** The request that its event results from. */
  cause: Cause;
};

/** The lead, also when it was stored by an earlier request. */
export type StoredIngest = { leadId: string; publicId: string };

export type Ingest = {
  /** Judges a lead by the campaign that it names. Lookups of concurrent requests are shared. */
  judge(given: GivenLead, owner: IngestOwner): Promise<JudgedIngest>;
  /** The same for many, in their order: each campaign is looked up once, and other requests go on in between. */
  judgeAll(given: readonly GivenLead[], owner: IngestOwner): Promise<JudgedIngest[]>;
  /** Stores a judged lead with its event; concurrent ones share a statement, in which each has its own outcome. */
  store(lead: JudgedLead, sender: Sender): Promise<StoredIngest>;
  /** The same for one of many, in statements of their own: single leads do not wait for them. */
  storeOfMany(lead: JudgedLead, sender: Sender): Promise<StoredIngest>;
};

/** Members of one statement. */
export const mostTogether = 250;

/** The one way by which leads come to campaigns: by a supplier's key, in bulk, and from files. */
export function createIngest(deps: Deps): Ingest {
  const factsOf = inBatches((asked: AskedFacts[]) => factsTogether(deps, asked));
  const storing = (atOnce: number) => {
    const storeOne = inBatches((asked: Asked[]) => storeTogether(deps, asked), {
      atOnce,
      most: mostTogether,
    });
    return async (lead: JudgedLead, sender: Sender) => {
      const stored = await storeOne({ lead, sender });
      if (stored instanceof Error) throw stored;
      return stored;
    };
  };
  const factsFor = (given: GivenLead, { organizationId, supplierId }: IngestOwner) => {
    const campaignId = idOf(given.campaignId);
    return campaignId === null ? nothingKnown : factsOf({ organizationId, supplierId, campaignId });
  };
  return {
    async judge(given, owner) {
      const refusal = refusalOfShape(given);
      if (refusal) return { ok: false, refusal };
      return judgeIngest(given, await factsFor(given, owner));
    },
    async judgeAll(given, owner) {
      const named = [...new Map(given.map((each) => [each.campaignId, each])).values()];
      const known = new Map(
        await Promise.all(named.map(async (each) => [each.campaignId, await factsFor(each, owner)] as const)),
      );
      const judged: JudgedIngest[] = [];
      const slice = startSlice();
      for (const each of given) {
        if (slice.isOver()) await slice.next();
        judged.push(judgeIngest(each, known.get(each.campaignId)!));
      }
      return judged;
    },
    store: storing(3),
    storeOfMany: storing(2),
  };
}

const nothingKnown: IngestFacts = { campaign: null, maySend: false, testMode: false };

/** Concurrent requests ask for the same few campaigns: each is looked up once. */
async function factsTogether({ db }: Deps, asked: readonly AskedFacts[]): Promise<IngestFacts[]> {
  const nameOf = ({ organizationId, supplierId, campaignId }: AskedFacts) =>
    `${organizationId} ${supplierId} ${campaignId}`;
  const distinct = new Map(asked.map((each) => [nameOf(each), each]));
  const found = await findIngestFacts(db, [...distinct.values()]);
  const byName = new Map([...distinct.keys()].map((name, index) => [name, found[index]!]));
  return asked.map((each) => byName.get(nameOf(each))!);
}

type Asked = { lead: JudgedLead; sender: Sender };

/** What makes two leads of a supplier the same; null where none are. */
const identityOf = ({ supplierId, hash }: IngestedLead): string | null =>
  supplierId === null || hash === null ? null : `${supplierId} ${hash}`;

/** The refusal of one of them is its own outcome: the others are stored. */
async function storeTogether(deps: Deps, asked: readonly Asked[]): Promise<(StoredIngest | RefusedError)[]> {
  const all = asked.map((each) => prepared(deps, each));
  const first = new Map<string, Ingested>();
  for (const each of all) {
    const identity = identityOf(each.lead);
    if (identity !== null && !first.has(identity)) first.set(identity, each);
  }
  const isFirst = (each: Ingested) => {
    const identity = identityOf(each.lead);
    return identity === null || first.get(identity) === each;
  };
  const stored = await commitOnce(deps, all.filter(isFirst));
  return Promise.all(
    all.map(async (each) => {
      const { id: leadId, publicId } = each.lead;
      if (stored.has(leadId)) return { leadId, publicId };
      return earlier(deps, each).catch((error: unknown) => {
        if (error instanceof RefusedError) return error;
        throw error;
      });
    }),
  );
}

/** Returns the ids of the leads that were stored now. */
async function commitOnce(deps: Deps, ingested: readonly Ingested[]): Promise<Set<string>> {
  try {
    const { returned } = await deps.relay.commit(insertIngested(ingested));
    return new Set(returned as string[]);
  } catch (error) {
    if (error instanceof CommitOutcomeUnknownError) {
      const found = await storedOf(
        deps.db,
        ingested.map(({ lead }) => lead.id),
      );
      if (found.length > 0) return new Set(found);
    }
    // The only member has a key that was used while it was on its way; of several, each is tried alone.
    if (ingested.length === 1 && ingested[0]!.key && violatedUnique(error) !== null) return new Set();
    throw error;
  }
}

/** The lead that stands for this one: of its key, or with the same content. */
async function earlier({ db }: Deps, { lead, key }: Ingested): Promise<StoredIngest> {
  const answered = await firstAnswer(db, key);
  if (answered) return answered.body as StoredIngest;
  const { supplierId, hash } = lead;
  const found =
    supplierId !== null && hash !== null ? await findRecentIngest(db, { supplierId, hash }) : null;
  if (found === null)
    throw new RefusedError(
      503,
      'unavailable',
      'Too many requests for the same lead at once. Please repeat.',
      {
        retryAfterSeconds: 1,
      },
    );
  if (key) await insertKeyOf(db, key, found);
  return found;
}

function prepared({ vault }: Deps, { lead, sender }: Asked): Ingested {
  const { organizationId, supplierId, key, cause } = sender;
  const id = newId();
  return {
    key,
    lead: {
      id,
      organizationId,
      supplierId,
      publicId: newLeadId(randomBytes),
      campaignId: lead.campaignId,
      categoryId: lead.categoryId,
      public: { data: lead.public },
      contact: Object.keys(lead.locked).length > 0 ? vault.sealJson(lead.locked) : null,
      state: lead.state,
      quality: lead.quality,
      isTest: lead.isTest,
      phoneHash: lead.phone === null ? null : vault.index(lead.phone),
      emailHash: lead.email === null ? null : vault.index(lead.email),
      hash: supplierId === null ? null : vault.index(contentOf(lead)),
    },
    event: {
      type: 'lead.received',
      organizationId,
      subject: subjects.lead(id),
      data: { leadId: id },
      cause,
    },
  };
}
