// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the edits match the product's source text.
import { doorMutants } from './doors.ts';
import { marketplaceMutants } from './marketplace.ts';
import type { Mutant, TestName } from './mutant.ts';

const sale: TestName = {
  file: 'test/unlock/main-path.test.ts',
  title:
    'from a lead to revealed details sends the teaser, the link on Y and the details after payment, and is DONE on the delivery receipt; each message once',
};
/** For mutants under which waiting work is never resumed: unlike an offer, a sale may have to wait for its delivery receipt. */
const offer: TestName = {
  file: 'test/unlock/main-path.test.ts',
  title:
    'from a lead to revealed details offers to known active providers only and reports a result for each provider',
};
const collision = (title: string): TestName => ({ file: 'test/engine/concurrent-runs.test.ts', title });
const sweep = (title: string): TestName => ({
  file: 'test/engine/sweeper.test.ts',
  title: `the sweeper ${title}`,
});

/** Each attempt has its own epoch; with it in the key, every attempt is a new effect. */
const keyPerAttemptOf = (request: string) => `\`\${${request}.key}-\${run?.fence.epoch ?? 0}\``;

/**
 * The mutants of the gate. Each removes one guarantee by replacing text that occurs exactly once in its file. The
 * rest of the product keeps working, which the test `stillWorks` shows in the same run.
 */
