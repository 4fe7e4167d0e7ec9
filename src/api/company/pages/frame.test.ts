import { expect, it } from 'vitest';
import type { CrmView, ImportView } from '../view-types.ts';
import { importFace } from './frame.tsx';

const file = (over: Partial<ImportView>): ImportView => ({
  id: 'i',
  status: 'done',
  fileName: 'a.csv',
  bytes: 1,
  totalRows: 3,
  readRows: 3,
  created: 3,
  duplicates: 0,
  rejected: 0,
  rejectsKept: 0,
  fraction: null,
  problem: null,
  createdAt: new Date(0),
  startedAt: null,
  endedAt: null,
  stopped: false,
  stoppedAt: null,
  readToEnd: true,
  sync: { pending: 0, success: 3, failed: 0, cancelled: 0 },
  ...over,
});
const counts = (pending: number, success: number, failed: number) => ({
  sync: { pending, success, failed, cancelled: 0 },
});

it.each<[Partial<ImportView>, CrmView['state'], string, string]>([
  [counts(0, 3, 0), 'connected', 'Done', 'good'],
  [counts(0, 1, 2), 'connected', '2 failed', 'bad'],
  [counts(2, 1, 0), 'connected', 'Sending', 'busy'],
  [counts(1, 1, 1), 'connected', 'Sending, 1 failed', 'bad'],
  [counts(3, 0, 0), 'paused', 'Paused', 'bad'],
  [counts(1, 1, 1), 'paused', 'Paused, 1 failed', 'bad'],
  [counts(3, 0, 0), 'unconnected', 'CRM needed', 'wait'],
  [{ created: 0, sync: null }, 'paused', 'Done', 'good'],
  [{ status: 'running', ...counts(2, 1, 0) }, 'paused', 'Reading', 'busy'],
  [{ status: 'cancelled' }, 'connected', 'Canceled', 'quiet'],
  [{ status: 'cancelled', stopped: true }, 'connected', 'Stopped', 'quiet'],
  [{ status: 'cancelled', stopped: true, readToEnd: false }, 'connected', 'Canceled', 'quiet'],
])('a file with %j in a company whose CRM is %s reads %s', (over, crm, label, tone) => {
  expect(importFace(file(over), crm)).toEqual({ label, tone });
});
