import { describe, expect, it } from 'vitest';
import { readCrmToken, readRegistration, readSettings } from './account/company.ts';
import { cellText, optionalCell } from './cell.ts';
import { countryCode } from './country.ts';
import { splitName } from './crm/person-name.ts';
import { dialectOf } from './csv/dialect.ts';
import { guessCodePage } from './csv/guess-code-page.ts';
import { leadField } from './csv/header-row.ts';
import { fieldOfHeader } from './csv/headers.ts';
import { guessMapping, headerKey, looksLikeData } from './csv/mapping.ts';
import { notCsv } from './csv/not-csv.ts';
import { isContact } from './csv/people.ts';
import { Records } from './csv/records.ts';
import { csvLine, plainCell } from './csv/write.ts';
import { isEmail, readEmails } from './lead/email.ts';
import { judgeGiven } from './lead/given.ts';
import { namesOf } from './lead/given-name.ts';
import { maskLinks } from './lead/links.ts';
import { maskContactData } from './lead/mask.ts';
import { judgeSaleContact } from './lead/sale-contact.ts';
import { readTags } from './lead/tags.ts';
import { plainForm, readAsLatin } from './messaging/look-alikes.ts';
import { isCarrierResubscribe, parseReply } from './messaging/reply.ts';
import { parseLeadPhone } from './phone/lead-phone.ts';
import { parseProviderPhone } from './phone/phone.ts';
import { numbersIn, phoneText } from './phone/phone-cell.ts';
import { clip, oneLine, paragraph } from './plain-text.ts';

/** Everything that reads a text which a stranger wrote. */
const readers: Record<string, (text: string) => unknown> = {
  maskContactData,
  maskLinks: (text) => maskLinks(text),
  parseReply,
  isCarrierResubscribe,
  plainForm,
  readAsLatin,
  parseLeadPhone: (text) => parseLeadPhone(text, 'US'),
  parseProviderPhone,
  oneLine: (text) => oneLine(text),
  paragraph: (text) => paragraph(text, 1_000),
  clip: (text) => clip(text, text.length - 4),
  isEmail,
  cellText,
  optionalCell: (text) => optionalCell(text),
  readEmails,
  readTags: (text) => readTags([text]),
  numbersIn: (text) => numbersIn(phoneText(text), 'MX'),
  judgeSaleContact: (text) => judgeSaleContact({ phone: text, email: text }, 'US'),
  judgeGiven: (text) =>
    judgeGiven(
      { name: text, phone: text, email: text, notes: text, tags: [text], custom_fields: { name: text } },
      'US',
      null,
    ),
  readRegistration: (text) =>
    readRegistration({ company_name: text, owner_email: text, owner_phone: text, ghl_location_id: text }),
  readSettings: (text) =>
    readSettings({ tags: text, field_mapping: { name: text }, dedupe_days: text }, 'US'),
  readCrmToken: (text) => readCrmToken({ token: text, location_id: text }),
  splitName,
  namesOf: (text) => namesOf({ name: text, firstName: null, lastName: text.slice(2) }),
  countryCode,
  dialectOf: (text) =>
    dialectOf(text, {
      delimiter: undefined,
      headerRow: undefined,
      fieldOf: leadField,
      maxRow: 10 ** 9,
      cut: false,
    }),
  records: (text) => {
    const records = new Records({ delimiter: ',', crEnds: false, maxRow: 10 ** 9 });
    records.columns = 3;
    records.push(`a,b,c\n"x,${text}\n"y "z",1,2\n${text}`);
    while (records.next(true));
  },
  guessCodePage: (text) => guessCodePage(Buffer.from(text, 'latin1'), ''),
  isContact,
  fieldOfHeader,
  headerKey: (text) => headerKey([text]),
  guessMapping: (text) => guessMapping([text], [[text]], { region: 'US' }),
  looksLikeData: (text) => looksLikeData([text], 'US'),
  notCsv: (text) => notCsv(Buffer.from(text), text),
  csvLine: (text) => csvLine([text]),
  plainCell,
};

