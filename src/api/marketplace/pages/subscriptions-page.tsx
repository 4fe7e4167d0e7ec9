import type { BuyerRecord, BuyerSubscription } from '../../../db/marketplace/buyers.ts';
import type { Campaign } from '../../../db/marketplace/campaigns.ts';
import type { Subscription } from '../../../db/marketplace/subscriptions.ts';
import { minorToDollars } from '../../../domain/marketplace/dollars.ts';
import { Field, type FormState, Problem } from '../../web/form-parts.tsx';
import { ConfirmForm, Empty } from '../../web/parts.tsx';
import { listAddress, logics, MarketPage, type MarketVisit, money, Pages, StatusBadge } from './frame.tsx';

const addressOf = (campaignId: string, action?: string) =>
  `/market/subscriptions/${campaignId}${action ? `/${action}` : ''}`;

const price = (minor: number) => money(minorToDollars(minor));

function Inactive() {
  return (
    <p class="note tone-wait">
      <b>Your account is not active.</b> You can read these pages and change nothing. Ask your seller to
      activate it.
    </p>
  );
}

type ListProps = {
  visit: MarketVisit;
  buyer: BuyerRecord;
  campaigns: Campaign[];
  page: number;
  pages: number;
  total: number;
};

export function BuyerHomePage({ visit, buyer, campaigns, page, pages, total }: ListProps) {
  const isActive = buyer.status === 'ACTIVE';
  const own = new Set(buyer.subscriptions.map(({ campaignId }) => campaignId));
  return (
    <MarketPage title="Campaigns" at="" visit={visit}>
      {isActive ? null : <Inactive />}
      <section class="panel" aria-labelledby="own-title">
        <div class="panel-head">
          <h2 id="own-title">
            Your subscriptions <span class="quiet">{own.size}</span>
          </h2>
        </div>
        {own.size === 0 ? (
          <Empty title="You subscribe to no campaign yet.">
            <p>A subscription orders the leads of a campaign, up to a number a day.</p>
          </Empty>
        ) : (
          <Own subscriptions={buyer.subscriptions} isActive={isActive} />
        )}
      </section>
      <section class="panel" aria-labelledby="campaigns-title">
        <div class="panel-head">
          <h2 id="campaigns-title">
            Campaigns <span class="quiet">{total.toLocaleString('en-US')}</span>
          </h2>
        </div>
        {campaigns.length === 0 ? (
          <Empty title="There is no active campaign." />
        ) : (
          <Offers campaigns={campaigns} own={own} isActive={isActive} />
        )}
        <Pages page={page} pages={pages} href={(number) => listAddress('/market', {}, number)} />
      </section>
    </MarketPage>
  );
}

