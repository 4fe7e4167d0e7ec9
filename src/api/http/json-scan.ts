/** What a JSON text may contain. A value is an element, a property, or a list or object itself. */
export type JsonLimits = {
  depth: number;
  values: number;
  /** Values in one element of a list directly within the outermost object, and in all that is outside such lists. */
  valuesEach: number;
};

export type JsonExcess = 'depth' | 'values';

/** A list directly within the outermost object. Offsets are in bytes; `ends` are those of its elements. */
export type JsonList = { start: number; ends: number[] };

const quote = 0x22;
const comma = 0x2c;
const openList = 0x5b;
const backslash = 0x5c;
const closeList = 0x5d;
const openObject = 0x7b;
const closeObject = 0x7d;

/**
 * Reads JSON text byte by byte before it is parsed: counts what would make parsing expensive and finds where a large text
 * can be divided. The text may be read in pieces. Invalid JSON is not noticed; the parser will refuse it.
 */
export class JsonScan {
  excess: JsonExcess | null = null;
  readonly lists: JsonList[] = [];
  readonly #limits: JsonLimits;
  #at = 0;
  #depth = 0;
  #values = 0;
  /** `#values` when the current element, or what is outside of lists, began. */
  #since = 0;
  #outside = 0;
  #inString = false;
  #list: JsonList | null = null;
  #inObject = false;

  constructor(limits: JsonLimits) {
    this.#limits = limits;
  }

  /** Reads on up to `end`. Returns false once a limit is exceeded. */
  read(bytes: Uint8Array, end: number): boolean {
    let at = this.#at;
    let inString = this.#inString;
    for (; at < end; at += 1) {
      const byte = bytes[at]!;
      if (inString) {
        if (byte === backslash) at += 1;
        else if (byte === quote) inString = false;
      } else if (byte === quote) inString = true;
      else if (byte === comma) {
        if (!this.#separate(at)) return false;
      } else if (byte === openList || byte === openObject) {
        if (!this.#open(at, byte)) return false;
      } else if (byte === closeList || byte === closeObject) this.#close(at);
    }
    this.#at = at;
    this.#inString = inString;
    return true;
  }

  #open(at: number, byte: number): boolean {
    if (this.#depth === 0) this.#inObject = byte === openObject;
    this.#depth += 1;
    if (this.#depth > this.#limits.depth) this.excess = 'depth';
    if (!this.#count()) return false;
    if (byte !== openList || this.#depth !== 2 || !this.#inObject) return true;
    this.#list = { start: at + 1, ends: [] };
    this.lists.push(this.#list);
    this.#outside = this.#values - this.#since;
    this.#since = this.#values;
    return true;
  }

  #close(at: number): void {
    if (this.#depth === 2 && this.#list) {
      this.#list.ends.push(at);
      this.#list = null;
      this.#since = this.#values - this.#outside;
    }
    this.#depth -= 1;
  }

  #separate(at: number): boolean {
    if (this.#depth === 2 && this.#list) {
      this.#list.ends.push(at);
      this.#since = this.#values;
    }
    return this.#count();
  }

  #count(): boolean {
    this.#values += 1;
    const { values, valuesEach } = this.#limits;
    if (this.#values > values || this.#values - this.#since > valuesEach) this.excess ??= 'values';
    return this.excess === null;
  }
}
