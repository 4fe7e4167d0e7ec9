import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requestSync } from '../../src/db/crm/syncs.ts';
import { effectMoves } from '../../src/db/transport/effect-state.ts';
import { outboxMoves } from '../../src/db/transport/outbox-state.ts';
import { syncMoves } from '../../src/domain/crm/sync-status.ts';
import { importMoves } from '../../src/domain/imports/status.ts';
import type { Moves } from '../../src/domain/moves.ts';
import { checkoutMoves } from '../../src/domain/payment/checkout-state.ts';
import { paymentMoves } from '../../src/domain/payment/payment-state.ts';
import { allowedMoves } from '../../src/domain/unlock/machine.ts';
import { visit } from '../harness/console-client.ts';
import { addLeads, makeCompany } from '../harness/crm.ts';
import { plainCsv, uploaderOf } from '../harness/import-client.ts';
import type { Story } from '../harness/story.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

/** The state of a row in SQL, over its columns. */
const states: Record<string, string> = {
  outbox: "CASE WHEN parked_at IS NOT NULL THEN 'parked' WHEN queued THEN 'queued' ELSE 'waiting' END",
  effects: 'state',
  imports: 'status',
  lead_syncs: 'status',
  checkout_sessions: 'state',
  payments: `CASE WHEN refunded_minor >= amount_minor THEN 'refunded' WHEN disputed_at IS NOT NULL THEN 'disputed'
    WHEN refunded_minor + refunding_minor >= amount_minor THEN 'refunding' WHEN kept THEN 'kept' ELSE 'refund_due' END`,
};

/** Records each change of state in the database itself, whichever statement makes it. */
async function recordMoves(system: TestSystem): Promise<void> {
  await system.rows('CREATE TABLE moves_seen ("table" text, was text, became text)');
  await system.rows(`CREATE FUNCTION note_move() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE was text; became text := 'finished';
    BEGIN
      EXECUTE format('SELECT %s FROM (SELECT ($1).*) r', TG_ARGV[0]) INTO was USING OLD;
      IF TG_OP = 'UPDATE' THEN
        EXECUTE format('SELECT %s FROM (SELECT ($1).*) r', TG_ARGV[0]) INTO became USING NEW;
      END IF;
      IF was <> became THEN INSERT INTO moves_seen VALUES (TG_TABLE_NAME, was, became); END IF;
      RETURN NULL;
    END $$`);
  for (const [table, state] of Object.entries(states)) {
    const argument = `'${state.replaceAll("'", "''")}'`;
    await system.rows(
      `CREATE TRIGGER note_move AFTER UPDATE OR DELETE ON ${table} FOR EACH ROW EXECUTE FUNCTION note_move(${argument})`,
    );
  }
}

let system: TestSystem;
let story: Story;
beforeAll(async () => {
  system = await startSystem({
    timings: { backoffMs: [10, 20] },
    crmLimits: null,
    sandbox: { ghl: { rateLimit: null } },
  });
  await recordMoves(system);
  story = system.story;
});
afterAll(() => system?.stop());

async function expectMoves(table: string, moves: Moves<string>, expected: readonly string[]) {
  const rows = await system.rows<{ was: string; became: string }>(
    'SELECT DISTINCT was, became FROM moves_seen WHERE "table" = $1',
    [table],
  );
  const seen = rows.map(({ was, became }) => `${was} → ${became}`);
  expect(seen).toEqual(expect.arrayContaining([...expected]));
  const allowed = Object.entries(moves).flatMap(([from, to]) => to.map((state) => `${from} → ${state}`));
  expect(seen.filter((move) => !allowed.includes(move))).toEqual([]);
}

