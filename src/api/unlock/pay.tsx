import type { FastifyError, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import type { Child } from 'hono/jsx';
import { renderToString } from 'hono/jsx/dom/server';
import { findOtherOffers, findUnlockByToken, markViewed, type PayFigures } from '../../db/unlock/pay-view.ts';
import { findUnlock, type UnlockView } from '../../db/unlock/unlocks.ts';
import { PermanentError, TransientError } from '../../domain/errors.ts';
import { type Language, languageOf } from '../../domain/language.ts';
import { type Preview, previewOf } from '../../domain/lead/preview.ts';
import { formatMoney } from '../../domain/money.ts';
import { isPayToken } from '../../domain/unlock/pay-link.ts';
import { type PayView, payView } from '../../domain/unlock/pay-view.ts';
import { subjects } from '../../events/subjects.ts';
import type { Runtime } from '../../usecases/runtime.ts';
import { openCheckoutSession, receiptAddress } from '../../usecases/unlock/checkout.ts';
import { openContact } from '../../usecases/unlock/contact.ts';
import { asStranger } from '../auth/caller.ts';
import { limitRoutes } from '../http/bodies.ts';
import { causeOf } from '../http/cause.ts';
import { failureOf, noteFailure } from '../http/errors.ts';
import type { Limiter } from '../http/limits.ts';
import { addToLog } from '../http/request-log.ts';
import {
  DetailsPage,
  type OtherOffer,
  PaidPage,
  PayablePage,
  type Seller,
  SentencePage,
  type Teaser,
} from './pay-page.tsx';
import { payWords } from './pay-words.ts';

type Deps = Pick<Runtime, 'db' | 'relay' | 'vault' | 'payments' | 'links' | 'config' | 'selfCheck' | 'log'>;
/** Buttons send an empty form; its fields are not read. */
const largestForm = 1_024;
type Opened = { unlock: UnlockView; figures: PayFigures; view: PayView };

/**
 * The buyer's page for one unlock. GET and HEAD change nothing, so that link previews are harmless; paying and reading
 * the details are POSTs. An invalid token shows nothing, not even whether it once existed.
 */
export function payRoutes(deps: Deps, limiter: Limiter): FastifyPluginAsync {
  return async (app) => {
    app.removeAllContentTypeParsers();
    limitRoutes(app, largestForm);
    app.addContentTypeParser(
      'application/x-www-form-urlencoded',
      { parseAs: 'string', bodyLimit: largestForm },
      (_request, _body, done) => done(null, null),
    );
    app.setErrorHandler((error: FastifyError, request, reply) => failed(deps, error, request, reply));
    app.addHook('onRequest', asStranger);
    app.addHook('onSend', async (_request, reply) => {
      reply.headers({
        'cache-control': 'no-store',
        'referrer-policy': 'no-referrer',
        'x-robots-tag': 'noindex',
      });
    });

    app.get('/p/:token', { schema: { hide: true } }, async (request, reply) => {
      const opened = await open(deps, request);
      return opened
        ? show(reply, 200, await pageOf(deps, opened, tokenOf(request)))
        : show(reply, 404, unknownLink(request));
    });

    app.post('/p/:token', { schema: { hide: true } }, async (request, reply) => {
      const opened = await openToWrite(deps, limiter, request, reply);
      if (!opened) return show(reply, 404, unknownLink(request));
      const { unlock, view } = opened;
      if (view.kind !== 'payable') return reply.redirect(`/p/${tokenOf(request)}`, 303);
      const session = await openCheckoutSession(deps, unlock, causeOf(request));
      if (session.kind === 'open') return reply.redirect(session.url, 303);
      if (session.kind === 'refused') return show(reply, 409, refusedPage(opened));
      return reply.redirect(
        `/p/${tokenOf(request)}${session.kind === 'confirming' ? '?from=checkout' : ''}`,
        303,
      );
    });

    // The address of the shown details, opened again: the page with the button, because reading is a POST.
    app.get('/p/:token/details', { schema: { hide: true } }, async (request, reply) =>
      isPayToken(tokenOf(request))
        ? reply.redirect(`/p/${tokenOf(request)}`, 303)
        : show(reply, 404, unknownLink(request)),
    );

    app.post('/p/:token/details', { schema: { hide: true } }, async (request, reply) => {
      const opened = await openToWrite(deps, limiter, request, reply);
      if (!opened) return show(reply, 404, unknownLink(request));
      if (opened.view.kind !== 'paid') return reply.redirect(`/p/${tokenOf(request)}`, 303);
      const page = await detailsOf(deps, opened, request);
      return page ? show(reply, 200, page) : reply.redirect(`/p/${tokenOf(request)}`, 303);
    });
  };
}

const tokenOf = (request: FastifyRequest) => (request.params as { token: string }).token;

async function openToWrite(
  deps: Deps,
  limiter: Limiter,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<Opened | null> {
  const token = tokenOf(request);
  if (!isPayToken(token)) return null;
  await limiter.take('payLink', deps.links.hash(token), reply);
  return open(deps, request);
}

async function open({ db, links }: Deps, request: FastifyRequest): Promise<Opened | null> {
  const token = tokenOf(request);
  if (!isPayToken(token)) return null;
  const found = await findUnlockByToken(db, links.hash(token));
  if (!found) return null;
  const { from } = request.query as { from?: unknown };
  // Stripe redirected the buyer back, or reports the session as complete, and no payment is booked yet.
  const paying = found.checkout === 'complete' || (from === 'checkout' && found.checkout === 'open');
  const facts = { ...found, status: found.state, refunded: found.payment === 'returned' };
  return { unlock: found, figures: found, view: payView(facts, paying && found.payment === null) };
}

/** Records the view before the details are shown. Returns null when a refund undid the sale first. */
async function detailsOf(
  { db, relay, vault }: Deps,
  { unlock, figures }: Opened,
  request: FastifyRequest,
): Promise<Child | null> {
  const language = languageOf(unlock.language);
  const frame = { language, seller: sellerOf(unlock, figures) };
  if (unlock.contact === null) return <SentencePage {...frame} {...payWords[language].erased} />;
  const { moved } = await relay.commit(
    {
      guard: markViewed(unlock.id),
      events: [
        {
          type: 'reveal.viewed',
          organizationId: unlock.organizationId,
          subject: subjects.unlock(unlock.id),
          data: { unlockId: unlock.id },
        },
      ],
    },
    { cause: causeOf(request) },
  );
  // A sale whose details were read before is never undone.
  if (!moved && !(await findUnlock(db, unlock.id))?.viewedAt) return null;
  const details = openContact({ vault }, unlock);
  return (
    <DetailsPage
      {...frame}
      teaser={teaserOf(unlock, details.notes)}
      details={details}
      footer={unlock.footer}
    />
  );
}

async function pageOf(deps: Deps, { unlock, figures, view }: Opened, token: string): Promise<Child> {
  const language = languageOf(unlock.language);
  const words = payWords[language];
  const frame = { language, seller: sellerOf(unlock, figures) };
  const teaser = teaserOf(unlock, figures.notesSnippet);
  switch (view.kind) {
    case 'payable':
      return (
        <PayablePage
          {...frame}
          teaser={teaser}
          preview={previewFor(deps, unlock)}
          minutesLeft={Math.floor(figures.ttlLeftMs / 60_000)}
          sold={figures.sold}
          max={unlock.maxSales ?? figures.offered}
          receipt={receiptAddress(unlock.buyerEmail) !== null}
        />
      );
    case 'paid':
      return (
        <PaidPage
          {...frame}
          teaser={teaser}
          action={`/p/${token}/details`}
          refunded={figures.refundedMinor > 0 ? money(unlock, figures.refundedMinor) : null}
          refunding={figures.refundingMinor > 0 ? money(unlock, figures.refundingMinor) : null}
        />
      );
    case 'confirming':
      return <SentencePage {...frame} {...words.confirming} refreshSeconds={3} />;
    case 'held':
      return <SentencePage {...frame} {...words.held} />;
    case 'closed':
      return (
        <SentencePage {...frame} {...words.closed[view.because]} others={await othersOf(deps, unlock)} />
      );
  }
}

const sellerOf = (unlock: UnlockView, { seller }: PayFigures): Seller => ({
  name: seller,
  contact: unlock.supportContact,
});

/** Stripe takes no payment for this offer, however often it is tried. */
const refusedPage = ({ unlock, figures }: Opened): Child => {
  const language = languageOf(unlock.language);
  return (
    <SentencePage language={language} seller={sellerOf(unlock, figures)} {...payWords[language].refused} />
  );
};

/** Empty when the contact was erased, or cannot be decrypted: the page is useful without it. */
function previewFor({ vault, log }: Deps, unlock: UnlockView): Preview {
  if (unlock.contact === null) return [];
  try {
    return previewOf(openContact({ vault }, unlock));
  } catch (error) {
    log.warn({ error: (error as Error).name }, 'a contact cannot be decrypted for its preview');
    return [];
  }
}

/** The buyer's other open offers. A link leads to those whose pay page was requested already. */
async function othersOf({ db, links }: Deps, unlock: UnlockView): Promise<OtherOffer[]> {
  const language = languageOf(unlock.language);
  const offers = await findOtherOffers(db, unlock, 5);
  return offers.map((offer) => ({
    leadId: offer.leadId,
    title: [offer.serviceType, offer.city].filter(Boolean).join(', ') || payWords[language].inquiry,
    price: formatMoney(offer.priceMinor, offer.currency, language),
    href: offer.payable ? `/p/${links.token(offer.id, offer.tokenVersion)}` : null,
  }));
}

const teaserOf = (unlock: UnlockView, notes: string | null): Teaser => ({
  leadId: unlock.leadPublicId,
  serviceType: unlock.serviceType,
  city: unlock.city,
  preferredTimeWindow: unlock.preferredTimeWindow,
  budgetRange: unlock.budgetRange,
  notes,
  price: money(unlock, unlock.priceMinor),
});

const money = ({ currency, language }: UnlockView, minor: number): string =>
  formatMoney(minor, currency, language);

/** Of a link that leads to no offer, the language of the browser. */
const languageOfBrowser = ({ headers }: FastifyRequest): Language =>
  languageOf(headers['accept-language']?.split(/[,;]/)[0]);

const unknownLink = (request: FastifyRequest): Child => {
  const language = languageOfBrowser(request);
  return <SentencePage language={language} {...payWords[language].unknown} />;
};

function show(reply: FastifyReply, status: number, page: Child): FastifyReply {
  const html = `<!doctype html>${renderToString(page)}`;
  return reply.status(status).header('content-type', 'text/html; charset=utf-8').send(html);
}

/** Answers an error with a page instead of problem+json. */
function failed(deps: Deps, error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const vendor = error instanceof TransientError || error instanceof PermanentError;
  const { status, retryAfterSeconds, code } = vendor
    ? { status: 503, retryAfterSeconds: 10, code: 'vendor_unavailable' }
    : failureOf(error);
  noteFailure(deps.log, error, status, request);
  addToLog(request, { code });
  if (retryAfterSeconds !== undefined) reply.header('retry-after', String(retryAfterSeconds));
  if (status !== 429 && status < 500) return show(reply, status, unknownLink(request));
  const language = languageOfBrowser(request);
  const words = payWords[language];
  const token = tokenOf(request);
  return show(
    reply,
    status,
    <SentencePage
      language={language}
      {...(status === 429 ? words.busy : words.unavailable)}
      again={isPayToken(token) ? `/p/${token}` : undefined}
    />,
  );
}
