/** The kind of process that performs a step; only processes of that kind are armed with its points. */
type Role = 'api' | 'worker';

/** A statement, recognized by a part of its text and by the events and outcomes in its parameters. */
export type Statement = { sql: string; without?: string; values?: RegExp; rows?: true };
/** A call to a vendor, recognized by method and path and, where one path serves several purposes, by its body. */
export type VendorCall = { http: string; path: RegExp; body?: RegExp };
/** A call of BullMQ's Queue class. */
export type QueueCall = { queue: 'add' | 'plant' | 'remove' };

export type Step = { name: string; in: Role; is: Statement | VendorCall | QueueCall };

const stored = (name: string, sql: string, values?: RegExp, without?: string): Step => ({
  name,
  in: 'api',
  is: { sql, ...(values ? { values } : {}), ...(without ? { without } : {}) },
});
const wrote = (name: string, sql: string, values?: RegExp, without?: string): Step => ({
  ...stored(name, sql, values, without),
  in: 'worker',
});
const swept = (name: string, sql: string): Step => ({ name, in: 'worker', is: { sql, rows: true } });
const called = (name: string, kind: Role, http: string, path: RegExp, body?: RegExp): Step => ({
  name,
  in: kind,
  is: { http, path, ...(body ? { body } : {}) },
});

const event = (type: string) => new RegExp(`"type":"${type.replace('.', '\\.')}"`);
const ofRun = (worker: string, outcome: string) => new RegExp(`^${worker}$[\\s\\S]*^${outcome}$`, 'm');
const inbox = 'INSERT INTO inbox';
const claims = 'INSERT INTO effects AS e';
const books = 'answered AS (';
const key = (start: string, outcome = '') =>
  new RegExp(`${outcome ? `^${outcome}$[\\s\\S]*` : ''}^${start}`, 'm');

const sessions = /^\/v1\/checkout\/sessions$/;
const oneSession = /^\/v1\/checkout\/sessions\/[^/?]+(\?|$)/;
const endSession = /^\/v1\/checkout\/sessions\/[^/]+\/expire$/;
const texts = /^\/2010-04-01\/Accounts\/[^/]+\/Messages\.json/;

/** What the API commits before it responds, and the Stripe calls of the pay page. */
const ingress: Step[] = [
  stored('provider stored', 'INSERT INTO buyers (id'),
  stored('lead stored', 'INSERT INTO leads'),
  stored('stored lead offered again', 'INSERT INTO lead_unlocks', undefined, 'INSERT INTO leads'),
  stored('reply Y stored', inbox, event('reply.accepted')),
  stored('reply N stored', inbox, event('reply.declined')),
  stored('STOP stored', inbox, event('buyer.opted_out')),
  stored('other reply stored', inbox, /"type":"(buyer.opted_in|reply.unclear|reply.help)"/),
  stored('payment report stored', inbox, event('payment.reported')),
  stored('end of session stored', inbox, event('checkout.ended')),
  stored('refund report stored', inbox, event('payment.changed')),
  stored('status callback stored', 'SELECT id FROM effects WHERE id', /^SM/m),
  stored('delivery of details stored', 'SELECT id FROM effects WHERE id', event('message.delivered')),
  stored('failed delivery stored', 'SELECT id FROM effects WHERE id', event('message.failed')),
  stored('SendGrid event stored', 'SELECT id FROM effects WHERE id', /^(?!(?:[\s\S]*\n)?SM)/),
  stored('checkout noted', 'INSERT INTO checkout_sessions'),
  called('session made at Stripe', 'api', 'POST', sessions),
  stored('checkout opened', 'UPDATE checkout_sessions SET id', event('checkout.opened')),
  called('session ended at Stripe by the pay page', 'api', 'POST', endSession),
  stored('checkout ended by the pay page', 'ended AS (UPDATE checkout_sessions'),
  stored('details read on the pay page', 'UPDATE lead_unlocks SET viewed_at'),
  { name: 'jobs published by the ingress', in: 'api', is: { queue: 'add' } },
];

/** The start of a run and its outcomes. */
const runs: Step[] = [
  wrote('run opened', 'FROM outbox o LEFT JOIN events e'),
  wrote('distributor finished', 'fence AS (DELETE', ofRun('distributor', 'finished')),
  wrote('teaser-sender finished', 'fence AS (DELETE', ofRun('teaser-sender', 'finished')),
  wrote('payment-linker finished', 'fence AS (DELETE', ofRun('payment-linker', 'finished')),
  wrote('revealer finished', 'fence AS (DELETE', ofRun('revealer', 'finished')),
  wrote('expirer finished', 'fence AS (DELETE', ofRun('expirer', 'finished')),
  wrote('notifier finished', 'fence AS (DELETE', ofRun('notifier', 'finished')),
  wrote('skipped', 'fence AS (DELETE', /^skipped$/m),
  wrote('snoozed', 'SET epoch = epoch + 1, queued = false', /^snoozed$/m),
  wrote('put back after a failure', 'SET epoch = epoch + 1, queued = false', /^failed$/m),
  wrote('parked', 'SET parked_at = now()'),
  { name: 'jobs published by a worker', in: 'worker', is: { queue: 'add' } },
];

