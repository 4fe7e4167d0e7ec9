import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { type EffectState, effectMoves } from '../src/db/transport/effect-state.ts';
import { type OutboxState, outboxMoves } from '../src/db/transport/outbox-state.ts';
import { type SyncStatus, syncMoves } from '../src/domain/crm/sync-status.ts';
import { type ImportStatus, importMoves } from '../src/domain/imports/status.ts';
import { finalStates, type Moves } from '../src/domain/moves.ts';
import { type CheckoutState, checkoutMoves } from '../src/domain/payment/checkout-state.ts';
import { type PaymentState, paymentMoves } from '../src/domain/payment/payment-state.ts';
import { allowedMoves, type UnlockState } from '../src/domain/unlock/machine.ts';

/** `npm run docs:lifecycle`: draws docs/lifecycle.md from the tables of allowed moves that the code itself uses. */

type Lifecycle<S extends string> = {
  title: string;
  about: string;
  /** Where the table stands. */
  source: string;
  moves: Moves<S>;
  starts: readonly S[];
  meanings: Record<S, string>;
};

const unlock: Lifecycle<UnlockState> = {
  title: 'Unlock',
  about:
    'One buyer and one lead: the column `lead_unlocks.status`. Each move is one guarded UPDATE and one `unlock.moved` event. Money that arrives after the end buys the lead while it may still be sold.',
  source: 'src/domain/unlock/machine.ts',
  moves: allowedMoves,
  starts: ['NEW_LEAD'],
  meanings: {
    NEW_LEAD: 'offered to the buyer, nothing sent yet',
    TEASER_SENT: 'the teaser was accepted by the carrier',
    AWAIT_CONFIRM: 'waiting for the answer Y or N',
    CHECK_EXISTING_PAYMENT: 'Y was received; earlier payments are looked up',
    CREATE_PAYMENT_LINK: 'the pay link is being made',
    PAYMENT_LINK_SENT: 'the text with the pay link was accepted by the carrier',
    AWAITING_PAYMENT: 'waiting for the payment',
    PAID: 'the payment is verified and booked',
    REVEAL_DETAILS_SENT: 'the contact details were sent',
    DONE: 'their delivery is confirmed',
    EXPIRED:
      'ended without a sale: declined, out of time, sold out, undeliverable, or refunded before the reveal',
    OPTED_OUT: 'ended by STOP',
  },
};

const outbox: Lifecycle<OutboxState> = {
  title: 'Outbox row',
  about:
    "One worker's part of one event: the columns `queued` and `parked_at` of `outbox`. Every return to `waiting` and every reissue raises the row's epoch, which makes older jobs void.",
  source: 'src/db/transport/outbox-state.ts',
  moves: outboxMoves,
  starts: ['waiting', 'queued'],
  meanings: {
    waiting: 'due later, retried later, or waiting for room in the queue',
    queued: 'a job of this epoch should be in the queue; the sweeper issues it again when it is lost',
    parked: 'given up after too many failures; an operator resumes it in the console',
    finished: 'deleted by the statement that finished the work',
  },
};

const effect: Lifecycle<EffectState> = {
  title: 'Effect',
  about:
    'One call that changes the world outside: the column `effects.state`. The claim is committed before the call.',
  source: 'src/db/transport/effect-state.ts',
  moves: effectMoves,
  starts: ['claimed'],
  meanings: {
    claimed:
      'about to be called, or being called. Claimed again only where the vendor knows idempotency keys',
    released:
      'certainly not done (429, connection refused), or released by an operator; may be claimed again',
    accepted: 'the vendor accepted it, by its answer or by a status callback',
    refused: 'the vendor refused it',
    unknown:
      'it cannot be told whether the vendor did it. A message is claimed once more only when two listings lack it',
  },
};

