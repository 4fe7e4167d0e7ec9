/** The ways a spreadsheet's text arrives as bytes. Pure ASCII counts as UTF-8. */
export const ENCODINGS = ['utf-8', 'utf-16le', 'utf-16be', 'windows-1252'] as const;
export type Encoding = (typeof ENCODINGS)[number];

/** How many bytes are looked at before anything is decided; whatever the file's size, no more are held. */
export const HEAD_BYTES = 32 * 1024;

/**
 * The encoding told by the first bytes: a byte order mark, or the zeros that UTF-16 puts beside every plain letter.
 * Null: an 8-bit encoding, which only the first byte above 127 can tell.
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
 * Turns bytes into text piece by piece. The text never depends on how the bytes were cut. A byte that means nothing
 * becomes U+FFFD, or with `strict` ends it with an error.
 *
 * Whether an 8-bit file is UTF-8 or Windows-1252 is decided at its first byte above 127, wherever that comes: an export
 * of half a million rows may have its first accent in the last.
 */
export class TextReader {
  #encoding: Encoding | null;
  readonly #strict: boolean;
  #decode: ((bytes: Uint8Array, last: boolean) => string) | null = null;
  #held: Uint8Array[] = [];
  #heldBytes = 0;

  constructor(encoding: Encoding | null, { strict = false } = {}) {
    this.#encoding = encoding;
    this.#strict = strict;
    if (encoding) this.#decode = decoderOf(encoding, strict);
  }

  get encoding(): Encoding {
    return this.#encoding ?? 'utf-8';
  }

  push(bytes: Uint8Array): string {
    if (this.#decode) return this.#decode(bytes, false);
    if (this.#heldBytes > 0) return this.#hold(bytes);
    const plain = plainLength(bytes);
    const text = latin1(bytes.subarray(0, plain));
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
      this.#encoding = isUtf8(held.subarray(0, HEAD_BYTES)) ? 'utf-8' : 'windows-1252';
      this.#decode = decoderOf(this.#encoding, this.#strict);
    }
    return this.#decode(held, last);
  }
}

/**
 * UTF-8 that was damaged here and there is still UTF-8: letters of Windows-1252 hardly ever stand together so that
 * they look like it.
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
  if (encoding === 'windows-1252') return windows1252;
  const decoder = new TextDecoder(encoding, { fatal: strict });
  return (bytes, last) => decoder.decode(bytes, { stream: !last });
}

/** 0x80 to 0x9f as the WHATWG encoding standard has them; some releases of Node's own decoder leave them out. */
const HIGH = '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ';

const windows1252 = (bytes: Uint8Array): string =>
  latin1(bytes).replace(/[\x80-\x9f]/g, (character) => HIGH[character.charCodeAt(0) - 0x80]!);

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
