import { ZodError, z } from 'zod';
import { faultSchema } from './faults.ts';
import { accountEventSchema, contactQuerySchema, createGhlActs, locationSchema } from './ghl/acts.ts';
import type { LedgerQuery } from './ledger.ts';
import { targetsSchema } from './options.ts';
import {
  asyncSchema,
  cardSchema,
  createStripeActs,
  declineSchema,
  disputeSchema,
  outcomeSchema,
  paySchema,
  refundSchema,
  renewalSchema,
} from './stripe/acts.ts';
import { type Answer, json, parseJsonObject, Refusal, type VendorRequest, vendors } from './vendor.ts';
import type { WebhookQuery } from './webhooks.ts';
import type { World } from './world.ts';

const provider = z.enum(['twilio', 'textmagic']);
const replySchema = z.strictObject({
  text: z.string(),
  /** Reuses an earlier id, to simulate a redelivery by the vendor. */
  messageSid: z.string().optional(),
  provider: provider.optional(),
});
const phoneSchema = z.strictObject({
  refuse: z.number().int().nullable().optional(),
  fail: z.number().int().nullable().optional(),
});
const flag = z.enum(['true', 'false', '1', '0']).transform((value) => value === 'true' || value === '1');
const ledgerSchema = z.strictObject({
  vendor: z.enum(vendors).optional(),
  operation: z.string().optional(),
  to: z.string().optional(),
  from: z.string().optional(),
  contains: z.string().optional(),
  reference: z.string().optional(),
  vendorId: z.string().optional(),
  idempotencyKey: z.string().optional(),
  outcome: z.enum(['accepted', 'accepted_answer_lost', 'refused', 'faulted', 'replayed', 'read']).optional(),
  accepted: flag.optional(),
  since: z.string().optional(),
  reads: flag.optional(),
  limit: z.coerce.number().int().min(1).optional(),
});
const waiting = {
  count: z.coerce.number().int().min(1).default(1),
  timeoutMs: z.coerce.number().int().min(0).max(600_000).default(10_000),
};
const webhookSchema = z.strictObject({
  vendor: z.enum(vendors).optional(),
  event: z.string().optional(),
  objectId: z.string().optional(),
  state: z.string().optional(),
  limit: z.coerce.number().int().min(1).optional(),
});

type Route = { method: string; pattern: RegExp; run: (request: VendorRequest, id: string) => unknown };

export type Control = {
  handle(request: VendorRequest): Promise<Answer>;
  act: ReturnType<typeof createActs>;
};

/** Actions of buyers, cardholders and CRM users, offered in process (`sandbox.act`) and by the control API. */
export function createActs(world: World) {
  const { store, phones, ledger } = world;
  return {
    ...createStripeActs(store, ledger),
    /** A day passes for Stripe's idempotency keys. */
    forgetKeys: () => world.forgetKeys(),
    /** Actions of a CRM user, and the CRM's settings. */
    ghl: createGhlActs(world.ghl, ledger, world.onChange),
    /** Sends a text from a phone to our number, through the given provider or the one that texted the phone last. */
    reply(number: string, given: z.infer<typeof replySchema>): { messageSid: string; provider: string } {
      const request = replySchema.parse(given);
      const last = phones.find(number)?.bubbles.findLast((bubble) => bubble.by !== 'phone')?.provider;
      const by = request.provider ?? last ?? 'twilio';
      const vendor = by === 'twilio' ? world.twilio : world.textmagic;
      return { messageSid: vendor.inbound(number, request.text, request.messageSid), provider: by };
    },
    /** Makes sends to a number fail: as a landline, an unreachable handset and so on. */
    phone(number: string, given: z.infer<typeof phoneSchema>) {
      return Object.assign(phones.get(number), phoneSchema.parse(given));
    },
  };
}

