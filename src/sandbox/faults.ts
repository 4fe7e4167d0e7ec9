import { z } from 'zod';
import { type Vendor, type VendorRequest, vendors } from './vendor.ts';

const callKinds = [
  'latency',
  'rate_limit',
  'error',
  'reset',
  'timeout',
  'error_after',
  'reset_after',
  'timeout_after',
] as const;
const webhookKinds = ['webhook_duplicate', 'webhook_reorder', 'webhook_delay', 'webhook_withhold'] as const;

/**
 * `…_after` applies when the vendor has processed the call: it is in the ledger, and the response is lost.
 * All others except `latency` apply before the call is processed.
 */
export const faultSchema = z.strictObject({
  vendor: z.enum([...vendors, '*']),
  kind: z.enum([...callKinds, ...webhookKinds]),
  /** Substring of the call's path. */
  path: z.string().optional(),
  method: z.string().optional(),
  /** Substring of the decoded body or query, such as a phone number or a word of the text. */
  contains: z.string().optional(),
  /** Webhooks: the event's name or a prefix of it (`checkout.session.`, `message.delivered`). */
  event: z.string().optional(),
  /** latency, webhook_delay: duration. timeout: how long the socket is kept open (60 s). webhook_reorder: maximum (1 s). */
  ms: z.number().int().min(0).max(3_600_000).optional(),
  /** error: the HTTP status (500). */
  status: z.number().int().min(400).max(599).optional(),
  /** rate_limit: seconds in Retry-After (1). */
  retryAfter: z.number().int().min(0).optional(),
  /** webhook_duplicate: number of additional deliveries (1). */
  copies: z.number().int().min(1).max(100).optional(),
  /** Number of matching calls that are not affected first. */
  skip: z.number().int().min(0).optional(),
  /** Maximum number of affected calls; unlimited when absent. */
  count: z.number().int().min(1).optional(),
  probability: z.number().min(0).max(1).optional(),
  /** Seed of the random numbers for `probability`, so that a run can be repeated. */
  seed: z.number().int().optional(),
});

export type FaultInput = z.infer<typeof faultSchema>;
export type Fault = FaultInput & { id: string; struck: number; seen: number };

type Rule = Fault & { random: () => number };

export class Faults {
  #rules: Rule[] = [];
  #next = 1;
  #onChange: () => void;

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  add(input: FaultInput): Fault {
    const rule: Rule = {
      ...faultSchema.parse(input),
      id: `flt_${this.#next}`,
      struck: 0,
      seen: 0,
      random: mulberry32(input.seed ?? 1),
    };
    this.#next += 1;
    this.#rules.push(rule);
    this.#onChange();
    return described(rule);
  }

  list(): Fault[] {
    return this.#rules.map(described);
  }

  /** Removes one fault, or all without an id. Returns how many were removed. */
  clear(id?: string): number {
    const before = this.#rules.length;
    this.#rules = id === undefined ? [] : this.#rules.filter((rule) => rule.id !== id);
    this.#onChange();
    return before - this.#rules.length;
  }

  /** Returns the sum of matching latencies, and the oldest other matching fault. */
  forCall(vendor: Vendor, request: VendorRequest): { latencyMs: number; outcome: Fault | null } {
    if (this.#rules.length === 0) return { latencyMs: 0, outcome: null };
    let latencyMs = 0;
    let outcome: Fault | null = null;
    for (const rule of this.#rules) {
      if (rule.kind.startsWith('webhook_') || (outcome && rule.kind !== 'latency')) continue;
      if (!sameVendor(rule, vendor) || !matchesCall(rule, request) || !this.#strikes(rule)) continue;
      if (rule.kind === 'latency') latencyMs += rule.ms ?? 1000;
      else outcome = described(rule);
    }
    return { latencyMs, outcome };
  }

  forWebhook(vendor: Vendor, event: string): Fault | null {
    for (const rule of this.#rules) {
      if (!rule.kind.startsWith('webhook_') || !sameVendor(rule, vendor)) continue;
      if (rule.event !== undefined && !event.startsWith(rule.event)) continue;
      if (this.#strikes(rule)) return described(rule);
    }
    return null;
  }

  #strikes(rule: Rule): boolean {
    if (rule.count !== undefined && rule.struck >= rule.count) return false;
    rule.seen += 1;
    if (rule.seen <= (rule.skip ?? 0)) return false;
    if (rule.probability !== undefined && rule.random() >= rule.probability) return false;
    rule.struck += 1;
    return true;
  }
}

function described({ random: _random, ...fault }: Rule): Fault {
  return { ...fault };
}

function sameVendor(rule: Rule, vendor: Vendor): boolean {
  return rule.vendor === '*' || rule.vendor === vendor;
}

function matchesCall(rule: Rule, request: VendorRequest): boolean {
  if (rule.method !== undefined && rule.method.toUpperCase() !== request.method) return false;
  if (rule.path !== undefined && !request.path.includes(rule.path)) return false;
  return rule.contains === undefined || decoded(request).includes(rule.contains);
}

/** Decodes form bodies, so that `contains` matches plain text instead of percent-encoding. */
function decoded(request: VendorRequest): string {
  const isForm = (request.headers['content-type'] ?? '').includes('urlencoded');
  const values = (form: URLSearchParams) => [...form.entries()].flat().join('\n');
  return `${isForm ? values(new URLSearchParams(request.rawBody)) : request.rawBody}\n${values(request.query)}`;
}

/** Seeded random numbers: the same seed selects the same calls. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
