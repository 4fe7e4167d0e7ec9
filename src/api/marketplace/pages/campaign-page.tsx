import type { Campaign } from '../../../db/marketplace/campaigns.ts';
import { mostWaiting } from '../../../db/marketplace/distributions.ts';
import type { SubscriptionOfBuyer } from '../../../db/marketplace/subscriptions.ts';
import { type FormState, Problem } from '../../web/form-parts.tsx';
import { ConfirmForm, Empty, When } from '../../web/parts.tsx';
import type { BuyerStanding, Standing } from './campaign-standing.ts';
import { Head, leadsOf, Values } from './campaigns-page.tsx';
import { listAddress, MarketPage, type MarketVisit, StatusBadge } from './frame.tsx';
import { LeadFileForm } from './lead-file-page.tsx';

type Props = {
  visit: MarketVisit;
  campaign: Campaign;
  subscriptions: SubscriptionOfBuyer[];
  standing: Standing;
  form: FormState;
};

/** One campaign: how it stands now, who can buy, its settings, and the import of leads. */
export function CampaignPage({ visit, campaign, subscriptions, standing, form }: Props) {
  const { id, name, category, status } = campaign;
  return (
    <MarketPage title={name} at="campaigns" visit={visit} stream={`/market/campaigns/${id}/live`}>
      <Now name={name} standing={standing} />
      <Subscriptions campaign={campaign} subscriptions={subscriptions} standing={standing} />
      <section class="panel form-panel">
        <div class="panel-head">
          <h2>Settings</h2>
        </div>
        <div class="market-facts">
          <StatusBadge status={status} />
          <span class="sub">
            {leadsOf(campaign)} {campaign.leadCount === 1 ? 'lead' : 'leads'} of{' '}
            <a href={`/market/categories/${category.id}`}>{category.name}</a>
            {category.isActive ? '' : ', which is deleted'}.{' '}
            <a href={listAddress('/market/audit', { subject: `campaign:${id}` })}>Changes</a>
          </span>
          <Actions campaign={campaign} />
        </div>
        <form class="form" method="post" action={`/market/campaigns/${id}`}>
          <Problem form={form} />
          <Values campaign={campaign} form={form} />
          <div class="form-end">
            <button type="submit" class="btn">
              Save
            </button>
          </div>
        </form>
      </section>
      {status === 'ACTIVE' ? <LeadFileForm campaignId={id} fields={category.fields} /> : null}
    </MarketPage>
  );
}

const count = (n: number) => n.toLocaleString('en-US');

function Now({ name, standing }: { name: string; standing: Standing }) {
  const { pending, oldestPendingAt, lastSoldAt, soldToday, able, buyers } = standing;
  return (
    <section class="panel">
      <Head title={name} />
      <dl class="facts" data-live="standing">
        <div>
          <dt>Buyers who can buy</dt>
          <dd>
            {count(able)} of {count(buyers.size)}
          </dd>
        </div>
        <div>
          <dt>Sold today</dt>
          <dd>{count(soldToday)}</dd>
        </div>
        <div>
          <dt>Last sale</dt>
          <dd>{lastSoldAt ? <When at={new Date(lastSoldAt)} /> : 'None'}</dd>
        </div>
        <div>
          <dt>
            <a href={listAddress('/market/leads', { status: 'PENDING' })}>Leads that wait for a buyer</a>
          </dt>
          <dd>
            {count(pending)}
            {pending === mostWaiting ? '+' : ''}
            {oldestPendingAt ? (
              <>
                , the first since <When at={new Date(oldestPendingAt)} />
              </>
            ) : null}
          </dd>
        </div>
      </dl>
    </section>
  );
}

function Actions({ campaign: { id, status } }: { campaign: Campaign }) {
  const action = (name: string) => `/market/campaigns/${id}/${name}`;
  return (
    <div class="buttons">
      {status === 'ACTIVE' ? (
        <form method="post" action={action('pause')}>
          <button type="submit" class="btn" data-size="sm" data-variant="outline">
            Pause
          </button>
        </form>
      ) : (
        <form method="post" action={action('resume')}>
          <button type="submit" class="btn" data-size="sm">
            {status === 'PAUSED' ? 'Resume' : 'Restore'}
          </button>
        </form>
      )}
      {status === 'ARCHIVED' ? null : (
        <ConfirmForm
          action={action('archive')}
          label="Archive"
          question="It gets no further leads and is shown to no buyer. What was sold stays."
          confirm="Archive it"
        />
      )}
    </div>
  );
}

/** `3 of 10`; without a cap the number alone. */
const todayOf = (standing: BuyerStanding | undefined, cap: number | null) =>
  `${count(standing?.soldToday ?? 0)}${cap === null ? '' : ` of ${count(cap)}`}`;

function Able({ standing }: { standing: BuyerStanding | undefined }) {
  const blockedBy = standing?.blockedBy ?? null;
  if (blockedBy !== null) return <span class="state tone-wait">{blockedBy}</span>;
  if (standing?.byOffer) return <span class="state tone-busy">Wallet short: offered by text</span>;
  return <span class="state tone-good">Can buy</span>;
}

/** What a subscription says about a short wallet. Nothing for one that passes the lead to the next buyer. */
function ShortWallet({ onShortWallet, buyer }: Pick<SubscriptionOfBuyer, 'onShortWallet' | 'buyer'>) {
  if (onShortWallet === 'skip') return null;
  const hasPhone = buyer.phone !== null && buyer.phoneConfirmed;
  return (
    <span class="sub">
      Takes offers by text, {hasPhone ? 'one at a time' : 'but has no phone number that you confirmed'}
    </span>
  );
}

function Subscriptions({
  campaign,
  subscriptions,
  standing,
}: Pick<Props, 'campaign' | 'subscriptions' | 'standing'>) {
  const { subscriptionCount: count, distributionLogic } = campaign;
  const isWaterfall = distributionLogic === 'WATERFALL';
  return (
    <section class="panel" aria-labelledby="subscriptions-title">
      <div class="panel-head">
        <h2 id="subscriptions-title">
          Subscriptions <span class="quiet">{count.toLocaleString('en-US')}</span>
        </h2>
        {count > subscriptions.length ? <span class="quiet">The newest {subscriptions.length}</span> : null}
      </div>
      {subscriptions.length === 0 ? (
        <Empty title="No buyer subscribes yet." />
      ) : (
        <table class="rows cards" data-live="subscriptions">
          <thead>
            <tr>
              <th>Buyer</th>
              <th>Now</th>
              <th class="number">Today</th>
              <th>States</th>
              <th class="number">{isWaterfall ? 'Place' : 'Priority'}</th>
            </tr>
          </thead>
          <tbody>
            {subscriptions.map((row) => (
              <tr>
                <td>
                  <a class="row-link" href={`/market/buyers/${row.buyerId}`}>
                    {row.buyer.companyName ?? row.buyer.user?.name ?? 'Unnamed'}
                  </a>
                  <span class="sub clip">{row.buyer.user?.email ?? 'Does not sign in'}</span>
                </td>
                <td class="whole-line">
                  <Able standing={standing.buyers.get(row.id)} />
                  <ShortWallet {...row} />
                </td>
                <td class="number" data-label="Today">
                  {todayOf(standing.buyers.get(row.id), row.dailyCap)}
                </td>
                <td data-label="States">{row.states.length > 0 ? row.states.join(', ') : 'All'}</td>
                <td class="number" data-label={isWaterfall ? 'Place' : 'Priority'}>
                  {isWaterfall ? (row.waterfallPriority ?? 'Last') : row.buyer.priority}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
