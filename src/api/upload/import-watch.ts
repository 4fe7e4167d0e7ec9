import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from '../../adapters/logger.ts';
import type { Queryable } from '../../db/client.ts';
import {
  findImportFacts,
  type ImportFacts,
  importCounts,
  type SyncCounts,
} from '../../db/imports/imports.ts';
import { createGate } from '../../engine/gate.ts';

export type ImportProgress = { row: ImportFacts; syncs: SyncCounts };

/** Polls the database once for all watchers of an import, and only while there are any. */
type ImportWatch = {
  /** Calls `tell` after the next poll, which is immediate for the first watcher, and after every change. Returns a function that stops it. */
  watch(importId: string, tell: (progress: ImportProgress) => void): () => void;
  close(): void;
};

const everyMs = 500;
/** Counting the syncs of a million leads takes long, so it may use at most this share of the time. */
const countingShare = 0.1;
/** Imports counted at the same time. More would leave too little of the reader to other requests. */
const countedTogether = 2;

export function createImportWatch(deps: { reader: Queryable; log: Logger }): ImportWatch {
  const watched = new Map<string, Set<(progress: ImportProgress) => void>>();
  const closing = new AbortController();
  const counting = createGate(countedTogether);
  const countSyncs = async (row: ImportFacts) => {
    await counting.enter();
    try {
      return await importCounts(deps.reader, row);
    } finally {
      counting.leave();
    }
  };

  const look = async (importId: string, watchers: Set<(progress: ImportProgress) => void>) => {
    let last = '';
    let known = 0;
    let countAt = 0;
    let syncs: SyncCounts | null = null;
    while (watchers.size > 0 && !closing.signal.aborted) {
      try {
        const row = await findImportFacts(deps.reader, importId);
        if (!row) break;
        const began = performance.now();
        if (syncs === null || began >= countAt) {
          syncs = await countSyncs(row);
          const now = performance.now();
          countAt = now + (now - began) / countingShare;
        }
        const text = JSON.stringify([row, syncs]);
        if (text !== last || watchers.size > known) for (const tell of watchers) tell({ row, syncs });
        last = text;
        known = watchers.size;
      } catch (error) {
        deps.log.debug({ error: (error as Error).name }, 'import watch');
      }
      await pause(everyMs, undefined, { signal: closing.signal, ref: false }).catch(() => undefined);
    }
    watched.delete(importId);
  };

  return {
    watch(importId, tell) {
      const watchers = watched.get(importId) ?? new Set();
      watchers.add(tell);
      if (!watched.has(importId)) {
        watched.set(importId, watchers);
        void look(importId, watchers);
      }
      return () => watchers.delete(tell);
    },
    close() {
      closing.abort();
      for (const watchers of watched.values()) watchers.clear();
    },
  };
}
