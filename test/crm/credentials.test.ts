import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addMember, removeMember } from '../../src/db/account/members.ts';
import { findConnection } from '../../src/db/crm/connections.ts';
import { claimRefresh, releaseRefresh, resumeConnection } from '../../src/db/crm/credentials.ts';
import { startWorkers } from '../../src/engine/process.ts';
import { createRuntime } from '../../src/runtime.ts';
import { connectByConsent, connectCompany, redirectUriOf } from '../../src/usecases/crm/connect.ts';
import { inviteOauth } from '../../src/usecases/crm/consent.ts';
import { workers } from '../../src/workers/index.ts';
import { retention } from '../../src/workers/retention.ts';
import { addLeads, crmState, makeCompany, type TestCompany } from '../harness/crm.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

let system: TestSystem;
let second: { runtime: Awaited<ReturnType<typeof createRuntime>>; running: ReturnType<typeof startWorkers> };
beforeAll(async () => {
  system = await startSystem({ crmLimits: null, sandbox: { ghl: { rateLimit: null } } });
  // A second worker process: it shares only the database and the queue.
  const runtime = await createRuntime(system.config, { name: 'second', namespace: system.namespace });
  second = { runtime, running: startWorkers(runtime, { workers, names: ['ghl-syncer'], retention }) };
});
afterAll(async () => {
  await second?.running.stop();
  await second?.runtime.close();
  await system?.stop();
});

const leads = (count: number) => Array.from({ length: count }, () => ({}));
const inCrm = (company: TestCompany, count: number) =>
  system.until<{ n: number }>(
    `${count} leads in the CRM`,
    `SELECT count(*)::int AS n FROM lead_syncs WHERE organization_id = $1 AND status = 'success'`,
    [company.organizationId],
    (row) => row?.n === count,
  );
const paused = (company: TestCompany) =>
  system.until<{ reason: string }>(
    'the pause',
    'SELECT pause_reason AS reason FROM crm_connections WHERE organization_id = $1 AND paused_at IS NOT NULL',
    [company.organizationId],
    (row) => row !== undefined,
  );
const alertsOf = ({ organizationId }: TestCompany) =>
  system.until<{ kind: string; text: string }>(
    'the alert',
    'SELECT kind, text FROM alerts WHERE organization_id = $1',
    [organizationId],
    (row) => row !== undefined,
  );
const ghl = () => system.sandbox.act.ghl;
const refreshesOf = ({ location }: TestCompany) =>
  system.sandbox.ledger
    .list({ vendor: 'ghl', operation: 'oauth.token' })
    .filter((entry) => entry.reference === location && entry.text === 'refresh_token');
const consent = async (company: TestCompany) => {
  const { code } = ghl().authorize(company.location, redirectUriOf(system.config, 'ghl'));
  const { organizationId } = company;
  await connectByConsent(system.runtime, 'ghl', { organizationId, actor: 'amy' }, code);
};
const oauthCompany = async () => {
  const company = await makeCompany(system.runtime, { token: null });
  await consent(company);
  return company;
};

it('a token that expires during 60 leads in two processes is refreshed once', async () => {
  const company = await oauthCompany();
  ghl().expireTokens(company.location);
  await addLeads(system.runtime, company, leads(60));
  await inCrm(company, 60);
  expect(refreshesOf(company)).toHaveLength(1);
  expect(await crmState(system.runtime, company)).toMatchObject({
    state: 'connected',
    reason: null,
  });
  const connection = await findConnection(system.runtime.db, company.organizationId);
  expect(connection).toMatchObject({ version: 2, kind: 'oauth' });
  expect(connection!.credentials).not.toContain('sandbox-access');
  expect(
    await system.rows('SELECT 1 FROM lead_syncs WHERE organization_id = $1 AND attempts > 1', [
      company.organizationId,
    ]),
  ).toEqual([]);
});

it('a token about to expire is renewed before the CRM refuses it', async () => {
  const company = await oauthCompany();
  await system.rows(
    `UPDATE crm_connections SET access_expires_at = now() + interval '5 seconds' WHERE organization_id = $1`,
    [company.organizationId],
  );
  await addLeads(system.runtime, company, leads(5));
  await inCrm(company, 5);
  expect(refreshesOf(company)).toHaveLength(1);
});

