import type { Encoding } from '../../src/domain/csv/encoding.ts';
import { type CsvOptions, type CsvRow, openCsv } from '../../src/domain/csv/reader.ts';

/** Reads whole files in tests. */

export async function* pieces(bytes: Uint8Array, size = bytes.length || 1): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < bytes.length; i += size) yield bytes.subarray(i, i + size);
}

export async function read(source: AsyncIterable<Uint8Array>, options?: CsvOptions) {
  const file = await openCsv(source, options);
  const rows: CsvRow[] = [];
  for await (const batch of file.batches) rows.push(...batch);
  return { header: file.header, delimiter: file.delimiter, encoding: file.encoding(), rows };
}

export const readText = (text: string | Uint8Array, options?: CsvOptions) =>
  read(pieces(Buffer.from(text as string)), options);

export function encoded(text: string, encoding: Encoding, bom: boolean): Uint8Array {
  const marked = bom ? `\ufeff${text}` : text;
  if (encoding === 'utf-8') return Buffer.from(marked);
  if (encoding === 'windows-1252') {
    const bytes = Buffer.from(text, 'latin1');
    [...text].forEach((c, i) => {
      if (c === '€') bytes[i] = 0x80;
      if (c === '’') bytes[i] = 0x92;
    });
    return bytes;
  }
  const bytes = Buffer.from(marked, 'utf16le');
  return encoding === 'utf-16be' ? bytes.swap16() : bytes;
}
