import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RefusedError } from '../../domain/errors.ts';
import { startSlice } from '../../engine/slices.ts';
import { type JsonLimits, JsonScan } from './json-scan.ts';
import { parseLargeJson, parseSmallJson } from './large-json.ts';

const roomy: JsonLimits = { depth: 32, values: 1_000_000, valuesEach: 1_000_000 };
const parse = (text: string): unknown => JSON.parse(text);
/** In pieces as small as they can be, so that every boundary occurs. */
const inPieces = (text: string, limits = roomy) =>
  parseLargeJson(Buffer.from(text), limits, parse, { scanned: 3, parsed: 1 });
const codeOf = async (work: () => unknown): Promise<string> => {
  try {
    await work();
    return 'accepted';
  } catch (error) {
    return error instanceof RefusedError ? error.code : 'not JSON';
  }
};

describe('a large body parsed in pieces', () => {
  it('equals the body parsed at once', async () => {
    const json = fc.oneof(
      fc.json(),
      fc.dictionary(fc.string(), fc.array(fc.jsonValue())).map((value) => JSON.stringify(value)),
    );
    await fc.assert(
      fc.asyncProperty(json, fc.nat(3), async (text, indent) => {
        const spaced = JSON.stringify(JSON.parse(text), null, indent);
        expect(await inPieces(spaced)).toEqual(JSON.parse(spaced));
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    '{"a":[1,2],"b":"x","a":[3]}',
    '{"a":[],"b":[ ],"c":[[],{}],"d":{"e":[1,[2]]}}',
    '{"a":["]","\\"],[","\\\\"],"b":["é李👍"]}',
    '[[1],[2]]',
    '{"0":[7],"1":[[0]]}',
    '"text"',
    '5',
  ])('%s', async (text) => {
    expect(await inPieces(text)).toEqual(JSON.parse(text));
  });

  it.each([
    '{"a":[1,]}',
    '{"a":[,1]}',
    '{"a":[1,,2]}',
    '{"a":[1,2}',
    '{"a":[1,2',
    '{"a":[',
    '{"a":[1]]}',
    '{"a":[1}]',
    '{"a":[1,{"b":2]]}',
    '{"a":[1]}{"b":[2]}',
    '{"a":["x]}',
    '{"a":[1],}',
    ',',
    ' ',
  ])('%j is refused as when parsed at once', async (text) => {
    expect(() => JSON.parse(text)).toThrow();
    expect(await codeOf(() => inPieces(text))).toBe('not JSON');
  });

  it('bytes that are not UTF-8 are refused', async () => {
    const bytes = Buffer.concat([Buffer.from('{"a":["'), Buffer.from([0xff]), Buffer.from('"]}')]);
    expect(await codeOf(() => parseLargeJson(bytes, roomy, parse))).toBe('invalid_json');
    expect(await codeOf(() => parseSmallJson(bytes, roomy, parse))).toBe('invalid_json');
  });
});

describe('[S35] values are counted before parsing', () => {
  const limits: JsonLimits = { depth: 4, values: 20, valuesEach: 6 };
  const list = (element: string, count: number) => `{"a":[${Array(count).fill(element).join()}]}`;
  it.each([
    ['as many values as allowed', list('[]', 9), 'accepted'],
    ['too many values', list('[]', 12), 'too_many_values'],
    ['too many values of one element', list('[1,2,3,4,5,6,7]', 1), 'too_many_values'],
    [
      'too many values outside of lists',
      '{"a":[1],"b":{"c":1,"d":2,"e":3,"f":4,"g":5,"h":6}}',
      'too_many_values',
    ],
    ['values within texts', list('"[],{},[],[],{},{},{},,,,,,,,"', 2), 'accepted'],
    ['too deep', '{"a":[[[[[]]]]]}', 'invalid_json'],
  ])('%s', async (_name, text, code) => {
    const unread = (given: string) => {
      if (code === 'accepted') return parse(given);
      throw new Error('a body over a limit was parsed');
    };
    expect(await codeOf(() => parseSmallJson(Buffer.from(text), limits, unread))).toBe(code);
    expect(await codeOf(() => inPieces(text, limits))).toBe(code);
  });

  it('of any JSON, never fewer than it has', () => {
    const count = (value: unknown): number =>
      typeof value === 'object' && value !== null
        ? 1 + Object.values(value).reduce((sum: number, each) => sum + count(each), 0)
        : 1;
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const bytes = Buffer.from(JSON.stringify(value));
        // A container's first element has no separator before it.
        const fewest = Math.floor(count(value) / 2);
        const scan = new JsonScan({ depth: 100, values: fewest - 1, valuesEach: fewest - 1 });
        expect(fewest < 1 || !scan.read(bytes, bytes.length)).toBe(true);
      }),
    );
  });
});

it('[S35] long works of many requests take turns: one slice in each turn of the event loop', async () => {
  let slices = 0;
  const seen: number[] = [];
  const work = async () => {
    const slice = startSlice();
    for (let i = 0; i < 5; i += 1) {
      await slice.next();
      slices += 1;
    }
  };
  let done = false;
  const turns = (async () => {
    while (!done) {
      const before = slices;
      await new Promise((resolve) => setImmediate(resolve));
      seen.push(slices - before);
    }
  })();
  await Promise.all([work(), work(), work()]);
  done = true;
  await turns;
  expect(slices).toBe(15);
  expect(Math.max(...seen)).toBe(1);
});
