import type { z } from 'zod';
import { differences } from '../../../domain/marketplace/audit-changes.ts';
import { capital, Empty, When } from '../../web/parts.tsx';
import type { auditEntrySchema } from '../audit.ts';
import { listAddress, MarketPage, type MarketVisit, Pages } from './frame.tsx';

type Entry = z.infer<typeof auditEntrySchema>;
type Props = {
  visit: MarketVisit;
  entries: Entry[];
  /** Null for all. */
  subject: string | null;
  page: number;
  pages: number;
};

const address = (subject: string | null, page = 1) => listAddress('/market/audit', { subject }, page);

export function AuditPage({ visit, entries, subject, page, pages }: Props) {
  return (
    <MarketPage title="Changes" at="audit" visit={visit}>
      <section class="panel">
        <div class="panel-head">
          <h2>{subject === null ? 'Who changed what' : `Changes of one ${kindOf(subject)}`}</h2>
          {subject === null ? null : (
            <a class="quiet" href="/market/audit">
              All changes
            </a>
          )}
        </div>
        {entries.length === 0 ? (
          <Empty title="No change yet." />
        ) : (
          <Rows entries={entries} subject={subject} />
        )}
        <Pages page={page} pages={pages} href={(number) => address(subject, number)} />
      </section>
    </MarketPage>
  );
}

/** `campaign:<id>` is a campaign. */
const kindOf = (subject: string) => subject.split(':')[0]!.replaceAll('_', ' ');

const nameIn = ({ before, after }: Entry): string | null => {
  const { name, companyName, email } = after ?? before ?? {};
  const found = name ?? companyName ?? email;
  return typeof found === 'string' ? found : null;
};

function Rows({ entries, subject }: { entries: Entry[]; subject: string | null }) {
  return (
    <ul class="items audit">
      {entries.map((entry) => (
        <li class="audit-entry">
          <p>
            <b>{capital(entry.action.replace(/[._]/g, ' '))}</b>{' '}
            {subject === null ? (
              <a href={address(entry.subject)}>{nameIn(entry) ?? `this ${kindOf(entry.subject)}`}</a>
            ) : (
              nameIn(entry)
            )}
          </p>
          <p class="sub">
            {entry.who}, <When at={new Date(entry.at)} />
          </p>
          <Parties entry={entry} />
          <Changes entry={entry} />
        </li>
      ))}
    </ul>
  );
}

/** The pages of whom and what a subscription joins. */
function Parties({ entry }: { entry: Entry }) {
  const { campaignId, buyerId } = entry.after ?? entry.before ?? {};
  if (typeof campaignId !== 'string' || typeof buyerId !== 'string') return null;
  return (
    <p class="sub">
      Of <a href={`/market/buyers/${buyerId}`}>this buyer</a> to{' '}
      <a href={`/market/campaigns/${campaignId}`}>this campaign</a>
    </p>
  );
}

function Changes({ entry }: { entry: Entry }) {
  const found = differences(entry.before, entry.after);
  if (found.length === 0) return null;
  return (
    <dl class="changes">
      {found.map(({ name, before, after }) => (
        <div>
          <dt>{name}</dt>
          <dd>
            {before === null ? null : <del>{before}</del>}
            {before !== null && after !== null ? ' → ' : null}
            {after === null ? null : <ins>{after}</ins>}
          </dd>
        </div>
      ))}
    </dl>
  );
}
