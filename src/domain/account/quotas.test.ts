import { describe, expect, it } from 'vitest';
import { limitsOf, quotas, readQuotaLimits, refusalOf, StoredQuotaError, spanOf } from './quotas.ts';

describe('limitsOf', () => {
  it.each([
    ['the table', [undefined, {}], { perOrganization: 10_000, perKey: 5_000 }],
    ['the installation', [undefined, { requests: 7 }], { perOrganization: 7, perKey: 7 }],
    ['the organization first', [{ requests: 9 }, { requests: 7 }], { perOrganization: 9, perKey: 9 }],
    ['nothing at all', [{ requests: 0 }, { requests: 7 }], { perOrganization: 0, perKey: 0 }],
    ['the table for another quota', [{ previews: 9 }, {}], { perOrganization: 10_000, perKey: 5_000 }],
  ] as const)('takes the limits of %s', (_name, sources, limits) => {
    expect(limitsOf('requests', sources)).toEqual(limits);
  });
});

it('[S33] a key may use a fifth of what a supplier’s key can reach, so that it leaves the rest to its organization', () => {
  for (const name of ['body_kilobytes', 'leads', 'offers', 'idempotency_keys'] as const) {
    const { perOrganization, perKey } = quotas[name];
    expect(perKey, name).toBeLessThanOrEqual(perOrganization / 5);
  }
});

it('readQuotaLimits keeps whole numbers of known quotas', () => {
  const given = { previews: 3, uploads: '3', leads: -1, offers: 1.5, requests: 0, toString: 4, other: 5 };
  expect(readQuotaLimits(given)).toEqual({ previews: 3, requests: 0 });
  expect([readQuotaLimits(null), readQuotaLimits('x'), readQuotaLimits([1])]).toEqual([{}, {}, {}]);
});

describe('refusals name the quota, its limit, what was kept and what to do', () => {
  it.each([
    ['previews', 'API key', '60 previews of files in 1 minute for one API key.', 'Repeat the request after'],
    [
      'uploads',
      'organization',
      '60 files being uploaded at once for one organization.',
      'Repeat the request when',
    ],
    ['providers', 'organization', '60 providers for one organization.', 'Remove some first, or ask'],
  ] as const)('%s', (name, whose, limit, next) => {
    const text = refusalOf(name, 60, whose);
    expect(text).toContain(`Over the quota "${name}": ${limit} Nothing of this request was kept. ${next}`);
  });

  it('a stored quota is a 429, or the 409 that clients know', () => {
    expect(new StoredQuotaError('providers', 5)).toMatchObject({
      status: 429,
      code: 'quota_exceeded',
      retryAfterSeconds: 60,
    });
    expect(new StoredQuotaError('api_keys', 5, 'too_many_keys')).toMatchObject({
      status: 409,
      code: 'too_many_keys',
    });
  });
});

it.each([
  [1, '1 second'],
  [10, '10 seconds'],
  [60, '1 minute'],
  [900, '15 minutes'],
  [3_600, '1 hour'],
  [86_400, '1 day'],
])('spanOf(%i) is %s', (seconds, text) => {
  expect(spanOf(seconds)).toBe(text);
});
