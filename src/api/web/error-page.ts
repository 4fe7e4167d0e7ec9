import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Runtime } from '../../usecases/runtime.ts';
import { errorHandler, failureOf, noteFailure } from '../http/errors.ts';
import { sendPage } from '../http/forms.ts';
import { addToLog } from '../http/request-log.ts';
import { render } from './layout.tsx';
import { MessagePage, type Way } from './message-page.tsx';

type Failure = ReturnType<typeof failureOf>;
/** Where a person may go from an error; the dashboard when it is empty. */
type WaysOn = (request: FastifyRequest, failure: Failure) => Promise<readonly Way[]>;

/** Answers errors with a page for browsers and with problem+json for programs. */
export function pageErrors({ config, log }: Pick<Runtime, 'config' | 'log'>, waysOn: WaysOn = signIn) {
  const json = errorHandler(log);
  return async (error: unknown, request: FastifyRequest, reply: FastifyReply) => {
    if (!prefersPage(request)) return json(error, request, reply);
    const failure = failureOf(error);
    const { status, title, detail, code, retryAfterSeconds } = failure;
    addToLog(request, { code });
    noteFailure(log, error, status, request);
    if (retryAfterSeconds !== undefined) reply.header('retry-after', String(retryAfterSeconds));
    const ways = await waysOn(request, failure).catch(() => []);
    return sendPage(reply.status(status), config, await render(MessagePage({ title, text: detail, ways })));
  };
}

/** Whether the Accept header names HTML, and JSON not before it: browsers send it so, programs do not. */
function prefersPage({ headers }: FastifyRequest): boolean {
  const accept = (headers.accept ?? '').toLowerCase();
  const html = accept.indexOf('text/html');
  const json = accept.search(/application\/(?:problem\+)?json/);
  return html >= 0 && (json < 0 || html < json);
}

async function signIn({ method, url }: FastifyRequest, { status }: Failure): Promise<readonly Way[]> {
  if (status !== 401) return [];
  return [{ href: method === 'GET' ? `/login?next=${encodeURIComponent(url)}` : '/login', label: 'Sign in' }];
}
