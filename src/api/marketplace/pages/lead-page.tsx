import type { Child } from 'hono/jsx';
import type { LeadDecision } from '../../../db/marketplace/distributions.ts';
import type { SellerLead } from '../../../db/marketplace/leads.ts';
import { outcomeOf, ruleText } from '../../../domain/marketplace/decision-words.ts';
import { minorToDollars } from '../../../domain/marketplace/dollars.ts';
import { Empty, When } from '../../web/parts.tsx';
import { assignmentStatus } from '../buyer-json.ts';
import { MarketPage, type MarketVisit, money, StatusBadge } from './frame.tsx';

type Props = {
  visit: MarketVisit;
  lead: SellerLead;
  /** All values, the locked ones too. */
  values: Record<string, unknown>;
  decisions: LeadDecision[];
  /** While it is offered by text; null when no offer is open. */
  reservedUntil: Date | null;
};

/** One lead: how it stands, its values, who bought it, and why others did not. */
export function LeadPage({ visit, lead, values, decisions, reservedUntil }: Props) {
  return (
    <MarketPage title={lead.id} at="leads" visit={visit}>
      <section class="panel">
        <div class="panel-head">
          <h2 class="clip mono">{lead.id}</h2>
          <a class="quiet" href="/market/leads" data-up>
            Leads
          </a>
        </div>
        <div class="market-facts">
          <StatusBadge status={lead.status} />
          {reservedUntil ? <span class="state tone-busy">Reserved</span> : null}
          <span class="sub">
            {reservedUntil ? <Reserved until={reservedUntil} /> : null}
            {standing(lead)}
          </span>
        </div>
        <dl class="facts">
          {facts(lead).map(([name, value]) => (
            <div>
              <dt>{name}</dt>
              <dd>{value as string}</dd>
            </div>
          ))}
        </dl>
      </section>
      <Values values={values} isLocked={(name) => !Object.hasOwn(lead.public.data, name)} />
      <Sales lead={lead} />
      <Decisions decisions={decisions} />
    </MarketPage>
  );
}

function Reserved({ until }: { until: Date }) {
  return (
    <>
      Offered by text, reserved until <When at={new Date(until)} />.{' '}
    </>
  );
}

function standing({ status, expiresAt, distributedAt }: SellerLead): Child {
  const until = <When at={new Date(expiresAt)} />;
  if (status === 'PENDING') return <>Waits for an eligible buyer until {until}.</>;
  if (status === 'TEST') return 'Judged and decided, and sold to no buyer.';
  if (status === 'EXPIRED') return <>No eligible buyer was found until {until}.</>;
  return distributedAt ? (
    <>
      Sold <When at={new Date(distributedAt)} />.
    </>
  ) : (
    ''
  );
}

const qualities: Record<string, string> = { HOT: 'Hot', WARM: 'Warm', COLD: 'Cold' };

function facts(lead: SellerLead): [string, Child][] {
  const { campaign, category, supplier, quality } = lead;
  return [
    ['Campaign', campaign ? <a href={`/market/campaigns/${campaign.id}`}>{campaign.name}</a> : '–'],
    ['Category', category?.name ?? '–'],
    ['State', lead.state ?? 'Not given'],
    ['Quality', quality === null ? '–' : (qualities[quality] ?? quality)],
    [
      'Sent by',
      supplier ? <a href={`/market/suppliers/${supplier.id}`}>{supplier.name}</a> : 'You, from a file',
    ],
    ['Received', <When at={new Date(lead.receivedAt)} />],
  ];
}

function Values({
  values,
  isLocked,
}: {
  values: Record<string, unknown>;
  isLocked: (name: string) => boolean;
}) {
  return (
    <section class="panel" aria-labelledby="values-title">
      <div class="panel-head">
        <h2 id="values-title">Values</h2>
        <span class="quiet">Locked ones are shown to the buyer who paid</span>
      </div>
      <dl class="facts">
        {Object.entries(values).map(([name, value]) => (
          <div>
            <dt>
              {name}
              {isLocked(name) ? <span class="quiet"> (locked)</span> : null}
            </dt>
            <dd>{String(value)}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

const saleFaces: Record<string, string> = {
  DELIVERED: 'Delivered',
  VIEWED: 'Viewed',
  REJECTED: 'Rejected',
  REFUNDED: 'Refunded',
};

function Sales({ lead: { assignments } }: { lead: SellerLead }) {
  return (
    <section class="panel" aria-labelledby="sales-title">
      <div class="panel-head">
        <h2 id="sales-title">
          Sales <span class="quiet">{assignments.length}</span>
        </h2>
      </div>
      {assignments.length === 0 ? (
        <Empty title="No buyer bought it." />
      ) : (
        <table class="rows cards">
          <thead>
            <tr>
              <th>Buyer</th>
              <th>Status</th>
              <th class="number">Price</th>
              <th>Bought</th>
            </tr>
          </thead>
          <tbody>
            {assignments.map(({ buyer, ...sale }) => (
              <tr>
                <td>
                  <a class="row-link" href={`/market/buyers/${buyer.id}`}>
                    {buyer.companyName ?? buyer.user?.name ?? 'Unnamed'}
                  </a>
                  <span class="sub clip">{buyer.user?.email ?? 'Does not sign in'}</span>
                </td>
                <td data-label="Status">{saleFaces[assignmentStatus(sale)]}</td>
                <td class="number" data-label="Price">
                  {money(minorToDollars(sale.priceMinor))}
                </td>
                <td data-label="Bought">
                  <When at={new Date(sale.paidAt)} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

/** Why buyers got a lead, or did not. */
export function Decisions({ decisions }: { decisions: LeadDecision[] }) {
  return (
    <section class="panel" aria-labelledby="why-title">
      <div class="panel-head">
        <h2 id="why-title">Why</h2>
        <span class="quiet">Buyers whose turn it was not are left out</span>
      </div>
      {decisions.length === 0 ? (
        <Empty title="No buyer was considered." />
      ) : (
        <table class="rows cards">
          <thead>
            <tr>
              <th>Buyer</th>
              <th>Reason</th>
              <th>Decided</th>
            </tr>
          </thead>
          <tbody>
            {decisions.map((decision) => (
              <tr>
                <td>
                  <a class="row-link" href={`/market/buyers/${decision.buyerId}`}>
                    {decision.buyerName ?? 'Unnamed'}
                  </a>
                </td>
                <td class="whole-line" data-label="Reason">
                  <Reason decision={decision} />
                </td>
                <td data-label="Decided">
                  <When at={new Date(decision.at)} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

function Reason({ decision: { rule, seen } }: { decision: LeadDecision }) {
  switch (outcomeOf({ rule })) {
    case 'ASSIGNED':
      return <span class="state tone-good">Got the lead</span>;
    case 'OFFERED':
      return (
        <>
          <span class="state tone-busy">Offered by text</span>
          <span class="sub">{ruleText('wallet', seen)}</span>
        </>
      );
    default:
      return <>{ruleText(rule!, seen)}</>;
  }
}
