import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Fault, Faults } from './faults.ts';
import type { Ledger, Outcome } from './ledger.ts';
import {
  type Answer,
  Refusal,
  recipients,
  type Vendor,
  type VendorApi,
  type VendorRequest,
} from './vendor.ts';

type Parts = { ledger: Ledger; faults: Faults };

const heldForMs = 60_000;

/** Serves one call of a vendor's API: faults before it, the vendor, its ledger entry, faults after it, its webhooks. */
export async function serveVendor(
  { ledger, faults }: Parts,
  vendor: Vendor,
  api: VendorApi,
  request: VendorRequest,
  response: ServerResponse,
): Promise<void> {
  const { latencyMs, outcome: fault } = faults.forCall(vendor, request);
  if (fault && !fault.kind.endsWith('_after'))
    return failBefore({ ledger, faults }, vendor, api, request, response, fault);
  const answer = await api.handle({ ...request, latencyMs });
  const outcome = outcomeOf(request, answer, fault);
  if (answer.record) {
    const status = fault ? null : answer.status;
    ledger.append(vendor, answer.record, { outcome, status, fault: fault?.kind ?? null });
  }
  if (!fault) write(response, answer);
  else if (fault.kind === 'error_after') write(response, errorAnswer(api, request, fault));
  else dropConnection(response, fault);
  if (answer.after) setImmediate(answer.after);
}

function outcomeOf(request: VendorRequest, answer: Answer, fault: Fault | null): Outcome {
  if (request.method === 'GET') return 'read';
  if (answer.replayed) return 'replayed';
  if (answer.status >= 400) return 'refused';
  return fault ? 'accepted_answer_lost' : 'accepted';
}

function failBefore(
  { ledger }: Parts,
  vendor: Vendor,
  api: VendorApi,
  request: VendorRequest,
  response: ServerResponse,
  fault: Fault,
): void {
  const status = fault.kind === 'rate_limit' ? 429 : fault.kind === 'error' ? (fault.status ?? 500) : null;
  const key = request.headers['idempotency-key'];
  ledger.append(
    vendor,
    {
      operation: api.operation(request),
      ...recipients(api.params(request)),
      idempotencyKey: typeof key === 'string' ? key : null,
    },
    { outcome: request.method === 'GET' ? 'read' : 'faulted', status, fault: fault.kind },
  );
  if (fault.kind === 'rate_limit') {
    const code = vendor === 'twilio' ? 20429 : vendor === 'stripe' ? 'rate_limit' : 429;
    const answer = api.render(new Refusal(429, code, 'Too Many Requests'), request);
    write(response, {
      ...answer,
      headers: { ...answer.headers, 'retry-after': String(fault.retryAfter ?? 1) },
    });
  } else if (fault.kind === 'error') write(response, errorAnswer(api, request, fault));
  else dropConnection(response, fault);
}

function errorAnswer(api: VendorApi, request: VendorRequest, fault: Fault): Answer {
  return api.render(new Refusal(fault.status ?? 500, null, 'Internal Server Error'), request);
}

/** A reset closes the connection at once; a timeout keeps it open until the caller gives up, at most for a minute. */
function dropConnection(response: ServerResponse, fault: Fault): void {
  const socket = response.socket;
  if (!socket) return;
  if (fault.kind.startsWith('reset')) {
    socket.resetAndDestroy();
    return;
  }
  const timer = setTimeout(() => socket.destroy(), fault.ms ?? heldForMs);
  socket.once('close', () => clearTimeout(timer));
}

export function write(response: ServerResponse, answer: Answer): void {
  const body = Buffer.from(answer.body, 'utf8');
  response.writeHead(answer.status, { ...answer.headers, 'content-length': String(body.length) });
  response.end(body);
}

/** Reads a body of at most `limit` bytes. Throws a Refusal (413) for a larger one. */
export async function readBody(request: IncomingMessage, limit: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limit) throw new Refusal(413, 413, 'Payload Too Large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
