// biome-ignore-all lint/suspicious/noTemplateCurlyInString: it is the product's own text that is looked for.
/**
 * The mutation gate's twelve changes, one promise each. A change is text in files of a copy: `find` occurs exactly once
 * there and becomes `replace`. The guarantee is gone then and the rest works on, which `stillWorks` shows in the same run.
 */
export type Edit = { file: string; find: string; replace: string };
export type Backend = 'postgres' | 'redis';
/** A test by its file and full title, its describe blocks included. */
export type TestName = { file: string; title: string };

export type Mutant = {
  number: number;
  name: string;
  /** The change in a line. */
  change: string;
  /** What is not true any more. */
  loses: string;
  edits: Edit[];
  /** Each must fail, by an assertion. */
  caughtBy: TestName[];
  /** Must go on passing: the change took one promise, not the product. */
  stillWorks: TestName;
  /** Where it must be caught: the queue's part in it differs, or does not. */
  backends: Backend[];
};

const sale: TestName = {
  file: 'test/unlock/main-path.test.ts',
  title:
    'from a lead to revealed details teases, links on Y, reveals once paid, is DONE on the delivery receipt; each message once',
};
/** Where waits end for ever: a sale waits when a delivery receipt overtakes the booking of its text. */
const offer: TestName = {
  file: 'test/unlock/main-path.test.ts',
  title:
    'from a lead to revealed details tells each provider its own result, and teases nobody unknown or inactive',
};
const collision = (title: string): TestName => ({ file: 'test/engine/concurrent-runs.test.ts', title });
const sweep = (title: string): TestName => ({
  file: 'test/engine/sweeper.test.ts',
  title: `the sweeper ${title}`,
});

/** An epoch is issued per try: with it in its key, an effect is a new one each time. */
const perTryOf = (request: string) => `\`\${${request}.key}-\${run?.fence.epoch ?? 0}\``;

