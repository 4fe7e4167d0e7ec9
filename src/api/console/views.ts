import { reversalsOfUnlock, salesMoney } from '../../db/payment/figures.ts';
import {
  attentionCounts,
  type InboxRow,
  listAlertGroups,
  listInbox,
  listParkedGroups,
  type ParkedGroup,
  parkedScan,
  workerPulses,
} from '../../db/transport/attention.ts';
import { outboxFigures } from '../../db/transport/outbox.ts';
import { workerPresence } from '../../db/transport/worker-processes.ts';
import {
  dayFigures,
  findUnlockDetail,
  listSiblings,
  listUnlocks,
  type UnlockRow,
} from '../../db/unlock/list.ts';
import { unlockTimeline } from '../../db/unlock/timeline.ts';
import { type UnlockState, unlockStates } from '../../domain/unlock/machine.ts';
import type { Runtime } from '../../usecases/runtime.ts';
import type { TtlCache } from '../http/ttl-cache.ts';
import { alertItems, inboxItems, parkedItems } from './attention.ts';
import { exampleLead } from './example.ts';
import { entriesOf } from './timeline.ts';
import { type OpenedText, type Overview, statusGroups, type UnlockView } from './view-types.ts';

type ViewDeps = Pick<Runtime, 'config' | 'db' | 'log' | 'vault' | 'queues'>;

const pageSize = 25;
/** Parked work and texts on the overview; the others are on pages of their own. */
const attentionSize = 5;
const momentMs = 800;
const figuresMs = 3_000;

type ListQuery = { status: string; search: string; before: string | null };

/** The console is the platform operators': it shows every organization. */
const organizationId = null;

export function createViews(deps: ViewDeps, cache: TtlCache) {
  const { reader } = deps.db;
  const { open, opened } = textOpener(deps);

  const counts = () => cache.get('counts', momentMs, () => attentionCounts(reader, organizationId));
  const health = async () => ({
    database: true,
    queue: await cache.get('queue', figuresMs, () => deps.queues.healthy()),
    backend: deps.queues.backend === 'redis' ? 'Redis' : 'PostgreSQL',
  });
  const figures = () =>
    cache.get('figures', figuresMs, async () => {
      const first = firstIdOf(Date.now() - 86_400_000);
      const [day, money, depths, pulses, presence] = await Promise.all([
        dayFigures(reader, organizationId, first),
        salesMoney(reader, organizationId, first),
        outboxFigures(reader),
        workerPulses(reader),
        workerPresence(reader),
      ]);
      return { day, money, figures: depths, pulses, presence };
    });
  const unlocks = (query: ListQuery) =>
    cache.get(JSON.stringify(query), momentMs, async () => {
      const states = statesOf(query.status);
      const rows = await listUnlocks(reader, {
        organizationId,
        states,
        search: query.search || null,
        before: query.before,
        limit: pageSize,
      });
      return {
        unlocks: rows.slice(0, pageSize),
        older: rows.length > pageSize ? lastId(rows.slice(0, pageSize)) : null,
      };
    });
  const attention = () =>
    cache.get('attention', momentMs, async () => {
      const [alerts, parked, inbox] = await Promise.all([
        listAlertGroups(reader, organizationId, 20),
        listParkedGroups(reader, { organizationId }),
        listInbox(reader, organizationId, null, attentionSize),
      ]);
      const [alertsShown, parkedShown, inboxShown] = await Promise.all([
        alertItems(reader, alerts),
        parkedItems(reader, parked.slice(0, attentionSize)),
        inboxItems(reader, inbox.slice(0, attentionSize).map(opened)),
      ]);
      return { alerts: alertsShown, parked: parkedShown, inbox: inboxShown };
    });

  return {
    counts,
    async overview(query: ListQuery): Promise<Overview> {
      const [list, waiting, numbers, figuresNow, state, curl] = await Promise.all([
        unlocks(query),
        attention(),
        counts(),
        figures(),
        health(),
        cache.get('curl', 60_000, () => exampleLead(deps)),
      ]);
      const filter = { status: query.status, search: query.search };
      return {
        now: new Date(),
        ...list,
        ...waiting,
        counts: numbers,
        ...figuresNow,
        health: state,
        filter,
        curl,
      };
    },
    async parked(before: number | null) {
      const groups = await listParkedGroups(reader, { organizationId, before });
      return { items: await parkedItems(reader, groups), older: olderThan(groups) };
    },
    async inbox(after: string | null) {
      const rows = await listInbox(reader, organizationId, after, pageSize);
      const page = rows.slice(0, pageSize);
      const items = await inboxItems(reader, page.map(opened));
      return { items, next: rows.length > pageSize ? (page.at(-1)?.id ?? null) : null };
    },
    async unlock(id: string, contactShown: boolean): Promise<UnlockView | null> {
      const unlock = await findUnlockDetail(reader, organizationId, id);
      if (!unlock) return null;
      const [timeline, siblings, parked, reversals] = await Promise.all([
        unlockTimeline(reader, id, unlock.leadUuid),
        listSiblings(reader, unlock.leadUuid, 20),
        listParkedGroups(reader, { organizationId, unlockId: id }),
        reversalsOfUnlock(reader, id),
      ]);
      return {
        now: new Date(),
        unlock,
        siblings,
        reversals,
        parked: await parkedItems(reader, parked),
        entries: entriesOf(timeline, open, contactShown),
        contactShown,
      };
    },
  };
}

export function statesOf(status: string): readonly UnlockState[] {
  if (Object.hasOwn(statusGroups, status)) return statusGroups[status as keyof typeof statusGroups].states;
  return unlockStates.filter((state) => state === status);
}

/** The last row that was read for the groups, when there may be older ones. */
function olderThan(groups: readonly ParkedGroup[]): number | null {
  if (groups.reduce((sum, { count }) => sum + count, 0) < parkedScan) return null;
  const [oldest] = groups.toSorted(
    (a, b) => a.since.getTime() - b.since.getTime() || a.oldestId - b.oldestId,
  );
  return oldest?.oldestId ?? null;
}

const lastId = (rows: UnlockRow[]) => rows.at(-1)?.id ?? null;

/** The smallest UUIDv7 of a moment: the ids of later rows are larger. */
export function firstIdOf(ms: number): string {
  const hex = Math.floor(ms).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`;
}

function textOpener({ vault, log }: Pick<ViewDeps, 'vault' | 'log'>) {
  const open = (sealed: string): string | null => {
    try {
      return vault.open(sealed);
    } catch (error) {
      // Its key was removed from the configuration; the rest of the row is still shown.
      log.warn({ error: (error as Error).name }, 'a stored text cannot be decrypted');
      return null;
    }
  };
  const opened = (row: InboxRow): InboxRow & OpenedText => ({
    ...row,
    from: row.sender ? open(row.sender) : null,
    text: row.body ? (open(row.body) ?? 'This text cannot be decrypted with the configured keys.') : null,
  });
  return { open, opened };
}
