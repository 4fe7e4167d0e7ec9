import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { startSystem } from '../harness/system.ts';

describe('shutdown completes', () => {
  it('while a client holds an idle connection', async () => {
    const system = await startSystem();
    const { port } = new URL(system.publicUrl);
    const idle = connect(Number(port), '127.0.0.1');
    await new Promise((resolve) => idle.once('connect', resolve));
    const cut = new Promise((resolve) => idle.once('close', resolve));
    const began = performance.now();
    await system.stop();
    await cut;
    expect(performance.now() - began).toBeLessThan(10_000);
  });

  it('while a vendor call has no response', async () => {
    const system = await startSystem();
    const [amy] = await system.rows<{ phone: string }>(
      "SELECT phone FROM buyers WHERE external_id = 'provider60'",
    );
    const { id } = system.sandbox.fault({ vendor: 'twilio', kind: 'timeout', contains: amy!.phone });
    await system.api('POST', '/api/leads', {
      city: 'Miami',
      service_type: 'Massage',
      client_name: 'Sarah',
      client_phone: '+13055550123',
      provider_ids: ['provider60'],
    });
    await system.until<{ n: number }>(
      'the call to be claimed',
      "SELECT count(*)::int AS n FROM effects WHERE state = 'claimed'",
      [],
      (row) => row?.n === 1,
    );
    const began = performance.now();
    await system.stop();
    expect(performance.now() - began).toBeLessThan(20_000);
    expect(id).toBeDefined();
  });
});
