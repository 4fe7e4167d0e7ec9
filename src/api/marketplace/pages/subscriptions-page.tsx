import type { Child } from 'hono/jsx';
import type { BuyerRecord, BuyerSubscription } from '../../../db/marketplace/buyers.ts';
import type { Campaign } from '../../../db/marketplace/campaigns.ts';
import type { Subscription } from '../../../db/marketplace/subscriptions.ts';
import { minorToDollars } from '../../../domain/marketplace/dollars.ts';
import {
  reservationMs,
  type ShortWalletChoice,
  smallestOfferMinor,
} from '../../../domain/marketplace/subscription.ts';
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
        {subscriptions.map(({ campaign, campaignId, status, dailyCap, states, onShortWallet }) => (
          <tr>
            <td>
              <a class="row-link" href={addressOf(campaignId)}>
                {campaign.name}
              </a>
              {campaign.status === 'ACTIVE' ? null : <span class="sub">{standing(campaign.status)}</span>}
              {onShortWallet === 'offer' ? <span class="sub">{takesOffers}</span> : null}
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

const takesOffers = 'Offered by text when your wallet is short.';

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
  /** The buyer can be texted. */
  hasPhone: boolean;
  form: FormState;
};

export function SubscriptionPage({ visit, campaign, own, isActive, hasPhone, form }: Props) {
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
            {own?.onShortWallet === 'offer' ? ` ${takesOffers}` : ''}
          </span>
          {own && isActive ? <Switch campaignId={campaign.id} name="" status={own.status} /> : null}
        </div>
        {description ? <p class="campaign-about">{description}</p> : null}
        {isActive ? <Order campaign={campaign} own={own} hasPhone={hasPhone} form={form} /> : null}
      </section>
      {own && isActive ? <End campaign={campaign} /> : null}
    </MarketPage>
  );
}

const shortWalletOptions: readonly (readonly [ShortWalletChoice, string])[] = [
  ['skip', 'Pass the lead to the next buyer'],
  ['offer', 'Text me an offer to pay by card'],
];

/** What an offer by text gives, and what it needs where the buyer or the campaign lacks it. */
function offerHint(campaign: Campaign, hasPhone: boolean): Child {
  if (campaign.priceMinor < smallestOfferMinor)
    return `Leads below ${price(smallestOfferMinor)} cannot be paid by card: these are always passed on.`;
  return (
    <>
      An offer reserves the lead for you for {reservationMs / 60_000} minutes.
      {hasPhone ? null : (
        <>
          {' '}
          It needs a phone number in <a href="/market/profile">your profile</a> that your seller has
          confirmed.
        </>
      )}
    </>
  );
}

function Order({ campaign, own, hasPhone, form }: Pick<Props, 'campaign' | 'own' | 'hasPhone' | 'form'>) {
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
      <Field
        name="onShortWallet"
        label="When the wallet is short"
        form={form}
        value={own?.onShortWallet ?? 'skip'}
        options={shortWalletOptions}
        hint={offerHint(campaign, hasPhone)}
      />
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
