import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import type { Logger } from '../../adapters/logger.ts';
import { isConnectionError, sqlState } from '../../db/client.ts';
import { RefusedError, TransientError } from '../../domain/errors.ts';
import { type Problem, problem, problemType } from './problem.ts';
import { addToLog } from './request-log.ts';

type Failure = Problem & { retryAfterSeconds?: number };

/** The answer to anything that was thrown. An error that is unknown here is a bug: 500, logged, its details not shown. */
export function failureOf(error: unknown): Failure {
  if (error instanceof RefusedError) {
    const { status, code, message, fields, retryAfterSeconds } = error;
    return { ...problem(status, code, message, fields), retryAfterSeconds };
  }
  if (hasZodFastifySchemaValidationErrors(error)) {
    return problem(400, 'invalid_input', 'Some fields are not valid.', fieldsOf(error.validation));
  }
  if (isConnectionError(error) || isOverloaded(error)) {
    return {
      ...problem(503, 'unavailable', 'Please try again in a moment; nothing was lost.'),
      retryAfterSeconds: 2,
    };
  }
  if (error instanceof TransientError) {
    return { ...problem(503, 'vendor_unavailable', 'Please try again in a moment.'), retryAfterSeconds: 5 };
  }
  const { statusCode, code } = error as Partial<FastifyError>;
  if (statusCode && statusCode >= 400 && statusCode < 500) return refusedByFramework(statusCode, code ?? '');
  return problem(500, 'internal_error', 'An unexpected error occurred. It was logged under the request id.');
}

/** Answers an error with problem+json; pages answer the same failures in HTML. */
export function errorHandler(log: Logger) {
  return (error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const { retryAfterSeconds, ...body } = failureOf(error);
    addToLog(request, { code: body.code });
    noteFailure(log, error, body.status, request);
    if (retryAfterSeconds !== undefined) reply.header('retry-after', String(retryAfterSeconds));
    return reply.status(body.status).header('content-type', problemType).send(JSON.stringify(body));
  };
}

/** Logs the kind of an unexpected error and where it was thrown, not its message, which may quote data. */
export function noteFailure(log: Logger, error: unknown, status: number, request: FastifyRequest): void {
  if (status < 500) return;
  const { name, stack, code } = error as Partial<FastifyError>;
  const frames = (stack ?? '')
    .split('\n')
    .filter((line) => line.startsWith('    at '))
    .slice(0, 8);
  const level = status === 500 ? 'error' : 'warn';
  log[level](
    {
      event: 'request_failed',
      requestId: request.id,
      status,
      error: name,
      code: code ?? sqlState(error),
      frames,
    },
    'request failed',
  );
}

function refusedByFramework(status: number, code: string): Failure {
  switch (code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return problem(413, 'too_large', 'The body is larger than this route accepts.');
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
    case 'FST_ERR_CTP_EMPTY_TYPE':
      return problem(415, 'unsupported_content_type', 'This route does not accept that content type.');
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
      return problem(400, 'invalid_json', 'The body is not valid JSON.');
    default:
      return problem(status, status === 404 ? 'not_found' : 'bad_request', 'The request could not be read.');
  }
}

type Issue = { instancePath: string; message?: string; params: Record<string, unknown> };

/** JSON paths with dots (`config.price_cents`). An unknown key is named itself, not its parent. */
function fieldsOf(
  issues: readonly { instancePath: string; message?: string; params: unknown }[],
): Problem['fields'] {
  return (issues as readonly Issue[]).slice(0, 50).flatMap((issue) => {
    const path = issue.instancePath.split('/').filter(Boolean).join('.');
    const { keys } = issue.params;
    if (Array.isArray(keys)) {
      return keys.slice(0, 20).map((key) => {
        const name = String(key).slice(0, 100);
        return { path: path ? `${path}.${name}` : name, message: 'unknown field' };
      });
    }
    return [{ path, message: issue.message ?? 'not valid' }];
  });
}

/** Statement timeouts, deadlocks, a full disk, a read-only server: the same request may succeed later. */
function isOverloaded(error: unknown): boolean {
  const state = sqlState(error) ?? '';
  return ['57014', '55P03', '53100', '53200', '40001', '40P01', '25006'].includes(state);
}
