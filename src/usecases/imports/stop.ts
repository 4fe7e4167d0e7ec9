import { setTimeout as pause } from 'node:timers/promises';
import type { Company } from '../../db/account/companies.ts';
import { requestRest } from '../../db/crm/syncs.ts';
import {
  findImport,
  type Import,
  importCounts,
  markEnded,
  type SyncCounts,
} from '../../db/imports/imports.ts';
import { endStopped, markResumed, markStopped } from '../../db/imports/sending.ts';
import { RefusedError } from '../../domain/errors.ts';
import { isStopped } from '../../domain/imports/status.ts';
import type { ImportDeps } from './preview.ts';

/** An import and what became of its leads: of a stopped one, `cancelled` are kept from the CRM and `success` are in it. */
export type Sending = { row: Import; syncs: SyncCounts };

const reading = ['uploading', 'ready', 'running'] as const;
/** How long a request waits for the rows of a very large import; the rest goes on after its answer. */
const patienceMs = 1_500;

/**
 * Cancels an import: the rest of its file is not read, and leads that are not in the CRM are not sent. It takes effect
 * with the commit; only calls under way are finished. A file is read in minutes and synced in days, so an import that was
 * read can still be stopped. `actor`: the person or key, for the record. Throws RefusedError 409 (`already_ended`) when
 * nothing is left to stop.
 */
export async function cancelImport(deps: ImportDeps, row: Import, actor: string): Promise<Sending> {
  if (!isStopped(row)) await stop(deps, row, actor);
  const now = (await findImport(deps.db, row.id))!;
  if (!isStopped(now))
    throw new RefusedError(409, 'already_ended', `This import has ended already (${now.status}).`);
  await forAWhile(endStopped(deps.db, { organizationId: row.organizationId, importId: row.id }));
  return { row: now, syncs: await importCounts(deps.db, now) };
}

async function stop(deps: ImportDeps, row: Import, actor: string): Promise<void> {
  if (reading.some((status) => status === row.status)) {
    const { moved } = await deps.relay.commit(markEnded(row, { status: 'cancelled', from: reading }));
    if (moved) return;
  }
  const { pending, processing } = await importCounts(deps.db, (await findImport(deps.db, row.id))!);
  if (pending + processing > 0) await deps.relay.commit(markStopped(row, actor));
}

/** `requested`: leads that are sent again; of a very large import those until the answer, while more follow. */
export type Rest = Sending & { requested: number };

/**
 * Sends the leads that a stop kept from the CRM, and those that an interrupted request left. The rest of a file that was
 * cancelled while it was read is not read. Throws RefusedError 409 (`nothing_to_send`) for an import without leads.
 */
export async function sendRest(
  deps: ImportDeps,
  { dedupeWindowMs: windowMs }: Pick<Company, 'dedupeWindowMs'>,
  row: Import,
  actor: string,
): Promise<Rest> {
  const { id: importId, organizationId } = row;
  if (row.created === 0)
    throw new RefusedError(409, 'nothing_to_send', 'This import has no leads that could be sent.');
  if (isStopped(row)) await deps.relay.commit(markResumed(row, actor));
  let requested = 0;
  await forAWhile(
    requestRest(deps.db, { organizationId, importId, windowMs }, (leads) => {
      requested += leads;
    }),
  );
  const now = (await findImport(deps.db, importId))!;
  return { row: now, syncs: await importCounts(deps.db, now), requested };
}

/** Batches that outlast the request go on. What an interruption leaves can be requested again. */
async function forAWhile(work: Promise<unknown>): Promise<void> {
  const ended = work.catch(() => undefined);
  await Promise.race([ended, pause(patienceMs, undefined, { ref: false })]);
}
