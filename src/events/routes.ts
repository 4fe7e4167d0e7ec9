import type { EventType } from './catalog.ts';

export const workerNames = [
  'distributor',
  'teaser-sender',
  'payment-linker',
  'revealer',
  'notifier',
  'expirer',
  'importer',
  'inbound',
  'ghl-syncer',
  'account-keeper',
] as const;
export type WorkerName = (typeof workerNames)[number];

/** `later`: due after the draft's `dueInMs`. `laterIfGiven`: the same, and at once without it. Otherwise due at once. */
type Route = WorkerName | { later: WorkerName } | { laterIfGiven: WorkerName };

/** The workers of each event. Total over the catalog: an unrouted event is a compile error. */
export const routes = {
  'lead.received': ['distributor'],
  'offers.requested': ['distributor'],
  'lead.sold_out': ['expirer'],
  'lead.contact_read': [],

  'lead.assigned': [],
  'lead.waiting': [{ later: 'expirer' }],
  'lead.expired': [],
  'campaign.woken': ['distributor'],

  'company.registered': [],
  'account.registered': [{ laterIfGiven: 'account-keeper' }],
  'account.link_requested': ['account-keeper'],
  'member.invited': ['account-keeper'],
  'lead.uploaded': ['ghl-syncer'],
  'lead.sync_requested': ['ghl-syncer'],
  'import.started': ['importer'],
  'import.retry_requested': ['importer'],
  'import.stopped': [],
  'import.resumed': [],
  'import.ended': [],
  'crm.paused': ['notifier'],
  'crm.unwell': ['notifier'],
  'crm.resumed': [],
  'crm.notified': ['ghl-syncer'],

  'unlock.offered': ['teaser-sender', { later: 'expirer' }],
  'unlock.moved': [],
  'unlock.closed': ['payment-linker'],
  'unlock.revealed': [{ later: 'revealer' }],

  'reply.accepted': ['payment-linker'],
  'reply.declined': ['expirer'],
  'reply.unclear': ['notifier'],
  'reply.help': ['notifier'],
  'reply.notified': ['inbound'],

  'buyer.opted_out': ['expirer', 'notifier'],
  'buyer.opted_in': ['notifier'],
  'buyer.notice': ['notifier'],

  'checkout.opened': [{ later: 'payment-linker' }],
  'checkout.ended': ['payment-linker'],
  'checkout.refused': ['notifier'],

  'payment.reported': ['payment-linker'],
  'payment.captured': ['revealer'],
  'payment.unwanted': ['payment-linker'],
  'payment.changed': ['payment-linker'],
  'payment.refunded': ['notifier'],
  'payment.refund_pending': [],
  'payment.refund_failed': ['notifier'],
  'payment.refund_requested': ['payment-linker'],
  'payment.inquiry': ['notifier'],
  'payment.disputed': ['notifier'],
  'payment.dispute_closed': [],
  'payment.quarantined': ['notifier'],

  'wallet.recharge_opened': ['payment-linker'],
  'wallet.recharge_due': [{ later: 'payment-linker' }],
  'wallet.recharge_declined': ['notifier'],
  'wallet.recharge_needs_action': ['notifier'],
  'wallet.recharge_stopped': ['notifier'],
  'wallet.recharge_canceled': ['payment-linker'],
  'wallet.top_up_opened': [{ later: 'payment-linker' }],
  'wallet.payment_reported': ['payment-linker'],
  'wallet.payment_held': ['notifier'],
  'wallet.disputed': ['notifier'],
  'wallet.give_back_opened': ['payment-linker'],
  'wallet.card_reported': ['payment-linker'],
  'wallet.credited': [],

  'reveal.requested': ['revealer'],
  'reveal.viewed': ['revealer'],

  'message.delivered': ['revealer'],
  'message.failed': ['notifier'],

  'work.parked': ['notifier'],
  'work.resumed': [],
  'installation.unwell': ['notifier'],
} as const satisfies Record<EventType, readonly Route[]>;

type WorkerOf<R> = R extends { later: infer W } | { laterIfGiven: infer W } ? W : R;
/** The events routed to a worker, each of which its definition must handle. */
export type EventsOf<W extends WorkerName> = {
  [E in EventType]: W extends WorkerOf<(typeof routes)[E][number]> ? E : never;
}[EventType];

/** Workers of one event with the delay of each; null for no delay. */
export function recipients(
  type: EventType,
  dueInMs: number | undefined,
): { worker: WorkerName; delayMs: number | null }[] {
  const all: readonly Route[] = routes[type];
  return all.map((route) => {
    if (typeof route === 'string') return { worker: route, delayMs: null };
    return 'laterIfGiven' in route
      ? { worker: route.laterIfGiven, delayMs: dueInMs ?? null }
      : { worker: route.later, delayMs: dueInMs ?? 0 };
  });
}
