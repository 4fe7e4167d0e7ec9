import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createKey } from '../../src/db/account/api-keys.ts';
import { commitChange } from '../../src/db/commit.ts';
import { resumeRow } from '../../src/db/transport/outbox.ts';
import { type Visitor, visit } from '../harness/console-client.ts';
import { sampleLead } from '../harness/sample-lead.ts';
import { providers, startSystem, type TestSystem } from '../harness/system.ts';

const [amy, ben] = providers as [Provider, Provider];
type Provider = (typeof providers)[number];

let system: TestSystem;
let operator: Visitor;
beforeAll(async () => {
  system = await startSystem();
  operator = visit(system);
  await operator.signIn(system.operator.email, system.operator.password);
});
afterAll(() => system.stop());

const offer = async (over: Record<string, unknown> = {}): Promise<string> => {
  const { body } = await system.api('POST', '/api/leads', { ...sampleLead, ...over });
  return body.lead_id;
};
const unlockOf = async (leadId: string, status: string) => {
  const [row] = await system.until<{ id: string; status: string }>(
    `${leadId} in ${status}`,
    'SELECT u.id, u.status FROM lead_unlocks u JOIN leads l ON l.id = u.lead_id WHERE l.public_id = $1',
    [leadId],
    (found) => found?.status === status,
  );
  return row!.id;
};
const page = async (path: string) => (await operator.get(path)).text();

describe('console pages', () => {
  it('an unlock is found by lead id, provider id and phone, and the filter stays in the URL', async () => {
    const mine = await offer();
    const other = await offer({ provider_ids: [ben.externalId] });
    await unlockOf(mine, 'AWAIT_CONFIRM');
    await unlockOf(other, 'AWAIT_CONFIRM');
    for (const query of [mine, mine.replace('lead_', ''), amy.externalId, amy.phone, '(305) 555-0160']) {
      const html = await page(`/console?q=${encodeURIComponent(query)}`);
      expect(html, query).toContain(mine);
      expect(html, query).not.toContain(other);
    }
    expect(await page('/console?status=open')).toContain(mine);
    expect(await page('/console?status=AWAIT_CONFIRM')).toContain(mine);
    expect(await page('/console?status=DONE')).toContain('No results');
    expect((await operator.get('/console?status=nonsense&before=x&q=%00')).status).toBeLessThan(500);
  });

  it('[S15] markup in a lead, a text or a name is shown as text, and the policy allows no inline script', async () => {
    const markup = '<img src=x onerror=alert(1)>';
    await system.api('POST', '/api/providers', {
      external_id: 'evil',
      name: `${markup}"'`,
      phone: '+13055550177',
    });
    const leadId = await offer({
      city: markup,
      service_type: `</title><script>alert(1)</script>`,
      notes_snippet: markup,
      provider_ids: ['evil'],
    });
    const id = await unlockOf(leadId, 'AWAIT_CONFIRM');
    await system.sandbox.act.reply('+13055550177', { text: `hm ${markup}` });
    await system.sandbox.act.reply('+13055559977', { text: markup });
    await system.until(
      'both texts',
      'SELECT count(*)::int AS n FROM inbox WHERE kind = $1',
      ['reply'],
      (row: { n: number } | undefined) => (row?.n ?? 0) >= 2,
    );
    for (const path of [
      '/console',
      `/console?q=${encodeURIComponent(markup)}`,
      `/console/unlocks/${id}`,
      '/console/inbox',
      `/login?next=${encodeURIComponent(markup)}`,
    ]) {
      const answer = await operator.get(path);
      const html = await answer.text();
      expect(html, path).not.toMatch(/<img src=x|<script>alert| onerror=alert\(1\)>/);
      expect(html.replace(/<script src="[^"]+"( defer="[^"]*")?><\/script>/g, ''), path).not.toMatch(
        /<script|style="| on[a-z]+="/,
      );
      if (answer.status === 200)
        expect(answer.headers.get('content-security-policy')).toMatch(
          /default-src 'self'; style-src 'self'; /,
        );
    }
    expect(await page(`/console/unlocks/${id}`)).toContain('&lt;img src=x onerror=alert(1)&gt;');
  });

  it('the timeline of an unlock shows moves, attempts and texts; the contact only on request, which is recorded', async () => {
    const leadId = await offer();
    await unlockOf(leadId, 'AWAIT_CONFIRM');
    await payFor(leadId);
    const id = await unlockOf(leadId, 'DONE');
    const html = await page(`/console/unlocks/${id}`);
    for (const part of [
      'Awaiting payment',
      'Details sent',
      'Done',
      'Send the details: done',
      'Twilio accepted the message',
      'Payment of $20 received',
      'Reply Y to unlock',
      `Y ${leadId}`,
    ]) {
      expect(html).toContain(part);
    }
    expect(html).toMatch(/\d(\.\d)? m?s</);
    expect(html).not.toContain('Sarah Johnson');
    // The link in the buyer's text opens the contact details too.
    expect(html).toMatch(/\/p\/… \(Lead/);
    expect(html).not.toMatch(/\/p\/[\w-]{8,}/);

    const shown = await (await operator.post(`/console/unlocks/${id}/texts`)).text();
    expect(shown).toContain('Sarah Johnson');
    // The contact must not have a URL of its own: opening a link again would be another reading.
    expect(shown).not.toContain('data-live');
    const bookmark = await operator.get(`/console/unlocks/${id}/texts`);
    expect(bookmark.headers.get('location')).toBe(`/console/unlocks/${id}`);
    const read = await system.rows<{ actor: string }>(
      "SELECT data->>'actor' AS actor FROM events WHERE type = 'lead.contact_read' AND data->>'leadId' = (SELECT lead_id::text FROM lead_unlocks WHERE id = $1)",
      [id],
    );
    const [user] = await system.rows<{ id: string }>('SELECT id FROM users WHERE email = $1', [
      system.operator.email,
    ]);
    expect(read).toEqual([{ actor: user?.id }]);
  });

  it('empty lists show a working curl command', async () => {
    const empty = await startSystem({ workers: [] });
    try {
      const visitor = visit(empty);
      await visitor.signIn(empty.operator.email, empty.operator.password);
      const html = await (await visitor.get('/console')).text();
      expect(html).toContain(`curl ${empty.publicUrl}/api/leads`);
      expect(html).toContain(amy.externalId);
      expect(html).toContain('You’re all caught up.');
    } finally {
      await empty.stop();
    }
  });
});