export const mutants: readonly Mutant[] = [
  {
    number: 1,
    name: 'drop the inbox UNIQUE',
    change: 'the index on (source, external_id) is not unique, and the insert names no conflict',
    loses: 'What a sender repeats is taken in once.',
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
        title: 'Stripe [F18] /webhook/stripe: the same event fifty times at once is one row and one event',
      },
    ],
    stillWorks: sale,
    backends: ['postgres'],
  },
  {
    number: 2,
    name: 'drop the guarded WHERE',
    change: 'a move does not ask whether the unlock still stands where the move was decided',
    loses: 'Of two decisions on the same state one is carried out, and no state goes backward.',
    edits: [
      {
        file: 'src/db/unlock/unlocks.ts',
        find: 'WHERE id = ${unlock.id} AND status = ${unlock.state} AND ${held}',
        replace: 'WHERE id = ${unlock.id} AND ${held}',
      },
    ],
    caughtBy: [
      collision(
        'two decisions on the same state [F09] [F10] paid and declined at the same moment: each move begins where the one before it ended',
      ),
    ],
    stillWorks: sale,
    backends: ['postgres'],
  },
  {
    number: 3,
    name: 'drop the fence',
    change: 'the finishing statement does not depend on the outbox row with its epoch',
    loses: 'A run whose row was issued anew meanwhile changes nothing.',
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
        'a run and its row [F09] issued anew while a run was under way: that run changes nothing, its successor does it all',
      ),
    ],
    stillWorks: sale,
    backends: ['postgres'],
  },
  {
    number: 4,
    name: 'drop the sweeper',
    change: 'worker processes start none',
    loses: 'Work whose job was never published is done all the same.',
    edits: [{ file: 'src/engine/process.ts', find: '  sweeper.start();\n', replace: '' }],
    caughtBy: [
      {
        file: 'test/engine/unpublished-work.test.ts',
        title:
          '[F06] work that was committed and never published is found and done, without anybody asking for it',
      },
    ],
    stillWorks: offer,
    backends: ['postgres', 'redis'],
  },
  {
    number: 5,
    name: 'drop the opt-out check in the leasing statement',
    change: 'a claim locks the phone and does not look at its opt-out',
    loses: 'From the commit of a STOP on, no text is leased to that phone.',
    edits: [
      {
        file: 'src/db/messaging/messages.ts',
        find: '\n    AND (opted_out_at IS NULL OR ${line.ignoreOptOut}) FOR SHARE',
        replace: ' FOR SHARE',
      },
    ],
    caughtBy: [
      {
        file: 'test/unlock/opt-out.test.ts',
        title: "STOP [F26] at 'PAID', 'the details held up': opt-out first, no text after it, ends 'DONE'",
      },
    ],
    stillWorks: sale,
    backends: ['postgres'],
  },
  {
    number: 6,
    name: 'drop the slot UNIQUE',
    change: 'sold_slots has no key on (lead_id, slot)',
    loses: 'A lead is sold no more often than it may be, whatever two payments read at the same moment.',
    edits: [
      {
        file: 'drizzle/0000_spine.sql',
        find: '\tCONSTRAINT "sold_slots_lead_id_slot_pk" PRIMARY KEY("lead_id","slot"),\n',
        replace: '',
      },
    ],
    caughtBy: [
      collision(
        'two decisions on the same state [F25] two payments that both saw the last slot free: one takes it, the other goes back',
      ),
    ],
    stillWorks: sale,
    backends: ['postgres'],
  },
  {
    number: 7,
    name: 'drop release(err)',
    change: 'every session goes back into the pool as if it were sound',
    loses: 'A session that broke or went silent is closed, and the next statement does not get it.',
    edits: [{ file: 'src/db/client.ts', find: 'session.release(broken);', replace: 'session.release();' }],
    caughtBy: [
      {
        file: 'test/db/withtx.test.ts',
        title: 'query closes a session that went silent, so that the next query does not wait behind it',
      },
    ],
    stillWorks: sale,
    backends: ['postgres'],
  },
  {
    number: 8,
    name: 'drop the stable effect key',
    change: 'the key of every effect, and the Idempotency-Key with it, names the try',
    loses: 'A call that is repeated is the same call: to Stripe by its key, in our books by the claim.',
    edits: [
      {
        file: 'src/usecases/messaging/texting.ts',
        find: 'effects.once(run, smsPosting(deps, request))',
        replace: `effects.once(run, smsPosting(deps, { ...request, key: ${perTryOf('request')} }))`,
      },
      {
        file: 'src/usecases/messaging/texting.ts',
        find: 'effects.once(run, emailPosting(deps, request))',
        replace: `effects.once(run, emailPosting(deps, { ...request, key: ${perTryOf('request')} }))`,
      },
      {
        file: 'src/engine/effects.ts',
        find: 'key: r.key,\n          vendor: r.vendor,',
        replace: `key: ${perTryOf('r')},\n          vendor: r.vendor,`,
      },
      {
        file: 'src/engine/effects.ts',
        find: 'call: () => r.call(r.key),',
        replace: `call: () => r.call(${perTryOf('r')}),`,
      },
    ],
    caughtBy: [
      {
        file: 'test/engine/keyed-effects.test.ts',
        title:
          'calls to Stripe, which knows their keys [F14] Stripe refunded and failed to say so: same key, one refund of the full price',
      },
      {
        file: 'test/engine/effects.test.ts',
        title:
          'a vendor did it and its answer was lost [F14] [F16] teaser, error_after: the status callback with the effect id settles it; one post, no listing read',
      },
    ],
    stillWorks: sale,
    backends: ['postgres'],
  },
  {
    number: 9,
    name: 'drop delete-by-worker',
    change: 'the outbox row is deleted when a run opens it, not by the statement that finishes the run',
    loses: 'A run that is cut off before its end is made again.',
    edits: [
      {
        file: 'src/db/transport/outbox.ts',
        find: 'const row = sql`SELECT ',
        replace:
          'const row = sql`WITH o AS (DELETE FROM outbox WHERE id = ${fence.outboxId} AND epoch = ${fence.epoch} AND parked_at IS NULL RETURNING *)\n    SELECT ',
      },
      {
        file: 'src/db/transport/outbox.ts',
        find: 'FROM outbox o LEFT JOIN events e',
        replace: 'FROM o LEFT JOIN events e',
      },
      // Whoever opened the row is its only run now: there is nothing left to hold.
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
        'a run and its row [F08] the row outlives its run until the finishing statement is committed: a run cut off there is made again',
      ),
    ],
    stillWorks: offer,
    backends: ['postgres'],
  },
  {
    number: 10,
    name: 'let the sweeper raise the epoch of waiting rows',
    change: 'claiming overdue rows issues each anew',
    loses: 'A job that merely waits stays the job of its row: a backlog is worked off, not multiplied.',
    edits: [
      {
        file: 'src/db/transport/outbox.ts',
        find: 'SET visits = o.visits + 1,',
        replace: 'SET epoch = o.epoch + 1, visits = o.visits + 1,',
      },
    ],
    caughtBy: [sweep('never raises the epoch of a row whose job merely waits, however often it is overdue')],
    stillWorks: sale,
    backends: ['postgres', 'redis'],
  },
  {
    number: 11,
    name: 'let the sweeper trust retained completed ids',
    change: 'a job that ended counts as one that is still there',
    loses:
      'A row whose job ended without finishing it gets a new job: the retained id would swallow it for ever.',
    edits: [
      {
        file: 'src/engine/sweeper.ts',
        find: "  if (state === 'ended') await answered(queues.remove(row));\n  return state === 'present' ? null : row;",
        replace: "  return state === 'unknown' ? row : null;",
      },
    ],
    caughtBy: [
      sweep('gives a row a new job when its job ended without finishing it: a retained id swallows re-adds'),
    ],
    stillWorks: sale,
    backends: ['postgres', 'redis'],
  },
  {
    number: 12,
    name: 'put runRetryDelay back to its default',
    change: 'BullMQ waits 15 s after its server refused it',
    loses: 'A worker that found its queue in PostgreSQL gone is back with the server.',
    edits: [{ file: 'src/engine/queues.ts', find: '          runRetryDelay: 500,\n', replace: '' }],
    caughtBy: [
      {
        file: 'test/engine/queue-down.test.ts',
        title:
          '[F12] a worker that finds its queue in PostgreSQL gone takes the next job as soon as the server is back',
      },
    ],
    stillWorks: sale,
    backends: ['postgres'],
  },
];