/** Important changes of state: money, slots, opt-outs. */
const moves: Step[] = [
  wrote('payment begun', 'UPDATE lead_unlocks SET', /^CREATE_PAYMENT_LINK$/m, 'fence AS (DELETE'),
  wrote('payment booked', 'INSERT INTO payments', event('payment.captured')),
  wrote('last slot sold', 'INSERT INTO sold_slots', event('lead.sold_out')),
  wrote('unwanted payment booked', 'INSERT INTO payments', event('payment.unwanted')),
  wrote('refund booked', 'UPDATE payments SET refunded_minor', event('payment.refunded')),
  wrote('dispute booked', 'UPDATE payments SET refunded_minor', event('payment.disputed')),
  wrote('offer of an opted-out phone closed', 'UPDATE lead_unlocks SET', /^OPTED_OUT$/m),
  wrote('refusal remembered', 'UPDATE phones SET', event('buyer.opted_out')),
  wrote('alert raised', 'INSERT INTO alerts'),
];

/** Claim, call and booked result of every kind of effect. */
const effects: Step[] = [
  wrote('teaser claimed', claims, key('teaser-')),
  called('teaser posted', 'worker', 'POST', texts, /Reply Y to unlock contact/),
  wrote('teaser accepted', books, key('teaser-', 'accepted')),
  wrote('link claimed', claims, key('link-')),
  called('link posted', 'worker', 'POST', texts, /payment to unlock client details/),
  wrote('link accepted', books, key('link-', 'accepted')),
  wrote('details claimed', claims, key('reveal-(?!email)')),
  called('details posted', 'worker', 'POST', texts, /are the client details/),
  wrote('details accepted', books, key('reveal-(?!email)', 'accepted')),
  wrote('mail claimed', claims, key('(reveal-email|alert)-')),
  called('mail posted', 'worker', 'POST', /^\/v3\/mail\/send/),
  wrote('mail accepted', books, key('(reveal-email|alert)-', 'accepted')),
  wrote('short text claimed', claims, /^(notice|help|unclear|start|stop)-/m),
  called(
    'short text posted',
    'worker',
    'POST',
    texts,
    /refunded in full|no longer available|Reply Y to unlock lead|to opt out|START to come back/,
  ),
  wrote('short text accepted', books, /^accepted$[\s\S]*^(notice|help|unclear|start|stop)-/m),
  wrote('refund claimed', claims, key('refund-')),
  called('refund made', 'worker', 'POST', /^\/v1\/refunds/),
  wrote('refund accepted', books, key('refund-', 'accepted')),
  wrote('end of session claimed', claims, key('expire-')),
  called('session ended at Stripe', 'worker', 'POST', endSession),
  wrote('end of session accepted', books, key('expire-', 'accepted')),
  called('session fetched', 'worker', 'GET', oneSession),
  called('payment fetched', 'worker', 'GET', /^\/v1\/payment_intents\//),
  wrote('refused by the vendor', books, /^refused$/m),
  wrote('released after a 429', books, /^released$/m),
];

/** A post whose response was lost: detected, looked up, settled or posted again. */
const unknown: Step[] = [
  wrote('unknown outcome booked', books, /^unknown$/m),
  wrote('lost run noticed', "UPDATE effects SET state = 'unknown'"),
  called('texts listed', 'worker', 'GET', texts),
  called('mails listed', 'worker', 'GET', /^\/v3\/messages/),
  wrote('missing in the first listing', 'UPDATE effects SET missing_since'),
  wrote('receipt of the listing booked', 'SELECT id FROM effects WHERE id'),
  wrote('found in the listing', 'WITH settled AS', /^accepted$/m),
];

/** The sweeper's writes, counted only when they changed rows. */
const sweeper: Step[] = [
  swept('overdue rows claimed', 'SET visits = o.visits + 1'),
  swept('waiting rows admitted', 'WITH RECURSIVE tenants'),
  swept('ended job re-issued', 'SET epoch = o.epoch + 1, visits = 0'),
  swept('rows of a flushed queue made due', 'UPDATE outbox SET due_at = now() WHERE worker'),
  { name: 'canary planted', in: 'worker', is: { queue: 'plant' } },
  { name: 'ended job removed', in: 'worker', is: { queue: 'remove' } },
];

/** Reached only by the worker process that sweeps. */
export const stepsOfSweeper: ReadonlySet<string> = new Set(sweeper.map(({ name }) => name));

/** Every step before and after which a process is killed. A point that is never reached makes a run VOID. */
export const steps: readonly Step[] = [...ingress, ...runs, ...moves, ...effects, ...unknown, ...sweeper];

export type Side = 'before' | 'after';
export type Point = { name: string; step: string; side: Side; in: Role };

export const points: readonly Point[] = steps.flatMap((step) =>
  (['before', 'after'] as const).map((side) => ({
    name: `${side} ${step.name}`,
    step: step.name,
    side,
    in: step.in,
  })),
);