describe('operator actions', () => {
  it('work that another click has resumed since it was read is not resumed again', async () => {
    const { story } = system;
    const buyer = await story.buyer();
    await story.checkout(await story.offer([buyer]), buyer);
    // The check of an open session comes up again and again, and is not parked.
    const [open] = await system.until<{ id: number }>(
      'work that waits',
      `SELECT o.id FROM outbox o JOIN events e ON e.id = o.event_id AND e.occurred_at = o.event_at
        WHERE e.type = 'checkout.opened' AND o.parked_at IS NULL`,
      [],
      (row) => row !== undefined,
    );
    const resume = { guard: () => resumeRow(open!.id) };
    expect((await commitChange(system.runtime.db, resume, { visibilityMs: 1_000 })).moved).toBe(false);
  });

  it('two simultaneous clicks resume parked work once; it finishes and its alert is resolved', async () => {
    system.sandbox.fault({
      vendor: 'twilio',
      kind: 'error',
      status: 401,
      contains: 'here are the client details',
    });
    const leadId = await offer();
    await unlockOf(leadId, 'AWAIT_CONFIRM');
    await payFor(leadId);
    const [parked] = await system.until<{ id: number }>(
      'parked',
      'SELECT id FROM outbox WHERE parked_at IS NOT NULL',
      [],
      (row) => row !== undefined,
    );
    await system.until(
      'alert',
      'SELECT 1 FROM alerts WHERE resolved_at IS NULL',
      [],
      (row) => row !== undefined,
    );
    expect(await page('/console/parked')).toContain('Paid details weren’t delivered to');
    expect(await page('/console')).toContain(`data-item="parked-${parked!.id}"`);

    system.sandbox.clearFaults();
    const clicks = await Promise.all(
      [1, 2].map(() => operator.post(`/console/parked/${parked!.id}/resume`, { back: '/console/parked' })),
    );
    expect(clicks.map((answer) => answer.headers.get('location'))).toEqual([
      '/console/parked',
      '/console/parked',
    ]);
    const unlock = await unlockOf(leadId, 'DONE');
    const resumed = await system.rows<{ subject: string }>(
      "SELECT subject FROM events WHERE type = 'work.resumed'",
    );
    expect(resumed).toEqual([{ subject: `unlock:${unlock}` }]);
    expect(
      await system.rows("SELECT 1 FROM alerts WHERE resolved_at IS NULL AND key LIKE 'parked-%'"),
    ).toEqual([]);
    const reveals = system.sandbox.ledger.list({
      operation: 'message.create',
      accepted: true,
      contains: 'here are the client details',
    });
    expect(
      reveals.filter((entry) => entry.text?.includes('Sarah Johnson') && entry.to === amy.phone),
    ).toHaveLength(2);
    expect((await operator.post('/console/parked/999999/resume')).status).toBe(303);
    expect((await operator.post('/console/parked/x/resume')).status).toBe(404);
  });

  it('a text is marked as handled and an alert resolved', async () => {
    const { messageSid } = system.sandbox.act.reply('+13055559901', { text: 'who is this?' });
    const [row] = await system.until<{ id: string }>(
      'a text for the operator',
      'SELECT id FROM inbox WHERE needs_operator AND external_id = $1',
      [messageSid],
      (found) => found !== undefined,
    );
    expect(await page('/console/inbox')).toContain('who is this?');
    expect((await operator.post(`/console/inbox/${row!.id}/handled`)).status).toBe(303);
    expect(await page('/console/inbox')).not.toContain(`data-inbox="${row!.id}"`);

    const [alert] = await system.rows<{ id: string }>(
      "INSERT INTO alerts (id, key, kind, subject, text) VALUES (gen_random_uuid(), 'a-test', 'payment_disputed', 'x', 'A dispute') RETURNING id",
    );
    await operator.post(`/console/alerts/${alert!.id}/resolve`);
    expect(
      await system.rows('SELECT 1 FROM alerts WHERE id = $1 AND resolved_at IS NULL', [alert!.id]),
    ).toEqual([]);
  });

  it('the event stream announces a change and ends when the server stops', async () => {
    const watched = await startSystem();
    const visitor = visit(watched);
    await visitor.signIn(watched.operator.email, watched.operator.password);
    const stream = await visitor.get('/console/live', { accept: 'text/event-stream' });
    expect(stream.headers.get('content-type')).toContain('text/event-stream');
    const reader = stream.body!.pipeThrough(new TextDecoderStream()).getReader();
    const until = async (text: string) => {
      for (let received = ''; !received.includes(text); ) {
        const { value, done } = await reader.read();
        if (done) throw new Error(`the stream ended after ${received}`);
        received += value;
      }
    };
    await until('event: hello');
    await watched.api('POST', '/api/leads', sampleLead);
    const sent = performance.now();
    await until('event: changed');
    expect(performance.now() - sent).toBeLessThan(4_000);
    const stopping = performance.now();
    await watched.stop();
    for (let open = true; open; ) open = !(await reader.read()).done;
    expect(performance.now() - stopping).toBeLessThan(8_000);
  });
});

