import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createKey } from '../../src/db/account/api-keys.ts';
import { posts } from '../harness/evidence.ts';
import type { Deal } from '../harness/story.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

/** A distinct value for each locked field of a lead, which occurs nowhere else. */
const canaries = {
  client_name: 'Canarina Featherstone',
  client_phone: '+12025550187',
  client_email: 'canarina.featherstone@birdcage.example',
  exact_address: '77 Canary Wharf Lane, Perchville',
};
/** The values and the fragments that careless masking would leave. */
const fragments = [
  'Canarina',
  'Featherstone',
  '2025550187',
  '202) 555-0187',
  'birdcage',
  'Canary Wharf',
  'Perchville',
];
const leakedIn = (text: string) => fragments.filter((fragment) => text.includes(fragment));

let system: TestSystem;
let logged = '';
let pages = '';
let dump: Map<string, string>;

/** Installed before the logger is created, so that all its lines are captured. */
const spy = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
  logged += String(chunk);
  return true;
});

/** Every row of every table, including the queue's own, as text. */
async function dumpTables(): Promise<Map<string, string>> {
  const tables = await system.rows<{ name: string }>(
    `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1`,
  );
  const found = new Map<string, string>();
  for (const { name } of tables) {
    const rows = await system.rows<{ row: string }>(`SELECT t::text AS row FROM ${name} t`);
    found.set(name, rows.map(({ row }) => row).join('\n'));
  }
  return found;
}

/** With the queue in PostgreSQL an ended job is deleted, so each version of a job is copied when it is written. */
async function keepJobs(): Promise<void> {
  if (system.runtime.queues.backend !== 'postgres') return;
  await system.rows('CREATE TABLE job_versions (job jsonb NOT NULL)');
  await system.rows(`CREATE FUNCTION keep_job() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN INSERT INTO public.job_versions VALUES (to_jsonb(NEW)); RETURN NULL; END $$`);
  await system.rows(
    'CREATE TRIGGER keep_job AFTER INSERT OR UPDATE ON bullmq.job FOR EACH ROW EXECUTE FUNCTION public.keep_job()',
  );
}

type SeenJob = { name: string; data: object };

async function jobsSeen(): Promise<SeenJob[]> {
  const { backend, boards } = system.runtime.queues;
  if (backend === 'postgres')
    return (await system.rows<{ job: SeenJob }>('SELECT job FROM job_versions')).map(({ job }) => job);
  const jobs = (await Promise.all(boards().map((queue) => queue.getJobs()))).flat();
  return jobs.map((job) => ({ ...job.asJSON(), name: job.name, data: job.data as object }));
}

const revealsOf = (deal: Deal) => posts(system, deal.phone, 'here are the client details');

/** Plays a deal up to payment whose stored contact cannot be read. */
async function payForUnreadableContact(sealed: string) {
  const deal = await system.story.deal({ lead: canaries });
  const { session } = await system.story.press(await system.story.accept(deal));
  await system.rows('UPDATE leads SET contact = $2 WHERE public_id = $1', [deal.leadId, sealed]);
  system.sandbox.act.pay(session!, {});
  await system.until<{ n: number }>(
    'parked',
    'SELECT count(*)::int AS n FROM outbox o JOIN events e ON e.id = o.event_id WHERE e.subject = $1 AND o.parked_at IS NOT NULL',
    [`unlock:${deal.unlockId}`],
    (row) => row?.n === 1,
  );
  return deal;
}

/** The same person in a company's own upload: accepted, repeated, rejected, and synced to its CRM. */
async function upload() {
  const { body } = await system.api('GET', '/api/companies');
  const { client_name: name, client_phone: phone, client_email: email, exact_address: address } = canaries;
  const lead = { name, phone, email, address, notes: name, company_id: body.companies[0].company_id };
  const single = await system.api('POST', '/leads/single', lead, { 'idempotency-key': 'canary' });
  const leads = [lead, { ...lead, email: `${email}@` }, { ...lead, company_id: 9_999 }, [lead]];
  await system.api('POST', '/api/leads/bulk', { leads }, { 'idempotency-key': 'canaries' });
  await system.until<{ status: string }>(
    'brought into the CRM',
    'SELECT status FROM lead_syncs WHERE lead_id = $1',
    [single.body.job_id],
    (row) => row?.status === 'success',
  );
}

const story: { before: Deal[]; paid: Deal[]; keys: string[] } = { before: [], paid: [], keys: [] };

