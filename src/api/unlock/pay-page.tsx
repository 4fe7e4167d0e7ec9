import type { Child, FC, PropsWithChildren } from 'hono/jsx';
import type { Language } from '../../domain/language.ts';
import type { Preview } from '../../domain/lead/preview.ts';
import { type PayWords, payWords } from './pay-words.ts';

/** What the page shows of an unlock before it is paid. JSX escapes every text. */
export type Teaser = {
  leadId: string;
  serviceType: string | null;
  city: string | null;
  preferredTimeWindow: string | null;
  budgetRange: string | null;
  notes: string | null;
  price: string;
};

export type Details = {
  name: string | null;
  phone: string | null;
  email: string | null;
  address: string | null;
  notes: string | null;
};

/** Whose page it is: the seller, and how to reach them. */
export type Seller = { name: string; contact: string };

/** Another open offer of the buyer; without `href` its link was not requested yet. */
export type OtherOffer = { leadId: string; title: string; price: string; href: string | null };

type Frame = { language: Language; seller?: Seller | undefined };

const Page: FC<
  PropsWithChildren<Frame & { title: string; refreshSeconds?: number | undefined; script?: boolean }>
> = (props) => (
  <html lang={props.language}>
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="color-scheme" content="light dark" />
      <meta name="robots" content="noindex, nofollow" />
      {props.refreshSeconds ? <meta http-equiv="refresh" content={String(props.refreshSeconds)} /> : null}
      <title>{props.title}</title>
      <link rel="stylesheet" href="/static/pay.css" />
      {props.script ? <script src="/static/pay.js" defer></script> : null}
    </head>
    <body>
      <main>
        {props.seller ? <p class="seller">{payWords[props.language].soldBy(props.seller.name)}</p> : null}
        {props.children}
        {props.seller?.contact ? (
          <p class="small">{payWords[props.language].questions(props.seller.contact)}</p>
        ) : null}
      </main>
    </body>
  </html>
);

const Facts: FC<{ facts: readonly (readonly [string, Child | null])[] }> = ({ facts }) => (
  <dl>
    {facts.map(([name, value]) =>
      value ? (
        <div>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ) : null,
    )}
  </dl>
);

const teaserFacts = (teaser: Teaser, { teaser: names }: PayWords) =>
  [
    [names.service, teaser.serviceType],
    [names.city, teaser.city],
    [names.time, teaser.preferredTimeWindow],
    [names.budget, teaser.budgetRange],
    [names.notes, teaser.notes],
  ] as const;

export const PayablePage: FC<
  Frame & {
    teaser: Teaser;
    preview: Preview;
    minutesLeft: number;
    sold: number;
    max: number;
    receipt: boolean;
  }
> = (props) => {
  const { teaser, preview, language } = props;
  const words = payWords[language];
  return (
    <Page title={`${words.inquiry}: ${teaser.leadId}`} language={language} seller={props.seller}>
      <h1>{words.inquiry}</h1>
      <Facts facts={teaserFacts(teaser, words)} />
      {preview.length > 0 ? (
        <section class="preview" aria-labelledby="preview-title">
          <h2 id="preview-title">{words.youGet}</h2>
          <Facts
            facts={preview.map(({ field, masked }) => [words.fields[field], masked ?? words.included])}
          />
        </section>
      ) : null}
      <p class="terms">{words.payFor(teaser.price)}</p>
      <p class="small">
        {words.left(props.minutesLeft)} {words.sold(props.sold, props.max)}
      </p>
      <form method="post">
        <button type="submit">{words.pay(teaser.price)}</button>
      </form>
      <p class="small">{words.refundRule}</p>
      <p class="small">
        {words.byStripe(teaser.leadId)} {props.receipt ? words.receipt : ''}
      </p>
    </Page>
  );
};

/** What of the payment went back, and what is on its way back: formatted, null when nothing is. */
type PaidBack = { refunded: string | null; refunding: string | null };

