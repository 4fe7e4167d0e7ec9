import { z } from 'zod';
import { isAddressableId } from '../../domain/account/buyer-id.ts';
import { parseProviderPhone } from '../../domain/phone/phone.ts';
import { text } from '../http/fields.ts';

/** The fields of a provider, the same for JSON and for a CSV row. */
export const providerId = text(128).refine(
  isAddressableId,
  'must not be . or .., which no address can contain',
);

/** Offers are sent to this number, so it must be valid; stored as E.164. */
export const phone = z
  .string()
  .max(40)
  .refine(
    (value) => parseProviderPhone(value).ok,
    'must be a valid phone number in E.164, such as +13055550123',
  )
  .transform((value) => {
    const parsed = parseProviderPhone(value);
    return parsed.ok ? parsed.e164 : value;
  });

export const email = text(320).pipe(z.email('not an e-mail address'));
export const language = z.string().regex(/^[a-z]{2}(?:-[A-Z]{2})?$/, 'must be a language such as en or es');