/** Repeated, each is what some pattern begins with or consists of. */
const units = [
  ...[
    'a',
    '1',
    ' ',
    '\n',
    '\r\n',
    '\t',
    '.',
    '-',
    '+',
    '(',
    '"',
    "'",
    ',',
    ';',
    '/',
    ':',
    '#',
    '=',
    '@',
    '*',
    '\0',
  ],
  ...[
    'a@',
    'a.',
    'a-',
    'a1',
    'a ',
    '1 ',
    '1-',
    '+1',
    '<!--',
    '<!---->',
    '<a',
    'www.',
    'a://',
    'a at ',
    'a dot ',
  ],
  ...[
    'one ',
    '1 a ',
    '1 ave ',
    'calle a ',
    'po box ',
    '[hidden] ',
    'lead_',
    'stop ',
    's',
    "don't ",
    'removed x ',
    'i will ',
    'number ',
    'any more ',
    'you to ',
  ],
  ...['or ', ':::', 'x 1', 'ext', '="', "'=", '\u0301', '\u200b', '\ud83d', '\u{1f44d}', '\u674e'],
];

const cpuMs = (work: () => unknown): number => {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
};

describe('[S35] the time of a reader is proportional to its text', () => {
  it.each(Object.entries(readers))('%s', (_name, read) => {
    const slow = units.filter((unit) => {
      const time = (length: number) => {
        const text = `+1 a${unit.repeat(length / unit.length)}!`;
        return Math.min(
          cpuMs(() => read(text)),
          cpuMs(() => read(text)),
        );
      };
      const short = time(20_000);
      // A quadratic pattern takes hundreds of milliseconds here, and sixteen times as much for the longer text.
      return short > 20 && time(80_000) > 8 * short;
    });
    expect(slow).toEqual([]);
  });

  // Longer ones are refused unread. Two addresses and a quote lead into what reads parts of a cell.
  it.each(Object.entries(readers))('also of a cell of nearly 16,384 characters: %s', (_name, read) => {
    const slow = units.filter((unit) => {
      const time = (length: number) => {
        const texts = [
          unit.repeat(length / unit.length),
          `a@${unit.repeat(length / unit.length)}@b.example"`,
        ];
        const work = () => texts.map(read);
        return Math.min(cpuMs(work), cpuMs(work));
      };
      const long = time(16_000);
      return long > 50 && long > 8 * time(4_000);
    });
    expect(slow).toEqual([]);
  });

  it('and 1 MB is read in less than a second by each', () => {
    const text = "Ann O'Hara, ann@example.com; +1 305 555 0142, 12 Main St. ".repeat(2 ** 20 / 58);
    const slow = Object.entries(readers).filter(([, read]) => cpuMs(() => read(text)) > 1_000);
    expect(slow.map(([name]) => name)).toEqual([]);
  });
});

describe('[S35] a reply that repeats a word is read at once', () => {
  const begins = [
    ...['dont send', 'stop', 'dont', 'dont want', 'no quiero', 'no mas', 'unlock', 'i will pass'],
    ...['im not', 'remove me', 'yes'],
  ];
  const repeated = [
    ...['no', 'any', 'text', 'any more', 'you to', 'now', 'again', 'this one', 'to buy it', 'it', 'me'],
    ...['contact details', 'please', 'thanks', 'texto mensaje', 'texto', 'mensajes', 'mas', 'la', 'leads'],
  ];
  const reply = (begin: string, words: string, times: number) => `${begin} ${`${words} `.repeat(times)}x`;
  // Backtracking doubles with every word: it shows in a short text, and would never end in a long one.
  const isSlow = (begin: string, words: string) =>
    cpuMs(() => parseReply(reply(begin, words, 25))) > 200 ||
    cpuMs(() => parseReply(reply(begin, words, Math.floor(2_000 / (words.length + 1))))) > 500;

  it.each(begins)('after %j', (begin) => {
    expect(repeated.filter((words) => isSlow(begin, words))).toEqual([]);
  });
});
