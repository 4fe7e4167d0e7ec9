import { z } from 'zod';
import { RefusedError } from '../../domain/errors.ts';
import type { ProblemCode } from '../../domain/problems.ts';

/** RFC 9457. `code` is stable and for programs; `title` and `detail` are for people and reveal no internals. */
export const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  detail: z.string(),
  code: z.string(),
  fields: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
});
export type Problem = z.infer<typeof problemSchema>;

export const problemType = 'application/problem+json';

const titles: Record<number, string> = {
  400: 'The request is not valid',
  401: 'Authentication required',
  403: 'Not allowed',
  404: 'Not found',
  405: 'Method not allowed',
  408: 'Request timed out',
  409: 'Conflict',
  413: 'Too large',
  414: 'Address too long',
  415: 'Unsupported content type',
  422: 'Cannot be processed',
  429: 'Too many requests',
  500: 'Something went wrong on our side',
  503: 'Temporarily unavailable',
};

export function problem(
  status: number,
  code: ProblemCode,
  detail: string,
  fields?: Problem['fields'],
): Problem {
  const title = titles[status] ?? 'The request failed';
  return { type: `/docs/problems#${code}`, title, status, detail, code, ...(fields ? { fields } : {}) };
}

/** Error responses for the documentation of a route. */
export const problemResponses = (...statuses: (400 | 401 | 403 | 404 | 409 | 413 | 415 | 429 | 503)[]) =>
  Object.fromEntries(statuses.map((status) => [status, problemSchema])) as Record<
    (typeof statuses)[number],
    typeof problemSchema
  >;

export const notFound = (what: string) => new RefusedError(404, 'not_found', `There is no such ${what}.`);