beforeAll(async () => {
  vi.stubEnv('LOG_LEVEL', 'debug');
  system = await startSystem({ timings: { backoffMs: [10] } });
  await keepJobs();
  const { vault, db } = system.runtime;

  // Invalid requests: a refusal must not quote the submitted values.
  for (const wrong of [
    { ...canaries, client_phone: 7 },
    { ...canaries, unknown_field: canaries.client_name },
    [canaries],
    JSON.stringify(canaries),
  ]) {
    await system.api('POST', '/api/leads', wrong);
  }
  await upload();
  await fetch(`${system.publicUrl}/api/leads`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${system.apiKey}` },
    body: `{"client_name": "${canaries.client_name}`,
  });

  // One deal each: only offered, waiting for payment, declined, with a failing call, paid.
  const teased = await system.story.deal({ lead: canaries });
  await system.story.reaches(teased, teased.buyer, 'AWAIT_CONFIRM');
  const waiting = await system.story.deal({ lead: canaries });
  const page = await system.story.accept(waiting);
  await system.story.press(page);
  for (const method of ['GET', 'HEAD', 'POST'] as const) {
    const answer = await fetch(method === 'POST' ? `${page}/details` : page, { method, redirect: 'manual' });
    pages += (await answer.text()) + JSON.stringify([...answer.headers]);
  }
  const declined = await system.story.deal({ lead: canaries });
  await system.story.reaches(declined, declined.buyer, 'AWAIT_CONFIRM');
  system.sandbox.act.reply(declined.phone, { text: 'N' });
  await system.story.reaches(declined, declined.buyer, 'EXPIRED');
  story.before.push(teased, waiting, declined);

  for (const kind of ['error_after', 'reset', 'rate_limit'] as const) {
    const troubled = await system.story.deal({
      lead: canaries,
      before: (phone) =>
        void system.sandbox.fault({
          vendor: 'twilio',
          kind,
          retryAfter: 0,
          method: 'POST',
          contains: phone,
          skip: 2,
          count: 1,
        }),
    });
    await system.story.pay(troubled);
    await system.story.reaches(troubled, troubled.buyer, 'DONE');
    story.paid.push(troubled);
  }
  const mailed = await system.story.deal({ lead: canaries, email: `bounce@${crypto.randomUUID()}.example` });
  const mailedPage = await system.story.accept(mailed);
  system.sandbox.act.phone(mailed.phone, { refuse: 21617 });
  await system.story.pay(mailed, mailedPage);
  await system.story.reaches(mailed, mailed.buyer, 'DONE');
  story.paid.push(mailed);
  // The contact is read through the API and on the pay page.
  await system.api('GET', `/api/leads/${mailed.leadId}`);
  expect(await (await fetch(`${mailedPage}/details`, { method: 'POST' })).text()).toContain(
    canaries.client_name,
  );

  // Contacts that cannot be decrypted: sealed with an unknown key, not sealed at all, not JSON when opened.
  for (const sealed of [
    'v1.gone.AAAA',
    JSON.stringify(canaries),
    vault.seal(`${canaries.client_name}, ${canaries.client_phone}`),
  ]) {
    story.before.push(await payForUnreadableContact(sealed));
  }
  // A constraint violation, whose message from the database would contain the row.
  await expect(
    db.query(
      'UPDATE leads SET price_minor = 1, public = jsonb_build_object($1::text, $2::text) WHERE public_id = $3',
      ['x', canaries.client_name, teased.leadId],
    ),
  ).rejects.toThrow();

  for (const owner of ['organization', 'supplier'] as const) {
    const [organization] = await system.rows<{ id: string }>(
      "SELECT id FROM organizations WHERE slug = 'demo'",
    );
    const { key } = await createKey(db, {
      organizationId: organization!.id,
      owner,
      name: owner,
      scopes: ['leads:write'],
    });
    story.keys.push(key);
  }
  story.keys.push(system.apiKey);
  await system.api('GET', `/api/leads/${teased.leadId}`, undefined, {
    authorization: `Bearer ${story.keys[0]}`,
  });
  // The unsealed contact was stored by this test, so it is removed before the tables are searched.
  await system.rows('UPDATE leads SET contact = NULL WHERE contact NOT LIKE $1', ['v1.%']);
  dump = await dumpTables();
}, 60_000);
afterAll(async () => {
  await system?.stop();
  spy.mockRestore();
  vi.unstubAllEnvs();
});

