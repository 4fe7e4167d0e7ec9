import { expect, it } from 'vitest';
import { Webhooks } from './webhooks.ts';

it('keeps the newest 20,000 finished webhooks and all withheld ones', async () => {
  const withheld = { kind: 'webhook_withhold' };
  const faults = { forWebhook: (_vendor: string, event: string) => (event === 'withheld' ? withheld : null) };
  const webhooks = new Webhooks(faults as never, () => undefined);
  const post = (event: string, target: string | null) =>
    webhooks.post({
      vendor: 'twilio',
      event,
      objectId: 'x',
      target: () => target,
      build: () => ({ headers: {}, body: '' }),
      retryAfter: () => null,
    });
  for (let n = 0; n < 25_000; n += 1) await post('withheld', 'http://127.0.0.1:9/');
  for (let n = 0; n < 20_005; n += 1) await post('ended', null);
  expect(webhooks.list({ state: 'withheld' })).toHaveLength(25_000);
  const ended = webhooks.list({ state: 'no_target' });
  expect([ended.length, ended[0]!.id, ended.at(-1)!.id]).toEqual([20_000, 'wh_25006', 'wh_45005']);
  webhooks.close();
});
