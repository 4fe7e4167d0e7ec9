/**
 * Recognises files that are not CSV by their signatures, and returns a sentence for the uploader: what the file is
 * and what to do. Returns null when the file may be CSV. `bytes` and `text` are the start of the file, raw and decoded.
 */
export function notCsv(bytes: Uint8Array, text: string): string | null {
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  for (const [signature, sentence] of signatures) {
    if (signature.test(start)) return typeof sentence === 'string' ? sentence : sentence(start);
  }
  const opening = text.trimStart().slice(0, 2_000);
  for (const [pattern, sentence] of openings) if (pattern.test(opening)) return sentence;
  return isBinary(text) ? `This is a binary file, not text. ${EXPORT}` : null;
}

const EXPORT = 'Export your list as CSV and upload that.';
const SAVE_AS = 'Open it and choose File, Save as, "CSV UTF-8 (comma delimited)", then upload that file.';
const UNPACK = 'Extract it and upload the CSV inside.';
const IMAGE = `This is a picture. ${EXPORT}`;

/** A zip's local headers carry file names, which tell workbooks from other archives. */
function zipSentence(start: string): string {
  if (/\[Content_Types\]\.xml|xl\//.test(start) && !/word\/|ppt\//.test(start))
    return `This is an Excel workbook (.xlsx), regardless of its name. ${SAVE_AS}`;
  if (start.includes('opendocument.spreadsheet'))
    return `This is an OpenDocument spreadsheet (.ods). ${SAVE_AS}`;
  if (/Index\/|\.iwa/.test(start))
    return 'This is an Apple Numbers document. Open it, choose File, Export to, CSV, then upload that file.';
  if (/word\/|ppt\//.test(start)) return `This is an Office document, not a table. ${EXPORT}`;
  return `This is a zip archive. ${UNPACK}`;
}

// biome-ignore-start lint/suspicious/noControlCharactersInRegex: the signatures of binary formats are made of them.
const signatures: [RegExp, string | ((start: string) => string)][] = [
  [/^PK(\x03\x04|\x05\x06|\x07\x08)/, zipSentence],
  [/^\xd0\xcf\x11\xe0/, `This is an old Excel workbook (.xls), regardless of its name. ${SAVE_AS}`],
  [/^\x1f\x8b/, `This is a gzip archive (.gz). ${UNPACK}`],
  [/^(7z\xbc\xaf|Rar!|BZh\d|\xfd7zXZ|\x28\xb5\x2f\xfd)/, `This is a compressed archive. ${UNPACK}`],
  [/^%PDF-/, `This is a PDF, not a table. ${EXPORT}`],
  [
    /^(\x89PNG|\xff\xd8\xff|GIF8[79]a|RIFF[\s\S]{4}WEBP|II\*\0|MM\0\*|[\s\S]{4}ftyp(heic|heif|mif1|avif))/,
    IMAGE,
  ],
  [/^BM[\s\S]{4}\0\0\0\0/, IMAGE],
  [/^SQLite format 3\0/, `This is a database file. ${EXPORT}`],
  [/^(PAR1|Obj\x01)/, `This is a Parquet or Avro data file. ${EXPORT}`],
  [/^(MZ[\s\S]{1,60}\0|\x7fELF)/, `This is a program. ${EXPORT}`],
];
// biome-ignore-end lint/suspicious/noControlCharactersInRegex: as above

const openings: [RegExp, string][] = [
  [
    /^<\?xml[\s\S]*(urn:schemas-microsoft-com:office:spreadsheet|progid="Excel)/,
    `This is an Excel workbook saved as XML. ${SAVE_AS}`,
  ],
  [
    /^(<\?xml[\s\S]*?\?>\s*)?(<!--(?:(?!-->)[\s\S])*-->\s*)*<(!doctype\s+html|html|head|body|table|meta)\b/i,
    `This is a web page (HTML), regardless of its name: a page of a website, or a report that only Excel can open. ${SAVE_AS}`,
  ],
  [/^<(\?xml|[a-z][\w:-]*[\s/>])/i, `This is XML. ${EXPORT}`],
  [/^(\{\s*("|\})|\[\s*[[{"\]])/, `This is JSON. Send it to POST /api/leads/bulk, or: ${EXPORT}`],
  [/^BEGIN:VCARD/i, 'These are contact cards (vCard, .vcf). Export your contacts as CSV and upload that.'],
  [/^\{\\rtf/, `This is a text document (RTF). ${EXPORT}`],
];

/** Text contains line breaks and tabs, and next to no other control characters. */
function isBinary(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is counted.
  const controls = text.match(/[\0-\x08\x0e-\x19\x1c-\x1f\x7f]/g)?.length ?? 0;
  const unreadable = text.match(/\ufffd/g)?.length ?? 0;
  return (controls > 4 && controls > text.length / 50) || (unreadable > 4 && unreadable > text.length / 5);
}
