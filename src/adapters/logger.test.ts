import { DrizzleQueryError } from 'drizzle-orm/errors';
import { describe, expect, it } from 'vitest';
import { PermanentError } from '../domain/errors.ts';
import { createLogger, type Logger } from './logger.ts';

function logged(write: (log: Logger) => void, logLevel: 'info' | 'silent' = 'info') {
  const lines: string[] = [];
  write(createLogger({ logLevel }, 'test', { write: (line) => void lines.push(line) }));
  return lines;
}
const parsed = (lines: string[]) => JSON.parse(lines[0] ?? '') as Record<string, unknown>;

const canaries = {
  client_name: 'Sarah Canary',
  clientPhone: '+13055550142',
  client_email: 'canary@example.com',
  exact_address: '123 Canary Drive',
};

describe('log lines', () => {
  it('are JSON with level, time, name, message and fields', () => {
    const line = parsed(
      logged((log) => log.info({ report: 'done', ms: 1.5, from: 'NEW_LEAD', email: true }, 'job')),
    );
    expect(line).toMatchObject({ level: 'info', name: 'test', msg: 'job', report: 'done', ms: 1.5 });
    expect(line).toMatchObject({ from: 'NEW_LEAD', email: true });
    expect(line.time).toMatch(/^\d{4}-\d\d-\d\dT/);
  });

  it('respect the log level', () => {
    expect(logged((log) => log.debug('x'))).toEqual([]);
    expect(logged((log) => log.error('x'), 'silent')).toEqual([]);
  });

  it('[S14] stay on one line when fields or message contain line breaks', () => {
    const lines = logged((log) => log.info({ note: 'a\n{"level":"error"}\u001b[31m' }, 'b\r\nc'));
    expect(lines).toHaveLength(1);
    const codes = [...(lines[0] ?? '').trimEnd()].map((character) => character.charCodeAt(0));
    expect(codes.filter((code) => code < 0x20)).toEqual([]);
  });

  it.each<[string, (log: Logger) => void]>([
    ['fields', (log) => log.info(canaries, 'lead')],
    ['deep fields', (log) => log.info({ a: [{ b: { c: canaries } }] }, 'lead')],
    ['a child', (log) => log.child({ buyer: canaries, client_name: 'Sarah Canary' }).info('lead')],
    ['a grandchild', (log) => log.child({}).child({ note: 'canary@example.com' }).info(canaries)],
    ['the message', (log) => log.info('texted +13055550142 and canary@example.com')],
    ['an interpolated message', (log) => log.info('texted %s', '+1 (305) 555-0142')],
    ['any string', (log) => log.info({ note: 'asked +13055550142 <canary@example.com>' }, 'x')],
    ['a request', (log) => log.info({ request: Object.assign(new (class Request {})(), canaries) }, 'x')],
    ['an error', (log) => log.error(new Error('no buyer +13055550142 canary@example.com'))],
    [
      'an error’s own fields',
      (log) => log.error({ error: Object.assign(new Error('x'), { config: { data: canaries } }) }),
    ],
    [
      'an error’s cause',
      (log) => log.error({ error: new Error('x', { cause: new Error('to canary@example.com') }) }),
    ],
    [
      'unreadable JSON',
      (log) => log.error({ error: caught(() => JSON.parse('{"n": Sarah Canary 3055550142')) }),
    ],
    [
      'query parameters',
      (log) => log.error({ error: new DrizzleQueryError('select $1', ['Sarah Canary'], new Error('x')) }),
    ],
  ])('[S14] contain no contact data: %s', (_name, write) => {
    const lines = logged(write);
    expect(lines).toHaveLength(1);
    expect(lines.join()).not.toMatch(/canary|sarah|5550142|555-0142/i);
  });

  it.each([
    { authorization: 'Bearer c4nary' },
    { headers: { cookie: 'c4nary' } },
    { stripe: { secretKey: 'sk_live_c4nary0000', webhook_secret: 'c4nary' } },
    { url: '/wallet?payment_intent_client_secret=pi_1_secret_c4nary0000&redirect_status=succeeded' },
    { note: 'with sk_live_c4nary0000 and whsec_c4nary0000 and SG.c4nary00.c4nary00' },
    { path: '/p/c4nary-0000000000', hook: 'POST /webhook/textmagic/c4nary0000' },
    { url: 'postgres://user:c4nary@localhost/db' },
  ])('[S14] contain no secret: %j', (fields) => {
    expect(logged((log) => log.info(fields, 'x')).join()).not.toContain('c4nary');
  });

  it('contain class, codes, message and stack of an error', () => {
    const error = new PermanentError('twilio refused: opted_out (21610)', {
      vendor: 'twilio',
      code: 'opted_out',
      vendorCode: '21610',
    });
    const line = parsed(logged((log) => log.warn({ error }, 'effect')));
    expect(line.error).toMatchObject({
      type: 'PermanentError',
      vendor: 'twilio',
      code: 'opted_out',
      vendorCode: '21610',
      message: 'twilio refused: opted_out (21610)',
    });
    expect((line.error as { stack: string }).stack).toMatch(
      /^PermanentError: twilio refused.*\n\s+at .*logger\.test\.ts/,
    );
    expect(parsed(logged((log) => log.warn({ error: 'just words' })))).toMatchObject({ error: 'just words' });
  });

  it('[S14] cut long texts, and leave no half of what is hidden at the cut', () => {
    for (let before = 8_100; before < 8_200; before += 1) {
      const [line] = logged((log) =>
        log.info({ note: `${'x '.repeat(before / 2)} canary@example.com` }, 'x'),
      );
      expect(line).not.toMatch(/canary|example/);
      expect(line!.length).toBeLessThan(9_000);
    }
    const note = `${'x '.repeat(4_080)}canary@example.com${' y'.repeat(100_000)}`;
    expect(logged((log) => log.info({ note }, 'x')).join()).not.toMatch(/canary/);
  });

  it.each(['a', 'a1', 'a@', '@', 'a.', '+1', 'lead_', 'sk_', 'SG.aaaaaa', 'a:', '://a:', '/p/'])(
    '[S35] take time in proportion to a text of %j',
    (unit) => {
      const text = (length: number) => unit.repeat(length / unit.length);
      const cpuOf = (texts: string[]) => {
        const before = process.cpuUsage();
        for (const note of texts) logged((log) => log.info({ note }, 'x'));
        const { user, system } = process.cpuUsage(before);
        return (user + system) / 1000;
      };
      const inParts = () => cpuOf(Array(80).fill(text(800)));
      const whole = () => cpuOf(Array(8).fill(text(8_000)));
      inParts();
      // Quadratic time would be ten times as much.
      expect(Math.min(whole(), whole())).toBeLessThan(5 * inParts() + 20);
    },
  );

  it('handle circular references', () => {
    const loop: Record<string, unknown> = { a: 1 };
    loop.self = loop;
    expect(logged((log) => log.info(loop, 'x'))).toHaveLength(1);
  });
});

function caught(act: () => unknown): unknown {
  try {
    return act();
  } catch (error) {
    return error;
  }
}
