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
  ['Mr. & Mrs. John Smith', 'Mr. & Mrs. John', 'Smith'],
  ['Mr. and Mrs. Smith', 'Mr. and Mrs.', 'Smith'],
  ['Mr & Mrs Smith', 'Mr & Mrs', 'Smith'],
  ['Mr & Mrs J. Smith', 'Mr & Mrs J.', 'Smith'],
  ['Mr.&Mrs. Smith', 'Mr.&Mrs.', 'Smith'],
  ['Mr./Mrs. John Smith', 'Mr./Mrs. John', 'Smith'],
  ['Dr. & Mrs. Smith', 'Dr. & Mrs.', 'Smith'],
  ['Dr. and Dr. Ann Smith', 'Dr. and Dr. Ann', 'Smith'],
  ['Prof. Dr. Hans Müller', 'Prof. Dr. Hans', 'Müller'],
  ['Sr. y Sra. García', 'Sr. y Sra.', 'García'],
  ['Sr. y Sra. Juan García López', 'Sr. y Sra. Juan', 'García López'],
  ['Herr und Frau Müller', 'Herr und Frau', 'Müller'],
  ['M. et Mme Dupont', 'M. et Mme', 'Dupont'],
  ['Mr. John and Mrs. Jane Smith', 'Mr. John and Mrs. Jane', 'Smith'],
  ['John & Mary Smith', 'John & Mary', 'Smith'],
  ['John and Mary Smith', 'John and Mary', 'Smith'],
  ['Juan y María de la Cruz', 'Juan y María', 'de la Cruz'],
  ['Tom & Jerry', 'Tom & Jerry', ''],
  ['Smith & Sons', 'Smith & Sons', ''],
  ['Smith, John & Mary', 'John & Mary', 'Smith'],
  ['Smith, Mr. & Mrs. John', 'Mr. & Mrs. John', 'Smith'],
  ['Lee,Ann', 'Ann', 'Lee'],
  ['Lee ,Ann', 'Ann', 'Lee'],
  ['Lee,', 'Lee', ''],
  ['García López,María José', 'María José', 'García López'],
  ['King, Martin Luther, Jr.', 'Martin Luther', 'King, Jr.'],
  ['Johnson,Sarah,MD', 'Sarah', 'Johnson, MD'],
  ['Sarah Johnson, MD, PhD', 'Sarah', 'Johnson, MD, PhD'],
  ['Sarah Johnson, Esq.', 'Sarah', 'Johnson, Esq.'],
  ['Sarah Johnson, DO', 'Sarah', 'Johnson, DO'],
  ['Lee, Do', 'Do', 'Lee'],
  ['LEE, DO', 'DO', 'LEE'],
  ['Lee, Co', 'Co', 'Lee'],
  ['Acme, Inc.', 'Acme, Inc.', ''],
  ['Acme,Inc.', 'Acme, Inc.', ''],
  ['Acme Plumbing, LLC', 'Acme', 'Plumbing, LLC'],
  ['Müller, GmbH', 'Müller, GmbH', ''],
  ['Acme, S.A. de C.V.', 'Acme, S.A. de C.V.', ''],
  ['Smith, Jones & Partners LLC', 'Smith, Jones & Partners LLC', ''],
  ['Jones Roofing, Miami', 'Jones Roofing, Miami', ''],
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