export const PaidPage: FC<Frame & PaidBack & { teaser: Teaser; action: string }> = (props) => {
  const { teaser, language, refunded, refunding } = props;
  const words = payWords[language];
  return (
    <Page title={`${words.paid} ${teaser.leadId}`} language={language} seller={props.seller}>
      <h1>{words.paid}</h1>
      {refunded ? <p class="terms">{words.refunded(refunded)}</p> : null}
      {refunding ? <p class="terms">{words.refunding(refunding)}</p> : null}
      <Facts facts={teaserFacts(teaser, words)} />
      <form method="post" action={props.action}>
        <button type="submit">{words.showDetails}</button>
      </form>
      <p class="small">{words.lead(teaser.leadId)}</p>
    </Page>
  );
};

/** A detail with what a phone can do with it. The copy button is shown by pay.js only. */
const Detail: FC<{ id: string; value: string; links: [string, string][]; words: PayWords }> = (props) => (
  <span class="detail">
    <span id={props.id}>{props.value}</span>
    <span class="acts">
      {props.links.map(([label, href]) => (
        <a href={href}>{label}</a>
      ))}
      <button type="button" class="copy" data-copy={props.id} data-done={props.words.copied} hidden>
        {props.words.copy}
      </button>
    </span>
  </span>
);

export const DetailsPage: FC<Frame & { teaser: Teaser; details: Details; footer: string }> = (props) => {
  const { teaser, details, footer, language } = props;
  const words = payWords[language];
  const { fields } = words;
  const shown = (id: keyof Details, links: [string, string][] = []) => {
    const value = details[id];
    return [fields[id], value && <Detail id={id} value={value} links={links} words={words} />] as const;
  };
  return (
    <Page title={`${words.details}: ${teaser.leadId}`} language={language} seller={props.seller} script>
      <h1>{words.details}</h1>
      <Facts
        facts={[
          shown('name'),
          shown('phone', phoneLinks(details.phone, words)),
          shown('email', mailLinks(details.email, words)),
          shown('address'),
          shown('notes'),
        ]}
      />
      <p class="small footer">{footer}</p>
      <p class="small">{words.lead(teaser.leadId)}</p>
    </Page>
  );
};

/** Links for a number in E.164; what is only stored as it was given cannot be dialed safely. */
function phoneLinks(phone: string | null, words: PayWords): [string, string][] {
  if (phone === null || !/^\+[1-9]\d{6,14}$/.test(phone)) return [];
  return [
    [words.call, `tel:${phone}`],
    [words.text, `sms:${phone}`],
  ];
}

function mailLinks(email: string | null, words: PayWords): [string, string][] {
  if (email === null || !/^[^\s@]+@[^\s@]+$/.test(email)) return [];
  return [[words.mail, `mailto:${encodeURIComponent(email).replace('%40', '@')}`]];
}

/** One sentence and nothing of the lead. With `refreshSeconds` the page reloads by itself; `again`: where a button leads. */
export const SentencePage: FC<
  Frame & {
    title: string;
    sentence: string;
    refreshSeconds?: number;
    again?: string | undefined;
    others?: readonly OtherOffer[];
  }
> = (props) => {
  const { language, others = [] } = props;
  const words = payWords[language];
  return (
    <Page title={props.title} language={language} seller={props.seller} refreshSeconds={props.refreshSeconds}>
      <h1>{props.title}</h1>
      <p>{props.sentence}</p>
      {props.again ? (
        <p>
          <a class="button" href={props.again}>
            {words.again}
          </a>
        </p>
      ) : null}
      {others.length > 0 ? (
        <section aria-labelledby="others-title">
          <h2 id="others-title">{words.otherOffers}</h2>
          <ul class="others">
            {others.map(({ leadId, title, price, href }) => (
              <li>
                {href ? (
                  <a href={href}>
                    {title}, {price}
                  </a>
                ) : (
                  <>
                    {title}, {price}. <span class="small">{words.replyY(leadId)}</span>
                  </>
                )}
              </li>
            ))}
          </ul>
        </section>
      ) : null}
    </Page>
  );
};
