import { z } from 'zod';
import { RefusedError } from '../../domain/errors.ts';

/** RFC 9457. `code` is stable, for programs; `title` and `detail` are for people and never tell of our insides. */
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
  401: 'Who are you?',
  403: 'Not allowed',
  404: 'Not found',
  405: 'Not possible here',
  408: 'The request took too long',
  409: 'Conflict',
  413: 'Too large',
  414: 'Address too long',
  415: 'Unsupported content type',
  422: 'Cannot be done',
  429: 'Too many requests',
  500: 'Something went wrong on our side',
  503: 'Temporarily not available',
};

export function problem(status: number, code: string, detail: string, fields?: Problem['fields']): Problem {
  const title = titles[status] ?? 'The request failed';
  return { type: `/docs/problems#${code}`, title, status, detail, code, ...(fields ? { fields } : {}) };
}

/** Documented with every route that can refuse. */
export const problemResponses = (...statuses: (400 | 401 | 403 | 404 | 409 | 413 | 415 | 429 | 503)[]) =>
  Object.fromEntries(statuses.map((status) => [status, problemSchema])) as Record<
    (typeof statuses)[number],
    typeof problemSchema
  >;

export const notFound = (what: string) => new RefusedError(404, 'not_found', `There is no such ${what}.`);
