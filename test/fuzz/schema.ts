import type { Random } from './random.ts';
import { hostileJson, hostileString } from './values.ts';

/** The part of JSON Schema that /openapi.json uses. */
export type Schema = {
  $ref?: string;
  type?: string | string[];
  enum?: unknown[];
  const?: unknown;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
  required?: string[];
  items?: Schema;
  format?: string;
  pattern?: string;
  minimum?: number;
  maximum?: number;
  minItems?: number;
  maxItems?: number;
};

/** What a valid request names: ids of the caller's own and of other tenants, by the name of the field. */
export type Dictionary = Record<string, readonly string[]>;

/** A JSON text that mostly follows the schema: some values are replaced by hostile ones. */
export function jsonFor(schema: Schema, random: Random, words: Dictionary, name = '', depth = 0): string {
  if (depth > 8) return 'null';
  if (random.chance(depth === 0 ? random.hostility / 2 : random.hostility)) return hostileJson(random);
  const choice = schema.anyOf ?? schema.oneOf;
  if (choice) return jsonFor(random.pick(choice), random, words, name, depth);
  if (schema.allOf) return jsonFor(Object.assign({}, ...schema.allOf) as Schema, random, words, name, depth);
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return JSON.stringify(random.pick(schema.enum));
  const type = Array.isArray(schema.type) ? random.pick(schema.type) : schema.type;
  switch (type) {
    case 'object':
      return objectFor(schema, random, words, name, depth);
    case 'array':
      return arrayFor(schema, random, words, name, depth);
    case 'integer':
    case 'number':
      return JSON.stringify(numberFor(schema, random));
    case 'boolean':
      return random.chance(0.5) ? 'true' : 'false';
    case 'null':
      return 'null';
    default:
      return JSON.stringify(stringFor(schema, random, words, name));
  }
}

function objectFor(schema: Schema, random: Random, words: Dictionary, name: string, depth: number): string {
  const members: string[] = [];
  const required = new Set([...(schema.required ?? []), ...(words[`${name}!`] ?? [])]);
  for (const [key, value] of propertiesOf(schema, words, name)) {
    if (!random.chance(required.has(key) ? 1 - random.hostility / 4 : 0.6)) continue;
    const member = () => `${JSON.stringify(key)}:${jsonFor(value, random, words, key, depth + 1)}`;
    members.push(member());
    // The same key twice.
    if (random.chance(0.02)) members.push(member());
  }
  if (random.chance(0.04)) members.push(`${JSON.stringify(hostileString(random))}:${hostileJson(random)}`);
  return `{${members.join(',')}}`;
}

/** Where a schema leaves the names open, those that the dictionary has for it. */
function propertiesOf({ properties, additionalProperties }: Schema, words: Dictionary, name: string) {
  const open = typeof additionalProperties === 'object' ? additionalProperties : {};
  const named = additionalProperties ? (words[`${name}.*`] ?? []) : [];
  return [...Object.entries(properties ?? {}), ...named.map((key) => [key, open] as const)];
}

function arrayFor(schema: Schema, random: Random, words: Dictionary, name: string, depth: number): string {
  const most = random.chance(0.03) ? 300 : 4;
  const count = random.integer(0, Math.min(most, schema.maxItems ?? most));
  const items = Array.from({ length: count }, () =>
    jsonFor(schema.items ?? {}, random, words, name, depth + 1),
  );
  return `[${items.join(',')}]`;
}

/** A whole number without a bound of its own is bounded by what JavaScript counts. */
const isBound = (bound: number | undefined): bound is number =>
  bound !== undefined && Math.abs(bound) < Number.MAX_SAFE_INTEGER;

function numberFor(schema: Schema, random: Random): number {
  const minimum = isBound(schema.minimum) ? schema.minimum : 0;
  const maximum = isBound(schema.maximum) ? schema.maximum : 100_000;
  if (random.chance(2 * random.hostility)) return random.pick([minimum, maximum, minimum - 1, maximum + 1]);
  return random.integer(Math.ceil(minimum), Math.min(Math.floor(maximum), Math.ceil(minimum) + 10_000));
}

export function stringFor({ format }: Schema, random: Random, words: Dictionary, name: string): string {
  const known = words[name];
  if (known && known.length > 0 && random.chance(0.9)) return random.pick(known);
  if (format === 'uuid') return random.pick(words.uuid ?? ['00000000-0000-7000-8000-000000000000']);
  if (format === 'date-time')
    return random.pick(['2026-11-27T12:00:00Z', '1970-01-01T00:00:00Z', '9999-12-31T23:59:59Z']);
  if (format === 'email') return 'ann@example.com';
  if (/phone/.test(name)) return `+1305${random.integer(2_000_000, 9_999_999)}`;
  if (/email/.test(name)) return `p${random.integer(1, 9_999)}@example.com`;
  if (/timestamp|_at$|_from$|_to$/.test(name)) return '2026-11-27T12:00:00Z';
  if (/currency/.test(name)) return random.pick(['usd', 'eur', 'vnd', 'jpy']);
  return random.pick(['Miami', 'Massage', 'Ann', 'evening', 'x', 'Calle Ocho 8']);
}