export const mutants: readonly Mutant[] = [
  {
    number: 1,
    name: 'drop the inbox UNIQUE',
    change: 'the index on (source, external_id) is not unique, and the insert names no conflict',
    loses: 'A repeated webhook is stored once.',
    edits: [
      {
        file: 'drizzle/0000_spine.sql',
        find: 'CREATE UNIQUE INDEX "inbox_once"',
        replace: 'CREATE INDEX "inbox_once"',
      },
      {
        file: 'src/db/transport/inbox.ts',
        find: 'ON CONFLICT (source, external_id) DO NOTHING RETURNING id',
        replace: 'ON CONFLICT DO NOTHING RETURNING id',
      },
    ],
    caughtBy: [
      {
        file: 'test/api/webhooks.test.ts',
        title:
          'Stripe [F18] /webhook/stripe: fifty simultaneous deliveries of one event store one row and one event',
      },
    ],
    stillWorks: sale,
    backends: ['postgres'],
  },
  {
    number: 2,
    name: 'drop the guarded WHERE',
    change: 'a move does not check that the unlock is still in the state it was decided from',
    loses: 'Of two decisions on the same state one is carried out, and no state moves backward.',
    edits: [
      {
        file: 'src/db/unlock/unlocks.ts',
        find: 'WHERE id = ${unlock.id} AND status = ${unlock.state} AND ${held}',
        replace: 'WHERE id = ${unlock.id} AND ${held}',
      },
    ],
    caughtBy: [
      collision(
        'two decisions on the same state [F09] [F10] a payment and a decline decided at the same moment: each move starts from the state the previous one reached',
      ),
    ],
    stillWorks: sale,
    backends: ['postgres'],
  },
  {
    number: 3,
    name: 'drop the fence',
    change: 'the finishing statement does not depend on the outbox row with its epoch',
    loses: 'A run whose row was re-issued changes nothing.',
    edits: [
      {
        file: 'src/db/commit.ts',
        find: 'const held = fence ? sql`EXISTS (SELECT 1 FROM held)` : sql`true`;',
        replace: 'const held = sql`true`;',
      },
      {
        file: 'src/db/commit.ts',
        find: 'SELECT ${fence ? sql`EXISTS (SELECT 1 FROM held)` : sql`true`} AS held,',
        replace: 'SELECT true AS held,',
      },
    ],
    caughtBy: [
      collision(
        'a run and its outbox row [F09] a row re-issued during its run: that run changes nothing and the new run does everything',
      ),
    ],
    stillWorks: sale,
    backends: ['postgres'],
  },
  {
    number: 4,
    name: 'drop the sweeper',
    change: 'worker processes do not start it',
    loses: 'Work whose job was never published is done.',
    edits: [{ file: 'src/engine/process.ts', find: '  sweeper.start();\n', replace: '' }],
    caughtBy: [
      {
        file: 'test/engine/unpublished-work.test.ts',
        title: '[F06] work that was committed but never published is found and done by the sweeper',
      },
    ],
    stillWorks: offer,
    backends: ['postgres', 'redis'],
  },
  {
    number: 5,
    name: 'drop the opt-out check in the leasing statement',
    change: 'a claim locks the phone without checking its opt-out',
    loses: 'After a STOP is committed, no text is leased to that phone.',
    edits: [
      {
        file: 'src/db/messaging/messages.ts',
        find: '(${line.ignoreOptOut} OR opted_out_at IS NULL AND NOT',
        replace: '(${line.ignoreOptOut} OR NOT',
      },
    ],
    caughtBy: [
      {
        file: 'test/unlock/opt-out.test.ts',
        title: "STOP [F26] at 'PAID', 'the details delayed': no text after the opt-out, ends 'DONE'",
      },
    ],
    stillWorks: sale,
    backends: ['postgres'],
  },
  {
    number: 6,
    name: 'drop the slot UNIQUE',
    change: 'sold_slots has no key on (lead_id, slot)',
    loses: 'A lead is sold at most max_sales times, even when two payments read the same free slot.',
    edits: [
      {
        file: 'drizzle/0000_spine.sql',
        find: '\tCONSTRAINT "sold_slots_lead_id_slot_pk" PRIMARY KEY("lead_id","slot"),\n',
        replace: '',
      },
    ],
    caughtBy: [
      collision(
        'two decisions on the same state [F25] two payments that both read the last slot as free: one takes it, the other is refunded',
      ),
    ],
    stillWorks: sale,
    backends: ['postgres'],
  },
  {
    number: 7,
    name: 'drop release(err)',
    change: 'every session is returned to the pool, broken ones too',
    loses: 'A session that broke or timed out is closed and not reused.',
    edits: [{ file: 'src/db/client.ts', find: 'session.release(broken);', replace: 'session.release();' }],
    caughtBy: [
      {
        file: 'test/db/withtx.test.ts',
        title: 'query closes a session that timed out, so that the next query does not wait for it',
      },
    ],
    stillWorks: sale,
    backends: ['postgres'],
  },
  {
    number: 8,
    name: 'drop the stable effect key',
    change: 'the key of every effect, and with it the Idempotency-Key, contains the attempt',
    loses: 'A retried call is the same call: for Stripe by its key, for us by the claim.',
    edits: [
      {
        file: 'src/usecases/messaging/texting.ts',
        find: 'effects.once(run, smsPosting(deps, request))',
        replace: `effects.once(run, smsPosting(deps, { ...request, key: ${keyPerAttemptOf('request')} }))`,
      },
      {
        file: 'src/usecases/messaging/texting.ts',
        find: 'effects.once(run, emailPosting(deps, request))',
        replace: `effects.once(run, emailPosting(deps, { ...request, key: ${keyPerAttemptOf('request')} }))`,
      },
      {
        file: 'src/engine/effects.ts',
        find: 'key: r.key,\n          vendor: r.vendor,',
        replace: `key: ${keyPerAttemptOf('r')},\n          vendor: r.vendor,`,
      },
      {
        file: 'src/engine/effects.ts',
        find: '|| r.call(r.key),',
        replace: `|| r.call(${keyPerAttemptOf('r')}),`,
      },
    ],
    caughtBy: [
      {
        file: 'test/engine/keyed-effects.test.ts',
        title:
          'Stripe calls with an idempotency key [F14] a refund made although the response was lost: retried with the same key, one refund of the full price',
      },
      {
        file: 'test/engine/effects.test.ts',
        title:
          'the vendor accepted the message but its response was lost [F14] [F16] teaser, error_after: the status callback with the effect id confirms it; one post, no listing read',
      },
    ],
    stillWorks: sale,
    backends: ['postgres'],
  },
  {
    number: 9,
    name: 'drop delete-by-worker',
    change: 'the outbox row is deleted when a run opens it, not by the statement that finishes the run',
    loses: 'A run that is interrupted before its end is repeated.',
    edits: [
      {
        file: 'src/db/transport/outbox.ts',
        find: 'return sql`SELECT ${columns}',
        replace:
          'return sql`WITH o AS (DELETE FROM outbox o WHERE ${these} AND o.parked_at IS NULL RETURNING *)\n    SELECT ${columns}',
      },
      {
        file: 'src/db/transport/outbox.ts',
        find: 'FROM outbox o LEFT JOIN events e',
        replace: 'FROM o LEFT JOIN events e',
      },
      // The run that opened the row has deleted it, so there is no row left for the fence.
      {
        file: 'src/db/commit.ts',
        find: 'const held = fence ? sql`EXISTS (SELECT 1 FROM held)` : sql`true`;',
        replace: 'const held = sql`true`;',
      },
      {
        file: 'src/db/commit.ts',
        find: 'SELECT ${fence ? sql`EXISTS (SELECT 1 FROM held)` : sql`true`} AS held,',
        replace: 'SELECT true AS held,',
      },
      {
        file: 'src/db/transport/effects.ts',
        find: 'conditions.push(sql`EXISTS (SELECT 1 FROM held)`);',
        replace: '',
      },
    ],
    caughtBy: [
      collision(
        'a run and its outbox row [F08] the row exists until the finishing statement commits: a run cancelled there is repeated',
      ),
    ],
    stillWorks: offer,
    backends: ['postgres'],
  },
  {
    number: 10,
    name: 'let the sweeper raise the epoch of waiting rows',
    change: 'claiming overdue rows re-issues each of them',
    loses: 'A waiting job stays the job of its row, so that a backlog is not multiplied.',
    edits: [
      {
        file: 'src/db/transport/outbox.ts',
        find: 'SET visits = o.visits + 1,',
        replace: 'SET epoch = o.epoch + 1, visits = o.visits + 1,',
      },
    ],
    caughtBy: [
      sweep('keeps the epoch of a row whose job is still waiting, however often the row is overdue'),
    ],
    stillWorks: sale,
    backends: ['postgres', 'redis'],
  },
  {
    number: 11,
    name: 'let the sweeper trust retained completed ids',
    change: 'a job that ended counts as present',
    loses: 'A row whose job ended without finishing it gets a new job under a new id.',
    edits: [
      {
        file: 'src/engine/sweeper.ts',
        find: "  if (state === 'ended') await answered(queues.remove(row));\n  return state === 'present' ? null : row;",
        replace: "  return state === 'unknown' ? row : null;",
      },
    ],
    caughtBy: [
      sweep(
        'gives a row a new job when its job ended without finishing it, because the queue ignores an add under a retained id',
      ),
    ],
    stillWorks: sale,
    backends: ['postgres', 'redis'],
  },
  {
    number: 12,
    name: 'put runRetryDelay back to its default',
    change: 'BullMQ waits 15 s after a refused connection',
    loses: 'A worker whose PostgreSQL queue was down resumes with the server.',
    edits: [{ file: 'src/engine/queues.ts', find: '          runRetryDelay: 500,\n', replace: '' }],
    caughtBy: [
      {
        file: 'test/engine/queue-down.test.ts',
        title:
          '[F12] a worker whose PostgreSQL queue was down takes the next job as soon as the server is back',
      },
    ],
    stillWorks: sale,
    backends: ['postgres'],
  },
  {
    number: 13,
    name: 'let a refund undo a sale whose details were read',
    change: 'undoing a sale does not check that its details were not read on the pay page',
    loses: 'Details read on the pay page count as shown: the slot stays sold and the buyer is flagged.',
    edits: [
      {
        file: 'src/db/payment/reversals.ts',
        find: ' AND viewed_at IS NULL AND EXISTS (SELECT 1 FROM paid)',
        replace: ' AND EXISTS (SELECT 1 FROM paid)',
      },
    ],
    caughtBy: [
      collision(
        'details read on the pay page, and a full refund [S37] a view that gets the lock before the refund: the refund sees it and flags the buyer',
      ),
    ],
    stillWorks: sale,
    backends: ['postgres'],
  },
  {
    number: 14,
    name: 'count a refund as returned when it was made',
    change: 'refunds that are pending, or failed, count as refunded',
    loses: 'Money told as returned is returned: a refund counts once the bank has it.',
    edits: [
      {
        file: 'src/domain/payment/reversals.ts',
        find: "refundsIn(['succeeded'])",
        replace: 'refundsIn(refundStatuses)',
      },
    ],
    caughtBy: [
      {
        file: 'test/unlock/reversals.test.ts',
        title:
          '[F72] our own refund that fails at once is not told as refunded; it is alerted, still owed, and repeated on request',
      },
    ],
    stillWorks: sale,
    backends: ['postgres'],
  },
  {
    number: 15,
    name: 'drop the answer of a lost address claim',
    change: 'a run that loses the claim of an e-mail address to another run is not told who has it',
    loses: 'Two people with one address become two contacts, also when they are written at the same moment.',
    edits: [
      {
        file: 'src/db/crm/open-sync.ts',
        find: 'ON CONFLICT (vendor, account_id, email_hash) DO UPDATE SET lead_id = a.lead_id RETURNING lead_id, person)',
        replace: 'ON CONFLICT (vendor, account_id, email_hash) DO NOTHING RETURNING lead_id, person)',
      },
    ],
    caughtBy: [
      {
        file: 'test/crm/merge.test.ts',
        title: '[F71] of two runs that begin at the same moment, one writes the address',
      },
    ],
    stillWorks: sale,
    backends: ['postgres'],
  },
  {
    number: 16,
    name: 'key an answer by the text that it answers',
    change: 'the notice that an offer has ended is keyed by the inbox id, not by the day',
    loses: 'An automatic answer never starts a loop: an autoresponder gets a bounded number of texts.',
    edits: [
      {
        file: 'src/usecases/payment/send-link.ts',
        find: "notice: 'no_longer_available', key: `day-${dayOf(run)}`",
        replace: "notice: 'no_longer_available', key: inboxId",
      },
    ],
    caughtBy: [
      {
        file: 'test/unlock/automatic-answers.test.ts',
        title: 'an autoresponder [F74] on an ended offer gets the notice of its end once',
      },
    ],
    stillWorks: sale,
    backends: ['postgres'],
  },
  {
    number: 17,
    name: 'key a confirmation by the text that opted out',
    change: 'the confirmation of an opt-out is keyed by the inbox id, not by the opt-out',
    loses: 'Every opt-out gets one confirmation.',
    edits: [
      {
        file: 'src/usecases/messaging/answer-reply.ts',
        find: "key: ['stop', phoneId, ...(organizationId ? [organizationId] : []), since].join('-')",
        replace: "key: ['stop', phoneId, event.inboxId].join('-')",
      },
    ],
    caughtBy: [
      {
        file: 'test/unlock/confirmations.test.ts',
        title: 'Twilio carries the texts [F73] two texts that opt out at the same moment are confirmed once',
      },
    ],
    stillWorks: sale,
    backends: ['postgres'],
  },
  {
    number: 18,
    name: "let one member's failure drop the outcomes of its batch",
    change: 'a batch that the database refuses rejects all its members',
    loses: 'Each member of a batch keeps its own outcome.',
    edits: [
      {
        file: 'src/db/batches.ts',
        find: 'if (members.length > 1 && isRefusal(error)) {',
        replace: 'if (members.length > 1_000_000 && isRefusal(error)) {',
      },
    ],
    caughtBy: [
      {
        file: 'test/db/batches.test.ts',
        title: 'openings of runs one whose statement the database refuses does not fail the others',
      },
    ],
    stillWorks: sale,
    backends: ['postgres'],
  },
  {
    number: 19,
    name: "book an answer under another claim's fence",
    change: 'an answer is recorded for whichever claim of its effect is current',
    loses: 'The late answer of a replaced run does not settle the claim of its successor.',
    edits: [
      {
        file: 'src/db/transport/effects.ts',
        find: "WHERE key = ${claim.key} AND fence = ${claim.fence}::uuid AND state = 'claimed' RETURNING id`,",
        replace:
          "WHERE key = ${claim.key} AND ${claim.fence}::uuid IS NOT NULL AND state = 'claimed' RETURNING id`,",
      },
    ],
    caughtBy: [
      {
        file: 'test/engine/effects.test.ts',
        title:
          'no callback arrives [F13] the late response of a replaced run does not change the claim of its successor',
      },
    ],
    stillWorks: sale,
    backends: ['postgres'],
  },
  {
    number: 20,
    name: 'trade a uniqueness for updates that change no index',
    change:
      'the index of open checkout sessions, which each change of their state has to maintain, is not unique',
    loses: 'An unlock has one session at a time in which it can be paid for.',
    edits: [
      {
        file: 'drizzle/0005_verticals.sql',
        find: 'CREATE UNIQUE INDEX "checkout_sessions_one_open"',
        replace: 'CREATE INDEX "checkout_sessions_one_open"',
      },
    ],
    caughtBy: [
      {
        file: 'test/db/invariants.test.ts',
        title: 'database constraints an unlock has one open checkout session',
      },
    ],
    stillWorks: sale,
    backends: ['postgres'],
  },
  {
    number: 21,
    name: 'lose an answer that waits for the end of its run',
    change: 'an answer that was kept counts as written although the statement with it failed',
    loses: "A vendor's answer is recorded whatever becomes of the step that follows it.",
    edits: [
      {
        file: 'src/engine/answers.ts',
        find: 'const result = await commit(booking);\n    // Another answer may have come while nothing was kept.\n    if (kept === booking) kept = none;',
        replace: 'kept = none;\n    const result = await commit(booking);',
      },
    ],
    caughtBy: [
      collision(
        "a vendor's answer and the end of its run [F14] the answer is kept when the statement that ends the run fails",
      ),
    ],
    stillWorks: sale,
    backends: ['postgres'],
  },
  ...marketplaceMutants,
  ...doorMutants,
];
