import fc from 'fast-check';
import { expect, it } from 'vitest';
import { crmName, splitName } from './person-name.ts';

const long = `${'Ñ'.repeat(150)} ${'é'.repeat(149)}`;

it.each([
  ['Sarah Johnson', 'Sarah', 'Johnson'],
  ['  Sarah  Johnson ', 'Sarah', 'Johnson'],
  ["Conan O'Brien", 'Conan', "O'Brien"],
  ['Conan O’Brien', 'Conan', 'O’Brien'],
  ['李小龙', '李小龙', ''],
  ['山田　太郎', '山田', '太郎'],
  ['Cher', 'Cher', ''],
  ['María José García López', 'María', 'José García López'],
  ['Juan de la Cruz', 'Juan', 'de la Cruz'],
  ['Johnson, Sarah', 'Sarah', 'Johnson'],
  ['García López, María José', 'María José', 'García López'],
  ['Martin King, Jr.', 'Martin', 'King, Jr.'],
  ['Sarah Johnson, MD', 'Sarah', 'Johnson, MD'],
  ['Dr. Sarah Johnson', 'Dr. Sarah', 'Johnson'],
  ['Dr. Johnson', 'Dr.', 'Johnson'],
  ['Sra. Núñez Peña', 'Sra. Núñez', 'Peña'],
  ['Don', 'Don', ''],
  ['Zoë 🦄 Müller', 'Zoë', '🦄 Müller'],
  ['محمد علي', 'محمد', 'علي'],
  ['', '', ''],
  [long, 'Ñ'.repeat(150), 'é'.repeat(149)],
])('%j', (name, firstName, lastName) => {
  expect(splitName(name)).toEqual({ firstName, lastName });
});

it('keeps every character of the name', () => {
  const letters = (text: string) => [...text.replace(/[\s,]/gu, '')].sort().join('');
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 30 }), fc.string({ maxLength: 30 }), (a, b) => {
      for (const name of [a, b, `${a} ${b}`, `${a}, ${b}`]) {
        const { firstName, lastName } = splitName(name);
        expect(letters(firstName + lastName)).toBe(letters(name));
        if (name.trim() !== '') expect(firstName).not.toBe('');
      }
    }),
  );
});

it.each([
  [{ name: 'Ana María Pérez', firstName: 'Ana María', lastName: 'Pérez' }, ['Ana María', 'Pérez']],
  [{ name: 'Ana', firstName: 'Ana', lastName: null }, ['Ana', '']],
  [{ name: 'Ana Pérez', firstName: null, lastName: null }, ['Ana', 'Pérez']],
])('names for the CRM of %j', (lead, [firstName, lastName]) => {
  expect(crmName(lead)).toEqual({ firstName, lastName });
});
