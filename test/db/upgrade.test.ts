import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listKeys } from '../../src/db/account/api-keys.ts';
import { findBuyer } from '../../src/db/account/buyers.ts';
import { findCompany } from '../../src/db/account/companies.ts';
import { listMembers, organizationsOf } from '../../src/db/account/members.ts';
import { findTenant } from '../../src/db/account/organizations.ts';
import { createDatabase, type Database } from '../../src/db/client.ts';
import { findConnection } from '../../src/db/crm/connections.ts';
import { companyStatistics } from '../../src/db/crm/statistics.ts';
import { findImport, leadsOfImport } from '../../src/db/imports/imports.ts';
import { listRejects } from '../../src/db/imports/rejects.ts';
import { findLead, listLeads } from '../../src/db/lead/leads.ts';
import { findJob, findUploaded } from '../../src/db/lead/uploads.ts';
import { findConversationOwner } from '../../src/db/messaging/conversations.ts';
import { findReceiptTarget } from '../../src/db/messaging/receipts.ts';
import { migrate } from '../../src/db/migrate.ts';
import { findCheckout } from '../../src/db/payment/checkout.ts';
import { salesMoney } from '../../src/db/payment/figures.ts';
import { findPayment } from '../../src/db/payment/payments.ts';
import { findOpenSessions, findSession } from '../../src/db/payment/sessions.ts';
import { listAlertGroups, listParkedGroups } from '../../src/db/transport/attention.ts';
import { findOffers, findReply } from '../../src/db/transport/inbox.ts';
import { nameSubjects } from '../../src/db/transport/named-subjects.ts';
import { findUnlockDetail, listUnlocks } from '../../src/db/unlock/list.ts';
import { findUnlockByToken } from '../../src/db/unlock/pay-view.ts';
import { findReveal, hasRevealFailed } from '../../src/db/unlock/reveals.ts';
import { unlockTimeline } from '../../src/db/unlock/timeline.ts';
import { findUnlock } from '../../src/db/unlock/unlocks.ts';
import type { EventType } from '../../src/events/catalog.ts';
import { recipients } from '../../src/events/routes.ts';
import { atServer, clientOf, createEmptyDatabase, type TestDatabase } from '../harness/database.ts';
import { amyPhone, fill, type Ids, makeIds, ourNumber } from './upgrade-rows.ts';

const drizzle = fileURLToPath(new URL('../../drizzle/', import.meta.url));
const landed = ['0000_spine', '0001_operators', '0002_unlocks_by_buyer', '0003_reveal_claims', '0004_bulk'];

/** A folder with only the migrations of the version that landed first. */
async function landedMigrations(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'leadgate-landed-'));
  for (const name of landed) await cp(join(drizzle, `${name}.sql`), join(folder, `${name}.sql`));
  const journal = JSON.parse(await readFile(join(drizzle, 'meta', '_journal.json'), 'utf8')) as {
    entries: { tag: string }[];
  };
  const entries = journal.entries.filter(({ tag }) => landed.includes(tag));
  await mkdir(join(folder, 'meta'));
  await writeFile(join(folder, 'meta', '_journal.json'), JSON.stringify({ entries }));
  return folder;
}