describe('/metrics', () => {
  it("reports latency by route, outbox, queue, effects and unlocks, to this machine or an operator's key", async () => {
    const text = await (await fetch(`${system.publicUrl}/metrics`)).text();
    for (const line of [
      /leadgate_http_request_seconds_bucket\{le="0\.05",method="POST",route="\/api\/leads",status="201"\} \d+/,
      /leadgate_outbox_rows\{worker="teaser-sender",state="queued"\} \d+/,
      /leadgate_outbox_lag_seconds\{worker="revealer"\} \d+/,
      /leadgate_queue_jobs\{worker="distributor",state="completed"\} \d+/,
      /leadgate_effects\{vendor="twilio",kind="[a-z_]+",outcome="accepted"\} \d+/,
      /leadgate_unlocks\{state="DONE"\} \d+/,
      /leadgate_process_cpu_seconds_total/,
    ]) {
      expect(text).toMatch(line);
    }
  });

  it("[S08] a proxied call needs an operator's key; an organization's key is refused", async () => {
    const scrape = (headers: Record<string, string>) =>
      fetch(`${system.publicUrl}/metrics`, { headers: { 'x-forwarded-for': '203.0.113.9', ...headers } });
    const { key } = await createKey(system.runtime.db, {
      organizationId: null,
      owner: 'operator',
      name: 'scraper',
      scopes: [],
    });
    expect((await scrape({})).status).toBe(401);
    expect((await scrape({ authorization: `Bearer ${system.apiKey}` })).status).toBe(403);
    expect((await scrape({ authorization: `Bearer ${key}x` })).status).toBe(401);
    expect((await scrape({ authorization: `Bearer ${key}` })).status).toBe(200);
  });

  it.each([
    ['x-forwarded-host', 'leads.example.com'],
    ['cf-connecting-ip', '203.0.113.9'],
    ['origin', 'https://evil.example'],
    ['authorization', 'Basic bGVhZGdhdGU='],
  ])('a call from this machine with %s: %s is refused without an operator’s key', async (name, value) => {
    const answer = await fetch(`${system.publicUrl}/metrics`, { headers: { [name]: value } });
    expect(answer.status).toBe(401);
  });
});

async function payFor(leadId: string): Promise<void> {
  await system.sandbox.act.reply(amy.phone, { text: `Y ${leadId}` });
  const link = (await system.text(amy.phone, `(Lead ${leadId})`)).text ?? '';
  const checkout = await fetch(/https?:\/\/\S+\/p\/[\w-]+/.exec(link)![0], {
    method: 'POST',
    redirect: 'manual',
  });
  await system.sandbox.act.pay(checkout.headers.get('location')!.split('/').pop()!, {});
}
