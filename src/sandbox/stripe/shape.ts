import { type Params, Refusal } from '../vendor.ts';

/** Validates one value and throws Stripe's error for it. `param` is its bracketed name. */
export type Rule = (value: unknown, param: string) => void;

export type Shape = Record<string, Rule>;

const invalid = (param: string, message: string, code: string | null = null) =>
  new Refusal(400, code, message, param);

export const anything: Rule = () => undefined;

export const text =
  (max = 5000): Rule =>
  (value, param) => {
    if (typeof value !== 'string') throw invalid(param, `Invalid string: ${JSON.stringify(value)}`);
    if (value.length > max)
      throw invalid(param, `Invalid string: ${value.slice(0, 20)}…; must be at most ${max} characters`);
  };

export const integer =
  (min: number, max: number): Rule =>
  (value, param) => {
    if (typeof value !== 'string' || !/^-?\d+$/.test(value)) {
      throw invalid(param, `Invalid integer: ${String(value)}`, 'parameter_invalid_integer');
    }
    if (Number(value) < min)
      throw invalid(
        param,
        `This value must be greater than or equal to ${min}.`,
        'parameter_invalid_integer',
      );
    if (Number(value) > max)
      throw invalid(param, `This value must be less than or equal to ${max}.`, 'parameter_invalid_integer');
  };

export const oneOf =
  (...choices: string[]): Rule =>
  (value, param) => {
    if (typeof value !== 'string' || !choices.includes(value)) {
      throw invalid(param, `Invalid ${param}: must be one of ${choices.join(', ')}`);
    }
  };

export const url: Rule = (value, param) => {
  if (typeof value !== 'string' || !URL.canParse(value) || !/^https?:/.test(value)) {
    throw invalid(param, 'Not a valid URL', 'url_invalid');
  }
};

/** An ISO 4217 code in any case. */
export const currency: Rule = (value, param) => {
  if (typeof value !== 'string' || !Intl.supportedValuesOf('currency').includes(value.toUpperCase())) {
    throw invalid(param, `Invalid currency: ${String(value)}`);
  }
};

/** At most 50 keys of 40 characters, values of 500. */
export const metadata: Rule = (value, param) => {
  if (value === '') return;
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid(param, 'Invalid object');
  const entries = Object.entries(value);
  if (entries.length > 50) throw invalid(param, 'Metadata can have up to 50 keys');
  for (const [key, item] of entries) {
    if (key.length > 40) throw invalid(`${param}[${key}]`, 'Metadata keys can have up to 40 characters');
    text(500)(item, `${param}[${key}]`);
  }
};

export const list =
  (rule: Rule, max = 100): Rule =>
  (value, param) => {
    if (!Array.isArray(value)) throw invalid(param, 'Invalid array');
    if (value.length > max) throw invalid(param, `Array ${param} can have at most ${max} elements`);
    value.forEach((item, index) => {
      rule(item, `${param}[${index}]`);
    });
  };

export const object =
  (shape: Shape, required: string[] = []): Rule =>
  (value, param) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw invalid(param, 'Invalid object');
    check(value as Params, shape, required, param);
  };

/** Refuses unknown names, as Stripe does. */
export function check(params: Params, shape: Shape, required: string[] = [], parent?: string): void {
  const nameOf = (key: string) => (parent ? `${parent}[${key}]` : key);
  for (const [key, value] of Object.entries(params)) {
    const rule = Object.hasOwn(shape, key) ? shape[key] : undefined;
    if (!rule) throw invalid(nameOf(key), `Received unknown parameter: ${nameOf(key)}`, 'parameter_unknown');
    rule(value, nameOf(key));
  }
  for (const key of required) {
    if (!(key in params))
      throw invalid(nameOf(key), `Missing required param: ${nameOf(key)}.`, 'parameter_missing');
  }
}
