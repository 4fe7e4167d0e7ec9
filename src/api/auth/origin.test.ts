import { describe, expect, it } from 'vitest';
import { assertSameOrigin, trustedOrigins } from './origin.ts';

describe('[S09] the origin of a write', () => {
  const ours = trustedOrigins('https://leads.example.com/base');
  it.each([
    ['our origin', { origin: 'https://leads.example.com' }, true],
    [
      'blank Origin, same-origin by Sec-Fetch-Site',
      { origin: 'null', 'sec-fetch-site': 'same-origin' },
      true,
    ],
    ['no Origin, same-origin by Sec-Fetch-Site', { 'sec-fetch-site': 'same-origin' }, true],
    ['neither header', {}, false],
    ['blank Origin, cross-site by Sec-Fetch-Site', { origin: 'null', 'sec-fetch-site': 'cross-site' }, false],
    [
      'a foreign Origin, same-origin by Sec-Fetch-Site',
      { origin: 'https://evil.example', 'sec-fetch-site': 'same-origin' },
      false,
    ],
    ['same-site by Sec-Fetch-Site', { 'sec-fetch-site': 'same-site' }, false],
    ['our host over http', { origin: 'http://leads.example.com' }, false],
    ['localhost', { origin: 'http://localhost:3000' }, false],
  ])('%s', (_name, headers, allowed) => {
    const check = () => assertSameOrigin({ method: 'POST', headers }, ours);
    if (allowed) expect(check).not.toThrow();
    else expect(check).toThrow(/not come from one of our own pages/);
  });

  it('every loopback name is trusted when the public URL is local', () => {
    expect(trustedOrigins('http://127.0.0.1:3000')).toEqual([
      'http://127.0.0.1:3000',
      'http://localhost:3000',
      'http://[::1]:3000',
    ]);
  });
});
