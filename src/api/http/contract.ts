import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Logger } from '../../adapters/logger.ts';
import { ContractError } from '../../domain/errors.ts';
import { dollarsToMinor } from '../../domain/marketplace/dollars.ts';
import { readJsonBodies } from './bodies.ts';
import { failureOf, noteFailure } from './errors.ts';
import { problemSchema, problemType } from './problem.ts';
import { addToLog } from './request-log.ts';

/*
 * The habits of the marketplace's clients (docs/contracts-marketplace.md): every call says that it sends JSON, also with an
 * empty body; absent values of a query are sent as `` or `undefined`; keys that are not known are ignored; a refusal has a
 * fixed wording, and who may call is judged before what was sent.
 */

/** Prepares a scope of routes for these clients. Their bodies are read by `bodyOf`; `schema` documents them. */
export function speakContract(app: FastifyInstance, { log }: { log: Logger }): void {
  readJsonBodies(app, { emptyIsAbsent: true });
  app.setValidatorCompiler(() => (value) => ({ value }));
  app.setErrorHandler((error, request, reply) => answerError(log, error, request, reply));
}

function answerError(
  log: Logger,
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const { retryAfterSeconds, ...body } = failureOf(error);
  addToLog(request, { code: body.code });
  noteFailure(log, error, body.status, request);
  if (retryAfterSeconds !== undefined) reply.header('retry-after', String(retryAfterSeconds));
  const wording = error instanceof ContractError ? error.wording : body.detail;
  return reply
    .status(body.status)
    .header('content-type', problemType)
    .send(JSON.stringify({ error: wording, ...body }));
}

const contractProblem = problemSchema.extend({ error: z.string().describe('The wording that clients show') });

/** Error responses for the documentation of a route. */
export const contractProblems = (...statuses: (400 | 401 | 403 | 404 | 409 | 413 | 415 | 429 | 503)[]) =>
  Object.fromEntries(statuses.map((status) => [status, contractProblem])) as Record<
    (typeof statuses)[number],
    typeof contractProblem
  >;

export type Given = Readonly<Record<string, unknown>>;

/** The object that a request sends; empty without a body. Throws 400 for any other JSON value. */
export function bodyOf(request: FastifyRequest): Given {
  const { body } = request;
  if (body === undefined || body === null) return {};
  if (typeof body === 'object' && !Array.isArray(body)) return body as Given;
  throw refused('Invalid request body', 'Send a JSON object.');
}

/** The query without what clients send for absent values. Of a name that is sent twice the first value counts. */
export function queryOf(request: FastifyRequest): Readonly<Record<string, string>> {
  const query: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.query as Record<string, unknown>)) {
    const first = Array.isArray(value) ? value[0] : value;
    if (typeof first === 'string' && first !== '' && first !== 'undefined') query[name] = first;
  }
  return query;
}

export const isBlank = (value: unknown): boolean =>
  value === undefined || value === null || (typeof value === 'string' && value.trim() === '');

/** Throws 400 with this wording unless each of the keys has a value. */
export function assertGiven(given: Given, keys: readonly string[], wording: string): void {
  const missing = keys.filter((key) => isBlank(given[key]));
  if (missing.length === 0) return;
  throw refused(
    wording,
    `${wording}.`,
    missing.map((path) => ({ path, message: 'must be given' })),
  );
}

/**
 * Reads the keys of a schema and ignores others. A key that is absent, or `undefined`, is absent in what is returned, so
 * that an update changes only what was sent. Throws 400 `Invalid <field>` for the first value that is not valid.
 */
export function read<S extends z.ZodObject>(schema: S, given: Given): z.infer<S> {
  const known = Object.keys(schema.shape).filter(
    (key) => Object.hasOwn(given, key) && given[key] !== undefined,
  );
  const parsed = schema.safeParse(Object.fromEntries(known.map((key) => [key, given[key]])));
  if (parsed.success) return parsed.data;
  const fields = parsed.error.issues
    .slice(0, 50)
    .map(({ path, message }) => ({ path: path.map(String).join('.'), message }));
  const [first] = fields;
  throw refused(`Invalid ${first!.path.split('.')[0]}`, `${first!.path}: ${first!.message}.`, fields);
}

/** 400 with a wording of the contract. */
export const refused = (wording: string, detail?: string, fields?: { path: string; message: string }[]) =>
  new ContractError(400, 'invalid_input', wording, detail, fields ? { fields } : {});

/** 404 with a wording of the contract, also for what belongs to others. */
export const missing = (wording: string, detail?: string) =>
  new ContractError(404, 'not_found', wording, detail);

/** Dollars as a number or a numeric string with at most two decimals; read as whole cents. */
export const dollars = z.union([z.number(), z.string().max(20)]).transform((value, context) => {
  const minor = dollarsToMinor(value);
  if (minor !== null) return minor;
  context.addIssue('must be an amount in dollars with at most two decimals');
  return z.NEVER;
});

/** An optional limit: `null`, `0` and `""` clear it. */
export const clearable = <S extends z.ZodType>(limit: S) =>
  z.preprocess(
    (value) =>
      value === 0 || value === '0' || (typeof value === 'string' && value.trim() === '') ? null : value,
    limit.nullable(),
  );

/** A whole number, also as a string. */
export const whole = (least: number, most: number) =>
  z.preprocess(
    (value) => (typeof value === 'string' && /^-?\d{1,15}$/.test(value.trim()) ? Number(value) : value),
    z.int().min(least).max(most),
  );

/** A page of a list that is counted. */
export type Page = { page: number; limit: number };

const pageQuery = z.object({ page: whole(1, 1_000_000).default(1), limit: whole(1, 200).default(50) });

export const pageOf = (request: FastifyRequest): Page => read(pageQuery, queryOf(request));

export const paginationSchema = z.object({
  page: z.int(),
  limit: z.int(),
  total: z.int(),
  pages: z.int(),
});

export const pagination = ({ page, limit }: Page, total: number) => ({
  page,
  limit,
  total,
  pages: Math.ceil(total / limit),
});
