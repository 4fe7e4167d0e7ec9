import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { maskLinks } from './links.ts';
import { topLevelDomains } from './top-level-domains.ts';

const endings = [
  ...[
    'com',
    'net',
    'org',
    'zip',
    'pizza',
    'mov',
    'app',
    'dev',
    'io',
    'co',
    'me',
    'us',
    'ly',
    'gg',
    'to',
    'be',
    'ai',
  ],
  ...[
    'xyz',
    'top',
    'icu',
    'club',
    'shop',
    'store',
    'online',
    'site',
    'website',
    'link',
    'click',
    'live',
    'life',
  ],
  ...[
    'world',
    'today',
    'money',
    'cash',
    'fun',
    'guru',
    'ninja',
    'rocks',
    'agency',
    'photography',
    'international',
  ],
  ...[
    'travelersinsurance',
    'sandvikcoromant',
    'mx',
    'es',
    'ru',
    'su',
    'tk',
    'ml',
    'ga',
    'cf',
    'gq',
    'uk',
    'рф',
    'рус',
  ],
  ...[
    'みんな',
    'コム',
    '中国',
    '网址',
    '한국',
    'भारत',
    'ไทย',
    'مصر',
    'ישראל',
    'ελ',
    'xn--p1ai',
    'xn--q9jyb4c',
  ],
];

describe('[S16] every label.label that ends with a top-level domain is a link', () => {
  const spellings: [string, (ending: string) => string][] = [
    ['plain', (ending) => `evil.${ending}`],
    ['in upper case', (ending) => `EVIL.${ending.toUpperCase()}`],
    ['with a path', (ending) => `evil.${ending}/pay?x=1#y`],
    ['with a port', (ending) => `a.b-c.evil.${ending}:8080/x`],
    ['with a port only', (ending) => `evil.${ending}:8080`],
    ['with a user name', (ending) => `me@evil.${ending}/x`],
    ['with a user name and a port', (ending) => `me@evil.${ending}:80`],
    ['with an underscore', (ending) => `my_evil_.${ending}`],
    ['after an at sign', (ending) => `@evil.${ending}`.slice(1)],
    ['with a full-width dot', (ending) => `evil．${ending}`],
    ['with an ideographic full stop', (ending) => `evil。${ending}`],
    ['with a half-width full stop', (ending) => `evil｡${ending}`],
    ['with a small full stop', (ending) => `evil﹒${ending}`],
    ['with a one-dot leader', (ending) => `evil․${ending}`],
    [
      'with a zero-width space inside',
      (ending) => `ev\u200bil.\u200b${ending.slice(0, 1)}\u2060${ending.slice(1)}`,
    ],
    ['with a soft hyphen and a joiner', (ending) => `ev\u00adil\u200d.\u034f${ending}`],
    ['in letters of another script', (ending) => `злой.${ending}`],
    ['in full-width letters', (ending) => `ｅｖｉｌ.${ending}`],
  ];
  test.each(spellings)('%s', (_name, spelled) => {
    for (const ending of endings) {
      const text = spelled(ending);
      expect(maskLinks(`see ${text} now`), text).toBe('see [link] now');
      expect(maskLinks(`(${spelled(ending).replace(/[/:?#].*/u, '')}), ok`), text).toMatch(
        /^\((me@evil.*|\[link\])\), ok$/u,
      );
    }
  });

  test('every name of the list', () => {
    const missed = [...topLevelDomains].filter(
      (ending) => maskLinks(`pay evil.${ending} now`) !== 'pay [link] now',
    );
    expect(missed).toEqual([]);
  });
});

describe('[S16] other forms of links', () => {
  test.each([
    ['host:8080/x', '[link]'],
    ['my-host:80/x', '[link]'],
    ['HOST:8080/pay now', '[link] now'],
    ['host:8080?x', '[link]'],
    ['http://evil', '[link]'],
    ['https:evil.zip', '[link]'],
    ['HTTPS://EVIL.ZIP/X', '[link]'],
    ['see:https://evil.zip', 'see:[link]'],
    ['evil。com.http://host/x', '[link].[link]'],
    ['evilapp://open?x', '[link]'],
    ['javascript:alert(1)', '[link]'],
    ['sms:+13055550123', '[link]'],
    ['tel:+13055550123 ok', '[link] ok'],
    ['http://[::1]:8080/x', '[link]'],
    ['[2001:db8::1]/x', '[link]'],
    ['10.0.0.1/x', '[link]'],
    ['10.0.0.1:8080', '[link]'],
    ['10.0.0.1:8080/x', '[link]'],
    ['http://3232235777/', '[link]'],
    ['10.0.0.1', '10 0 0 1'],
    ['１０．0．0．1/x', '[link]'],
    ['www.sarah-j.photos', '[link]'],
    ['www。evil', '[link]'],
    ['me:secret@evil.zip/x', 'me:[link]'],
    ['@evil.zip', '@[link]'],
    ['sarah＠gmail.com', 'sarah＠[link]'],
    ['evil.zip.', '[link].'],
    ['evil.zip...', '[link]...'],
    ['evil.zip./x', '[link]./x'],
    ['evil.zip.Then call', '[link].Then call'],
    ['Pay.at.Evil.Pizza!', '[link]!'],
    ['evil.zip-now', '[link]-now'],
    ['evil.zip看', '[link]看'],
    ['a,evil.zip;b', 'a,[link];b'],
    ['"evil.zip"', '"[link]"'],
    ['evil.zip|evil.pizza', '[link]|[link]'],
    ['price:evil.zip', 'price:[link]'],
    ['foo.photos/abc', '[link]'],
    ['foo.unlisted/abc', '[link]'],
    ['great massage.Today', 'great [link]'],
    ['-evil.zip', '[link]'],
    ['xn--e1afmkfd.xn--p1ai/x', '[link]'],
    [`${'a'.repeat(100)}.zip`, '[link]'],
    [`${'a.'.repeat(200)}zip`, '[link]'],
  ])('%j becomes %j', (text, shown) => {
    expect(maskLinks(text)).toBe(shown);
  });
});

