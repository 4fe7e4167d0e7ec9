import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Runtime } from '../../engine/runtime.ts';
import { MessagePage } from '../auth/login-page.tsx';
import { errorHandler, failureOf, noteFailure } from '../http/errors.ts';
import { sendPage } from '../http/forms.ts';
import { render } from './layout.tsx';

/** A page for a browser, problem+json for everybody else. */
export function pageErrors({ config, log }: Pick<Runtime, 'config' | 'log'>) {
  const json = errorHandler(log);
  return async (error: unknown, request: FastifyRequest, reply: FastifyReply) => {
    if (!(request.headers.accept ?? '').includes('text/html')) return json(error, request, reply);
    const { status, title, detail } = failureOf(error);
    noteFailure(log, error, status, request);
    return sendPage(reply.status(status), config, await render(MessagePage({ title, text: detail, status })));
  };
}
