import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { readPublicKey } from './public-key.ts';

const ec = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
const ed = generateKeyPairSync('ed25519');
const kinds = [
  ['ec', ec.publicKey],
  ['ed25519', ed.publicKey],
] as const;

describe.each(kinds)('a public key (%s)', (kind, key) => {
  const der = key.export({ type: 'spki', format: 'der' });
  const spki = der.toString('base64');
  const pem = key.export({ type: 'spki', format: 'pem' }).toString();
  const raw = kind === 'ec' ? der.subarray(-65) : der.subarray(-32);
  const forms: [string, string][] = [
    ['base64 of DER, as the consoles show it', spki],
    ['with blanks and line breaks', ` ${spki.slice(0, 20)}\n${spki.slice(20)} \n`],
    ['without padding', spki.replace(/=+$/, '')],
    ['base64url', der.toString('base64url')],
    ['in quotes', `"${spki}"`],
    ['PEM', pem],
    ['PEM with Windows line ends', pem.replaceAll('\n', '\r\n')],
    ['PEM in one line with \\n', pem.replaceAll('\n', '\\n')],
    ['PEM in one line with \\r\\n', pem.replaceAll('\n', '\\r\\n')],
    ['PEM whose line breaks became blanks', pem.replaceAll('\n', ' ')],
    ['PEM in quotes', `'${pem.trim()}'`],
    ['PEM in base64', Buffer.from(pem).toString('base64')],
    ['hexadecimal of DER', der.toString('hex')],
    ['upper-case hexadecimal', der.toString('hex').toUpperCase()],
    ['its own bytes in base64', raw.toString('base64')],
    ['its own bytes in base64url', raw.toString('base64url')],
    ['its own bytes in hexadecimal', raw.toString('hex')],
    ['0x and hexadecimal', `0x${raw.toString('hex')}`],
    ['hexadecimal with colons', raw.toString('hex').match(/../g)!.join(':')],
    ['JWK', JSON.stringify(key.export({ format: 'jwk' }))],
  ];
  it.each(forms)('%s', (_form, text) => expect(readPublicKey(text, kind)).toEqual({ ok: true, spki }));

  it.each<[string, string, string]>([
    ['nothing readable', 'not a key', 'it cannot be read'],
    ['one character less', spki.slice(1), 'it cannot be read'],
    ['half a PEM', pem.slice(0, 60), 'it cannot be read'],
    [
      'a key of the other kind',
      (kind === 'ec' ? ed : ec).publicKey.export({ type: 'spki', format: 'der' }).toString('base64'),
      'it is a key of another kind',
    ],
    [
      'another curve',
      generateKeyPairSync('ec', { namedCurve: 'secp384r1' })
        .publicKey.export({ type: 'spki', format: 'pem' })
        .toString(),
      'it is a key of another kind',
    ],
    [
      'RSA',
      generateKeyPairSync('rsa', { modulusLength: 1024 })
        .publicKey.export({ type: 'spki', format: 'pem' })
        .toString(),
      'it is a key of another kind',
    ],
    [
      'a private key',
      (kind === 'ec' ? ec : ed).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      'it is a private key',
    ],
  ])('%s is refused', (_form, text, wrong) =>
    expect(readPublicKey(text, kind)).toEqual({ ok: false, wrong }),
  );
});

it('a point of P-256 without its first byte, or compressed', () => {
  const der = ec.publicKey.export({ type: 'spki', format: 'der' });
  const spki = der.toString('base64');
  const [x, y] = [der.subarray(-64, -32), der.subarray(-32)];
  const compressed = Buffer.concat([Buffer.from([y.at(-1)! % 2 === 0 ? 2 : 3]), x]);
  expect(readPublicKey(Buffer.concat([x, y]).toString('hex'), 'ec')).toEqual({ ok: true, spki });
  const read = readPublicKey(compressed.toString('base64'), 'ec');
  expect(read.ok).toBe(true);
});