describe('[S14] the locked contact', () => {
  it('was revealed to the buyers who paid, so the searches below can find it', () => {
    for (const deal of story.paid.slice(0, 3)) {
      const texts = revealsOf(deal).filter(({ outcome }) => outcome.startsWith('accepted'));
      expect(texts).toHaveLength(1);
      for (const value of Object.values(canaries)) expect(texts[0]!.text).toContain(value);
    }
  });

  it('is in no vendor call before a captured payment, and after it only in the reveal', () => {
    const captured = new Map<string, number>();
    const entries = system.sandbox.ledger.list({ reads: true });
    for (const entry of entries) {
      if (entry.operation === 'payment.capture') captured.set(String(entry.params.session), entry.seq);
    }
    const paidFrom = Math.min(...captured.values());
    const all = entries.filter((entry) => leakedIn(JSON.stringify(entry)).length > 0);
    // A company's CRM receives the lead the company uploaded, and no other.
    const synced = all.filter(({ vendor }) => vendor === 'ghl');
    expect([...new Set(synced.map(({ to }) => to))]).toEqual([canaries.client_phone]);
    expect(synced.filter(({ operation }) => operation === 'contact.upsert')).toHaveLength(1);
    const carrying = all.filter(({ vendor }) => vendor !== 'ghl');
    expect(carrying.length).toBeGreaterThan(0);
    const entitled = new Set(story.paid.flatMap(({ phone, email }) => [phone, email]));
    for (const entry of carrying) {
      expect(entry.seq).toBeGreaterThan(paidFrom);
      expect(entry.text, `${entry.vendor} ${entry.operation}`).toContain('here are the client details');
      expect(entitled).toContain(entry.to);
    }
    for (const deal of story.before) expect(revealsOf(deal)).toEqual([]);
  });

  it('is on no page before payment, and in no URL', () => {
    expect(pages).toContain('60 min Mobile Massage');
    expect(leakedIn(pages)).toEqual([]);
    const urls = system.sandbox.webhooks.list().map(({ url }) => url ?? '');
    expect(leakedIn(urls.join('\n'))).toEqual([]);
  });

  it('is in no log line at debug level, failures included', () => {
    const lines = logged.split('\n').filter(Boolean);
    expect(lines.length).toBeGreaterThan(100);
    const reports = lines.map((line) => (JSON.parse(line) as { report?: string }).report);
    for (const report of ['finished', 'snoozed', 'retrying', 'parked']) expect(reports).toContain(report);
    expect(lines.filter((line) => leakedIn(line).length > 0)).toEqual([]);
  });

  it("is in no job's data, result or failure reason", async () => {
    const jobs = await jobsSeen();
    expect(jobs.length).toBeGreaterThan(20);
    expect(jobs.filter((job) => leakedIn(JSON.stringify(job)).length > 0)).toEqual([]);
    for (const { name, data } of jobs)
      if (name !== 'canary') expect(Object.keys(data).sort()).toEqual(['epoch', 'outboxId']);
  });

  it('is in no table as plain text', () => {
    for (const table of [
      'events',
      'outbox',
      'attempts',
      'effects',
      'alerts',
      'leads',
      'inbox',
      'idempotency_keys',
    ]) {
      expect(
        [...dump.keys()].some((name) => name.startsWith(`public.${table}`)),
        table,
      ).toBe(true);
    }
    expect(dump.get('public.attempts')!.length).toBeGreaterThan(1_000);
    expect(dump.get('public.alerts')!.length).toBeGreaterThan(100);
    const leaks = [...dump].flatMap(([name, rows]) =>
      rows
        .split('\n')
        .filter((row) => leakedIn(row).length > 0)
        .map((row) => `${name}: ${row}`),
    );
    expect(leaks).toEqual([]);
  });
});

describe('[S08] keys and passwords', () => {
  it('are in no table and no log line', () => {
    const everything = [...dump.values()].join('\n') + logged;
    for (const key of story.keys) {
      expect(key).toMatch(/^lg_[\w-]{43}$/);
      expect(everything).not.toContain(key);
      expect(everything, 'the secret part').not.toContain(key.slice(11));
      expect(dump.get('public.api_keys'), 'the first characters, shown to recognise the key').toContain(
        key.slice(0, 11),
      );
    }
    expect(everything).not.toContain(system.operator.password);
    for (const secret of [
      system.config.twilio.authToken,
      system.config.stripe.secretKey,
      system.config.sendgrid.apiKey,
      system.config.sessionSecret,
    ]) {
      expect(everything).not.toContain(secret);
    }
  });

  it("[S10] a pay link's token is in no table and no log line", () => {
    const everything = [...dump.values()].join('\n') + logged;
    for (const { unlockId } of [...story.before, ...story.paid]) {
      expect(everything).not.toContain(system.runtime.links.token(unlockId, 1));
    }
  });
});
