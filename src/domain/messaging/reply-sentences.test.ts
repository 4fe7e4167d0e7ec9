import { describe, expect, it } from 'vitest';
import { parseReply } from './reply.ts';
import { english } from './reply-sentences.test-data.ts';
import { spanish } from './reply-sentences-es.test-data.ts';
import { trades } from './reply-sentences-trades.test-data.ts';
import { tradesInSpanish } from './reply-sentences-trades-es.test-data.ts';

const kindOf = (text: string) => parseReply(text).kind;
/** The sentences that are read otherwise than wanted. */
const misread = (sentences: readonly string[], wanted: (text: string) => boolean) =>
  sentences.filter((text) => !wanted(text)).map((text) => `${kindOf(text)}: ${text}`);

describe.each([
  ['English', english],
  ['Spanish', spanish],
  ['Trades’', trades],
  ['Trades’ Spanish', tradesInSpanish],
])('%s sentences', (_language, sentences) => {
  it('[S17] a revocation is an opt-out, however it is put', () => {
    expect(misread(sentences.stop, (text) => kindOf(text) === 'stop')).toEqual([]);
  });

  it('[S17] in capitals, with emojis, greetings or signs around it, it still is', () => {
    const dressed = sentences.stop.flatMap((text) => [
      text.toUpperCase(),
      `${text} 🙏🙏`,
      `Hi, ${text}`,
      `${text}\nThanks`,
      `  ${text}…`,
    ]);
    expect(misread(dressed, (text) => kindOf(text) === 'stop')).toEqual([]);
  });

  it('[S17] beside a yes it is never an acceptance', () => {
    const beside = sentences.stop.flatMap((text) => [
      `Yes, ${text}`,
      `${text}. Yes`,
      `ok ${text}`,
      `Y ${text}`,
    ]);
    expect(misread(beside, (text) => ['stop', 'unclear'].includes(kindOf(text)))).toEqual([]);
  });

  it('an ordinary sentence never opts out, not even beside a yes or a no', () => {
    const all = sentences.never.flatMap((text) => [text, `Yes, ${text}`, `No. ${text}`, `${text}, thanks`]);
    expect(misread(all, (text) => kindOf(text) !== 'stop')).toEqual([]);
  });

  it.each(['accept', 'decline', 'unclear'] as const)('what is meant to %s does', (kind) => {
    expect(misread(sentences[kind], (text) => kindOf(text) === kind && !parseReply(text).automatic)).toEqual(
      [],
    );
  });

  it('[F74] what a machine wrote is no answer, and is recognized', () => {
    expect(
      misread(sentences.auto, (text) => kindOf(text) === 'unclear' && parseReply(text).automatic),
    ).toEqual([]);
  });
});

it('the table has at least 2,000 sentences', () => {
  const all = [english, spanish, trades, tradesInSpanish].flatMap((language) =>
    Object.values(language).flat(),
  );
  expect(new Set(all).size).toBeGreaterThanOrEqual(2_000);
});
