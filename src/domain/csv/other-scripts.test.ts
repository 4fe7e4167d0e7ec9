import { expect, it } from 'vitest';
import { CODE_PAGES, decodeCodePage } from './code-pages.ts';
import { encodingNamed } from './encoding.ts';
import { isOtherScript } from './other-scripts.ts';
import { openCsv } from './reader.ts';

const file = (name: Uint8Array) =>
  Buffer.concat([
    Buffer.from('Full Name,Phone\nAnn Lee,305-555-0101\n'),
    name,
    Buffer.from(',305-555-0102\n'),
  ]);
async function* source(bytes: Uint8Array) {
  yield bytes;
}

it.each([
  ['windows-1251', 'Иван Петров', 'c8e2e0ed20cfe5f2f0eee2'],
  ['koi8-r', 'Мария', 'edc1d2c9d1'],
  ['windows-1253', 'Γιώργος Νικολάου', 'c3e9fef1e3eff220cde9eaefebdceff5'],
  ['shift_jis', '山田太郎', '8e52936391be9859'],
  ['gb18030', '王小明', 'cdf5d0a1c3f7'],
  ['big5', '陳大文', 'b3afa46aa4e5'],
  ['euc-kr', '김철수', 'b1e8c3b6bcf6'],
])('a name in %s is refused, and read when the encoding is named: %s', async (name, text, hex) => {
  const bytes = file(Buffer.from(hex, 'hex'));
  await expect(openCsv(source(bytes)).then(({ batches }) => batches.next())).rejects.toMatchObject({
    code: 'invalid_csv',
    message: expect.stringContaining('Save it as UTF-8'),
  });
  const encoding = encodingNamed(name)!;
  const { value } = await (await openCsv(source(bytes), { encoding })).batches.next();
  expect(value![1]!.cells[0]).toBe(text);
});

const high = Uint8Array.from({ length: 128 }, (_, i) => 128 + i);
const latin =
  'José Nuñez|MUÑOZ|Peña|Ñu|Í|É É|Übel|ÅÆ|Óé|Zoë|François|“Coco”|Ann’s|– – –|«Ann»|5 €|©®™|…|½ ¾|ÄÖ AG|Noël Bœuf'.split(
    '|',
  );

it.each(CODE_PAGES)('Latin letters in %s are not of another script', (page) => {
  const codes = new Map([...decodeCodePage(high, page)].map((character, i) => [character, 128 + i]));
  for (const text of latin) {
    const bytes = [...text].map((c) => (c < '\x80' ? c.charCodeAt(0) : codes.get(c)));
    if (bytes.includes(undefined)) continue;
    expect([text, isOtherScript(file(Uint8Array.from(bytes as number[])))]).toEqual([text, false]);
  }
});
