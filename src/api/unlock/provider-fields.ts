import { z } from 'zod';
import { isAddressableId } from '../../domain/account/buyer-id.ts';
import { type CellKind, cellText, optionalCell } from '../../domain/cell.ts';
import { readEmails } from '../../domain/lead/email.ts';
import { parseProviderPhone } from '../../domain/phone/phone.ts';
import { cell } from '../http/fields.ts';

/** The fields of a provider, the same for JSON and for a CSV row. */
export const providerId = cell(128).refine(
  isAddressableId,
  'must not be . or .., which no address can contain',
);

/** Offers are sent to this number, so it must be valid; stored as E.164. */
export const phone = z
  .string()
  .overwrite(cellText)
  .max(40)
  .refine(
    (value) => parseProviderPhone(value).ok,
    'must be a valid phone number in E.164, such as +13055550123',
  )
  .transform((value) => {
    const parsed = parseProviderPhone(value);
    return parsed.ok ? parsed.e164 : value;
  });

/** Blank, and a sign for a missing value, are null. */
const blankAsNull = (schema: z.ZodType<string, string>, kind: CellKind = 'text') =>
  z
    .string()
    .transform((value) => optionalCell(value, kind))
    .pipe(schema.nullable());

export const name = blankAsNull(cell(200), 'name');
export const email = blankAsNull(
  cell(320)
    .refine((value) => readEmails(value).addresses.length === 1, 'not an e-mail address')
    .transform((value) => readEmails(value).addresses[0] ?? value),
);
export const language = blankAsNull(
  z.string().regex(/^[a-z]{2}(?:-[A-Z]{2})?$/, 'must be a language such as en or es'),
);
