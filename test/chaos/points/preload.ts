import { ClientRequest } from 'node:http';
import { Queue } from 'bullmq';
import pg from 'pg';
import { armed, armingVariable, type Trap } from './arming.ts';
import type { QueueCall, Statement, Step, VendorCall } from './catalogue.ts';

/**
 * Loaded by `--import` ahead of a program: lays named crash points around the driver, HTTP and the queue, from
 * outside. Before a step: nothing of it has left the process. After: its answer is here and nobody has seen it.
 */
const trap = armed(process.env[armingVariable]);
if (trap) {
  watchStatements(trap);
  watchCalls(trap);
  watchQueue(trap);
}

type Answer = { rowCount: number | null; rows: Record<string, unknown>[] };
// biome-ignore lint/suspicious/noExplicitAny: the patched methods take what they always took.
type Method = (...args: any[]) => any;

function watchStatements(trap: Trap): void {
  const known = trap.steps.filter((step): step is Step & { is: Statement } => 'sql' in step.is);
  /** Texts are few and prepared; their parameters are many. */
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
    for (const step of these) trap.hit(step, 'before');
    const answered = (answer: Answer) => {
      for (const step of these) if (tookEffect(answer, step.is)) trap.hit(step, 'after');
      return answer;
    };
    const returned = query.apply(this, args);
    return typeof returned?.then === 'function' ? returned.then(answered) : returned;
  };
}

/** A guard that touched no row and a claim that was refused committed nothing. */
function tookEffect({ rows, rowCount }: Answer, { rows: needsRows }: Statement): boolean {
  const [first] = rows;
  return (
    first?.moved !== false && first?.held !== false && first?.claim !== null && !(needsRows && !rowCount)
  );
}

const called = Symbol('steps of this call');

function watchCalls(trap: Trap): void {
  const known = trap.steps.filter((step): step is Step & { is: VendorCall } => 'http' in step.is);
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
    for (const step of request[called]) trap.hit(step, 'before');
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
    if (args[0] === 'response') for (const step of this[called] ?? []) trap.hit(step, 'after');
    return emit.apply(this, args);
  };
}

/** Forms as a reader sees them. */
function readable(body: string): string {
  return body.startsWith('{') ? body : [...new URLSearchParams(body).values()].join('\n');
}

function watchQueue(trap: Trap): void {
  const prototype = Queue.prototype as unknown as Record<'add' | 'addBulk' | 'remove', Method>;
  const known = trap.steps.filter((step): step is Step & { is: QueueCall } => 'queue' in step.is);
  for (const name of ['add', 'addBulk', 'remove'] as const) {
    const original = prototype[name];
    prototype[name] = async function (this: unknown, ...args) {
      const kind = name === 'remove' ? 'remove' : args[0] === 'canary' ? 'plant' : 'add';
      const these = known.filter(({ is }) => is.queue === kind);
      for (const step of these) trap.hit(step, 'before');
      const result = await original.apply(this, args);
      for (const step of these) trap.hit(step, 'after');
      return result;
    };
  }
}
