import { createPoster } from '../../bench/http.ts';
import { type LedgerEntry, startSandbox } from '../../src/sandbox/server.ts';
import { type Manner, mannerOf, numberOfPhone } from './manners.ts';

/**
 * The vendors, and people of several manners behind their phones, in a process of its own. `people.ts '{"seed":1}'`
 * Tells its parent what came of it.
 */
export type Counted = {
  teasers: number;
  answered: Record<Manner, number>;
  paid: number;
  revealed: number;
  troubles: number;
};
export type FromPeople = { url: string } | { counted: Counted } | { trouble: string };

const { seed } = JSON.parse(process.argv[2] ?? '{}') as { seed: number };
const sandbox = await startSandbox({});
const pages = createPoster(32);
const counted: Counted = {
  ...{ teasers: 0, paid: 0, revealed: 0, troubles: 0 },
  answered: { pays: 0, declines: 0, stops: 0, 'is silent': 0 },
};
const send = (message: FromPeople) => process.connected && process.send?.(message);

/** People take a moment; the same phone always the same. */
const pauseOf = (number: number) => 500 + ((number * 977) % 1_500);
/** Whoever said STOP comes back before its next turn. */
const returnsAfterMs = 20_000;

function react({ to, text }: LedgerEntry): void {
  const phone = to ?? '';
  const number = numberOfPhone(phone);
  const link = /https?:\/\/\S+\/p\/[\w-]+/.exec(text ?? '')?.[0];
  if (link) later(number, () => pay(link));
  else if (text?.includes('Reply Y')) {
    counted.teasers += 1;
    const manner = mannerOf(number, seed);
    counted.answered[manner] += 1;
    if (manner === 'pays') later(number, () => sandbox.act.reply(phone, { text: 'Y' }));
    if (manner === 'declines') later(number, () => sandbox.act.reply(phone, { text: 'N' }));
    if (manner === 'stops') {
      later(number, () => sandbox.act.reply(phone, { text: 'STOP' }));
      setTimeout(() => sandbox.act.reply(phone, { text: 'START' }), returnsAfterMs);
    }
  } else if (text?.includes('client details')) counted.revealed += 1;
}

function later(number: number, act: () => unknown): void {
  setTimeout(() => {
    Promise.resolve()
      .then(act)
      .catch((error: Error) => {
        counted.troubles += 1;
        send({ trouble: error.message });
      });
  }, pauseOf(number));
}

/** A page that asks for a moment gets it. */
async function pay(link: string, tries = 10): Promise<void> {
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  const answer = await pages.post(link, '', form).catch(() => null);
  const session = answer?.headers.location?.split('/stripe/checkout/')[1];
  if (session) {
    sandbox.act.pay(session, {});
    counted.paid += 1;
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

setInterval(() => send({ counted }), 1_000);
const stop = () => void sandbox.close().then(() => process.exit(0));
process.once('SIGTERM', stop);
process.once('disconnect', stop);
send({ url: sandbox.url });
