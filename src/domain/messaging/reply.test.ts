import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { isCarrierResubscribe, parseReply, type ReplyKind } from './reply.ts';

const TABLE: Record<ReplyKind, string[]> = {
  stop: [
    ...[
      'STOP',
      'stop.',
      ' Stop ',
      '"Stop"',
      '!!STOP!!',
      'stop please',
      'please stop',
      'Stop texting me',
      'stop it',
    ],
    ...[
      'STOPALL',
      'stop all',
      'UNSUBSCRIBE',
      'unsubscribe me',
      'Cancel',
      'cancel please',
      'END',
      'end now',
      'quit',
    ],
    ...[
      'revoke!',
      'OPTOUT',
      'opt out',
      'Opt-out.',
      'opt me out',
      'cancel all',
      'quit texting me',
      'REVOKE',
      'alto',
    ],
    // Together with a yes, a question or an id.
    ...[
      'Y STOP',
      'STOP Y',
      'Y, stop',
      'ok stop',
      'yes but then please stop',
      'STOP lead_abc12345',
      'STOP\nlead_x',
    ],
    ...[
      'can you stop texting me?',
      'No I can’t. STOP',
      'I do not. Stop',
      'why do you text me, unsubscribe me now',
    ],
    'I took the last one and it was fine, but please now stop sending me these every single day',
    'Thank you for the client, she was very nice and has already booked again for next week.\nSTOP',
    ...['do not text me', "Don't text me again", 'remove me from this list', 'no more texts'],
    // Spelled to evade detection.
    ...[
      'ЅТОР',
      'СТОP STOP',
      'ＳＴＯＰ',
      's\u200bt\u200bo\u200bp',
      '\u202eSTOP',
      'stôp',
      'ṠṪÖṖ',
      'ꜱᴛᴏᴘ',
      '𝐒𝐓𝐎𝐏',
      '🅢🅣🅞🅟',
      '🇸🇹🇴🇵',
    ],
    ...[
      'ϹANCEL',
      'ΕΝD',
      'UNЅUBSCRIBE',
      'st0p',
      '5TOP',
      '$top',
      'S T O P',
      's.t.o.p.',
      'ST OP',
      'STOPPP',
      'STOP2',
      'stop1',
    ],
    'Liked “See you there” stop',
    // A copied instruction alone does what it says.
    ...['Reply STOP to unsubscribe', 'STOP to end', 'Hi, stop to opt out', 'Reply STOP'],
  ],
  help: [
    'HELP',
    'help!',
    'Info',
    'info please',
    'help me',
    'I need help',
    'More info',
    'Ayuda',
    'ＨＥＬＰ',
    'help lead_abc',
    ...['Información', 'más información por favor', 'necesito ayuda'],
  ],
  start: ['START', 'start.', 'UNSTOP', 'Start please', 'start again'],
  accept: [
    ...[
      'Y',
      'y.',
      ' Y ',
      'Y!',
      '"Y"',
      'Yes',
      'YES!!',
      'yes please',
      'yeah',
      'yep',
      'yup',
      'ok',
      'Okay',
      'sure',
      'Sure thing',
    ],
    ...[
      'si',
      'sí',
      'SÍ, por favor',
      'Sí quiero',
      'Ｙ',
      'y\u200b',
      '👍',
      '👍🏽',
      '👍👍',
      '👍🎉',
      'Y lead_abc12345',
      'y?',
    ],
    ...[
      'LEAD_ABC12345 y',
      'Yes lead_stop',
      'yes "lead_no"',
      'ok lead_abc12345 thanks',
      'I want it, yes',
      'my answer is Y',
    ],
    ...['no problem, yes', 'yes, no worries', 'ok why not', 'Yes, how do I pay?'],
    ...['yes until the end of the day', 'Loved it, yes', 'START Y', 'yes yes yes'],
  ],
  decline: [
    ...[
      'N',
      'n.',
      'No',
      'NO!',
      'no thanks',
      'Nope',
      'pass',
      'Pass on this one',
      'skip',
      'skip lead_abc12345',
      '👎',
      '👎🏿',
    ],
    ...[
      'no gracias',
      'no way',
      "I'll pass",
      'the weekend is full so no',
      'N lead_abc12345',
      'no quiero',
      '¡No!',
    ],
  ],
  ignored: [
    'Liked “Amy, new client inquiry in Miami. Type: Massage. \nTime window: Evening. \nReply Y to unlock for $20.”',
    'Loved "Amy, new client inquiry. Reply Y to unlock contact details for $20. Reply N to skip."',
    ...[
      'Disliked “Reply Y”',
      'Laughed at “Reply Y”',
      'Emphasized “Reply Y”',
      'Emphasised “Y”',
      'Questioned “Y”',
    ],
    ...[
      'Reacted 👍 to “Amy, reply Y”',
      'Reacted 👍🏽 to "yes"',
      'Removed a like from “Y”',
      'Removed 👍 from “Y”',
    ],
    ...[
      '👍 to “Amy, reply Y”',
      '\u200b👍\u200b to “\u200aAmy, reply Y\u200a”',
      '❤️ to “yes”',
      'Liked an image',
      'Loved your message',
    ],
    ...[
      'Le gustó “Amy, responda SI”',
      'No le gustó “Amy”',
      'Le encantó «Sí»',
      'Se rió de “Y”',
      'Reaccionó con 👍 a “Y”',
    ],
    ...['Eliminó un Me gusta de “Y”', 'Me encanta “sí”'],
    // Truncated by the carrier, or in a language that is not listed.
    ...[
      'Liked “Amy, new client inquiry. Reply Y to unlo',
      'A aimé “Amy … Reply Y to unlock”',
      'Gostou de “Reply STOP to”',
    ],
    'Liked “Reply Y to unlock, N to skip, STOP to opt out.”',
    ...[
      'A Amy le gustó “Responda Y”',
      'Added a heart to “Amy, new client inquiry”',
      'Amy heeft “Responda NO” leuk gevonden',
    ],
  ],
  unclear: [
    ...[
      '',
      '   ',
      '\u200b',
      '🎉',
      '😀😀',
      '.',
      '?',
      'Y or N?',
      'yes no',
      'y n',
      '👍👎',
      'yes or no',
      'not sure',
      "don't pass",
    ],
    ...[
      'no problem',
      'I am ok',
      'make sure to call first',
      'ok what is this?',
      'who is this',
      'Is this real?',
      'lead_abc12345',
    ],
    ...[
      'lead_no',
      'lead_y',
      'y cuanto cuesta',
      'si puedo mañana?',
      'the end of the day works',
      'cancel lead_abc12345',
    ],
    ...[
      "don't stop",
      'never stop',
      'nonstop',
      'yesterday',
      'noon',
      'the customer will cancel her appointment',
    ],
    `yes ${'blah '.repeat(30)}`,
  ],
};

