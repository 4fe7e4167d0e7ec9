import { expect, it } from 'vitest';
import { email, language, phone, providerId } from './provider-fields.ts';

const broken = ['\ud800', 'a\udc00', '\0', 'ann@example.com\ud800', '+13055550190\udfff', 'en\0'];

it.each(Object.entries({ providerId, phone, email, language }))(
  '%s refuses what cannot be stored',
  (_name, field) => {
    for (const value of broken) expect([value, field.safeParse(value).success]).toEqual([value, false]);
  },
);
