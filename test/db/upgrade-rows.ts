import type pg from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { timeOfId } from '../../src/events/envelope.ts';

/** What a database of migrations 0000 to 0004 holds before it is upgraded: a row of each kind, in several states. */
export const ourNumber = '+15005550006';
export const amyPhone = '+13055550160';
export const bobPhone = '+13055550161';

const names = `organization ownKey supplierKey amy bob amyLine bobLine user importing
  offered uploaded soldUpload
  amyOpen bobDone amyExpired bobRefunded
  teaser reveal revealMail help alertMail kept returned journal reply alert received parked closed notified reported quarantined held decided checked refundAlert`;
export type Ids = Record<string, string>;

/** Ids as the product makes them, each a second after the one before: their order is the order of their making. */
export function makeIds(): Ids {
  const began = Date.now() - 60_000;
  const made = names.split(/\s+/).map((name, n) => [name, uuidv7({ msecs: began + n * 1_000 })] as const);
  return Object.fromEntries(made);
}

type Row = Record<string, unknown>;

export async function fill(client: pg.Client, id: Ids): Promise<void> {
  // The entries of a booking are summed when it commits.
  await client.query('BEGIN');
  const insert = async (table: string, rows: readonly Row[]) => {
    for (const row of rows) {
      const columns = Object.keys(row);
      const places = columns.map((_, index) => `$${index + 1}`);
      await client.query(
        `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${places.join(', ')})`,
        Object.values(row),
      );
    }
  };
  await insert('organizations', [
    {
      id: id.organization,
      name: 'Gold',
      slug: 'gold',
      footer: 'Thanks.',
      support_contact: 'help@gold.example',
    },
  ]);
  await insert('api_keys', [keyOf(id, 'ownKey', 'organization'), keyOf(id, 'supplierKey', 'supplier')]);
  await insert('buyers', [
    { ...buyerOf(id, 'amy', amyPhone, 'es'), flagged_at: null },
    { ...buyerOf(id, 'bob', bobPhone, null), flagged_at: new Date() },
  ]);
  await insert('phones', [
    { id: id.amyLine, our_number: ourNumber, number: amyPhone },
    { id: id.bobLine, our_number: ourNumber, number: bobPhone },
  ]);
  await insert('users', [{ id: id.user, name: 'Olga', email: 'olga@gold.example' }]);
  await insert('members', [{ organization_id: id.organization, user_id: id.user }]);
  await insertCompany(id, insert);
  await insert('leads', leadsOf(id));
  await insert('lead_unlocks', unlocksOf(id));
  await insert('lead_syncs', [
    {
      lead_id: id.uploaded,
      organization_id: id.organization,
      import_id: id.importing,
      status: 'success',
      contact_id: 'con_1',
    },
  ]);
  await insertMoney(id, insert);
  await insertTransport(id, insert);
  await client.query('COMMIT');
}

type Insert = (table: string, rows: readonly Row[]) => Promise<void>;

const keyOf = (id: Ids, name: string, owner: string) => ({
  id: id[name],
  organization_id: id.organization,
  owner,
  name,
  prefix: 'lg_',
  hash: name,
  scopes: ['leads:read'],
});

const buyerOf = (id: Ids, name: string, phone: string, language: string | null) => ({
  id: id[name],
  organization_id: id.organization,
  external_id: name,
  name,
  phone,
  language,
});

async function insertCompany(id: Ids, insert: Insert): Promise<void> {
  const { organization } = id;
  await insert('companies', [
    {
      organization_id: organization,
      owner_name: 'Olga',
      owner_email: 'olga@gold.example',
      owner_phone: amyPhone,
    },
  ]);
  await insert('crm_connections', [
    { organization_id: organization, location_id: 'loc_1', credentials: 'sealed', credentials_version: 3 },
  ]);
  await insert('imports', [
    {
      id: id.importing,
      organization_id: organization,
      status: 'done',
      file_name: 'old.csv',
      total_rows: 2,
      created: 1,
      rejected: 1,
    },
  ]);
  await insert('import_rejects', [
    { import_id: id.importing, row: 3, cells: 'sealed', errors: { phone: ['is required'] } },
  ]);
}

function leadsOf(id: Ids): Row[] {
  const of = (name: string, more: Row) => ({
    id: id[name],
    organization_id: id.organization,
    public_id: `lead_${name}`,
    public: { preferredTimeWindow: 'Evening', budgetRange: null, notes: null },
    contact: 'sealed',
    phone_valid: true,
    price_minor: 2_000,
    currency: 'usd',
    ttl_ms: 86_400_000,
    ...more,
  });
  return [
    of('offered', { city: 'Miami', price_minor: 2_500, max_sales: 1 }),
    of('uploaded', { uploaded: true, import_id: id.importing, phone_hash: 'p1', email_hash: 'e1' }),
    // The pay-per-unlock routes sold uploaded leads before they asked for a channel.
    of('soldUpload', { uploaded: true }),
  ];
}