export function createControl(world: World): Control {
  const { ledger, faults, webhooks, store, phones, sendgrid } = world;
  const act = createActs(world);
  const body = (request: VendorRequest) =>
    request.rawBody.trim() === '' ? {} : parseJsonObject(request.rawBody);
  const query = (request: VendorRequest) => Object.fromEntries(request.query);
  const ledgerQuery = (request: VendorRequest): LedgerQuery => ledgerSchema.parse(query(request));

  const routes: Route[] = [
    { method: 'GET', pattern: /^health$/, run: () => ({ status: 'ok' }) },
    {
      method: 'POST',
      pattern: /^configure$/,
      run: (request) => world.configure(targetsSchema.parse(body(request))),
    },
    { method: 'POST', pattern: /^reset$/, run: () => world.reset() },
    {
      method: 'GET',
      pattern: /^ledger$/,
      run: (request) => ({
        entries: ledger.list(ledgerQuery(request)),
        dropped: ledger.dropped,
        lastSeq: ledger.lastSeq,
      }),
    },
    {
      method: 'GET',
      pattern: /^ledger\/wait$/,
      run: async (request) => {
        const { count, timeoutMs, ...wanted } = ledgerSchema.extend(waiting).parse(query(request));
        return { entries: await orTimeout(ledger.wait(wanted, count, timeoutMs)) };
      },
    },
    { method: 'GET', pattern: /^faults$/, run: () => ({ faults: faults.list() }) },
    { method: 'POST', pattern: /^faults$/, run: (request) => faults.add(faultSchema.parse(body(request))) },
    { method: 'DELETE', pattern: /^faults$/, run: () => ({ cleared: faults.clear() }) },
    {
      method: 'DELETE',
      pattern: /^faults\/([^/]+)$/,
      run: (_request, id) => ({ cleared: faults.clear(id) }),
    },
    {
      method: 'GET',
      pattern: /^webhooks$/,
      run: (request) => ({ webhooks: webhooks.list(webhookQuery(query(request))) }),
    },
    {
      method: 'GET',
      pattern: /^webhooks\/wait$/,
      run: async (request) => {
        const { count, timeoutMs, ...wanted } = webhookSchema.extend(waiting).parse(query(request));
        return { webhooks: await orTimeout(webhooks.wait(wanted, count, timeoutMs)) };
      },
    },
    {
      method: 'POST',
      pattern: /^webhooks\/deliver$/,
      run: async (request) => {
        const { reversed, ...wanted } = webhookSchema
          .extend({ reversed: z.boolean().optional() })
          .parse(body(request));
        return { webhooks: await webhooks.deliverAll(wanted, reversed) };
      },
    },
    {
      method: 'POST',
      pattern: /^webhooks\/([^/]+)\/deliver$/,
      run: async (_request, id) => found(await webhooks.deliver(id), `webhook ${id}`),
    },
    { method: 'POST', pattern: /^events\/([^/]+)\/deliver$/, run: (_request, id) => act.resend(id) },
    {
      method: 'POST',
      pattern: /^keys\/forget$/,
      run: () => {
        act.forgetKeys();
        return { forgotten: true };
      },
    },
    { method: 'GET', pattern: /^phones$/, run: () => ({ phones: phones.recent(5000) }) },
    {
      method: 'GET',
      pattern: /^phones\/([^/]+)$/,
      run: (_request, id) => found(phones.find(id), `phone ${id}`),
    },
    {
      method: 'POST',
      pattern: /^phones\/([^/]+)\/reply$/,
      run: (request, id) => act.reply(id, replySchema.parse(body(request))),
    },
    {
      method: 'POST',
      pattern: /^phones\/([^/]+)$/,
      run: (request, id) => act.phone(id, phoneSchema.parse(body(request))),
    },
    { method: 'GET', pattern: /^mailbox$/, run: () => ({ emails: sendgrid.mailbox(20_000) }) },
    {
      method: 'GET',
      pattern: /^checkout$/,
      run: () => ({ sessions: [...store.sessions.values()].reverse() }),
    },
    {
      method: 'POST',
      pattern: /^checkout\/([^/]+)\/pay$/,
      run: (request, id) => act.pay(id, paySchema.parse(body(request))),
    },
    {
      method: 'POST',
      pattern: /^checkout\/([^/]+)\/async$/,
      run: (request, id) => act.settle(id, asyncSchema.parse(body(request)).outcome),
    },
    {
      method: 'POST',
      pattern: /^checkout\/([^/]+)\/card$/,
      run: (request, id) => act.saveCard(id, cardSchema.parse(body(request))),
    },
    {
      method: 'POST',
      pattern: /^setups\/([^/]+)\/confirm$/,
      run: (request, id) => act.confirmSetup(id, cardSchema.parse(body(request))),
    },
    {
      method: 'POST',
      pattern: /^bank\/([^/]+)$/,
      run: (request, id) => act.confirmAtBank(id, asyncSchema.parse(body(request)).outcome),
    },
    {
      method: 'POST',
      pattern: /^customers\/([^/]+)\/declines$/,
      run: (request, id) => act.declineNext(id, declineSchema.parse(body(request))),
    },
    {
      method: 'POST',
      pattern: /^cards\/([^/]+)\/renew$/,
      run: (request, id) => act.renewCard(id, renewalSchema.parse(body(request))),
    },
    { method: 'POST', pattern: /^checkout\/([^/]+)\/expire$/, run: (_request, id) => act.expire(id) },
    {
      method: 'POST',
      pattern: /^payments\/([^/]+)\/refund$/,
      run: (request, id) => act.refund(id, refundSchema.parse(body(request))),
    },
    {
      method: 'POST',
      pattern: /^payments\/([^/]+)\/refunds$/,
      run: (request, id) => act.refundsOf(id, outcomeSchema.parse(body(request))),
    },
    {
      method: 'POST',
      pattern: /^refunds\/([^/]+)$/,
      run: (request, id) => act.settleRefund(id, outcomeSchema.parse(body(request))),
    },
    {
      method: 'POST',
      pattern: /^payments\/([^/]+)\/dispute$/,
      run: (request, id) => act.dispute(id, disputeSchema.parse(body(request))),
    },
    {
      method: 'GET',
      pattern: /^ghl\/contacts$/,
      run: (request) => ({ contacts: act.ghl.contacts(contactQuerySchema.parse(query(request))) }),
    },
    { method: 'GET', pattern: /^ghl\/contacts\/([^/]+)$/, run: (_request, id) => act.ghl.contact(id) },
    {
      method: 'POST',
      pattern: /^ghl\/contacts\/([^/]+)$/,
      run: (request, id) => act.ghl.edit(id, body(request)),
    },
    { method: 'DELETE', pattern: /^ghl\/contacts\/([^/]+)$/, run: (_request, id) => act.ghl.remove(id) },
    { method: 'GET', pattern: /^ghl\/locations\/([^/]+)$/, run: (_request, id) => act.ghl.location(id) },
    {
      method: 'POST',
      pattern: /^ghl\/locations\/([^/]+)$/,
      run: (request, id) => act.ghl.location(id, locationSchema.parse(body(request))),
    },
    {
      method: 'POST',
      pattern: /^ghl\/locations\/([^/]+)\/contacts$/,
      run: (request, id) => act.ghl.create(id, body(request)),
    },
    {
      method: 'POST',
      pattern: /^ghl\/locations\/([^/]+)\/expire$/,
      run: (_request, id) => act.ghl.expireTokens(id),
    },
    {
      method: 'POST',
      pattern: /^ghl\/locations\/([^/]+)\/uninstall$/,
      run: (_request, id) => act.ghl.uninstall(id),
    },
    {
      method: 'POST',
      pattern: /^ghl\/locations\/([^/]+)\/events$/,
      run: (request, id) => act.ghl.event(id, accountEventSchema.parse(body(request))),
    },
  ];

  return { act, handle: (request) => handle(routes, request) };
}

async function handle(routes: Route[], request: VendorRequest): Promise<Answer> {
  const path = request.path.slice('/_sandbox/'.length);
  try {
    const route = routes.find(
      (candidate) => candidate.method === request.method && candidate.pattern.test(path),
    );
    if (!route) throw new Refusal(404, 404, `No such control call: ${request.method} ${request.path}`);
    const id = decodeURIComponent(route.pattern.exec(path)?.[1] ?? '');
    return json(200, (await route.run(request, id)) ?? { ok: true });
  } catch (error) {
    if (error instanceof ZodError) return json(400, { error: 'invalid request', issues: error.issues });
    if (error instanceof Refusal) return json(error.status, { error: error.message, code: error.code });
    throw error;
  }
}

function webhookQuery(given: Record<string, string>): WebhookQuery {
  return webhookSchema.parse(given);
}

/** Turns a timeout of a wait into a 408 response. */
async function orTimeout<T>(promise: Promise<T>): Promise<T> {
  return promise.catch((error: Error) => {
    throw new Refusal(408, 408, error.message);
  });
}

function found<T>(value: T | null, what: string): T {
  if (value === null) throw new Refusal(404, 404, `No such ${what}`);
  return value;
}
