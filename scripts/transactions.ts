import { parseSync } from '@swc/core';

/**
 * Finds what a transaction waits for besides the database. A `withTx` callback holds a connection, so it may await only
 * calls that get its transaction, and so may every function that takes a `Tx`. A function that takes a `Queryable` is not
 * checked: it is in `src/db`, which can reach nothing else (`npm run check:arch`).
 */
export type ForeignAwait = { line: number; text: string };

type Node = { type: string; span: { start: number; end: number } } & Record<string, unknown>;

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';

/** The nodes directly below. Some lists hold wrappers without a type ({ expression }, { spread }). */
function* childrenOf(value: unknown): Generator<Node> {
  if (typeof value !== 'object' || value === null) return;
  for (const child of Object.values(value)) {
    if (isNode(child)) yield child;
    else yield* childrenOf(child);
  }
}

function* descendantsOf(node: Node): Generator<Node> {
  yield node;
  for (const child of childrenOf(node)) yield* descendantsOf(child);
}

/** swc counts bytes over all files it has parsed: this statement marks where ours begins. */
const mark = '0;\n';

export function foreignAwaits(source: string, { tsx = false } = {}): ForeignAwait[] {
  const tree = parseSync(mark + source, { syntax: 'typescript', tsx, target: 'es2022' });
  const bytes = Buffer.from(source);
  const offset = tree.span.start + mark.length;
  const found = new Map<number, ForeignAwait>();
  for (const node of descendantsOf(tree as unknown as Node)) {
    for (const { body, tx } of transactionsIn(node)) {
      for (const { span } of strangersIn(body, tx)) {
        const start = span.start - offset;
        const line = bytes.subarray(0, start).toString().split('\n').length;
        found.set(start, { line, text: bytes.subarray(start, span.end - offset).toString() });
      }
    }
  }
  return [...found.values()];
}

/** The functions that run in a transaction: callbacks of withTx, and functions with a parameter of type Tx. */
function transactionsIn(node: Node): { body: Node; tx: string }[] {
  if (node.type === 'CallExpression' && isNode(node.callee) && nameOf(node.callee) === 'withTx') {
    const [callback] = argumentsOf(node);
    if (!callback || !isFunction(callback)) return callback ? [{ body: callback, tx: '' }] : [];
    return [{ body: callback, tx: paramsOf(callback)[0]?.name ?? '' }];
  }
  if (!isFunction(node)) return [];
  const typed = paramsOf(node).find(({ type }) => type === 'Tx');
  return typed ? [{ body: node, tx: typed.name }] : [];
}

const isFunction = ({ type }: Node): boolean =>
  ['ArrowFunctionExpression', 'FunctionExpression', 'FunctionDeclaration'].includes(type);

const isBlock = ({ type }: Node): boolean => type === 'FunctionBody' || type === 'BlockStatement';

function paramsOf({ params }: Node): { name: string; type: string | null }[] {
  return (Array.isArray(params) ? params : []).map((param: unknown) => {
    const pattern = isNode(param) && isNode(param.pat) ? param.pat : param;
    if (!isNode(pattern) || pattern.type !== 'Identifier') return { name: '', type: null };
    const [annotation] = childrenOf({ of: pattern.typeAnnotation });
    const type = annotation && isNode(annotation.typeAnnotation) ? annotation.typeAnnotation : null;
    return {
      name: String(pattern.value),
      type: type?.type === 'TsTypeReference' && isNode(type.typeName) ? nameOf(type.typeName) : null,
    };
  });
}

/** The name of an identifier, or of the property of a member expression. */
function nameOf(node: Node): string | null {
  if (node.type === 'Identifier') return String(node.value);
  if (node.type === 'MemberExpression' && isNode(node.property)) return nameOf(node.property);
  return null;
}

const argumentsOf = (call: Node): Node[] =>
  (Array.isArray(call.arguments) ? call.arguments : []).flatMap((argument: { expression?: unknown }) =>
    isNode(argument.expression) ? [argument.expression] : [],
  );

/** What is awaited, iterated or returned in a function without getting the transaction. */
function strangersIn(fn: Node, tx: string): Node[] {
  if (!isFunction(fn)) return [fn];
  const strangers: Node[] = [];
  const judge = (expression: unknown) => {
    if (isNode(expression) && !isOf(expression, tx)) strangers.push(expression);
  };
  // What an arrow function without braces returns is awaited by its transaction too.
  if (isNode(fn.body) && !isBlock(fn.body)) judge(fn.body);
  for (const node of descendantsOf(fn)) {
    if (node.type === 'AwaitExpression' || node.type === 'ReturnStatement') judge(node.argument);
    if (node.type === 'ForOfStatement' && node.await === true) judge(node.right);
  }
  return strangers;
}

/** Whether waiting for an expression waits for this transaction only. What is no call is a value that is here already. */
function isOf(expression: Node, tx: string): boolean {
  switch (expression.type) {
    case 'AwaitExpression':
      // Judged by itself.
      return true;
    case 'CallExpression':
      return isCallOf(expression, tx);
    case 'NewExpression':
      return nameOf(expression.callee as Node) !== 'Promise';
    case 'Identifier':
      return true;
    case 'ArrowFunctionExpression':
    case 'FunctionExpression':
      return true;
    default:
      return [...childrenOf(expression)].every((child) => isOf(child, tx));
  }
}

function isCallOf(call: Node, tx: string): boolean {
  const given = argumentsOf(call);
  if (given.some((argument) => argument.type === 'Identifier' && argument.value === tx)) return true;
  const { callee } = call;
  if (!isNode(callee) || callee.type !== 'MemberExpression' || !isNode(callee.object)) return false;
  const receiver = callee.object;
  if (receiver.type === 'Identifier') {
    if (receiver.value === tx) return true;
    // Promise.all([…]): each of its promises.
    return receiver.value === 'Promise' && given.length > 0 && given.every((each) => isPromiseOf(each, tx));
  }
  // A method of something that is of the transaction: `tx.orm.execute(…)`, `run(tx, …).then(…)`.
  return isChainOf(receiver, tx);
}

function isChainOf(receiver: Node, tx: string): boolean {
  if (receiver.type === 'Identifier') return receiver.value === tx;
  if (receiver.type === 'CallExpression') return isCallOf(receiver, tx);
  return receiver.type === 'MemberExpression' && isNode(receiver.object) && isChainOf(receiver.object, tx);
}

/** A list of calls of the transaction, or a `map` whose function makes one. */
function isPromiseOf(list: Node, tx: string): boolean {
  if (list.type === 'ArrayExpression') return [...childrenOf(list)].every((each) => isOf(each, tx));
  const [made] = list.type === 'CallExpression' ? argumentsOf(list) : [];
  return (
    made !== undefined && isFunction(made) && isNode(made.body) && !isBlock(made.body) && isOf(made.body, tx)
  );
}