describe('invalid credentials', () => {
  it.each(['oauth', 'token'] as const)(
    '%s: pauses the company, alerts an operator once, and resumes when it is connected again',
    async (kind) => {
      const company = kind === 'oauth' ? await oauthCompany() : await makeCompany(system.runtime);
      ghl().location(company.location, { installed: false });
      await addLeads(system.runtime, company, leads(30));
      const [pause] = await paused(company);
      expect(pause!.reason).toMatch(kind === 'oauth' ? /Invalid JWT/ : /Invalid Private Integration token/);
      expect(await alertsOf(company)).toMatchObject([{ kind: 'crm_paused', text: pause!.reason }]);
      await system.until<{ n: number }>(
        'nothing of it in the queue',
        'SELECT count(*)::int AS n FROM outbox WHERE organization_id = $1 AND queued',
        [company.organizationId],
        (row) => row?.n === 0,
      );
      const [held] = await system.rows<{ n: number; forever: boolean }>(
        `SELECT (SELECT count(*)::int FROM outbox WHERE organization_id = $1 AND parked_at IS NULL AND worker = 'ghl-syncer') AS n,
        until = 'infinity' AS forever FROM worker_holds WHERE organization_id = $1`,
        [company.organizationId],
      );
      expect(held).toEqual({ n: 30, forever: true });
      expect(await crmState(system.runtime, company)).toMatchObject({
        state: 'paused',
        reason: pause!.reason,
      });
      if (kind === 'oauth') await consent(company);
      else {
        const again = { token: `pit-sandbox-${company.location}`, actor: 'amy' };
        await expect(connectCompany(system.runtime, company.organizationId, again)).rejects.toMatchObject({
          status: 400,
          code: 'crm_token_refused',
          message: expect.stringMatching(/Invalid Private Integration token/),
        });
        ghl().location(company.location, { installed: true });
        await connectCompany(system.runtime, company.organizationId, again);
      }
      await inCrm(company, 30);
      expect(ghl().location(company.location)).toMatchObject({ contacts: 30, writtenMore: 0 });
      expect(
        await system.rows('SELECT 1 FROM lead_syncs WHERE organization_id = $1 AND attempts > 1', [
          company.organizationId,
        ]),
      ).toEqual([]);
      const told = await system.rows(
        `SELECT type FROM events WHERE organization_id = $1 AND type LIKE 'crm.%' ORDER BY id`,
        [company.organizationId],
      );
      expect(told.slice(-2)).toEqual([{ type: 'crm.paused' }, { type: 'crm.resumed' }]);
      expect(await alertsOf(company)).toHaveLength(1);
    },
  );

  it('retries with the same credentials only when the company is resumed', async () => {
    const company = await makeCompany(system.runtime);
    const { organizationId } = company;
    expect(await resumeConnection(system.runtime.db, organizationId, 'amy')).toBe(false);
    ghl().location(company.location, { installed: false });
    await addLeads(system.runtime, company, leads(3));
    await paused(company);
    expect(await resumeConnection(system.runtime.db, organizationId, 'amy')).toBe(true);
    await paused(company);
    ghl().location(company.location, { installed: true });
    // Repeatedly: a run that was refused before may pause the company after it was resumed.
    const arrived = async () => {
      await resumeConnection(system.runtime.db, organizationId, 'amy');
      return ghl().location(company.location)?.contacts;
    };
    await expect.poll(arrived, { timeout: 20_000 }).toBe(3);
    await inCrm(company, 3);
    expect(ghl().location(company.location)).toMatchObject({ contacts: 3 });
  });

  it('an expired refresh lease belongs to its next holder and cannot be released by the first', async () => {
    const { db } = system.runtime;
    const connection = (await findConnection(db, (await oauthCompany()).organizationId))!;
    const first = await claimRefresh(db, connection, 1);
    await system.until(
      'its expiry',
      'SELECT 1 FROM crm_connections WHERE id = $1 AND refreshing_until < now()',
      [connection.id],
      (row) => row !== undefined,
    );
    const second = await claimRefresh(db, connection, 60_000);
    expect(second).not.toBeNull();
    await releaseRefresh(db, connection, first!);
    expect(await claimRefresh(db, connection, 60_000)).toBeNull();
    await releaseRefresh(db, connection, second!);
    expect(await claimRefresh(db, connection, 60_000)).not.toBeNull();
  });

  it('a refused refresh pauses the company and fails no lead', async () => {
    const company = await oauthCompany();
    ghl().expireTokens(company.location);
    const { id } = system.sandbox.fault({ vendor: 'ghl', kind: 'error', status: 422, path: '/oauth/token' });
    await addLeads(system.runtime, company, leads(3));
    await paused(company);
    system.sandbox.clearFaults(id);
    await consent(company);
    await inCrm(company, 3);
  });

  it('a refresh without an answer pauses the company instead of retrying forever', async () => {
    const company = await oauthCompany();
    ghl().expireTokens(company.location);
    const { id } = system.sandbox.fault({
      vendor: 'ghl',
      kind: 'reset_after',
      path: '/oauth/token',
      count: 1,
    });
    await addLeads(system.runtime, company, leads(3));
    await paused(company);
    system.sandbox.clearFaults(id);
    await consent(company);
    await inCrm(company, 3);
  });

  it('an inactive location holds the rows and pauses nothing', async () => {
    const company = await oauthCompany();
    ghl().expireTokens(company.location);
    ghl().location(company.location, { active: false });
    await addLeads(system.runtime, company, leads(3));
    await system.until<{ reason: string }>(
      'the hold',
      'SELECT reason FROM worker_holds WHERE organization_id = $1 AND until > now()',
      [company.organizationId],
      (row) => /not active/.test(row?.reason ?? ''),
    );
    expect(await crmState(system.runtime, company)).toMatchObject({ state: 'connected' });
    ghl().location(company.location, { active: true });
    // Repeatedly: a run that was refused before may hold the company after its release.
    await system.until<{ n: number }>(
      '3 leads in the CRM',
      `WITH freed AS (UPDATE worker_holds SET until = now() WHERE organization_id = $1)
        SELECT count(*)::int AS n FROM lead_syncs WHERE organization_id = $1 AND status = 'success'`,
      [company.organizationId],
      (row) => row?.n === 3,
    );
    expect(refreshesOf(company)).toHaveLength(1);
  });
});

