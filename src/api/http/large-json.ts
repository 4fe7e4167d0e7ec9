import { RefusedError } from '../../domain/errors.ts';
import { startSlice } from '../../engine/slices.ts';
import { type JsonLimits, type JsonList, JsonScan } from './json-scan.ts';

/** Bytes scanned, and bytes of whole elements parsed, before the time is looked at. */
const together = { scanned: 256 * 1024, parsed: 64 * 1024 };

/** Parses a text that is small enough. Throws for anything that is not JSON. */
export type ParseJson = (text: string) => unknown;

export function parseSmallJson(bytes: Buffer, limits: JsonLimits, parse: ParseJson): unknown {
  const scan = new JsonScan(limits);
  if (!scan.read(bytes, bytes.length)) throw excessive(scan, limits);
  return parse(decoded(bytes));
}

/**
 * Parses a large body in slices, between which other requests are served. The elements of each list directly within the
 * outermost object are parsed in groups; the rest, in which a number stands for each of these lists, at once.
 */
export async function parseLargeJson(
  bytes: Buffer,
  limits: JsonLimits,
  parse: ParseJson,
  { scanned, parsed } = together,
): Promise<unknown> {
  const slice = startSlice();
  await slice.next();
  const scan = new JsonScan(limits);
  for (let end = 0; end < bytes.length; ) {
    end = Math.min(bytes.length, end + scanned);
    if (!scan.read(bytes, end)) throw excessive(scan, limits);
    if (slice.isOver()) await slice.next();
  }
  // A list that does not end is left to the parser, which refuses it.
  const lists = scan.lists.filter(({ start, ends }) => ends.length > 0 && ends[0]! >= start);
  const frame = parse(frameOf(bytes, lists));
  if (lists.length === 0) return frame;
  const found: unknown[][] = [];
  for (const list of lists) {
    const elements: unknown[] = [];
    for (const { text, count } of groupsOf(bytes, list, parsed)) {
      const group = parse(`[${text()}]`) as unknown[];
      // `[1,]` is not JSON, although each of its groups may be.
      const empty = group.length === 0 && list.ends.length === 1;
      if (group.length !== count && !empty) parse(',');
      for (const element of group) elements.push(element);
      if (slice.isOver()) await slice.next();
    }
    found.push(elements);
  }
  return Object.fromEntries(
    Object.entries(frame as Record<string, unknown>).map(([name, value]) => [
      name,
      Array.isArray(value) ? found[value[0] as number] : value,
    ]),
  );
}

/** The text with each list replaced by its number, in brackets. */
function frameOf(bytes: Buffer, lists: readonly JsonList[]): string {
  const parts: string[] = [];
  let at = 0;
  for (const [number, { start, ends }] of lists.entries()) {
    parts.push(decoded(bytes.subarray(at, start)), String(number));
    at = ends.at(-1)!;
  }
  return [...parts, decoded(bytes.subarray(at))].join('');
}

function* groupsOf(
  bytes: Buffer,
  { start, ends }: JsonList,
  size: number,
): Generator<{ text: () => string; count: number }> {
  let from = start;
  let count = 0;
  for (const [i, end] of ends.entries()) {
    count += 1;
    if (end - from < size && i < ends.length - 1) continue;
    const piece = bytes.subarray(from, end);
    yield { text: () => decoded(piece), count };
    from = end + 1;
    count = 0;
  }
}

function decoded(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new RefusedError(400, 'invalid_json', 'The body is not valid UTF-8.');
  }
}

function excessive({ excess }: JsonScan, { values, valuesEach }: JsonLimits): RefusedError {
  if (excess === 'depth') return new RefusedError(400, 'invalid_json', 'The body is nested too deeply.');
  const each = valuesEach < values ? `, and ${valuesEach} in each element of a list` : '';
  return new RefusedError(
    413,
    'too_many_values',
    `The body has more values than this route accepts: at most ${values} in all${each}. Nothing was stored. Send less in a request.`,
  );
}