function unlocksOf(id: Ids): Row[] {
  const long = new Date(Date.now() - 3_600_000);
  const of = (name: string, lead: string, buyer: 'amy' | 'bob', status: string, more: Row) => ({
    id: id[name],
    lead_id: id[lead],
    organization_id: id.organization,
    buyer_id: id[buyer],
    our_number: ourNumber,
    phone: buyer === 'amy' ? amyPhone : bobPhone,
    status,
    price_minor: 2_500,
    currency: 'usd',
    ttl_expires_at: new Date(Date.now() + 3_600_000),
    offered_at: long,
    ...more,
  });
  const done = { paid_at: long, revealed_at: long, done_at: long };
  return [
    of('amyOpen', 'offered', 'amy', 'AWAITING_PAYMENT', { token_hash: 'hash', link_sent_at: long }),
    of('bobDone', 'offered', 'bob', 'DONE', done),
    of('amyExpired', 'soldUpload', 'amy', 'EXPIRED', { reason: 'ttl', closed_at: long }),
    of('bobRefunded', 'soldUpload', 'bob', 'EXPIRED', { reason: 'refunded', closed_at: long, paid_at: long }),
  ];
}

async function insertMoney(id: Ids, insert: Insert): Promise<void> {
  const expires_at = new Date(Date.now() + 3_600_000);
  await insert('checkout_sessions', [
    { unlock_id: id.amyOpen, number: 1, id: 'cs_old', state: 'expired', expires_at },
    {
      unlock_id: id.amyOpen,
      number: 2,
      id: 'cs_open',
      state: 'open',
      url: 'https://pay.example',
      expires_at,
    },
    { unlock_id: id.bobDone, number: 1, id: 'cs_done', state: 'complete', expires_at },
    { unlock_id: id.amyExpired, number: 1, id: 'cs_refunded', state: 'expired', expires_at },
  ]);
  const payment = { organization_id: id.organization, currency: 'usd', amount_minor: 2_500 };
  await insert('payments', [
    {
      ...payment,
      id: id.kept,
      unlock_id: id.bobDone,
      payment_intent: 'pi_kept',
      session_id: 'cs_done',
      refunded_minor: 500,
      kept: true,
      disputed_at: new Date(),
    },
    {
      ...payment,
      id: id.returned,
      unlock_id: id.bobRefunded,
      payment_intent: 'pi_back',
      session_id: 'cs_x',
      refunded_minor: 2_500,
      disputed_at: null,
      kept: false,
    },
  ]);
  await insert('sold_slots', [{ lead_id: id.offered, slot: 1, unlock_id: id.bobDone }]);
  await insert('journals', [{ id: id.journal, key: `capture-${id.kept}`, organization_id: id.organization }]);
  const entry = { journal_id: id.journal, currency: 'usd' };
  await insert('journal_entries', [
    { ...entry, account: 'stripe', amount_minor: 2_500 },
    { ...entry, account: `sales:${id.organization}`, amount_minor: -2_500 },
  ]);
}

