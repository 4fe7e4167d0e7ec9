import { type LedgerEntry, type SandboxOptions, startSandbox } from '../src/sandbox/server.ts';
import { createPoster } from './http.ts';

/**
 * The vendors, and the people behind their phones, in a process of their own (deals.ts starts it). Whoever gets a
 * teaser answers Y, whoever gets a link presses the page's button and pays. What happened to a phone is told to the
 * parent process, with the time the vendor accepted it.
 * `vendors.ts '{…sandbox options…}'`
 */

export type BuyerStep = 'teased' | 'linked' | 'paid' | 'revealed';
/** `at`: milliseconds since 1970, whole, as the vendor's ledger has them. */
export type Told = { step: BuyerStep; phone: string; at: number };
export type FromVendors = { url: string } | { told: Told[] } | { trouble: string };
/** Silent buyers read their texts and do nothing. */
export type ToVendors = { buyers: 'buying' | 'silent' };

const forever = 2 ** 31 - 1;
const sandbox = await startSandbox(JSON.parse(process.argv[2] ?? '{}') as SandboxOptions);
const pages = createPoster(64);
let buying = true;
let news: Told[] = [];

const send = (message: FromVendors) => process.connected && process.send?.(message);

/** Told in one message per turn of the event loop. */
function tell(step: BuyerStep, phone: string, at: number): void {
  if (news.length === 0) {
    setImmediate(() => {
      send({ told: news });
      news = [];
    });
  }
  news.push({ step, phone, at });
}

function react({ to, text, at }: LedgerEntry): void {
  const phone = to ?? '';
  const when = Date.parse(at);
  const link = /https?:\/\/\S+\/p\/[\w-]+/.exec(text ?? '')?.[0];
  if (link) {
    tell('linked', phone, when);
    if (buying) pay(link, phone).catch((error: Error) => send({ trouble: `${phone}: ${error.message}` }));
  } else if (text?.includes('Reply Y')) {
    tell('teased', phone, when);
    if (buying) sandbox.act.reply(phone, { text: 'Y' });
  } else if (text?.includes('client details')) tell('revealed', phone, when);
}

async function pay(link: string, phone: string): Promise<void> {
  const answer = await pages.post(link, '', { 'content-type': 'application/x-www-form-urlencoded' });
  const session = answer.headers.location?.split('/stripe/checkout/')[1];
  if (!session) throw new Error(`the pay page answered ${answer.status} ${answer.headers.location ?? ''}`);
  sandbox.act.pay(session, {});
  tell('paid', phone, Date.now());
}

// Not before the vendor's own answer is on its way: people read their texts later than that.
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
