import type { IncomingHttpHeaders } from 'node:http';

export const vendors = ['stripe', 'twilio', 'textmagic', 'sendgrid', 'ghl', 'google'] as const;
export type Vendor = (typeof vendors)[number];

export type Params = Record<string, unknown>;

export type VendorRequest = {
  method: string;
  /** Path without the query. */
  path: string;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  rawBody: string;
  /** Set by a latency fault. The vendor waits while processing, so that its idempotency key is in use for that time. */
  latencyMs: number;
};

/** A call as recorded in the ledger. Recipient and text are extracted from the parameters so that tests can search them. */
export type CallRecord = {
  operation: string;
  params: Params;
  vendorId?: string | null;
  to?: string | null;
  from?: string | null;
  text?: string | null;
  reference?: string | null;
  amount?: number | null;
  currency?: string | null;
  idempotencyKey?: string | null;
  error?: { code: string | number | null; message: string };
};

export type Answer = {
  status: number;
  headers?: Record<string, string>;
  body: string;
  record?: CallRecord;
  /** Answered from an idempotency key; the call was not processed again. */
  replayed?: boolean;
  /** Starts the webhooks once the response was sent. */
  after?: () => void;
};

/** An error response, rendered in the vendor's own format. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: string | number | null;
  readonly param: string | null;
  readonly type: string | null;
  constructor(status: number, code: string | number | null, message: string, param?: string, type?: string) {
    super(message);
    this.status = status;
    this.code = code;
    this.param = param ?? null;
    this.type = type ?? null;
  }
}

export type VendorApi = {
  operation(request: VendorRequest): string;
  params(request: VendorRequest): Params;
  handle(request: VendorRequest): Promise<Answer>;
  /** Renders an error in the vendor's own format. */
  render(refusal: Refusal, request: VendorRequest): Answer;
};

export type Route = {
  method: string;
  pattern: RegExp;
  operation: string;
  run(call: { request: VendorRequest; params: Params; id: string }): Answer;
};

type ApiParts = {
  routes: Route[];
  authenticate(request: VendorRequest): void;
  parse(request: VendorRequest): Params;
  render(refusal: Refusal, request: VendorRequest): Answer;
  around?(request: VendorRequest, run: () => Promise<Answer>): Promise<Answer>;
};

/** Creates a vendor's API from its routes: authenticates, parses, applies latency, runs the route or refuses. */
export function createVendorApi(parts: ApiParts): VendorApi {
  const find = (request: VendorRequest) =>
    parts.routes.find((route) => route.method === request.method && route.pattern.test(request.path));
  const params = (request: VendorRequest): Params => {
    try {
      return parts.parse(request);
    } catch (error) {
      if (error instanceof Refusal) return { unparsed: request.rawBody.slice(0, 2000) };
      throw error;
    }
  };

  const handle = async (request: VendorRequest): Promise<Answer> => {
    const route = find(request);
    const operation = route?.operation ?? 'unknown';
    try {
      parts.authenticate(request);
      if (!route)
        throw new Refusal(404, null, `Unrecognized request URL (${request.method}: ${request.path}).`);
      const id = decodeURIComponent(route.pattern.exec(request.path)?.[1] ?? '');
      const parsed = parts.parse(request);
      const run = async () => {
        if (request.latencyMs > 0) await new Promise((resolve) => setTimeout(resolve, request.latencyMs));
        return route.run({ request, params: parsed, id });
      };
      const answer = await (parts.around ? parts.around(request, run) : run());
      return { ...answer, record: answer.record ?? { operation, params: parsed } };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const answer = parts.render(error, request);
      return {
        ...answer,
        record: {
          operation,
          ...recipients(params(request)),
          error: { code: error.code, message: error.message },
        },
      };
    }
  };

  return {
    operation: (request) => find(request)?.operation ?? 'unknown',
    params,
    handle,
    render: parts.render,
  };
}

/** Extracts recipient and text under the vendors' parameter names, so that refused calls can be searched too. */
export function recipients(params: Params): Pick<CallRecord, 'params' | 'to' | 'text' | 'reference'> {
  const phone = params.To ?? params.phones ?? params.phone;
  const text = params.Body ?? params.text;
  return {
    params,
    to: typeof phone === 'string' ? `+${phone.replace(/^\+/, '')}` : firstMailbox(params),
    text: typeof text === 'string' ? text : null,
    reference: typeof params.locationId === 'string' ? params.locationId : null,
  };
}

function firstMailbox(params: Params): string | null {
  const first: unknown = Array.isArray(params.personalizations)
    ? params.personalizations[0]?.to?.[0]?.email
    : params.email;
  return typeof first === 'string' ? first : null;
}

export function json(status: number, value: unknown, headers: Record<string, string> = {}): Answer {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(value) };
}

/** Parses a flat form. A repeated key, such as Twilio's MediaUrl, becomes a list. */
export function parseFlatForm(body: string): Params {
  const params: Params = {};
  for (const [key, value] of new URLSearchParams(body)) {
    const known = Object.hasOwn(params, key) ? params[key] : undefined;
    const next = known === undefined ? value : Array.isArray(known) ? [...known, value] : [known, value];
    Object.defineProperty(params, key, { value: next, enumerable: true, configurable: true, writable: true });
  }
  return params;
}

export function parseJsonObject(body: string): Params {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    throw new Refusal(400, null, 'Bad Request: the body is not valid JSON.');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Refusal(400, null, 'Bad Request: the body must be a JSON object.');
  }
  return value as Params;
}

/** Returns Basic credentials, or null when the header has none. */
export function basicCredentials(header: string | undefined): { user: string; password: string } | null {
  if (!header?.startsWith('Basic ')) return null;
  const [user = '', ...rest] = Buffer.from(header.slice(6), 'base64').toString('utf8').split(':');
  return { user, password: rest.join(':') };
}
