import { copyFile, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { v7 as uuidv7 } from 'uuid';
import { expect, it } from 'vitest';
import { createDatabase } from '../../src/db/client.ts';
import { createSlots, reserveCall } from '../../src/db/crm/call-slots.ts';
import { findAccountOwner, findConnection } from '../../src/db/crm/connections.ts';
import { findByContact } from '../../src/db/crm/contact-updates.ts';
import { companyStatistics } from '../../src/db/crm/statistics.ts';
import { requestSync } from '../../src/db/crm/syncs.ts';
import { migrate } from '../../src/db/migrate.ts';
import { atServer, createTestDatabase } from '../harness/database.ts';

const migrations = fileURLToPath(new URL('../../drizzle/', import.meta.url));

/** A folder with the migrations before connections had vendors. */
async function oldMigrations(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'leadgate-0004-'));
  for (const name of await readdir(migrations))
    if (/^000[0-4]_.*\.sql$/.test(name)) await copyFile(join(migrations, name), join(folder, name));
  return folder;
}

it('a database of 0000 to 0004 with connections and syncs migrates and keeps them', async () => {
  const test = await createTestDatabase();
  await atServer(test.directUrl, (client) =>
    client.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public'),
  );
  const folder = await oldMigrations();
  const db = createDatabase({ url: test.directUrl });
  const [first, second] = [uuidv7(), uuidv7()];
  const [synced, failed] = [uuidv7(), uuidv7()];
  const at = new Date('2026-11-20T10:00:00Z');
  try {
    expect(await migrate(test.directUrl, { folder })).toHaveLength(5);
    await db.query(
      `INSERT INTO organizations (id, name, slug, footer, support_contact)
       SELECT id, 'C', 'c-' || id, '', 'x@y.example' FROM unnest($1::uuid[]) AS id`,
      [[first, second]],
    );
    await db.query(
      `INSERT INTO companies (organization_id, owner_name, owner_email, owner_phone)
       SELECT id, 'O', id || '@example.com', '+13055550100' FROM unnest($1::uuid[]) AS id`,
      [[first, second]],
    );
    await db.query(
      `INSERT INTO crm_connections (organization_id, location_id, api_version, kind, credentials, credentials_version, rate_share,
         paused_at, pause_reason)
       VALUES ($1, 'loc1', 'v2', 'oauth', 'v1.sealed.x', 7, 60, NULL, NULL), ($2, 'loc2', 'v1', 'token', NULL, 0, 100, $3, 'refused')`,
      [first, second, at],
    );
    await db.query(
      `INSERT INTO leads (id, organization_id, public_id, uploaded, public, phone_valid, price_minor, currency, ttl_ms)
       SELECT id, $1, 'lead_' || id, true, '{}', true, 2000, 'usd', 1000 FROM unnest($2::uuid[]) AS id`,
      [first, [synced, failed]],
    );
    await db.query(
      `INSERT INTO lead_syncs (lead_id, organization_id, status, attempts, contact_id, written_hash, error, dnd, told_at)
       VALUES ($2, $1, 'success', 2, 'c1', 'hash', NULL, true, $4), ($3, $1, 'failed', 12, NULL, NULL, 'no', NULL, NULL)`,
      [first, synced, failed, at],
    );
    const today = `to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD')`;
    await db.query(`INSERT INTO crm_call_slots VALUES ('loc1', 1, '-infinity'), ('loc1', 2, now())`);
    await db.query(`INSERT INTO crm_call_days VALUES ('loc1', ${today}, 41, 500)`);
    await db.query(`INSERT INTO worker_holds VALUES ('ghl-syncer', $1, 'infinity', 'refused')`, [second]);

    expect((await migrate(test.directUrl)).length).toBeGreaterThan(0);

    const connection = await findConnection(db, first);
    expect(connection).toMatchObject({
      vendor: 'ghl',
      accountId: 'loc1',
      apiVersion: 'v2',
      kind: 'oauth',
      credentials: 'v1.sealed.x',
      version: 7,
      rateShare: 60,
    });
    expect(await findConnection(db, second)).toMatchObject({
      vendor: 'ghl',
      accountId: 'loc2',
      apiVersion: 'v1',
      pausedAt: at,
      pauseReason: 'refused',
    });
    const account = { vendor: 'ghl', accountId: 'loc1' } as const;
    const owner = { connectionId: connection!.id, organizationId: first, buyerId: null };
    expect(await findAccountOwner(db, account)).toEqual(owner);
    expect(await findByContact(db, { ...account, contactId: 'c1' }, first)).toMatchObject([
      { leadId: synced, connectionId: connection!.id, writtenHash: 'hash', dnd: true, contactUpdatedAt: at },
    ]);
    expect(await companyStatistics(db, first)).toMatchObject({ total: 2, success: 1, failed: 1, pending: 0 });
    expect(await requestSync(db, { organizationId: first })).toBe(1);
    // The counters go on: both slots exist, one of them is free, and the day's count is the next.
    const limits = { calls: 2, intervalMs: 60_000, perDay: 200_000 };
    expect(await createSlots(db, account, limits)).toBe(false);
    expect(await reserveCall(db, { ...account, rateShare: 100 }, limits, 0)).toMatchObject({ slot: 1 });
    expect(await db.query('SELECT vendor, calls, remaining FROM crm_call_days')).toEqual([
      { vendor: 'ghl', calls: 42, remaining: 500 },
    ]);
    expect(await db.query('SELECT worker, organization_id, reason FROM worker_holds')).toEqual([
      { worker: 'ghl-syncer', organization_id: second, reason: 'refused' },
    ]);
  } finally {
    await db.close();
    await test.drop();
    await rm(folder, { recursive: true });
  }
});
