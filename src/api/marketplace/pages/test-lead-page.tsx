import type { Campaign } from '../../../db/marketplace/campaigns.ts';
import type { LeadDecision } from '../../../db/marketplace/distributions.ts';
import type { Supplier } from '../../../db/marketplace/suppliers.ts';
import type { CategoryField } from '../../../domain/marketplace/category-fields.ts';
import { qualities } from '../../../domain/marketplace/ingest.ts';
import type { IngestAnswer } from '../../../domain/marketplace/ingest-answer.ts';
import { stateCodes } from '../../../domain/marketplace/us-states.ts';
import { Field, type FormState, Problem } from '../../web/form-parts.tsx';
import { Empty } from '../../web/parts.tsx';
import { MarketPage, type MarketVisit } from './frame.tsx';
import { Decisions } from './lead-page.tsx';

export type TestedLead = { publicId: string; answer: IngestAnswer; decisions: LeadDecision[] };

type Props = {
  visit: MarketVisit;
  supplier: Supplier;
  /** Those that the supplier may send to. */
  campaigns: Campaign[];
  /** The chosen one. */
  campaign: Campaign | null;
  form: FormState;
  /** What became of the lead that was just sent. */
  tested: TestedLead | null;
};

export function TestLeadPage({ visit, supplier, campaigns, campaign, form, tested }: Props) {
  return (
    <MarketPage title="Test lead" at="suppliers" visit={visit}>
      <section class="panel form-panel">
        <div class="panel-head">
          <h2 class="clip">Test lead of {supplier.name}</h2>
          <a class="quiet" href={`/market/suppliers/${supplier.id}`} data-up>
            Supplier
          </a>
        </div>
        {campaigns.length === 0 ? (
          <Empty title="No active campaign takes its leads.">
            <p>It sends leads of the categories that are ticked on its page.</p>
          </Empty>
        ) : (
          <CampaignChoice supplier={supplier} campaigns={campaigns} chosen={campaign?.id ?? null} />
        )}
        {campaign ? <LeadForm supplier={supplier} campaign={campaign} form={form} /> : null}
      </section>
      {tested ? <Tested tested={tested} /> : null}
    </MarketPage>
  );
}

function CampaignChoice(props: { supplier: Supplier; campaigns: Campaign[]; chosen: string | null }) {
  return (
    <form class="market-filters" method="get" action={`/market/suppliers/${props.supplier.id}/test`}>
      <label>
        Campaign
        <select class="select" name="campaign">
          {props.campaigns.map(({ id, name }) => (
            <option value={id} selected={id === props.chosen}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <button type="submit" class="btn" data-size="sm" data-variant="outline">
        Choose
      </button>
    </form>
  );
}

function LeadForm({ supplier, campaign, form }: Pick<Props, 'supplier' | 'form'> & { campaign: Campaign }) {
  return (
    <form class="form" method="post" action={`/market/suppliers/${supplier.id}/test?campaign=${campaign.id}`}>
      <Problem form={form} />
      {campaign.category.fields.map((field) => (
        <Field
          name={`data-${field.name}`}
          label={field.name}
          form={form}
          max={2_000}
          optional={!field.required}
          hint={field.description ?? undefined}
          {...choicesOf(field)}
        />
      ))}
      <div class="pair">
        <Field
          name="state"
          label="State"
          form={form}
          optional
          options={[['', 'As in the values'], ...stateCodes.map((code) => [code, code] as const)]}
        />
        <Field
          name="quality"
          label="Quality"
          form={form}
          value="WARM"
          options={qualities.map((quality) => [quality, quality.charAt(0) + quality.slice(1).toLowerCase()])}
        />
      </div>
      <div class="form-end">
        <button type="submit" class="btn">
          Send as a test
        </button>
      </div>
    </form>
  );
}

function choicesOf({ type, required, options }: CategoryField) {
  const values = { select: options, boolean: ['true', 'false'], state: stateCodes }[type as string];
  if (!values) return {};
  const none = required ? [] : [['', 'Not given'] as const];
  return { options: [...none, ...values.map((value) => [value, value] as const)] };
}

function Tested({ tested: { publicId, answer, decisions } }: { tested: TestedLead }) {
  return (
    <>
      <section class="panel" aria-labelledby="answer-title">
        <div class="panel-head">
          <h2 id="answer-title">Answer</h2>
          <a class="mono" href={`/market/leads/${publicId}`}>
            {publicId}
          </a>
        </div>
        <div class="form">
          <p role="status">{answer.message ?? answer.warning}</p>
        </div>
      </section>
      <Decisions decisions={decisions} />
    </>
  );
}
