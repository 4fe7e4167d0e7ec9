import { CODE_PAGES, type CodePage, decodeCodePage, isCodePage } from './code-pages.ts';
import { guessCodePage } from './guess-code-page.ts';
import { isOtherScript } from './other-scripts.ts';

/** Encodings of other scripts, which are read when they are named and never guessed. */
const NAMED_ONLY = [
  'windows-1251',
  'windows-1253',
  'windows-1254',
  'koi8-r',
  'shift_jis',
  'gb18030',
  'big5',
  'euc-kr',
] as const;

/** Supported encodings. Pure ASCII counts as UTF-8. */
export const ENCODINGS = ['utf-8', 'utf-16le', 'utf-16be', ...CODE_PAGES, ...NAMED_ONLY] as const;
export type Encoding = (typeof ENCODINGS)[number];

/** Other names under which programs and people know them. */
const ALIASES: Readonly<Record<string, Encoding>> = {
  utf8: 'utf-8',
  ascii: 'utf-8',
  'us-ascii': 'utf-8',
  utf16le: 'utf-16le',
  utf16be: 'utf-16be',
  'utf-16': 'utf-16le',
  cp1252: 'windows-1252',
  'iso-8859-1': 'windows-1252',
  latin1: 'windows-1252',
  ansi: 'windows-1252',
  latin9: 'iso-8859-15',
  cp1250: 'windows-1250',
  mac: 'macintosh',
  macroman: 'macintosh',
  'mac-roman': 'macintosh',
  'x-mac-roman': 'macintosh',
  cp850: 'ibm850',
  'cp-850': 'ibm850',
  dos: 'ibm850',
  cp1251: 'windows-1251',
  cp1253: 'windows-1253',
  cp1254: 'windows-1254',
  sjis: 'shift_jis',
  cp932: 'shift_jis',
  gbk: 'gb18030',
  gb2312: 'gb18030',
  cp949: 'euc-kr',
};

/** The encoding of a name; null when it is not supported. */
export function encodingNamed(name: string): Encoding | null {
  const plain = name.trim().toLowerCase().replaceAll(/[_ ]/g, '-');
  return ENCODINGS.find((encoding) => encoding.replace('_', '-') === plain) ?? ALIASES[plain] ?? null;
}

/** Size of the sample that detection reads. At most this much of a file is buffered. */
export const HEAD_BYTES = 32 * 1024;

/**
 * Detects the encoding from a byte order mark, or from the zero bytes that UTF-16 has beside every ASCII letter.
 * Returns null for an 8-bit encoding, which can only be detected at the first byte above 127.
 */
export function encodingOf(head: Uint8Array): Encoding | null {
  if (head[0] === 0xff && head[1] === 0xfe) return 'utf-16le';
  if (head[0] === 0xfe && head[1] === 0xff) return 'utf-16be';
  if (head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf) return 'utf-8';
  const zeros = [0, 0];
  for (let i = 0; i < head.length; i += 1) if (head[i] === 0) zeros[i % 2]! += 1;
  const pairs = head.length / 2;
  const [even, odd] = [zeros[0]! / pairs, zeros[1]! / pairs];
  if (zeros[1]! > 1 && odd >= 0.3 && even < 0.02) return 'utf-16le';
  if (zeros[0]! > 1 && even >= 0.3 && odd < 0.02) return 'utf-16be';
  return null;
}

/**
 * Decodes bytes into text chunk by chunk. The result does not depend on the chunk boundaries. An invalid byte becomes
 * U+FFFD, or throws a TypeError (`ERR_ENCODING_INVALID_ENCODED_DATA`) with `strict`.
 *
 * Which encoding an 8-bit file has is decided from its first byte above 127 on, however late it comes: an export of half
 * a million rows may have its first accent in the last row.
 */
export class TextReader {
  #encoding: Encoding | null;
  readonly #strict: boolean;
  #decode: ((bytes: Uint8Array, last: boolean) => string) | null = null;
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  /** The last character before the held bytes. */
  #before = '';
  #others: CodePage[] = [];
  #isOtherScript = false;

  constructor(encoding: Encoding | null, { strict = false } = {}) {
    this.#encoding = encoding;
    this.#strict = strict;
    if (encoding) this.#decode = decoderOf(encoding, strict);
  }

  get encoding(): Encoding {
    return this.#encoding ?? 'utf-8';
  }

  /** Other encodings that fit as well. */
  get others(): readonly CodePage[] {
    return this.#others;
  }

  /** The text is of a script whose encodings are not guessed: what was decoded is wrong. */
  get isOtherScript(): boolean {
    return this.#isOtherScript;
  }

  push(bytes: Uint8Array): string {
    if (this.#decode) return this.#decode(bytes, false);
    if (this.#heldBytes > 0) return this.#hold(bytes);
    const plain = plainLength(bytes);
    const text = latin1(bytes.subarray(0, plain));
    if (text !== '') this.#before = text.at(-1)!;
    return plain === bytes.length ? text : text + this.#hold(bytes.subarray(plain));
  }

  end(): string {
    if (!this.#decode && this.#heldBytes === 0) return '';
    return this.#settle(true);
  }

  #hold(bytes: Uint8Array): string {
    this.#held.push(bytes.slice());
    this.#heldBytes += bytes.length;
    return this.#heldBytes < HEAD_BYTES ? '' : this.#settle(false);
  }

  #settle(last: boolean): string {
    const held = joined(this.#held);
    this.#held = [];
    this.#heldBytes = 0;
    if (!this.#decode) {
      const sample = held.subarray(0, HEAD_BYTES);
      if (isUtf8(sample)) this.#encoding = 'utf-8';
      else {
        const { page, others } = guessCodePage(sample, this.#before);
        this.#encoding = page;
        this.#others = others;
        this.#isOtherScript = isOtherScript(sample);
      }
      this.#decode = decoderOf(this.#encoding, this.#strict);
    }
    return this.#decode(held, last);
  }
}

/**
 * Tolerates some invalid bytes, because a damaged UTF-8 file is still UTF-8. Text in Windows-1252 hardly ever forms
 * valid UTF-8 sequences.
 */
function isUtf8(bytes: Uint8Array): boolean {
  let good = 0;
  let bad = 0;
  for (const character of new TextDecoder('utf-8').decode(bytes, { stream: true })) {
    if (character === '\ufffd') bad += 1;
    else if (character > '\x7f') good += 1;
  }
  return good >= bad;
}

function decoderOf(encoding: Encoding, strict: boolean): (bytes: Uint8Array, last: boolean) => string {
  if (isCodePage(encoding)) return (bytes) => decodeCodePage(bytes, encoding);
  const decoder = new TextDecoder(encoding, { fatal: strict });
  return (bytes, last) => decoder.decode(bytes, { stream: !last });
}

const latin1 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');

function plainLength(bytes: Uint8Array): number {
  let i = 0;
  while (i < bytes.length && bytes[i]! < 0x80) i += 1;
  return i;
}

export function joined(parts: readonly Uint8Array[]): Uint8Array {
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
}

/** Words of the sample with letters above 127, as another encoding would read them. */
export function wordsIn(sample: Uint8Array, encoding: CodePage): string[] {
  const words = decodeCodePage(sample, encoding).match(/[^\s,;|"]*[\u0080-\uffff][^\s,;|"]*/g) ?? [];
  return [...new Set(words)].slice(0, 3).map((word) => word.slice(0, 40));
}
