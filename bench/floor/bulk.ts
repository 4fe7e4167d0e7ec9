import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { v7 as uuidv7 } from 'uuid';

/**
 * The floor of storing uploaded leads: the rows the product writes (lead, event, outbox, known phone) inserted into the
 * product's tables with all their indexes, one statement per prepared batch. No HTTP, validation, encryption or dedupe.
 * `bulk.ts '{"databaseUrl":…,"batches":…,"size":…,"connections":…,"sealedLength":…}'` starts on an IPC message.
 */
export type FloorOptions = {
  databaseUrl: string;
  batches: number;
  size: number;
  connections: number;
  /** Length of an encrypted contact, as the product stores it. */
  sealedLength: number;
};
export type FloorMessage = { ready: true } | { perSecond: number };

const options = JSON.parse(process.argv[2] ?? '{}') as FloorOptions;
const pool = new pg.Pool({ connectionString: options.databaseUrl, max: options.connections });
const { rows } = await pool.query<{ id: string }>('SELECT id FROM organizations LIMIT 1');
const organizationId = rows[0]!.id;

const insert = `WITH given AS MATERIALIZED (SELECT * FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[])
    AS g(id, event_id, public_id, contact, phone_hash)),
  known AS (INSERT INTO known_phones (organization_id, phone_hash, lead_id) SELECT $1, phone_hash, id FROM given),
  lead AS (INSERT INTO leads (id, organization_id, public_id, channel, public, contact, phone_hash, phone_valid)
    SELECT id, $1, public_id, 'crm_upload', '{}', contact, phone_hash, true FROM given),
  fact AS (INSERT INTO events (id, occurred_at, type, version, organization_id, subject, correlation_id, data)
    SELECT event_id, now(), 'lead.uploaded', 1, $1, 'lead:' || id, event_id, jsonb_build_object('leadId', id) FROM given)
  INSERT INTO outbox (event_id, event_at, worker, organization_id, due_at, queued)
    SELECT event_id, now(), 'ghl-syncer', $1, now(), false FROM given`;

const text = (length: number) => randomBytes(length).toString('base64url').slice(0, length);
const sealed = text(options.sealedLength);

const batch = () => {
  const each = <T>(make: () => T) => Array.from({ length: options.size }, () => make());
  return [
    each(() => uuidv7()),
    each(() => uuidv7()),
    each(() => `lead_${text(8)}`),
    each(() => sealed),
    each(() => text(43)),
  ];
};

async function store(batches: unknown[][]): Promise<number> {
  const started = performance.now();
  const one = async () => {
    for (let values = batches.pop(); values; values = batches.pop())
      await pool.query({ name: 'insert', text: insert, values: [organizationId, ...values] });
  };
  const count = batches.length * options.size;
  await Promise.all(Array.from({ length: options.connections }, one));
  return count / ((performance.now() - started) / 1000);
}

await store(Array.from({ length: Math.max(options.connections, Math.ceil(options.batches / 5)) }, batch));
const measured = Array.from({ length: options.batches }, batch);
process.send!({ ready: true } satisfies FloorMessage);
process.once('message', () => {
  void store(measured).then((perSecond) => process.send!({ perSecond } satisfies FloorMessage));
});
process.once('SIGTERM', () => process.exit(0));
