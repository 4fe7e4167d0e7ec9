import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Runtime } from '../../usecases/runtime.ts';
import { errorHandler, failureOf, noteFailure } from '../http/errors.ts';
import { sendPage } from '../http/forms.ts';
import { addToLog } from '../http/request-log.ts';
import { render } from './layout.tsx';
import { MessagePage } from './message-page.tsx';

/** Answers errors with a page for browsers and with problem+json for programs. */
export function pageErrors({ config, log }: Pick<Runtime, 'config' | 'log'>) {
  const json = errorHandler(log);
  return async (error: unknown, request: FastifyRequest, reply: FastifyReply) => {
    if (!(request.headers.accept ?? '').includes('text/html')) return json(error, request, reply);
    const { status, title, detail, code } = failureOf(error);
    addToLog(request, { code });
    noteFailure(log, error, status, request);
    return sendPage(reply.status(status), config, await render(MessagePage({ title, text: detail })));
  };
}
