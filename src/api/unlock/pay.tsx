import type { FastifyError, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import type { Child } from 'hono/jsx';
import { renderToString } from 'hono/jsx/dom/server';
import type { SealedContact } from '../../db/lead/leads.ts';
import { findUnlockByToken, markViewed, type PayFigures } from '../../db/unlock/pay-view.ts';
import { findUnlock, type UnlockView } from '../../db/unlock/unlocks.ts';
import { PermanentError, TransientError } from '../../domain/errors.ts';
import { languageOf } from '../../domain/language.ts';
import { formatMoney } from '../../domain/money.ts';
import { isPayToken } from '../../domain/unlock/pay-link.ts';
import { type PayView, payView } from '../../domain/unlock/pay-view.ts';
import { subjects } from '../../events/subjects.ts';
import type { Runtime } from '../../usecases/runtime.ts';
import { openCheckoutSession } from '../../usecases/unlock/checkout.ts';
import { asStranger } from '../auth/caller.ts';
import { limitRoutes } from '../http/bodies.ts';
import { causeOf } from '../http/cause.ts';
import { failureOf, noteFailure } from '../http/errors.ts';
import type { Limiter } from '../http/limits.ts';
import { addToLog } from '../http/request-log.ts';
import { DetailsPage, PaidPage, PayablePage, SentencePage, type Teaser } from './pay-page.tsx';

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
      return opened ? show(reply, 200, pageOf(opened, tokenOf(request))) : show(reply, 404, unknownLink);
    });

    app.post('/p/:token', { schema: { hide: true } }, async (request, reply) => {
      const opened = await openToWrite(deps, limiter, request, reply);
      if (!opened) return show(reply, 404, unknownLink);
      const { unlock, view } = opened;
      if (view.kind !== 'payable') return reply.redirect(`/p/${tokenOf(request)}`, 303);
      const session = await openCheckoutSession(deps, unlock.id, causeOf(request));
      if (session.kind === 'open') return reply.redirect(session.url, 303);
      if (session.kind === 'refused') return show(reply, 409, refusedPage(unlock));
      return reply.redirect(
        `/p/${tokenOf(request)}${session.kind === 'confirming' ? '?from=checkout' : ''}`,
        303,
      );
    });

    app.post('/p/:token/details', { schema: { hide: true } }, async (request, reply) => {
      const opened = await openToWrite(deps, limiter, request, reply);
      if (!opened) return show(reply, 404, unknownLink);
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
  const figures = await findUnlockByToken(db, links.hash(token));
  const unlock = figures && (await findUnlock(db, figures.id));
  if (!unlock) return null;
  const { from } = request.query as { from?: unknown };
  // Stripe redirected the buyer back, or reports the session as complete, and no payment is booked yet.
  const paying = figures.checkout === 'complete' || (from === 'checkout' && figures.checkout === 'open');
  const refunded = figures.payment === 'returned';
  const facts = {
    status: unlock.state,
    reason: unlock.reason,
    maxSales: unlock.maxSales,
    refunded,
    ...figures,
  };
  return { unlock, figures, view: payView(facts, paying && figures.payment === null) };
}

/** Records the view before the details are shown. Returns null when a refund undid the sale first. */
async function detailsOf(
  { db, relay, vault }: Deps,
  { unlock }: Opened,
  request: FastifyRequest,
): Promise<Child | null> {
  if (unlock.contact === null)
    return sentence('Details erased', 'The details of this client were erased on request.');
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
  const details = vault.openJson<SealedContact>(unlock.contact);
  return <DetailsPage teaser={teaserOf(unlock, details.notes)} details={details} footer={unlock.footer} />;
}

function pageOf({ unlock, figures, view }: Opened, token: string): Child {
  const teaser = teaserOf(unlock, figures.notesSnippet);
  switch (view.kind) {
    case 'payable': {
      const max = unlock.maxSales ?? figures.offered;
      return (
        <PayablePage teaser={teaser} timeLeft={timeLeft(figures.ttlLeftMs)} sold={figures.sold} max={max} />
      );
    }
    case 'paid':
      return <PaidPage teaser={teaser} action={`/p/${token}/details`} />;
    case 'confirming':
      return (
        <SentencePage
          title="Confirming your payment"
          sentence="We are confirming your payment with Stripe. This page refreshes by itself."
          refreshSeconds={3}
        />
      );
    case 'held':
      return (
        <SentencePage {...heldWords[languageOf(unlock.language)]} language={languageOf(unlock.language)} />
      );
    case 'closed':
      return <SentencePage {...closedWords[view.because]} />;
  }
}

const heldWords = {
  en: {
    title: 'Payment received',
    sentence:
      'Your payment has arrived and is being checked by a person. You do not need to pay again. You will receive the client details, or your money back in full.',
  },
  es: {
    title: 'Pago recibido',
    sentence:
      'Su pago ha llegado y una persona lo está revisando. No necesita pagar de nuevo. Recibirá los datos del cliente o la devolución completa de su dinero.',
  },
} as const;

const closedWords = {
  expired: { title: 'No longer available', sentence: 'This offer has ended. You were not charged for it.' },
  sold_out: {
    title: 'No longer available',
    sentence: 'This client inquiry was sold to others. You were not charged for it.',
  },
  declined: {
    title: 'No longer available',
    sentence: 'You declined this offer. You were not charged for it.',
  },
  refunded: { title: 'Refunded', sentence: 'Your payment was refunded in full.' },
  refunding: {
    title: 'Refund on its way',
    sentence: 'Your payment is being refunded. Your bank has not confirmed it yet.',
  },
  refund_owed: {
    title: 'Refund due',
    sentence:
      'This lead could not be sold to you. Your payment will be refunded in full; you do not need to do anything.',
  },
  not_ready: {
    title: 'Not open yet',
    sentence: 'Reply Y to the text message first. After that, this link works.',
  },
};

const refusedPage = ({ language, supportContact }: UnlockView): Child => {
  const spoken = languageOf(language);
  return <SentencePage {...refusedWords(supportContact)[spoken]} language={spoken} />;
};

const refusedWords = (contact: string) => ({
  en: {
    title: 'Payment is not possible',
    sentence: `The payment service does not accept this payment. You were not charged, and the seller has been notified. Contact: ${contact}`,
  },
  es: {
    title: 'No se puede pagar',
    sentence: `El servicio de pagos no acepta este pago. No se le cobró nada y avisamos al vendedor. Contacto: ${contact}`,
  },
});

const sentence = (title: string, words: string): Child => <SentencePage title={title} sentence={words} />;
const unknownLink = sentence(
  'Unknown link',
  'This link is not valid. Please use the most recent link in your messages.',
);

const teaserOf = (unlock: UnlockView, notes: string | null): Teaser => ({
  leadId: unlock.leadPublicId,
  serviceType: unlock.serviceType,
  city: unlock.city,
  preferredTimeWindow: unlock.preferredTimeWindow,
  budgetRange: unlock.budgetRange,
  notes,
  price: formatMoney(unlock.priceMinor, unlock.currency, 'en'),
});

function timeLeft(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return 'Less than a minute';
  if (minutes < 120) return minutes === 1 ? '1 minute' : `${minutes} minutes`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} hours` : `${Math.floor(hours / 24)} days`;
}

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
  if (status === 429)
    return show(reply, 429, sentence('Please wait', 'Too many requests. Please try again in a minute.'));
  if (status < 500) return show(reply, status, unknownLink);
  const words =
    'The payment page cannot be opened right now. You were not charged. Please try again in a minute.';
  return show(reply, status, sentence('One moment', words));
}