describe('every move made in the database is in the table that docs/lifecycle.md draws', () => {
  it('unlock, checkout session and payment: a sale, its refund, N, STOP, a session that expires', async () => {
    const buyers = await story.buyers(4);
    const [buying, declining, stopping, waiting] = buyers;
    const offer = await story.offer(buyers);
    const { intent } = await story.buy(offer, buying!);
    story.says(declining!, `N ${offer.leadId}`);
    await story.reaches(offer, declining!, 'EXPIRED', 'declined');
    await story.stops(stopping!);
    await story.reaches(offer, stopping!, 'OPTED_OUT');
    const { session } = await story.checkout(offer, waiting!);
    system.sandbox.act.expire(session);
    system.sandbox.act.refund(intent);
    await system.until(
      'the refund and the end of the session',
      `SELECT (SELECT count(*)::int FROM payments WHERE refunded_minor = amount_minor) AS refunded,
        (SELECT count(*)::int FROM checkout_sessions WHERE state = 'expired') AS expired`,
      [],
      (row?: { refunded: number; expired: number }) => row?.refunded === 1 && row.expired === 1,
    );
    await expectMoves('checkout_sessions', checkoutMoves, [
      'creating → open',
      'open → complete',
      'open → expired',
    ]);
    await expectMoves('payments', paymentMoves, ['kept → refunded']);

    const steps = await system.rows<{ from: string; to: string }>(
      `SELECT DISTINCT data->>'from' AS "from", data->>'to' AS "to" FROM events WHERE type = 'unlock.moved'`,
    );
    const allowed: Moves<string> = allowedMoves;
    expect(steps.length).toBeGreaterThan(8);
    expect(steps.filter(({ from, to }) => !allowed[from]?.includes(to))).toEqual([]);
  });

  it('effect and outbox row: a 429, an answer that was lost, work that is parked and resumed', async () => {
    const [limited, lost, parked] = await story.buyers(3);
    const twilio = { vendor: 'twilio', count: 1 } as const;
    system.sandbox.fault({ ...twilio, kind: 'rate_limit', retryAfter: 1, contains: limited!.phone });
    system.sandbox.fault({ ...twilio, kind: 'reset_after', contains: lost!.phone });
    system.sandbox.fault({ ...twilio, kind: 'error', status: 401, contains: parked!.phone });
    const offer = await story.lead([limited!, lost!, parked!]);
    await story.reaches(offer, limited!, 'AWAIT_CONFIRM');
    await story.reaches(offer, lost!, 'AWAIT_CONFIRM');
    const [row] = await system.until<{ id: number }>(
      'parked work',
      'SELECT id FROM outbox WHERE parked_at IS NOT NULL',
      [],
      (found) => found !== undefined,
    );
    const operator = visit(system);
    await operator.signIn(system.operator.email, system.operator.password);
    expect((await operator.post(`/console/parked/${row!.id}/resume`)).status).toBe(303);
    await story.reaches(offer, parked!, 'AWAIT_CONFIRM');
    await expectMoves('effects', effectMoves, [
      'claimed → accepted',
      'claimed → released',
      'released → claimed',
    ]);
    await expectMoves('outbox', outboxMoves, [
      'queued → finished',
      'queued → waiting',
      'waiting → queued',
      'queued → parked',
      'parked → waiting',
    ]);
  });

  it('import: done, failed in the middle, cancelled, replaced by the same bytes', async () => {
    const company = await uploaderOf(system);
    const upload = async (csv: string) => (await company.upload(csv)).body.import.import_id as string;
    const act = (id: string, what: string) => company.call('POST', `/api/imports/${id}/${what}`, {});
    const done = await upload(plainCsv(3));
    await act(done, 'start');
    await company.ended(done);
    const cancelled = await upload(plainCsv(3, 10));
    await act(cancelled, 'cancel');
    await company.ended(cancelled, 'cancelled');
    const replaced = await upload(plainCsv(3, 20));
    await upload(plainCsv(3, 20));
    await company.ended(replaced, 'cancelled');
    expect((await company.upload('\0\0\0')).status).toBe(400);
    await expectMoves('imports', importMoves, [
      'uploading → ready',
      'ready → running',
      'running → done',
      'ready → cancelled',
      'uploading → failed',
    ]);
  });

  it('sync: put off, refused for good, requested again, written', async () => {
    const company = await makeCompany(system.runtime);
    const at = { vendor: 'ghl', contains: company.location } as const;
    const settled = (status: string) =>
      system.until<{ lead_id: string }>(
        `a sync that is ${status}`,
        'SELECT lead_id FROM lead_syncs WHERE organization_id = $1 AND status = $2',
        [company.organizationId, status],
        (row) => row !== undefined,
      );
    system.sandbox.fault({ ...at, kind: 'error', status: 502, count: 1 });
    await addLeads(system.runtime, company, [{}]);
    await settled('success');
    const { id } = system.sandbox.fault({ ...at, kind: 'error', status: 502 });
    await addLeads(system.runtime, company, [{ phone: '+13052009999' }]);
    const [failed] = await settled('failed');
    system.sandbox.clearFaults(id);
    await requestSync(system.runtime.db, { organizationId: company.organizationId });
    await system.until(
      'the retried sync',
      'SELECT status FROM lead_syncs WHERE lead_id = $1',
      [failed!.lead_id],
      (row?: { status: string }) => row?.status === 'success',
    );
    await expectMoves('lead_syncs', syncMoves, [
      'processing → pending',
      'pending → processing',
      'processing → success',
      'processing → failed',
      'failed → pending',
    ]);
  });
});