describe.each(Object.entries(TABLE))('a reply that reads as %s', (kind, texts) => {
  it.each(texts)('%j', (text) => {
    expect(parseReply(text).kind).toBe(kind);
  });
});

test.each([
  ['Y lead_abc12345', ['lead_abc12345']],
  ['LEAD_ABC12345, y lead_X_9 lead_abc12345.', ['lead_abc12345', 'lead_x_9']],
  [`y lead_${'a'.repeat(64)}`, [`lead_${'a'.repeat(64)}`]],
  [`y lead_${'a'.repeat(65)}`, []],
  ['mislead_abc', []],
  ['Y', []],
  ['STOP lead_abc', ['lead_abc']],
])('lead ids in %j', (text, leadIds) => {
  expect(parseReply(text).leadIds).toEqual(leadIds);
});

test('[F27] a carrier re-subscribes on START, YES and UNSTOP alone', () => {
  for (const text of ['START', 'yes', ' Yes\n', 'unstop']) expect(isCarrierResubscribe(text)).toBe(true);
  for (const text of ['Y', 'yes please', 'yes.', 'start now', 'sí', 'stop', '']) {
    expect(isCarrierResubscribe(text)).toBe(false);
  }
});

test('text after 2,000 characters is not read', () => {
  expect(parseReply(`Y${' '.repeat(1_990)}stop`).kind).toBe('stop');
  expect(parseReply(`Y${' '.repeat(2_000)}stop`).kind).toBe('accept');
});

test.each(['any more', 'anymore', 'you to', 'no me', 'more leads', 'la', 'until next'])(
  'a text that repeats %j is read at once',
  (words) => {
    const begins = ['dont send', 'dont want', 'dont', 'no quiero', 'yes', ''];
    const started = performance.now();
    for (const begin of begins) parseReply(`${begin} ${`${words} `.repeat(150)}remove me x`);
    // Backtracking would take hours.
    expect(performance.now() - started).toBeLessThan(5_000);
  },
);

describe('any text', () => {
  const anyText = fc.oneof(fc.string({ unit: 'binary', maxLength: 3_000 }), fc.string({ unit: 'grapheme' }));
  const noise = fc.string({ unit: fc.constantFrom(...' .,!?-*"\'\n\t()…¡'), maxLength: 6 });
  const stopWord = fc.constantFrom(
    ...['stop', 'stopall', 'unsubscribe', 'cancel', 'end', 'quit', 'revoke', 'optout', 'opt out'],
  );
  const mixedCase = (word: string) =>
    fc
      .array(fc.boolean(), { minLength: word.length, maxLength: word.length })
      .map((upper) => [...word].map((letter, at) => (upper[at] ? letter.toUpperCase() : letter)).join(''));

  it('is classified without an exception', () => {
    fc.assert(fc.property(anyText, (text) => Object.keys(TABLE).includes(parseReply(text).kind)));
  });

  it('[S17] a stop word is an opt-out in any case and punctuation', () => {
    fc.assert(
      fc.property(noise, stopWord.chain(mixedCase), noise, (before, word, after) => {
        expect(parseReply(before + word + after).kind).toBe('stop');
      }),
    );
  });

  it('[S17] STOP takes precedence over a yes', () => {
    const yes = fc.constantFrom('Y', 'yes', 'ok', 'sí', '👍', 'Y lead_abc12345', 'yes please');
    const stop = fc.constantFrom('STOP', 'stop', 'UNSUBSCRIBE', 'stopall', 'OPTOUT', 'opt out');
    fc.assert(
      fc.property(yes, stop, fc.boolean(), (first, second, swap) => {
        const text = swap ? `${second} ${first}` : `${first} ${second}`;
        expect(parseReply(text).kind).toBe('stop');
      }),
    );
  });

  it('is never an answer when a phone reaction quotes it', () => {
    const verb = fc.constantFrom('Liked', 'Loved', 'Laughed at', 'Reacted 👍 to', '👍 to', 'Le gustó');
    const quoted = fc.oneof(fc.string(), fc.constantFrom('Y', 'Reply Y to unlock', 'yes please'));
    fc.assert(
      fc.property(verb, quoted, (said, text) => {
        expect(['ignored', 'stop']).toContain(parseReply(`${said} “${text}”`).kind);
      }),
    );
  });
});
