export const fieldTypes = [
  'text',
  'number',
  'email',
  'phone',
  'date',
  'boolean',
  'select',
  'state',
  'zip',
  'url',
] as const;
export type FieldType = (typeof fieldTypes)[number];

/** One value of a category's leads. */
export type CategoryField = {
  name: string;
  type: FieldType;
  required: boolean;
  /** Whether it is shown only to the buyer who bought the lead. */
  locked: boolean;
  description: string | null;
  /** The values of a `select`; empty for other types. */
  options: string[];
};

export const mostFields = 100;
export const mostOptions = 200;
const longestName = 60;
const longestOption = 200;
const longestDescription = 500;

/** `leadId` and `buyerId` are ours in every webhook. */
const reserved = new Set(['__proto__', 'constructor', 'prototype', 'leadId', 'buyerId']);

export const isReservedName = (name: string): boolean => reserved.has(name);

/** Names of people and of streets, as forms call them, without punctuation and case. */
const personal =
  /^(?:(?:lead|contact|client|customer|consumer|owner|applicant|homeowner)?(?:(?:first|last|full|middle|given|family|maiden|sur|nick|legal)?names?|e?mail(?:address)?|(?:home|work|cell|mobile|day|evening)?(?:tele)?phone(?:number|no)?|mobile(?:number)?|cell(?:number)?)|(?:(?:home|street|mailing|property|postal|billing|service|exact|full)?address(?:line)?[1-4]?|street(?:name|number|line)?[12]?|apt|apartment|unit))$/;

/** Whether a field without `locked` is locked: e-mail, phone, names of people, street addresses. */
export const lockedByDefault = (type: FieldType, name: string): boolean =>
  type === 'email' || type === 'phone' || personal.test(name.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, ''));

export type ReadFields =
  | { ok: true; fields: CategoryField[] }
  /** `path`: where in what was given, such as `fields.2.type`. */
  | { ok: false; path: string; message: string };

class FieldProblem extends Error {
  readonly path: string;

  constructor(path: string, message: string) {
    super(message);
    this.path = path;
  }
}

/** Reads the `fields` of a category as a client sends them. Unknown keys are ignored. */
export function readFields(given: unknown): ReadFields {
  try {
    return { ok: true, fields: readList(given) };
  } catch (error) {
    if (error instanceof FieldProblem) return { ok: false, path: error.path, message: error.message };
    throw error;
  }
}

function readList(given: unknown): CategoryField[] {
  if (!Array.isArray(given)) throw new FieldProblem('fields', 'must be a list');
  if (given.length === 0) throw new FieldProblem('fields', 'must have at least one field');
  if (given.length > mostFields) throw new FieldProblem('fields', `must have at most ${mostFields} fields`);
  const names = new Set<string>();
  return given.map((each: unknown, index) => {
    const path = `fields.${index}`;
    if (typeof each !== 'object' || each === null || Array.isArray(each))
      throw new FieldProblem(path, 'must be an object');
    const field = readField(each as Record<string, unknown>, path);
    if (names.has(field.name)) throw new FieldProblem(`${path}.name`, 'is the name of another field');
    names.add(field.name);
    return field;
  });
}

function readField(given: Record<string, unknown>, path: string): CategoryField {
  const name = textOf(given.name, `${path}.name`, longestName);
  if (reserved.has(name)) throw new FieldProblem(`${path}.name`, 'is reserved');
  const type = fieldTypes.find((each) => each === given.type);
  if (!type) throw new FieldProblem(`${path}.type`, `must be one of ${fieldTypes.join(', ')}`);
  return {
    name,
    type,
    required: flagOf(given.required, `${path}.required`, false),
    locked: flagOf(given.locked, `${path}.locked`, lockedByDefault(type, name)),
    description: isBlank(given.description)
      ? null
      : textOf(given.description, `${path}.description`, longestDescription),
    options: type === 'select' ? optionsOf(given.options, `${path}.options`) : [],
  };
}

const isBlank = (value: unknown): boolean =>
  value === undefined || value === null || (typeof value === 'string' && value.trim() === '');

function textOf(value: unknown, path: string, longest: number): string {
  if (typeof value !== 'string' || isBlank(value)) throw new FieldProblem(path, 'must be a text');
  const text = value.trim();
  if (text.length > longest) throw new FieldProblem(path, `must have at most ${longest} characters`);
  if (/[\0\p{Cs}]/u.test(text)) throw new FieldProblem(path, 'must not contain NUL or broken characters');
  return text;
}

function flagOf(value: unknown, path: string, usual: boolean): boolean {
  if (value === undefined || value === null) return usual;
  if (typeof value !== 'boolean') throw new FieldProblem(path, 'must be true or false');
  return value;
}

function optionsOf(value: unknown, path: string): string[] {
  if (!Array.isArray(value) || value.length === 0)
    throw new FieldProblem(path, 'must be a list of the values to choose from');
  if (value.length > mostOptions) throw new FieldProblem(path, `must have at most ${mostOptions} values`);
  const options = value.map((each: unknown, index) =>
    textOf(typeof each === 'number' ? String(each) : each, `${path}.${index}`, longestOption),
  );
  if (new Set(options).size < options.length) throw new FieldProblem(path, 'must not name a value twice');
  return options;
}