async function insertTransport(id: Ids, insert: Insert): Promise<void> {
  await insert('effects', effectsOf(id));
  await insert('messages', messagesOf(id));
  await insert('inbox', [
    {
      id: id.reply,
      source: 'twilio',
      external_id: 'SM1',
      kind: 'reply',
      organization_id: id.organization,
      unlock_id: id.amyOpen,
      phone_id: id.amyLine,
      intent: 'accept',
    },
  ]);
  await insert('alerts', [
    {
      id: id.alert,
      key: 'disputed-1',
      kind: 'payment_disputed',
      organization_id: id.organization,
      subject: `unlock:${id.bobDone}`,
      text: 'Disputed.',
    },
    {
      id: id.refundAlert,
      key: `refunded-${id.bobDone}-500`,
      kind: 'payment_refunded',
      organization_id: id.organization,
      subject: `unlock:${id.bobRefunded}`,
      text: `500 minor units of payment ${id.bobDone} were refunded.`,
      created_at: new Date(Date.now() - 7_200_000),
    },
    ...[
      { alertId: id.held, session: 'cs_old', resolved_at: null },
      { alertId: id.decided, session: 'cs_refunded', resolved_at: new Date() },
    ].map(({ alertId, session, resolved_at }) => ({
      id: alertId,
      key: `quarantined-${session}`,
      kind: 'payment_rejected',
      organization_id: id.organization,
      subject: `unlock:${id.amyOpen}`,
      text: 'Held.',
      created_at: new Date(Date.now() - 3_600_000),
      resolved_at,
    })),
  ]);
  const event = { version: 1, organization_id: id.organization };
  await insert('events', [
    {
      ...event,
      id: id.received,
      occurred_at: timeOfId(id.received!),
      type: 'lead.received',
      subject: `lead:${id.offered}`,
      correlation_id: id.received,
      data: { leadId: id.offered, unlockIds: [id.amyOpen, id.bobDone] },
    },
    {
      ...event,
      id: id.parked,
      occurred_at: timeOfId(id.parked!),
      type: 'checkout.opened',
      subject: `unlock:${id.amyOpen}`,
      correlation_id: id.received,
      data: { unlockId: id.amyOpen, sessionId: 'cs_open' },
    },
    ...[
      { name: 'quarantined', unlockId: id.amyOpen, sessionId: 'cs_old' },
      { name: 'checked', unlockId: id.amyExpired, sessionId: 'cs_refunded' },
    ].map(({ name, ...session }) => ({
      ...event,
      id: id[name],
      occurred_at: timeOfId(id[name]!),
      type: 'payment.quarantined',
      subject: `organization:${id.organization}`,
      correlation_id: id.received,
      data: { ...session, reason: 'amount' },
    })),
    ...formerRoutes.map(({ name, type }) => ({
      ...event,
      id: id[name],
      occurred_at: timeOfId(id[name]!),
      type,
      subject: `organization:${id.organization}`,
      correlation_id: id.received,
      data: {},
    })),
  ]);
  const now = new Date();
  await insert('outbox', [
    {
      event_id: id.parked,
      event_at: timeOfId(id.parked!),
      worker: 'payment-linker',
      organization_id: id.organization,
      due_at: now,
      queued: false,
      parked_at: now,
      last_error: 'no answer',
    },
    ...formerRoutes.map(({ name, worker }) => ({
      event_id: id[name],
      event_at: timeOfId(id[name]!),
      worker,
      organization_id: id.organization,
      epoch: 4,
      due_at: now,
      queued: true,
    })),
  ]);
}

/** Work of events that another worker handles since 0005. */
const formerRoutes = [
  { name: 'closed', type: 'unlock.closed', worker: 'expirer' },
  { name: 'notified', type: 'reply.notified', worker: 'notifier' },
  { name: 'reported', type: 'payment.reported', worker: 'revealer' },
] as const;

function effectsOf(id: Ids): Row[] {
  const of = (key: string, message: string, more: Row) => ({
    key,
    id: id[message] ?? uuidv7(),
    vendor: 'twilio',
    kind: 'sms',
    organization_id: id.organization,
    state: 'accepted',
    fence: uuidv7(),
    lease_until: new Date(),
    ...more,
  });
  return [
    of(`teaser-${id.amyOpen}`, 'teaser', { unlock_id: id.amyOpen, vendor_id: 'SM_teaser' }),
    of(`reveal-${id.bobDone}`, 'reveal', { unlock_id: id.bobDone, vendor_id: 'SM_reveal' }),
    of(`reveal-email-${id.bobDone}`, 'revealMail', {
      unlock_id: id.bobDone,
      vendor: 'sendgrid',
      kind: 'email',
    }),
    of('help-1', 'help', { unlock_id: id.amyOpen, vendor_id: 'SM_help' }),
    of('alert-disputed-1', 'alertMail', { vendor: 'sendgrid', kind: 'email' }),
    of('refund-pi_back', '', { unlock_id: id.bobRefunded, vendor: 'stripe', kind: 'refund' }),
    of('keyed-without-unlock', '', { vendor: 'stripe', kind: 'other' }),
  ];
}

function messagesOf(id: Ids): Row[] {
  const of = (message: string, purpose: string, more: Row) => ({
    id: id[message],
    created_at: timeOfId(id[message]!),
    organization_id: id.organization,
    recipient_kind: 'buyer',
    channel: 'sms',
    purpose,
    recipient: 'sealed',
    body: 'sealed',
    status: 'sent',
    ...more,
  });
  const toAmy = { unlock_id: id.amyOpen, buyer_id: id.amy, phone_id: id.amyLine };
  const toBob = { unlock_id: id.bobDone, buyer_id: id.bob };
  return [
    of('teaser', 'teaser', { ...toAmy, vendor_id: 'SM_teaser' }),
    of('reveal', 'reveal', { ...toBob, phone_id: id.bobLine, vendor_id: 'SM_reveal', status: 'failed' }),
    of('revealMail', 'reveal', { ...toBob, channel: 'email', status: 'failed' }),
    of('help', 'help', { ...toAmy, vendor_id: 'SM_help' }),
    of('alertMail', 'operator_alert', { channel: 'email', recipient_kind: 'operator' }),
  ];
}
