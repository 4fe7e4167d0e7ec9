import type { FC, PropsWithChildren } from 'hono/jsx';

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

const Page: FC<PropsWithChildren<{ title: string; language: string; refreshSeconds?: number }>> = (props) => (
  <html lang={props.language}>
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="color-scheme" content="light dark" />
      <meta name="robots" content="noindex, nofollow" />
      {props.refreshSeconds ? <meta http-equiv="refresh" content={String(props.refreshSeconds)} /> : null}
      <title>{props.title}</title>
      <link rel="stylesheet" href="/static/pay.css" />
    </head>
    <body>
      <main>{props.children}</main>
    </body>
  </html>
);

const Facts: FC<{ facts: readonly (readonly [string, string | null])[] }> = ({ facts }) => (
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

const teaserFacts = (teaser: Teaser) =>
  [
    ['Service', teaser.serviceType],
    ['City', teaser.city],
    ['Preferred time', teaser.preferredTimeWindow],
    ['Budget', teaser.budgetRange],
    ['Notes', teaser.notes],
  ] as const;

export const PayablePage: FC<{ teaser: Teaser; timeLeft: string; sold: number; max: number }> = (props) => (
  <Page title={`Unlock ${props.teaser.leadId}`} language="en">
    <h1>New client inquiry</h1>
    <Facts facts={teaserFacts(props.teaser)} />
    <p class="terms">
      <strong>{props.teaser.price}</strong> unlocks name, phone, e-mail and address.
    </p>
    <p class="small">
      {props.timeLeft} left. Sold {props.sold} of {props.max}.
    </p>
    <form method="post">
      <button type="submit">Pay {props.teaser.price}</button>
    </form>
    <p class="small">Payment is handled by Stripe. Lead {props.teaser.leadId}.</p>
  </Page>
);

export const PaidPage: FC<{ teaser: Teaser; action: string }> = (props) => (
  <Page title={`Paid: ${props.teaser.leadId}`} language="en">
    <h1>Paid. Thank you.</h1>
    <Facts facts={teaserFacts(props.teaser)} />
    <form method="post" action={props.action}>
      <button type="submit">Show details</button>
    </form>
    <p class="small">Lead {props.teaser.leadId}.</p>
  </Page>
);

export const DetailsPage: FC<{ teaser: Teaser; details: Details; footer: string }> = ({
  teaser,
  details,
  footer,
}) => (
  <Page title={`Client details: ${teaser.leadId}`} language="en">
    <h1>Client details</h1>
    <Facts
      facts={[
        ['Name', details.name],
        ['Phone', details.phone],
        ['Email', details.email],
        ['Address', details.address],
        ['Notes', details.notes],
      ]}
    />
    <p class="small footer">{footer}</p>
    <p class="small">Lead {teaser.leadId}.</p>
  </Page>
);

/** One sentence and nothing of the lead. With `refreshSeconds` the page reloads by itself. */
export const SentencePage: FC<{
  title: string;
  sentence: string;
  language?: string;
  refreshSeconds?: number;
}> = (props) => (
  <Page title={props.title} language={props.language ?? 'en'} refreshSeconds={props.refreshSeconds}>
    <h1>{props.title}</h1>
    <p>{props.sentence}</p>
  </Page>
);