describe('text without a link is unchanged', () => {
  test.each([
    ...[
      '2.50',
      '$2.50',
      '1,234.56',
      '9.30am',
      '6.30pm',
      '9.30-11.00',
      'p.m. e.g. i.e. a.m.',
      'U.S. citizen',
      'No.1',
    ],
    ...[
      'St. Louis, MO',
      'St.Louis',
      'Mr.Smith',
      'oil.Prefers lavender',
      'Dr. Jones',
      'J. Co',
      'Ph.D.',
      'v1.2.3',
    ],
    ...[
      '10:30/11:00',
      '9:00-17:00',
      '50/50',
      'and/or',
      'km/h',
      'Mon:9',
      'Suite:204',
      'note: call me',
      'ratio 3:1',
    ],
    ...['sarah.me@email.com', 'sarah@mail.email.com', 'a+b@evil.zip', 'evil.zip@x.com', "o'neil@x.co.uk, ok"],
    ...[
      '305.555.0123',
      '+1 305.555.0123',
      '05.55.55.01.23',
      '305-555-0123',
      '25.12.2026',
      '2026.11.21',
      '999.1.1.1',
    ],
    ...[
      'wait...ok',
      'end.',
      '...',
      '. com',
      'evil . zip',
      'dot com',
      '.com',
      'hotel:Hilton',
      'motel: x',
      '#1',
      'C#',
    ],
    ...[
      'plain text',
      '',
      'Calle 8',
      'niño.',
      '¿qué?',
      '好。你好',
      '12.5%',
      'a.b',
      'x_y',
      'list.pdf',
      'photo.jpg',
      '👍🏽 ok',
    ],
    ...['Miami, FL 33139', '60 min deep tissue', 'budget 150-200', 'she said "no".', 'q.v. op.cit', 'etc.)'],
  ])('%j', (text) => {
    expect(maskLinks(text)).toBe(text);
  });
});

it('leaves no link behind: masked text is unchanged when masked again', () => {
  const piece = fc.constantFrom(
    'evil',
    'zip',
    'com',
    '.',
    '。',
    ':80',
    '/',
    '@',
    '-',
    '_',
    ' ',
    '1',
    '\u200b',
    '[',
    ']',
    'http://',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const masked = maskLinks(pieces.join(''));
      expect(maskLinks(masked)).toBe(masked);
    }),
    { numRuns: 2_000 },
  );
});

it('runs in linear time', () => {
  for (const piece of [
    'a',
    'a.',
    'a..',
    '1.',
    'a@',
    'a@a.',
    'a:80',
    'a:80/',
    '[:',
    'www.',
    '_',
    'a-',
    '://',
    'a.zip',
    'a.zip ',
    'a.com@',
    '。',
  ]) {
    const text = piece.repeat(100_000 / piece.length);
    const started = performance.now();
    maskLinks(text);
    expect(performance.now() - started, JSON.stringify(piece)).toBeLessThan(1_000);
  }
});

describe('the list of top-level domains', () => {
  it('is complete and in the form the patterns expect', () => {
    expect(topLevelDomains.size).toBeGreaterThan(1_400);
    const malformed = [...topLevelDomains].filter(
      (name) => !/^[\p{L}\p{M}\p{N}-]{2,63}$/u.test(name) || name !== name.normalize('NFKC').toLowerCase(),
    );
    expect(malformed).toEqual([]);
    // The oldest names, all in use in texts, and the newest scripts.
    for (const name of ['com', 'net', 'org', 'mx', 'zip', 'pizza', 'рф', '中国'])
      expect(topLevelDomains).toContain(name);
  });
});
