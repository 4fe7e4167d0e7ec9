import { ClientRequest } from 'node:http';
import { Queue } from 'bullmq';
import pg from 'pg';
import { type ArmedPoints, armed, armingVariable } from './arming.ts';
import type { QueueCall, Statement, Step, VendorCall } from './catalogue.ts';

/**
 * Loaded by `--import` before a program: patches the database driver, HTTP and the queue with named crash points. 'before'
 * a step nothing of it has left the process; 'after' it the response has arrived and has not been processed.
 */
const armedPoints = armed(process.env[armingVariable]);
if (armedPoints) {
  watchStatements(armedPoints);
  watchCalls(armedPoints);
  watchQueue(armedPoints);
}

type Answer = { rowCount: number | null; rows: Record<string, unknown>[] };
// biome-ignore lint/suspicious/noExplicitAny: the patched methods pass on any arguments.
type Method = (...args: any[]) => any;

function watchStatements(armedPoints: ArmedPoints): void {
  const known = armedPoints.steps.filter((step): step is Step & { is: Statement } => 'sql' in step.is);
  /** Cached by text, because the product uses few statements with many parameters. */
  const byText = new Map<string, (Step & { is: Statement })[]>();
  const candidates = (text: string) => {
    let found = byText.get(text);
    if (!found) {
      found = known.filter(({ is }) => text.includes(is.sql) && !(is.without && text.includes(is.without)));
      byText.set(text, found);
    }
    return found;
  };
  const { prototype } = pg.Client as unknown as { prototype: { query: Method } };
  const query = prototype.query;
  prototype.query = function (this: unknown, ...args) {
    const [given, second] = args;
    const text = typeof given === 'string' ? given : given?.text;
    if (typeof text !== 'string') return query.apply(this, args);
    const found = candidates(text);
    if (found.length === 0) return query.apply(this, args);
    const values: unknown[] = (typeof given === 'string' ? second : (given.values ?? second)) ?? [];
    const line = Array.isArray(values) ? values.map(String).join('\n') : '';
    const these = found.filter(({ is }) => !is.values || is.values.test(line));
    for (const step of these) armedPoints.hit(step, 'before');
    const answered = (answer: Answer) => {
      for (const step of these) if (tookEffect(answer, step.is)) armedPoints.hit(step, 'after');
      return answer;
    };
    const returned = query.apply(this, args);
    return typeof returned?.then === 'function' ? returned.then(answered) : returned;
  };
}

/** False when a guard matched no row or a claim was refused, because nothing was committed. */
function tookEffect({ rows, rowCount }: Answer, { rows: needsRows }: Statement): boolean {
  const [first] = rows;
  return (
    first?.moved !== false && first?.held !== false && first?.claim !== null && !(needsRows && !rowCount)
  );
}

const called = Symbol('steps of this call');

function watchCalls(armedPoints: ArmedPoints): void {
  const known = armedPoints.steps.filter((step): step is Step & { is: VendorCall } => 'http' in step.is);
  const prototype = ClientRequest.prototype as unknown as Record<'write' | 'end' | 'emit', Method> & {
    method: string;
    path: string;
    [called]?: Step[];
  };
  type Request = typeof prototype;
  const begin = (request: Request, chunk: unknown) => {
    if (request[called]) return;
    const body = typeof chunk === 'string' || Buffer.isBuffer(chunk) ? readable(String(chunk)) : '';
    request[called] = known.filter(
      ({ is }) =>
        is.http === request.method && is.path.test(request.path) && (!is.body || is.body.test(body)),
    );
    for (const step of request[called]) armedPoints.hit(step, 'before');
  };
  for (const name of ['write', 'end'] as const) {
    const original = prototype[name];
    prototype[name] = function (this: Request, ...args) {
      begin(this, args[0]);
      return original.apply(this, args);
    };
  }
  const emit = prototype.emit;
  prototype.emit = function (this: Request, ...args) {
    if (args[0] === 'response') for (const step of this[called] ?? []) armedPoints.hit(step, 'after');
    return emit.apply(this, args);
  };
}

/** Decodes form fields; JSON is returned as it is. */
function readable(body: string): string {
  return body.startsWith('{') ? body : [...new URLSearchParams(body).values()].join('\n');
}

function watchQueue(armedPoints: ArmedPoints): void {
  const prototype = Queue.prototype as unknown as Record<'add' | 'addBulk' | 'remove', Method>;
  const known = armedPoints.steps.filter((step): step is Step & { is: QueueCall } => 'queue' in step.is);
  for (const name of ['add', 'addBulk', 'remove'] as const) {
    const original = prototype[name];
    prototype[name] = async function (this: unknown, ...args) {
      const kind = name === 'remove' ? 'remove' : args[0] === 'canary' ? 'plant' : 'add';
      const these = known.filter(({ is }) => is.queue === kind);
      for (const step of these) armedPoints.hit(step, 'before');
      const result = await original.apply(this, args);
      for (const step of these) armedPoints.hit(step, 'after');
      return result;
    };
  }
}
