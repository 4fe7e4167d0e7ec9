import { z } from 'zod';
import { partyPhone } from '../../domain/phone/party-phone.ts';
import { blankAsNull } from './fields.ts';

/** E.164; a number without a country code is one of the United States. Blank and null clear it. */
export const phoneNumber = blankAsNull(
  z
    .string()
    .max(80)
    .transform((value, context) => {
      const number = partyPhone(value);
      if (number !== null) return number;
      context.addIssue('must be a valid phone number, such as +13055550123');
      return z.NEVER;
    }),
);