describe('the consent page', () => {
  const walk = async (company: TestCompany, location: string) => {
    const { organizationId } = company;
    const amy = await addMember(
      system.runtime.db,
      organizationId,
      { name: 'Amy', email: 'amy@example.com' },
      'cli',
    );
    const invitation = inviteOauth(system.runtime, 'ghl', { organizationId, actor: amy.userId });
    const answer = await fetch(invitation.url, {
      method: 'POST',
      redirect: 'manual',
      body: new URLSearchParams({ decision: 'allow', location }),
    });
    return { secret: invitation.secret, back: answer.headers.get('location')!, member: amy.userId };
  };
  const comeBack = (back: string, secret?: string) =>
    fetch(back, { redirect: 'manual', headers: secret ? { cookie: `a=b; leadgate_crm=${secret}` } : {} });

  it('returns to the company, connects it and releases its leads', async () => {
    const company = await makeCompany(system.runtime, { token: null });
    await addLeads(system.runtime, company, leads(2));
    const { back, secret } = await walk(company, company.location);
    expect(back).toContain('/oauth/ghl/callback?');
    const answer = await comeBack(back, secret);
    expect([answer.status, answer.headers.get('location')]).toEqual([
      303,
      `/dashboard/${company.number}/settings#crm`,
    ]);
    expect(answer.headers.get('set-cookie')).toMatch(/Max-Age=0/);
    await inCrm(company, 2);
    expect(await findConnection(system.runtime.db, company.organizationId)).toMatchObject({ kind: 'oauth' });
  });

  it('connects nothing for another browser, a forged state or a wrong location', async () => {
    const company = await makeCompany(system.runtime, { token: null });
    const before = await findConnection(system.runtime.db, company.organizationId);
    const { back, secret } = await walk(company, company.location);
    const forged = back.replace(/state=([^.&]+)/, (_all, body: string) => {
      const state = JSON.parse(Buffer.from(body, 'base64url').toString('utf8'));
      return `state=${Buffer.from(JSON.stringify({ ...state, actor: 'mallory' })).toString('base64url')}`;
    });
    for (const [url, cookie] of [
      [back, undefined],
      [back, 'AAAAAAAAAAAAAAAAAAAAAA'],
      [forged, secret],
      [`${system.publicUrl}/oauth/ghl/callback`, secret],
    ] as const)
      expect((await comeBack(url, cookie)).status).toBe(400);
    const elsewhere = await walk(company, 'anotherLocation');
    expect((await comeBack(elsewhere.back, elsewhere.secret)).status).toBe(409);
    expect(await findConnection(system.runtime.db, company.organizationId)).toEqual(before);
  });

  it('[S38] connects nothing for a person whose access has ended since', async () => {
    const company = await makeCompany(system.runtime, { token: null });
    const { back, secret, member } = await walk(company, company.location);
    await removeMember(system.runtime.db, company.organizationId, member, 'cli');
    expect((await comeBack(back, secret)).status).toBe(403);
    expect((await findConnection(system.runtime.db, company.organizationId))?.kind).not.toBe('oauth');
  });

  it('[S35] a return that is repeated counts as an attempt to connect, and calls the CRM no further', async () => {
    const company = await makeCompany(system.runtime, { token: null });
    const { back, secret } = await walk(company, company.location);
    const again = back.replace(/code=[^&]+/, 'code=unknown');
    const exchanges = () => system.sandbox.ledger.list({ vendor: 'ghl', operation: 'oauth.token' }).length;
    const statuses: number[] = [];
    for (let n = 0; n < 10; n += 1) statuses.push((await comeBack(again, secret)).status);
    expect(new Set(statuses)).toEqual(new Set([400]));
    const before = exchanges();
    expect((await comeBack(back, secret)).status).toBe(429);
    expect(exchanges()).toBe(before);
  });

  it('a location belongs to one company', async () => {
    const [mine, theirs] = [await makeCompany(system.runtime), await makeCompany(system.runtime)];
    const given = { token: `pit-sandbox-${mine.location}`, accountId: mine.location, actor: 'x' };
    await expect(connectCompany(system.runtime, theirs.organizationId, given)).rejects.toMatchObject({
      status: 409,
      code: 'crm_location_taken',
    });
  });
});