const imported: Lifecycle<ImportStatus> = {
  title: 'Import',
  about: 'One uploaded file: the column `imports.status`.',
  source: 'src/domain/imports/status.ts',
  moves: importMoves,
  starts: ['uploading'],
  meanings: {
    uploading: 'its bytes are being received',
    ready: 'stored whole; waits for a column mapping or for a person to start it',
    running: 'its rows are being read into leads',
    done: 'every row was read',
    failed: 'the upload was interrupted, the file could not be read on, or it was never started',
    cancelled: 'stopped by a person, or replaced by a newer upload of the same bytes',
  },
};

const sync: Lifecycle<SyncStatus> = {
  title: 'Sync',
  about: 'One uploaded lead on its way into the CRM: the column `lead_syncs.status`.',
  source: 'src/domain/crm/sync-status.ts',
  moves: syncMoves,
  starts: ['processing', 'cancelled'],
  meanings: {
    pending: 'not begun, or put off. A lead that was never begun has no row and counts as pending',
    processing: 'a run is writing it to the CRM',
    success: 'the contact is in the CRM',
    failed: 'the CRM refused it, or every attempt failed; it can be requested again',
    cancelled: 'its import was cancelled or the lead was erased first',
  },
};

const checkout: Lifecycle<CheckoutState> = {
  title: 'Checkout Session',
  about: 'One Stripe Checkout Session of an unlock: the column `checkout_sessions.state`.',
  source: 'src/domain/payment/checkout-state.ts',
  moves: checkoutMoves,
  starts: ['creating'],
  meanings: {
    creating: 'the request to Stripe is recorded, its answer is not',
    open: 'the buyer can pay',
    complete: 'Stripe reports it complete',
    expired: 'Stripe reports it expired, or refused to create it',
  },
};

const payment: Lifecycle<PaymentState> = {
  title: 'Payment',
  about:
    'One charge, told by the columns `kept`, `refunded_minor`, `refunding_minor` and `disputed_at` of `payments`, which are the sums of its rows in `refunds` and `disputes`. A partial refund changes the amount, not the state. A refund may fail, also after it succeeded, and a dispute may be won.',
  source: 'src/domain/payment/payment-state.ts',
  moves: paymentMoves,
  starts: ['kept', 'refund_due'],
  meanings: {
    kept: 'the one charge its unlock keeps',
    refund_due:
      'a charge that goes back in full: paid twice, too late for a lead that is sold out, or one whose refund failed',
    refunding: 'all of it is on its way back; the bank has not confirmed it',
    disputed: 'its bank claims it, or has got it for good; it is booked out of the sales',
    refunded: 'all of it went back',
  },
};

function drawn<S extends string>(lifecycle: Lifecycle<S>): string {
  const { title, about, source, moves, starts, meanings } = lifecycle;
  const states = Object.keys(moves) as S[];
  const arrows = [
    ...starts.map((state) => `[*] --> ${state}`),
    ...states.flatMap((from) => moves[from].map((to) => `${from} --> ${to}`)),
    ...finalStates(moves).map((state) => `${state} --> [*]`),
  ];
  const rows = states.map((state) => `| \`${state}\` | ${meanings[state]} |`);
  return [
    `## ${title}`,
    '',
    about,
    `Table: [${source}](../${source}).`,
    '',
    '```mermaid',
    'stateDiagram-v2',
    ...arrows.map((arrow) => `  ${arrow}`),
    '```',
    '',
    '| state | meaning |',
    '|---|---|',
    ...rows,
  ].join('\n');
}

/** The page as the tables of the code say it. */
export function lifecyclePage(): string {
  const head = [
    '# Lifecycles',
    '',
    'The states of everything that has states, and the moves allowed between them. `npm run docs:lifecycle` writes this',
    'page from the tables that the code itself uses; a test fails when the two differ. Another test records every move that',
    'whole stories make in the database and fails on one that is not drawn here.',
  ].join('\n');
  const parts = [drawn(unlock), drawn(outbox), drawn(effect), drawn(imported)];
  return `${[head, ...parts, drawn(sync), drawn(checkout), drawn(payment)].join('\n\n')}\n`;
}

const page = new URL('../docs/lifecycle.md', import.meta.url);

export const committedPage = (): string => readFileSync(page, 'utf8');

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) writeFileSync(page, lifecyclePage());
