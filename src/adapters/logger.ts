import { type DestinationStream, type Logger as PinoLogger, pino, stdTimeFunctions } from 'pino';
import type { Config } from '../config.ts';

export type Logger = PinoLogger;

const hidden = '[hidden]';
const deepest = 6;
const longestList = 100;
const longestMessage = 2_000;
/** Longer texts are cut: a line is for reading, and a caller may have sent the text. */
const longestText = 8_192;
/** Longest match of `secretText`: a text is cut by as much once more, because the cut may have halved one. */
const longestMatch = 400;

/** Names of fields, ignoring case, `_` and `-`, whose values are contact data, message texts or secrets. */
const secretName =
  /^(body|rawbody|text|notes|notessnippet|contact|contacts|recipient|cookies?|setcookie|customerdetails|params|payload|headers|addr)$|(phone|email|address|password|secret|apikey|authorization|cookie|token|signature|clientname|firstname|lastname|toname|ownername|credentials)$/;

/**
 * Contact data and secrets that are replaced inside any text. Every repetition that is followed by something is bounded,
 * so that the time is linear in the text.
 */
const secretText: readonly [RegExp, string][] = [
  [/[^\s<>"'(),;:=@]{1,64}@[^\s<>"'(),;@]{1,255}\.[^\s<>"'(),;@]{2,63}/g, '[e-mail]'],
  [/(?<![\w.])\+\d[\d\s().-]{5,20}\d/g, '[phone]'],
  [/\b(sk|rk|pk|whsec)_[A-Za-z0-9_]{6,}|\bSG\.[\w-]{6,}\.[\w-]{6,}/g, '[secret]'],
  [/_secret_[A-Za-z0-9]{6,}/g, '_secret_[secret]'],
  [/(\/p\/|\/webhook\/textmagic\/)[\w-]{6,}/g, '$1[token]'],
  [/(\w{1,20}:\/\/[^\s:/@]{1,64}:)[^\s/@]{1,256}@/g, '$1[secret]@'],
];
/** Each match of `secretText` contains one of these. Most texts of a line contain none. */
const trace = /[@+_/]|\bSG\./;

/**
 * Logs JSON lines to stdout (or `destination`). Values are redacted by field name at any depth, and contact data, keys
 * and link tokens are replaced in every text, so that call sites need not redact. Log ids, not people.
 */
export function createLogger(
  config: Pick<Config, 'logLevel'>,
  name: string,
  destination?: DestinationStream,
): Logger {
  const options = {
    name,
    level: config.logLevel,
    base: { pid: process.pid },
    timestamp: stdTimeFunctions.isoTime,
    formatters: {
      level: (label: string) => ({ level: label }),
      log: (fields: Record<string, unknown>) => cleanFields(fields, 0),
    },
    hooks: {
      logMethod(this: Logger, args: Parameters<Logger['info']>, method: Logger['info']) {
        const [first, ...rest] = args as unknown[];
        // pino would use the unredacted message of a bare error as the message of the line.
        const fields =
          first instanceof Error
            ? [{ error: first }, ...(rest.length > 0 ? rest : ['error'])]
            : [first, ...rest];
        const cleaned = fields.map((part, index) =>
          index === 0 && typeof part === 'object' ? part : clean(part, 0),
        );
        method.apply(this, cleaned as Parameters<Logger['info']>);
      },
    },
  };
  const logger = destination ? pino(options, destination) : pino(options);
  return cleaningChildren(logger);
}

/** Redacts the bindings of child loggers, to which pino applies no formatter. Children inherit this method. */
function cleaningChildren(logger: Logger): Logger {
  const { child } = logger;
  logger.child = function (this: Logger, bindings, options) {
    return child.call(this, cleanFields(bindings, 0), options);
  } as Logger['child'];
  return logger;
}

/** Returns class, codes, message and stack of an error, without requests, parameters or rows. */
export function describeError(error: Error, depth = 0): Record<string, unknown> {
  const { code, vendor, vendorCode, constraint, status } = error as Error & Record<string, unknown>;
  const type = error.constructor?.name || error.name;
  const message = safeMessage(error);
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  const codes = Object.entries({ code, vendor, vendorCode, constraint, status }).filter(
    ([, value]) => typeof value === 'string' || typeof value === 'number',
  );
  return {
    type,
    ...Object.fromEntries(codes),
    message,
    stack: [`${type}: ${message}`, ...frames].join('\n'),
    ...(error.cause instanceof Error && depth < 3 && { cause: describeError(error.cause, depth + 1) }),
  };
}

/** Removes query parameters, which Drizzle appends, and the input that JSON.parse quotes. */
function safeMessage(error: Error): string {
  const withoutParams = error.message.replace(/\nparams:[\s\S]*$/, '');
  const unquoted = error instanceof SyntaxError ? withoutParams.replace(/"[\s\S]*"/, '"…"') : withoutParams;
  return cleanText(unquoted.slice(0, longestMessage));
}

function cleanFields(fields: Record<string, unknown>, depth: number): Record<string, unknown> {
  const cleaned: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields))
    cleaned[name] = isSecret(name, value) ? hidden : clean(value, depth + 1);
  return cleaned;
}

/** By name: fields are named in the code. Names that come with foreign objects are not kept once they are many or long. */
const secretNames = new Map<string, boolean>();
const mostNames = 1_000;
const longestName = 64;

function isSecretName(name: string): boolean {
  const known = secretNames.get(name);
  if (known !== undefined) return known;
  const secret = secretName.test(name.replace(/[_-]/g, '').toLowerCase());
  if (secretNames.size < mostNames && name.length <= longestName) secretNames.set(name, secret);
  return secret;
}

/** Flags and counts under such a name (`email: true`, `phones: 3`) are not personal data. */
function isSecret(name: string, value: unknown): boolean {
  if (value === null || value === undefined || typeof value === 'boolean' || typeof value === 'number')
    return false;
  return isSecretName(name);
}

function clean(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return cleanText(value);
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  if (value instanceof Error) return describeError(value);
  if (depth > deepest) return '[deep]';
  if (Array.isArray(value)) return value.slice(0, longestList).map((item) => clean(item, depth + 1));
  // Requests, sockets and connections are logged by class name only.
  if (!isPlain(value)) return `[${value.constructor?.name ?? 'object'}]`;
  return cleanFields(value as Record<string, unknown>, depth);
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function cleanText(text: string): string {
  const long = text.length > longestText;
  if (!long && !trace.test(text)) return text;
  const cleaned = secretText.reduce(
    (rest, [pattern, replacement]) => rest.replace(pattern, replacement),
    long ? text.slice(0, longestText) : text,
  );
  return long ? `${cleaned.slice(0, -longestMatch)}… (${text.length} characters)` : cleaned;
}