function Own({ subscriptions, isActive }: { subscriptions: BuyerSubscription[]; isActive: boolean }) {
  return (
    <table class="rows cards market-list">
      <thead>
        <tr>
          <th>Campaign</th>
          <th>Status</th>
          <th class="number">Price</th>
          <th class="number">Daily cap</th>
          <th>States</th>
          <th class="act">
            <span class="visually-hidden">Actions</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {subscriptions.map(({ campaign, campaignId, status, dailyCap, states }) => (
          <tr>
            <td>
              <a class="row-link" href={addressOf(campaignId)}>
                {campaign.name}
              </a>
              {campaign.status === 'ACTIVE' ? null : <span class="sub">{standing(campaign.status)}</span>}
            </td>
            <td>
              <StatusBadge status={status} />
            </td>
            <td class="number" data-label="Price">
              {price(campaign.priceMinor)}
            </td>
            <td class="number" data-label="Daily cap">
              {dailyCap?.toLocaleString('en-US') ?? 'No limit'}
            </td>
            <td data-label="States">{states.length > 0 ? states.join(', ') : 'All'}</td>
            <td class="act">
              {isActive ? <Switch campaignId={campaignId} name={campaign.name} status={status} /> : null}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const standing = (status: string) =>
  status === 'PAUSED' ? 'Your seller has paused this campaign.' : 'Your seller has archived this campaign.';

function Switch({ campaignId, name, status }: { campaignId: string; name: string; status: string }) {
  const isOn = status === 'ACTIVE';
  return (
    <form method="post" action={addressOf(campaignId, isOn ? 'pause' : 'resume')}>
      <button type="submit" class="btn" data-size="sm" data-variant="outline">
        {isOn ? 'Pause' : 'Resume'}
        <span class="visually-hidden"> {name}</span>
      </button>
    </form>
  );
}

type OffersProps = { campaigns: Campaign[]; own: ReadonlySet<string>; isActive: boolean };

function Offers({ campaigns, own, isActive }: OffersProps) {
  return (
    <table class="rows cards market-list">
      <thead>
        <tr>
          <th>Campaign</th>
          <th>Category</th>
          <th class="number">Price</th>
          <th>Distribution</th>
          <th class="act">
            <span class="visually-hidden">Actions</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {campaigns.map(({ id, name, description, category, priceMinor, distributionLogic }) => (
          <tr>
            <td>
              <a class="row-link" href={addressOf(id)}>
                {name}
              </a>
              {description ? <span class="sub clip">{description}</span> : null}
            </td>
            <td>{category.name}</td>
            <td class="number" data-label="Price">
              {price(priceMinor)}
            </td>
            <td data-label="Distribution">{logics[distributionLogic]}</td>
            <td class="act">
              {own.has(id) ? (
                <span class="sub">Subscribed</span>
              ) : isActive ? (
                <a class="btn" data-size="sm" href={addressOf(id)}>
                  Subscribe
                  <span class="visually-hidden"> to {name}</span>
                </a>
              ) : null}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

type Props = {
  visit: MarketVisit;
  campaign: Campaign;
  /** Null before the buyer subscribes. */
  own: Subscription | null;
  isActive: boolean;
  form: FormState;
};

export function SubscriptionPage({ visit, campaign, own, isActive, form }: Props) {
  const { name, description, category, priceMinor, distributionLogic, status } = campaign;
  return (
    <MarketPage title={name} at="" visit={visit}>
      {isActive ? null : <Inactive />}
      <section class="panel form-panel">
        <div class="panel-head">
          <h2 class="clip">{name}</h2>
          <a class="quiet" href="/market" data-up>
            Campaigns
          </a>
        </div>
        <div class="market-facts">
          {own ? <StatusBadge status={own.status} /> : null}
          <span class="sub">
            {price(priceMinor)} a lead of {category.name}. {logics[distributionLogic]}.{' '}
            {status === 'ACTIVE' ? '' : standing(status)}
          </span>
          {own && isActive ? <Switch campaignId={campaign.id} name="" status={own.status} /> : null}
        </div>
        {description ? <p class="campaign-about">{description}</p> : null}
        {isActive ? <Order campaign={campaign} own={own} form={form} /> : null}
      </section>
      {own && isActive ? <End campaign={campaign} /> : null}
    </MarketPage>
  );
}

function Order({ campaign, own, form }: Pick<Props, 'campaign' | 'own' | 'form'>) {
  const isWaterfall = campaign.distributionLogic === 'WATERFALL';
  return (
    <form class="form" method="post" action={addressOf(campaign.id)}>
      <Problem form={form} />
      <div class="pair">
        <Field
          name="dailyCap"
          label="Most leads a day"
          type="number"
          form={form}
          min={1}
          max={1_000_000}
          optional
          value={String(own?.dailyCap ?? '')}
          hint="Empty for no limit."
        />
        {isWaterfall ? (
          <Field
            name="waterfallPriority"
            label="Place in the waterfall"
            type="number"
            form={form}
            min={1}
            max={1_000_000}
            optional
            value={String(own?.waterfallPriority ?? '')}
            hint="1 is first, empty is last."
          />
        ) : null}
      </div>
      {campaign.allowStateSelection ? (
        <Field
          name="states"
          label="States"
          form={form}
          max={400}
          optional
          value={own?.states.join(', ') ?? ''}
          hint="Two-letter codes such as FL, TX. Empty for all."
        />
      ) : (
        <p class="sub">This campaign delivers leads of all states.</p>
      )}
      <div class="form-end">
        <button type="submit" class="btn">
          {own ? 'Save' : 'Subscribe'}
        </button>
      </div>
    </form>
  );
}

function End({ campaign }: { campaign: Campaign }) {
  return (
    <section class="panel form-panel" aria-labelledby="end-title">
      <div class="panel-head">
        <h2 id="end-title">End</h2>
      </div>
      <div class="form">
        <ConfirmForm
          action={addressOf(campaign.id, 'end')}
          label="End subscription"
          question="You get no further leads of this campaign. What you bought stays yours."
          confirm="End it"
        />
      </div>
    </section>
  );
}
