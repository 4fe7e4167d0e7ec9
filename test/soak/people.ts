import { createPoster } from '../../bench/http.ts';
import { type LedgerEntry, startSandbox } from '../../src/sandbox/server.ts';
import { type Behaviour, behaviourOf, numberOfPhone } from './behaviours.ts';

/**
 * The simulated vendors and the buyers, in a separate process: `people.ts '{"seed":1}'`. It reports counts and errors to
 * its parent.
 */
export type Counts = {
  teasers: number;
  answered: Record<Behaviour, number>;
  paid: number;
  revealed: number;
  errors: number;
};
export type FromPeople = { url: string } | { counts: Counts } | { error: string };

const { seed } = JSON.parse(process.argv[2] ?? '{}') as { seed: number };
const sandbox = await startSandbox({});
const pages = createPoster(32);
const counts: Counts = {
  teasers: 0,
  paid: 0,
  revealed: 0,
  errors: 0,
  answered: { pays: 0, declines: 0, 'sends STOP': 0, 'does not reply': 0 },
};
const send = (message: FromPeople) => process.connected && process.send?.(message);

/** How long the buyer of this number takes to react, ms. */
const reactionMs = (number: number) => 500 + ((number * 977) % 1_500);
/** A buyer who sent STOP sends START before the next lead. */
const startAfterMs = 20_000;

function react({ to, text }: LedgerEntry): void {
  const phone = to ?? '';
  const number = numberOfPhone(phone);
  const link = /https?:\/\/\S+\/p\/[\w-]+/.exec(text ?? '')?.[0];
  if (link) later(number, () => pay(link));
  else if (text?.includes('Reply Y')) {
    counts.teasers += 1;
    const behaviour = behaviourOf(number, seed);
    counts.answered[behaviour] += 1;
    if (behaviour === 'pays') later(number, () => sandbox.act.reply(phone, { text: 'Y' }));
    if (behaviour === 'declines') later(number, () => sandbox.act.reply(phone, { text: 'N' }));
    if (behaviour === 'sends STOP') {
      later(number, () => sandbox.act.reply(phone, { text: 'STOP' }));
      setTimeout(() => sandbox.act.reply(phone, { text: 'START' }), startAfterMs);
    }
  } else if (text?.includes('client details')) counts.revealed += 1;
}

function later(number: number, act: () => unknown): void {
  setTimeout(() => {
    Promise.resolve()
      .then(act)
      .catch((error: Error) => {
        counts.errors += 1;
        send({ error: error.message });
      });
  }, reactionMs(number));
}

/** Retries while the page asks to try again. */
async function pay(link: string, tries = 10): Promise<void> {
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  const answer = await pages.post(link, '', form).catch(() => null);
  const session = answer?.headers.location?.split('/stripe/checkout/')[1];
  if (session) {
    sandbox.act.pay(session, {});
    counts.paid += 1;
  } else if (tries > 1) {
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    await pay(link, tries - 1);
  } else throw new Error(`the pay page answered ${answer?.status ?? 'nothing'}`);
}

const watch = (entry: LedgerEntry) => {
  if (entry.operation === 'message.create' && entry.outcome.startsWith('accepted'))
    setImmediate(react, entry);
  return false;
};
sandbox.waitFor(watch, 2 ** 31 - 1).catch(() => undefined);

setInterval(() => send({ counts }), 1_000);
const stop = () => void sandbox.close().then(() => process.exit(0));
process.once('SIGTERM', stop);
process.once('disconnect', stop);
send({ url: sandbox.url });
