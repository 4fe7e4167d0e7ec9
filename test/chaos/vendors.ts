import type { FaultInput } from '../../src/sandbox/faults.ts';
import type { LedgerEntry } from '../../src/sandbox/ledger.ts';
import type { WebhookView } from '../../src/sandbox/webhooks.ts';

/** A client for the control API of the sandbox, which runs in its own process (docs/sandbox.md). */
export type Vendors = {
  url: string;
  control<T>(method: string, path: string, body?: unknown): Promise<T>;
  fault(fault: FaultInput): Promise<{ id: string }>;
  clearFaults(): Promise<void>;
  ledger(query?: string): Promise<{ entries: LedgerEntry[]; dropped: number; lastSeq: number }>;
  webhooks(query?: string): Promise<WebhookView[]>;
  /** Sends a text from this phone to our number. Resolves with the id of the text. */
  reply(phone: string, text: string, messageSid?: string): Promise<string>;
};

export function vendorsAt(url: string): Vendors {
  const control = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const answer = await fetch(`${url}/_sandbox/${path}`, {
      method,
      ...(body === undefined
        ? {}
        : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new ControlError(answer.status, `${method} ${path}: ${answer.status} ${text}`);
    return JSON.parse(text) as T;
  };
  return {
    url,
    control,
    fault: (fault) => control('POST', 'faults', fault),
    clearFaults: async () => void (await control('DELETE', 'faults')),
    ledger: (query = '') => control('GET', `ledger?${query}`),
    webhooks: async (query = '') =>
      (await control<{ webhooks: WebhookView[] }>('GET', `webhooks?${query}`)).webhooks,
    reply: async (phone, text, messageSid) => {
      const body = messageSid === undefined ? { text } : { text, messageSid };
      const path = `phones/${encodeURIComponent(phone)}/reply`;
      return (await control<{ messageSid: string }>('POST', path, body)).messageSid;
    },
  };
}

/** An error response of the sandbox. */
export class ControlError extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}
