import { describe, expect, it } from 'vitest';
import { CODE_PAGES, type CodePage, decodeCodePage } from './code-pages.ts';
import { guessCodePage } from './guess-code-page.ts';

const high = Uint8Array.from({ length: 128 }, (_, i) => 128 + i);
const codes = (page: CodePage) => new Map([...decodeCodePage(high, page)].map((c, i) => [c, 128 + i]));
const bytesOf = (text: string, page: CodePage) =>
  Uint8Array.from([...text].map((c) => (c < '\x80' ? c.charCodeAt(0) : codes(page).get(c)!)));

describe('code pages', () => {
  it.each(['windows-1252', 'macintosh', 'iso-8859-15', 'windows-1250'] as const)(
    '%s is as in the standard',
    (page) => {
      const standard = new TextDecoder(page).decode(high);
      // Some releases of Node do not map 0x80 to 0x9f of Windows-1252.
      for (const [i, character] of [...decodeCodePage(high, page)].entries())
        if (standard[i]! > '\u009f') expect([i, character]).toEqual([i, standard[i]]);
    },
  );
});

const texts = [
  ...[
    'José Nuñez',
    'Zoë Müller',
    'JOSÉ NUÑEZ',
    'María García',
    'François Lefèvre',
    'Jürgen Groß',
    'Álvaro Íñiguez',
  ],
  ...[
    'Óscar Ibáñez',
    'Björn Åkesson',
    'João Conceição',
    'Peña',
    'Muñoz',
    'GÓMEZ',
    'Nicolás',
    'Cañón',
    'Übel',
    'Noël',
  ],
  ...[
    '¿Cuándo?, ¡mañana!',
    'Año 2025, José',
    'Señor Ruíz – Peña',
    'Chloé “Coco” Moreau',
    'Hernández, José María',
  ],
];

describe('the encoding of', () => {
  it.each(
    texts.flatMap((text) => (['windows-1252', 'macintosh'] as const).map((page) => [text, page] as const)),
  )('%s in %s is told by its letters', (text, page) => {
    if ([...text].some((c) => c > '\x7f' && !codes(page).has(c))) return;
    const guess = guessCodePage(bytesOf(`Name,Phone\n${text},305-555-0101\n`, page), '');
    const read = decodeCodePage(bytesOf(text, page), guess.page);
    expect([read, guess.others.map((other) => decodeCodePage(bytesOf(text, page), other))]).toEqual([
      text,
      [],
    ]);
  });

  it.each<[text: string, page: CodePage, others: CodePage[]]>([
    ['Joe’s Pizza', 'windows-1252', ['macintosh']],
    ['Luís', 'macintosh', ['windows-1252']],
    ['País', 'macintosh', ['windows-1252']],
    ['5 €', 'iso-8859-15', ['macintosh']],
  ])('%s in %s fits two, so that both are returned', (text, page, others) => {
    const guess = guessCodePage(bytesOf(text, page), '');
    expect(new Set([guess.page, ...guess.others])).toEqual(new Set([page, ...others]));
  });

  it.each<[text: string, page: CodePage]>([
    ['I don’t know, customer’s wish', 'windows-1252'],
    ['O’Brien', 'windows-1252'],
    ['5 €', 'windows-1252'],
    ['call – later', 'windows-1252'],
    ['Ann\u00a0Lee', 'windows-1252'],
  ])('%s in %s is told without a doubt', (text, page) => {
    const guess = guessCodePage(bytesOf(text, page), '');
    expect([decodeCodePage(bytesOf(text, page), guess.page), guess.others]).toEqual([text, []]);
  });

  it.each<[text: string, page: CodePage]>([
    [texts.slice(0, 17).join('\n'), 'ibm850'],
    ['Łukasz Wałęsa\nŻaneta Śliwińska', 'windows-1250'],
    ['Peña\n5 €', 'iso-8859-15'],
  ])('a file with %s in %s is told', (text, page) => {
    const guess = guessCodePage(bytesOf(text, page), '');
    expect([decodeCodePage(bytesOf(text, page), guess.page), guess.others]).toEqual([text, []]);
  });

  it('every encoding has 128 characters above ASCII', () => {
    for (const page of CODE_PAGES) expect([...decodeCodePage(high, page)]).toHaveLength(128);
  });
});
