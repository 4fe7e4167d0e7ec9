import { type LedgerEntry, type SandboxOptions, startSandbox } from '../src/sandbox/server.ts';
import { createPoster } from './http.ts';

/**
 * The simulated vendors and buyers, in a process started by deals.ts. A buyer who gets a teaser replies Y, and one who gets
 * a link presses the page's button and pays. Each step is reported to the parent process with the time the vendor
 * accepted it.
 * `vendors.ts '{…sandbox options…}'`
 */

export type BuyerStep = 'teased' | 'linked' | 'paid' | 'revealed';
/** `at`: the vendor's timestamp, in milliseconds since 1970. */
export type StepReport = { step: BuyerStep; phone: string; at: number };
export type FromVendors = { url: string } | { steps: StepReport[] } | { error: string };
/** Silent buyers do not reply. */
export type ToVendors = { buyers: 'buying' | 'silent' };

const forever = 2 ** 31 - 1;
const sandbox = await startSandbox(JSON.parse(process.argv[2] ?? '{}') as SandboxOptions);
const pages = createPoster(64);
let buying = true;
let pending: StepReport[] = [];

const send = (message: FromVendors) => process.connected && process.send?.(message);

/** Reports all steps of one turn of the event loop in one message. */
function report(step: BuyerStep, phone: string, at: number): void {
  if (pending.length === 0) {
    setImmediate(() => {
      send({ steps: pending });
      pending = [];
    });
  }
  pending.push({ step, phone, at });
}

function react({ to, text, at }: LedgerEntry): void {
  const phone = to ?? '';
  const when = Date.parse(at);
  const link = /https?:\/\/\S+\/p\/[\w-]+/.exec(text ?? '')?.[0];
  if (link) {
    report('linked', phone, when);
    if (buying) pay(link, phone).catch((error: Error) => send({ error: `${phone}: ${error.message}` }));
  } else if (text?.includes('Reply Y')) {
    report('teased', phone, when);
    if (buying) sandbox.act.reply(phone, { text: 'Y' });
  } else if (text?.includes('client details')) report('revealed', phone, when);
}

async function pay(link: string, phone: string): Promise<void> {
  const answer = await pages.post(link, '', { 'content-type': 'application/x-www-form-urlencoded' });
  const session = answer.headers.location?.split('/stripe/checkout/')[1];
  if (!session) throw new Error(`the pay page answered ${answer.status} ${answer.headers.location ?? ''}`);
  sandbox.act.pay(session, {});
  report('paid', phone, Date.now());
}

// Reacts only after the vendor's response has been sent, as a person would.
const watch = (entry: LedgerEntry) => {
  if (entry.operation === 'message.create' && entry.outcome.startsWith('accepted'))
    setImmediate(react, entry);
  return false;
};
sandbox.waitFor(watch, forever).catch(() => undefined);

process.on('message', (message: ToVendors) => {
  buying = message.buyers === 'buying';
});
const stop = () => void sandbox.close().then(() => process.exit(0));
process.once('SIGTERM', stop);
process.once('disconnect', stop);
send({ url: sandbox.url });