describe('a database of migrations 0000 to 0004 is upgraded with its data', () => {
  let database: TestDatabase;
  let db: Database;
  const id: Ids = makeIds();
  const organization = id.organization!;
  const owner = { organizationId: organization, supplierId: null };

  beforeAll(async () => {
    const folder = await landedMigrations();
    database = await createEmptyDatabase();
    await migrate(database.directUrl, { folder });
    await atServer(database.directUrl, (client) => fill(client, id));
    await migrate(database.directUrl);
    await rm(folder, { recursive: true });
    db = createDatabase(clientOf(database));
  });
  afterAll(async () => {
    await db?.close();
    await database?.drop();
  });

  it('leads that were offered keep their terms and are listed as pay-per-unlock', async () => {
    expect(await findLead(db, owner, 'lead_offered')).toMatchObject({
      id: id.offered,
      city: 'Miami',
      contact: 'sealed',
      priceMinor: 2_500,
      currency: 'usd',
      ttlMs: 86_400_000,
      maxSales: 1,
      sold: 1,
    });
    const page = { limit: 10, after: null };
    expect((await listLeads(db, owner, {}, page)).map((lead) => lead.publicId)).toEqual(['lead_offered']);
  });

  it('uploaded leads are no longer for sale, lose their invented terms and stay with their import', async () => {
    expect(await findLead(db, owner, 'lead_uploaded')).toBeNull();
    expect(await findLead(db, owner, 'lead_soldUpload')).toBeNull();
    const uploaded = await findUploaded(db, organization, [id.uploaded!, id.soldUpload!, id.offered!]);
    expect(uploaded.map((lead) => lead.id).toSorted()).toEqual([id.uploaded, id.soldUpload].toSorted());
    expect(await leadsOfImport(db, id.importing!, 10)).toEqual([id.uploaded]);
    const terms = 'SELECT DISTINCT price_minor, currency, ttl_ms FROM leads WHERE channel = $1';
    expect(await db.query(terms, ['crm_upload'])).toEqual([
      { price_minor: null, currency: null, ttl_ms: null },
    ]);
  });

  it('unlocks keep state, terms, phone and buyer, and say where their money came from', async () => {
    expect(await findUnlock(db, id.amyOpen!)).toMatchObject({
      state: 'AWAITING_PAYMENT',
      leadPublicId: 'lead_offered',
      phone: amyPhone,
      phoneId: id.amyLine,
      ourNumber,
      priceMinor: 2_500,
      currency: 'usd',
      language: 'es',
      soldSlots: 1,
      optedOut: false,
    });
    expect(await findUnlock(db, id.bobRefunded!)).toMatchObject({ state: 'EXPIRED', reason: 'refunded' });
    const paidBy = async (unlock: string) => (await findUnlockDetail(db, null, id[unlock]!))?.paidBy;
    expect(await paidBy('bobDone')).toBe('stripe');
    expect(await paidBy('bobRefunded')).toBe('stripe');
    expect(await paidBy('amyOpen')).toBeNull();
    expect(await findUnlockByToken(db, 'hash')).toMatchObject({ id: id.amyOpen, checkout: 'open', sold: 1 });
  });

  it('unlocks are listed for an operator, and for their own organization', async () => {
    const filter = { states: [], search: null, before: null, limit: 10 };
    const all = await listUnlocks(db, { ...filter, organizationId: null });
    expect(all.map((row) => row.id)).toEqual([id.bobRefunded, id.amyExpired, id.bobDone, id.amyOpen]);
    expect(await listUnlocks(db, { ...filter, organizationId: organization })).toEqual(all);
    expect(await listUnlocks(db, { ...filter, organizationId: id.amy! })).toEqual([]);
  });

  it('payments are found by their intent and for their unlock', async () => {
    expect(await findPayment(db, { paymentIntent: 'pi_kept' })).toMatchObject({
      id: id.kept,
      unlockId: id.bobDone,
      sessionId: 'cs_done',
      amountMinor: 2_500,
      kept: true,
    });
    expect(await findPayment(db, { id: id.returned! })).toMatchObject({ refundedMinor: 2_500, kept: false });
  });

  it('[F72] what was refunded and disputed keeps its sums, and is the one reason why its buyer is flagged', async () => {
    expect(await findPayment(db, { paymentIntent: 'pi_kept' })).toMatchObject({
      refundedMinor: 500,
      refundingMinor: 0,
      disputedMinor: 2_000,
      withdrawnMinor: 0,
      version: 0,
      flagsBuyer: true,
    });
    expect(await db.query('SELECT external_id AS id, flags FROM buyers ORDER BY 1')).toEqual([
      { id: 'amy', flags: 0 },
      { id: 'bob', flags: 1 },
    ]);
    expect(await salesMoney(db, organization, '00000000-0000-0000-0000-000000000000')).toEqual([
      {
        currency: 'usd',
        gross: 5_000,
        refunded: 3_000,
        refunding: 0,
        due: 0,
        disputed: 2_000,
        net: 0,
      },
    ]);
  });

  it('an unlock that kept a charge still keeps no second one', async () => {
    const second = db.query(
      `INSERT INTO payments (id, organization_id, purpose, subject_id, unlock_id, payment_intent, session_id, amount_minor, currency, kept)
       VALUES (gen_random_uuid(), $1, 'unlock', $2, $2, 'pi_second', 'cs_2', 2500, 'usd', true)`,
      [organization, id.bobDone],
    );
    await expect(second).rejects.toMatchObject({ code: '23505' });
  });

  it('checkout sessions are found by their id and for their unlock, the newest first', async () => {
    expect(await findCheckout(db, id.amyOpen!)).toMatchObject({ number: 2, id: 'cs_open', state: 'open' });
    expect(await findSession(db, 'cs_done')).toMatchObject({ unlockId: id.bobDone, state: 'complete' });
    expect((await findOpenSessions(db, id.amyOpen!)).map((session) => session.id)).toEqual(['cs_open']);
    expect(await findCheckout(db, id.bobDone!)).toMatchObject({ booked: true, held: false });
  });

  it('a payment that was quarantined is held until an operator decides', async () => {
    expect(await findCheckout(db, id.amyOpen!)).toMatchObject({ held: true });
    expect(await findCheckout(db, id.amyExpired!)).toMatchObject({ held: false });
  });

  it('the books keep their journal, and its entries sum to zero', async () => {
    expect(
      await db.query(
        'SELECT j.key, sum(e.amount_minor)::int AS sum, count(*)::int AS entries FROM journals j JOIN journal_entries e ON e.journal_id = j.id GROUP BY 1',
      ),
    ).toEqual([{ key: `capture-${id.kept}`, sum: 0, entries: 2 }]);
  });

  it('messages are in the timeline of their unlock, and receipts find them', async () => {
    const timeline = await unlockTimeline(db, id.amyOpen!, id.offered!);
    expect(timeline.messages.map((message) => message.purpose)).toEqual(['help', 'teaser']);
    expect(timeline.replies.map((reply) => reply.id)).toEqual([id.reply]);
    expect(timeline.events.map((event) => event.id)).toEqual([id.parked, id.received]);
    const receipt = { vendor: 'twilio', status: 'delivered', code: null, vendorCode: null } as const;
    expect(await findReceiptTarget(db, { ...receipt, effectId: id.teaser!, vendorId: null })).toMatchObject({
      subject: `unlock:${id.amyOpen}`,
      phoneId: id.amyLine,
    });
    expect(await findReceiptTarget(db, { ...receipt, effectId: null, vendorId: 'SM_reveal' })).toMatchObject({
      subject: `unlock:${id.bobDone}`,
      status: 'failed',
    });
    expect(await hasRevealFailed(db, id.bobDone!)).toBe(true);
  });

  it('messages name their recipient, and those without an unlock what they were about', async () => {
    const rows = await db.query<{ purpose: string }>(
      'SELECT purpose, recipient_kind AS kind, recipient_id AS id, subject FROM messages ORDER BY id',
    );
    expect(rows.filter(({ purpose }) => purpose !== 'reveal')).toEqual([
      { purpose: 'teaser', kind: 'buyer', id: id.amy, subject: `unlock:${id.amyOpen}` },
      { purpose: 'help', kind: 'buyer', id: id.amy, subject: `unlock:${id.amyOpen}` },
      { purpose: 'operator_alert', kind: 'operator', id: null, subject: 'alert:disputed-1' },
    ]);
  });

  it('effects are about their unlock, their alert, or their organization', async () => {
    expect(await findReveal(db, id.bobDone!)).toBe('sent');
    expect(await findReveal(db, id.amyOpen!)).toBe('none');
    const subjects = await db.query<{ key: string; subject: string }>(
      "SELECT key, subject FROM effects WHERE kind NOT IN ('sms') ORDER BY key",
    );
    expect(subjects).toEqual([
      { key: 'alert-disputed-1', subject: 'alert:disputed-1' },
      { key: 'keyed-without-unlock', subject: `organization:${organization}` },
      { key: 'refund-pi_back', subject: `unlock:${id.bobRefunded}` },
      { key: `reveal-email-${id.bobDone}`, subject: `unlock:${id.bobDone}` },
    ]);
  });

  it('a conversation is owned by the organization that texted it last', async () => {
    expect(await findConversationOwner(db, id.amyLine!)).toEqual({
      organization: 'Gold',
      supportContact: 'help@gold.example',
      language: 'es',
      line: {
        organizationId: organization,
        subject: `unlock:${id.amyOpen}`,
        recipient: { kind: 'buyer', id: id.amy },
        phoneId: id.amyLine,
        to: amyPhone,
      },
    });
  });

  it('replies, their offers, alerts and parked work are still there', async () => {
    expect(await findReply(db, 'twilio', 'SM1')).toMatchObject({ intent: 'accept', unlockId: id.amyOpen });
    const offers = await findOffers(db, ourNumber, amyPhone, [], null);
    expect(offers.map((offer) => offer.unlockId).toSorted()).toEqual([id.amyOpen, id.amyExpired].toSorted());
    const alerts = await listAlertGroups(db, organization, 10);
    expect(alerts).toMatchObject([
      { id: id.alert, details: null },
      { id: id.held },
      { id: id.refundAlert, text: 'A part or all of the payment went back to the buyer.' },
    ]);
    expect(await nameSubjects(db, alerts)).toMatchObject([
      { unlockId: id.bobDone },
      { unlockId: id.amyOpen, lead: 'lead_offered', company: 'Gold' },
      { unlockId: id.bobRefunded },
    ]);
    const parked = await listParkedGroups(db, { organizationId: organization });
    expect(parked).toMatchObject([{ worker: 'payment-linker', error: 'no answer', count: 1 }]);
    expect(await nameSubjects(db, parked)).toMatchObject([{ unlockId: id.amyOpen, lead: 'lead_offered' }]);
  });

  it('open work of a rerouted event belongs to its new worker, and jobs of the former queue are void', async () => {
    const moved = await db.query<{ event: string; worker: string; epoch: number }>(
      'SELECT event_id AS event, worker, epoch FROM outbox WHERE parked_at IS NULL ORDER BY event_id',
    );
    expect(moved).toEqual([
      { event: id.closed, worker: 'payment-linker', epoch: 5 },
      { event: id.notified, worker: 'inbound', epoch: 5 },
      { event: id.reported, worker: 'payment-linker', epoch: 5 },
    ]);
    for (const { event, worker } of moved) {
      const [row] = await db.query<{ type: string }>('SELECT type FROM events WHERE id = $1', [event]);
      expect(recipients(row!.type as EventType, undefined).map((route) => route.worker)).toEqual([worker]);
    }
  });

  it('[S33] a supplier’s key is a supplier of its own, and stored leads are those of their organization', async () => {
    const keys = await listKeys(db, organization);
    expect(keys.map(({ name, supplierId }) => ({ name, supplierId }))).toEqual(
      expect.arrayContaining([
        { name: 'ownKey', supplierId: null },
        { name: 'supplierKey', supplierId: id.supplierKey },
      ]),
    );
    expect(await findTenant(db, 'gold')).toEqual({ id: organization, priceFloors: {} });
    const supplier = { organizationId: organization, supplierId: id.supplierKey! };
    expect(await findLead(db, supplier, 'lead_offered')).toBeNull();
  });

  it('members are sellers of their organization', async () => {
    expect(await organizationsOf(db, id.user!)).toEqual([organization]);
    expect(await listMembers(db, organization)).toMatchObject([{ userId: id.user, name: 'Olga' }]);
  });

  it('companies, buyers, connections, imports and syncs are as they were', async () => {
    expect(await findCompany(db, { organizationId: organization })).toMatchObject({ ownerName: 'Olga' });
    expect(await findBuyer(db, organization, 'amy')).toMatchObject({ id: id.amy, phone: amyPhone });
    expect(await findConnection(db, organization)).toMatchObject({
      vendor: 'ghl',
      accountId: 'loc_1',
      version: 3,
    });
    expect(await findImport(db, id.importing!)).toMatchObject({
      status: 'done',
      created: 1,
      rejected: 1,
      rejectsKept: 1,
      rejectReasons: {},
      waiting: false,
    });
    const vault = { openJson: <T>() => ['Ann', ''] as T };
    expect(await listRejects({ db, vault }, id.importing!, { afterRow: 0, limit: 10 })).toMatchObject([
      { row: 3, errors: { phone: ['is required'] } },
    ]);
    expect(await findJob(db, id.uploaded!)).toMatchObject({ status: 'success', contactId: 'con_1' });
    expect(await companyStatistics(db, organization)).toMatchObject({ total: 2 });
  });

  it('[F71] the address of a lead in the CRM is that lead’s', async () => {
    expect(
      await db.query('SELECT vendor, account_id, email_hash, lead_id, person FROM crm_addresses'),
    ).toEqual([{ vendor: 'ghl', account_id: 'loc_1', email_hash: 'e1', lead_id: id.uploaded, person: 'p1' }]);
  });
});
