/** Supported encodings. Pure ASCII counts as UTF-8. */
export const ENCODINGS = ['utf-8', 'utf-16le', 'utf-16be', 'windows-1252'] as const;
export type Encoding = (typeof ENCODINGS)[number];

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
 * Whether an 8-bit file is UTF-8 or Windows-1252 is decided at its first byte above 127, however late it comes: an
 * export of half a million rows may have its first accent in the last row.
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
  if (encoding === 'windows-1252') return windows1252;
  const decoder = new TextDecoder(encoding, { fatal: strict });
  return (bytes, last) => decoder.decode(bytes, { stream: !last });
}

/** 0x80 to 0x9f as in the WHATWG encoding standard; the decoder of some Node releases does not map them. */
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
