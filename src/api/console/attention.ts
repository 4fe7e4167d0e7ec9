import type { AlertGroup, InboxRow, ParkedGroup } from '../../db/transport/attention.ts';
import { type NamedSubject, nameSubjects } from '../../db/transport/named-subjects.ts';
import { type Place, placeOf } from '../../domain/messaging/alert-place.ts';
import {
  type AlertKind,
  alerts,
  isAlertKind,
  type Named,
  titleOf,
  withNames,
} from '../../domain/messaging/alerts.ts';
import { reasonInWords } from '../../domain/transport/reason.ts';
import { attemptsInWords } from '../../domain/transport/steps.ts';
import { subjects } from '../../events/subjects.ts';
import type { Runtime } from '../../usecases/runtime.ts';
import { resumedAtOnce } from './actions.ts';
import type { Action, AttentionItem, InboxItem, OpenedText } from './view-types.ts';

type Reader = Runtime['db']['reader'];

/** Failed steps, one item for each cause. */
export async function parkedItems(reader: Reader, groups: readonly ParkedGroup[]): Promise<AttentionItem[]> {
  const names = await nameSubjects(reader, groups);
  return groups.map((group, n) => parkedItem(group, names[n]!));
}

function parkedItem(group: ParkedGroup, named: NamedSubject): AttentionItem {
  const { id, worker, eventType, count, attempts } = group;
  const { next } = alerts.work_parked;
  const most = Math.min(count, resumedAtOnce);
  return {
    id: `parked-${id}`,
    title: withNames(titleOf('work_parked', { worker, eventType }).en, counted(named, count)),
    about: aboutOf(named, count, attemptsInWords(attempts)),
    what: reasonInWords(group.error),
    next: worker === 'revealer' ? alerts.reveal_failed.next.en : next.en,
    since: group.since,
    latest: group.latest,
    count,
    link: linkOf(null, named, count),
    actions: [
      {
        path: `/console/parked/${id}/resume`,
        label: count > 1 ? `Resume ${most}` : 'Resume',
        done: count > 1 ? `Resumed ${most}` : 'Resumed',
        primary: true,
        asks: count > 1 ? beforeResuming.several(most) : beforeResuming.one,
      },
    ],
  };
}

const beforeResuming = {
  one: {
    question: 'This step runs again from where it stopped. Nothing is sent or charged twice.',
    confirm: 'Resume this step',
  },
  several: (count: number) => ({
    question: `These ${count} steps run again from where they stopped. Nothing is sent or charged twice.`,
    confirm: `Resume ${count} steps`,
  }),
};

/** Alerts, one item for each cause. */
export async function alertItems(reader: Reader, groups: readonly AlertGroup[]): Promise<AttentionItem[]> {
  const names = await nameSubjects(reader, groups);
  return groups.map((group, n) => alertItem(group, names[n]!));
}

function alertItem(group: AlertGroup, named: NamedSubject): AttentionItem {
  const { id, count } = group;
  // One of a later version: its title is not known here.
  const kind: AlertKind = isAlertKind(group.kind) ? group.kind : 'work_parked';
  const { next } = alerts[kind];
  return {
    id: `alert-${id}`,
    title: withNames(titleOf(kind, group.details).en, named),
    about: aboutOf(named, 1),
    what: reasonInWords(group.text),
    next: next.en,
    since: group.since,
    latest: group.latest,
    count,
    link: linkOf(kind, named, 1),
    actions: [
      ...remedies(kind, group),
      { path: `/console/alerts/${id}/resolve`, label: 'Resolve', done: 'Resolved', primary: false },
    ],
  };
}

/** What can be done at once about the cause of an alert. */
function remedies(kind: AlertKind, { details }: AlertGroup): Action[] {
  if (kind !== 'refund_failed' || !details?.refundId) return [];
  return [
    {
      path: `/console/refunds/${details.refundId}/repeat`,
      label: 'Repeat the refund',
      done: 'The refund is being repeated',
      primary: true,
      asks: {
        question: `Stripe is asked again to return ${details.amount ?? 'the money'} to the buyer. It is returned once, however often this is pressed.`,
        confirm: 'Ask Stripe again',
      },
    },
  ];
}

/** Texts for a person, with the name of the buyer whose number sent them. */
export async function inboxItems(
  reader: Reader,
  rows: readonly (InboxRow & OpenedText)[],
): Promise<InboxItem[]> {
  const names = await nameSubjects(
    reader,
    rows.map(({ id }) => ({ subject: subjects.inbox(id), organizationId: null })),
  );
  return rows.map((row, n) => ({ ...row, buyer: names[n]!.buyer, company: names[n]!.company }));
}

/** "Amy and 2 others". */
const counted = ({ company, buyer, lead }: Named, count: number): Named => ({
  company,
  buyer:
    count > 1 && buyer !== null ? `${buyer} and ${count - 1} ${count === 2 ? 'other' : 'others'}` : buyer,
  lead: count > 1 ? null : lead,
});

function aboutOf({ company, lead }: NamedSubject, count: number, more?: string): string {
  return [company, count > 1 ? null : lead, more].filter(Boolean).join(' · ');
}

/** Of several, the page of the newest. */
function linkOf(kind: AlertKind | null, named: NamedSubject, count: number): Place | null {
  const place = placeOf(kind, named);
  return place && count > 1 && named.unlockId ? { ...place, label: 'Open the newest' } : place;
}
